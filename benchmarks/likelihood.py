"""The simulated tables of the CTGAN paper, judged as the paper does: by likelihood.

    python benchmarks/likelihood.py --data FOLDER [--write] [--tables grid asia] [--seeds 0 1 2]
        [--model ctgan] [--set k=v …]

L_syn is the mean log-likelihood of synthetic rows under the truth, L_test that of fresh true rows
under the truth's structure fitted to synthetic rows. For two numbers both are mixtures of 30
(grid, gridr) or 10 (ring) diagonal normals, fitted to the test rows and to the synthetic ones; for
networks 1e-8 is added to every probability. Higher is better; "identity" is the training rows.

Source: Xu et al. (2019), arXiv:1907.00503, section 5.1 and Table 2; constants of its benchmark.
"""

import argparse
import gzip
import json
import math
import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from sklearn.mixture import GaussianMixture
from tables import benchmark

import wardveil as wv
from wardveil.models import settings

FOLDER: Final = Path(__file__).parent / "results"
RESULTS: Final = {
    "ctgan": FOLDER / "likelihood.json", "tablegan": FOLDER / "tablegan_likelihood.json",
}  # fmt: skip
"""By model."""
COMPONENTS: Final = {"grid": 30, "gridr": 30, "ring": 10}
NETWORKS: Final = ("asia", "alarm", "child", "insurance")
FLOOR: Final = 1e-8
VARIABLE: Final = r"variable (\S+) \{\s*type discrete \[ \d+ \] \{([^}]*)\}"
PAPER: Final = {
    "ctgan": {
        "grid": (-5.63, -3.69), "gridr": (-8.11, -4.31), "ring": (-3.43, -2.19),
        "asia": (-2.56, -2.31), "alarm": (-14.2, -12.6), "child": (-13.4, -12.7),
        "insurance": (-16.5, -14.8),
    },
    "tablegan": {
        "grid": (-8.70, -4.99), "gridr": (-9.64, -4.70), "ring": (-6.38, -2.66),
        "asia": (-3.64, -2.77), "alarm": (-12.7, -11.5), "child": (-15.0, -13.3),
        "insurance": (-16.0, -14.3),
    },
}  # fmt: skip
"""The paper's rows of these models: L_syn, L_test."""

Score = Callable[[pd.DataFrame, pd.DataFrame], tuple[float, float]]


@dataclass(frozen=True, kw_only=True)
class Node:
    """One variable of a network.

    Attributes:
        states: Its values, in order.
        parents: Names.
        chances: (states of each parent …, own states).
    """

    states: tuple[str, ...]
    parents: tuple[str, ...]
    chances: np.ndarray


def read_network(path: Path) -> dict[str, Node]:
    """A network from BIF text."""
    text = gzip.decompress(path.read_bytes()).decode()
    states = {
        name: tuple(s.strip() for s in inside.split(","))
        for name, inside in re.findall(VARIABLE, text)
    }
    nodes = {}
    for head, body in re.findall(r"probability \(([^)]*)\) \{([^}]*)\}", text):
        name, *parents = (part.strip() for part in re.split(r"[|,]", head))
        table = np.zeros([len(states[p]) for p in (*parents, name)])
        for given, row in re.findall(r"(?:table|\(([^)]*)\)) ([^;]*);", body):
            at = tuple(
                states[p].index(v.strip())
                for p, v in zip(parents, given.split(",") if given else (), strict=True)
            )
            table[at] = [float(x) for x in row.split(",")]
        nodes[name] = Node(states=states[name], parents=tuple(parents), chances=table)
    return nodes


def log_likelihood(nodes: Mapping[str, Node], frame: pd.DataFrame) -> float:
    """Mean log(p + floor) of some rows."""
    codes = _codes(nodes, frame)
    p = np.ones(len(frame))
    for name, node in nodes.items():
        p *= node.chances[tuple(codes[v] for v in (*node.parents, name))]
    return float(np.log(p + FLOOR).mean())


def fitted(nodes: Mapping[str, Node], frame: pd.DataFrame) -> dict[str, Node]:
    """The same structure with the frequencies of some rows; uniform where nobody has been."""
    codes, found = _codes(nodes, frame), {}
    for name, node in nodes.items():
        table = np.zeros(node.chances.shape)
        np.add.at(table, tuple(codes[v] for v in (*node.parents, name)), 1.0)
        total = table.sum(axis=-1, keepdims=True)
        chances = np.where(total > 0, table / np.maximum(total, 1), 1 / len(node.states))
        found[name] = Node(states=node.states, parents=node.parents, chances=chances)
    return found


def _codes(nodes: Mapping[str, Node], frame: pd.DataFrame) -> dict[str, np.ndarray]:
    """Column -> position of each row's state, (n,)."""
    return {
        name: pd.Categorical(frame[name].astype(str), categories=node.states).codes
        for name, node in nodes.items()
    }


def by_network(nodes: Mapping[str, Node]) -> Score:
    """L_syn and L_test under a network."""

    def score(synthetic: pd.DataFrame, test: pd.DataFrame) -> tuple[float, float]:
        return log_likelihood(nodes, synthetic), log_likelihood(fitted(nodes, synthetic), test)

    return score


def by_mixture(components: int) -> Score:
    """L_syn and L_test under mixtures fitted to the other table."""

    def score(synthetic: pd.DataFrame, test: pd.DataFrame) -> tuple[float, float]:
        x, y = synthetic[["x", "y"]].to_numpy(), test[["x", "y"]].to_numpy()
        truth, made = (
            GaussianMixture(components, covariance_type="diag", random_state=0).fit(part)
            for part in (y, x)
        )
        return float(truth.score(x)), float(made.score(y))

    return score


def baselines(train: pd.DataFrame, rng: np.random.Generator) -> dict[str, pd.DataFrame]:
    """The training rows themselves, each column by itself, and each value alike."""
    n = len(train)
    numeric = {c: pd.api.types.is_numeric_dtype(train[c]) for c in train}
    uniform = {
        c: rng.uniform(train[c].min(), train[c].max(), n)
        if number
        else rng.choice(train[c].unique(), n)
        for c, number in numeric.items()
    }
    shuffled = {c: rng.permutation(train[c].to_numpy()) for c in train}
    return {
        "identity": train, "independent columns": pd.DataFrame(shuffled),
        "uniform": pd.DataFrame(uniform),
    }  # fmt: skip


def main() -> None:
    """Fit, sample, score."""
    torch.set_num_threads(1)
    options = _options()
    found, paper = [], PAPER[options.model]
    for name in options.tables:
        train, test = (
            pd.read_csv(options.data / f"simulated/ctgan_{name}_{part}.csv.gz",
                        keep_default_na=False)
            for part in ("train", "test")
        )  # fmt: skip
        if name in COMPONENTS:
            score = by_mixture(COMPONENTS[name])
        else:
            score = by_network(read_network(options.data / f"bif/{name}.bif.gz"))
        rows = {k: [score(f, test)] for k, f in baselines(train, np.random.default_rng(0)).items()}
        table = benchmark(f"ctgan_{name}", options.data).table
        model = settings(options.model, dict(s.split("=", 1) for s in options.set))
        for seed in options.seeds:
            synth = wv.fit(table, model=model, epsilon=math.inf, seed=seed)
            pair = score(synth.sample(len(train), seed=seed), test)
            rows.setdefault(options.model, []).append(pair)
            print(name, seed, *(round(x, 3) for x in pair), "paper", *paper[name], flush=True)
        found.append({"table": name, "paper": paper[name], "rows": rows})
        for method, pairs in rows.items():
            print(f"  {method:<22}", *(f"{np.median(x):8.2f}" for x in zip(*pairs, strict=True)))
        if options.write:  # after every table: a run takes hours
            _write(options, found)


def _write(options: argparse.Namespace, found: list[dict[str, Any]]) -> None:
    about = {
        "command": "python benchmarks/likelihood.py --write",
        "settings": {"model": options.model, "seeds": options.seeds, "set": options.set},
        "machine": {"python": platform.python_version(), "torch": torch.__version__},
    }
    path = RESULTS[options.model]
    before = json.loads(path.read_text(encoding="utf-8"))["results"] if path.is_file() else []
    anew = {f["table"] for f in found}
    kept = [f for f in before if f["table"] not in anew]
    text = json.dumps(about | {"results": [*kept, *found]}, indent=1)
    path.write_text(text + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the tables")
    tables = [*COMPONENTS, *NETWORKS]
    parser.add_argument("--tables", nargs="+", choices=tables, default=tables)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--model", default="ctgan", choices=sorted(PAPER))
    parser.add_argument("--set", nargs="*", default=[], help="settings of the model, k=v")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
