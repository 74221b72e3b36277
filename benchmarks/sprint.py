"""A trial, end to end: real, non-private and private, and the privacy that a paper claimed.

    python benchmarks/sprint.py curve                # δ against epochs; needs no data
    python benchmarks/sprint.py fit --data FOLDER --seeds 3
    python benchmarks/sprint.py effect --data FOLDER --seeds 10 --ways "marginal, ε = 1"
    python benchmarks/sprint.py page                 # tables and figures of docs/models/acgan.md

The table is the stand-in for SPRINT (`simulated/sprint.csv.gz`: 6,502 made-up participants, two
arms, 3 measures at 12 visits). A third of the participants is held out first; every table that is
judged has as many rows as the other two thirds. Results go to benchmarks/results/sprint.json.
"""

import argparse
import json
import math
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import torch
from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent, SelfComposedDpEvent
from dp_accounting.pld import privacy_loss_distribution as pld
from dp_accounting.rdp import RdpAccountant

import wardveil as wv
from wardveil.evaluation import correlation_rank, transfer, treatment_effect
from wardveil.evaluation.prepared import prepare
from wardveil.evaluation.trajectory import Trajectory, trajectories
from wardveil.models import settings
from wardveil.report.figure import delta_figure, median_figure

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "benchmarks" / "results" / "sprint.json"
FIGURES: Final = ROOT / "docs" / "figures" / "trial"
PAGE: Final = ROOT / "docs" / "models" / "acgan.md"
DELTA: Final = 1e-5
EPSILONS: Final = (0.5, 1.0, 2.0, 4.0)
EPOCHS: Final = (1, 10, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500)
PEOPLE: Final = 6_000
"""Participants the paper trained on; an epoch is as many steps of one participant each."""
WAYS: Final[Mapping[str, tuple[str, float]]] = {
    "acgan, not private": ("acgan", math.inf),
    "acgan, ε = 1": ("acgan", 1.0),
    "marginal, ε = 1": ("marginal", 1.0),
    "independent, ε = 1": ("independent", 1.0),
}


def main() -> None:
    """One part of the benchmark."""
    torch.set_num_threads(1)
    options = _options()
    found = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    match options.part:
        case "curve":
            found["curve"] = curve()
        case "fit":
            done = {(f["way"], f["seed"]) for f in found.get("fits", [])}
            for fit in fits(options, done):  # each is kept at once: the whole takes an hour
                found.setdefault("fits", []).append(fit)
                keep(found)
        case "effect":
            found["effects"] = found.get("effects", {}) | effects(options)
        case "page":
            page(found)
            return
    keep(found)


def keep(found: Mapping[str, Any]) -> None:
    """Write the results."""
    RESULTS.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


# -- the published curve, and ours -----------------------------------------------------------


def curve() -> list[dict[str, Any]]:
    """δ after some epochs of the paper's command (σ = 1, one participant a step), four times.

    published   as the paper counted: a participant moves a step by C; moments of 2016
    null        the same noise in wardveil: Poisson coins, one vector of both heads and the fake,
                C; by privacy loss distributions
    swapped     a step of fixed size, where one participant is swapped for another: 2C
    c_squared   the noise of the runs of 2017, σ·C² at C = 1e-4: nothing is left of it
    """
    kinds = {"published": 1.0, "null": 1.0, "swapped": 0.5, "c_squared": 1e-4}
    found = []
    for kind, sigma in kinds.items():
        for epoch in EPOCHS:
            for epsilon in EPSILONS:
                steps = epoch * PEOPLE
                delta = 1.0
                if kind == "published":
                    delta = moments_delta(sigma, steps, epsilon)
                elif kind in ("null", "swapped"):
                    delta = loss_delta(sigma, steps, epsilon)
                found.append({"kind": kind, "epoch": epoch, "epsilon": epsilon, "delta": delta})
    return found


def moments_delta(sigma: float, steps: int, epsilon: float) -> float:
    """δ by the moments accountant as it was in 2016: min over orders λ of exp(α(λ) - λ ε)."""
    orders = [*range(2, 66)]
    accountant = RdpAccountant(orders=orders)
    step = PoissonSampledDpEvent(1 / PEOPLE, GaussianDpEvent(sigma))
    accountant.compose(SelfComposedDpEvent(step, steps))
    log = min((a - 1) * (r - epsilon) for a, r in zip(orders, accountant._rdp, strict=True))
    return math.exp(min(log, 0.0))


def loss_delta(sigma: float, steps: int, epsilon: float) -> float:
    """δ by privacy loss distributions."""
    one = pld.from_gaussian_mechanism(
        sigma, value_discretization_interval=1e-4, sampling_prob=1 / PEOPLE
    )
    return float(one.self_compose(steps).get_delta_for_epsilon(epsilon))


# -- fits ------------------------------------------------------------------------------------


def fits(
    options: argparse.Namespace, done: Collection[tuple[str, int]]
) -> Iterator[dict[str, Any]]:
    """Every way, as many seeds as asked for, but what is there; judged on one processor."""
    table = options.data / "simulated" / "sprint.csv.gz"
    schema = wv.Schema.read(ROOT / "examples" / "schemas" / "sprint.toml")
    frame = pd.read_csv(table)
    for seed in range(options.seeds):
        train, held = split(frame, seed)
        fitted = replace(schema, rows=len(train))
        ways = [way for way in options.ways if (way, seed) not in done]
        if "real" in ways:
            yield {"way": "real", "seed": seed, **judged(train, train, held, fitted)}
        for way in [w for w in ways if w != "real"]:
            began = time.process_time()
            synth = learnt(way, train, fitted, seed)
            seconds = time.process_time() - began
            fake = synth.sample(len(train), seed=seed)
            yield {
                "way": way, "seed": seed, "epsilon": synth.statement.epsilon,
                "fit_seconds": round(seconds, 1), **judged(fake, train, held, fitted),
            }  # fmt: skip


def learnt(way: str, train: pd.DataFrame, schema: wv.Schema, seed: int) -> wv.Synthesizer:
    """One way's synthesizer."""
    name, epsilon = WAYS[way]
    return wv.fit(
        train, schema=schema, model=settings(name, {}), epsilon=epsilon, seed=seed,
        delta=None if math.isinf(epsilon) else DELTA,
    )  # fmt: skip


def effects(options: argparse.Namespace) -> dict[str, Any]:
    """Way -> the difference of arms at one year in syntheses of the same participants."""
    schema = wv.Schema.read(ROOT / "examples" / "schemas" / "sprint.toml")
    train, _ = split(pd.read_csv(options.data / "simulated" / "sprint.csv.gz"), 0)
    fitted, made = replace(schema, rows=len(train)), {}
    for way in options.ways:
        told = []
        for seed in range(options.seeds):
            fake = learnt(way, train, fitted, seed).sample(len(train), seed=seed)
            effect = treatment_effect(train, fake, arm="arm", measurement="SBP_12M", schema=schema)
            told.append(round(effect.synthetic[0], 2))
            print(way, seed, told[-1], effect.real, flush=True)
        made[way] = {"real": effect.real, "synthetic": told}
    return made


def split(frame: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two thirds to learn from, one third held out; by participant, who has one row here."""
    order = np.random.default_rng(seed).permutation(len(frame))
    third = len(frame) // 3
    parts = (frame.iloc[order[third:]], frame.iloc[order[:third]])
    return tuple(part.reset_index(drop=True) for part in parts)  # type: ignore[return-value]


def judged(
    fake: pd.DataFrame, train: pd.DataFrame, held: pd.DataFrame, schema: wv.Schema
) -> dict[str, Any]:
    """The figures of one table."""
    taught = transfer({"real": train, "this": fake}, held, target="arm", schema=schema)
    effect = treatment_effect(train, fake, arm="arm", measurement="SBP_12M", schema=schema)
    ours, theirs = tracks(train, schema), tracks(fake, schema)
    return {
        "accuracy": {t.classifier: t.accuracy for t in taught if t.taught_by == "this"},
        "importance": {t.classifier: t.importance for t in taught if t.taught_by == "this"},
        "correlation_rank": correlation_rank(train, fake, schema=schema),
        "effect": effect.synthetic, "effect_real": effect.real, "effect_inside": effect.inside,
        "median_gap": max(
            abs(a - b)
            for t, u in zip(ours["SBP"], theirs["SBP"], strict=True)
            for a, b in zip(t.median, u.median, strict=True)
            if a is not None and b is not None
        ),
        "lag1_gap": float(np.mean([
            abs(a - b)
            for m in ours
            for t, u in zip(ours[m], theirs[m], strict=True)
            for a, b in zip(t.lag1, u.lag1, strict=True)
            if a is not None and b is not None
        ])),
        "medians": {t.arm: t.median for t in theirs["SBP"]},
    }  # fmt: skip


def tracks(frame: pd.DataFrame, schema: wv.Schema) -> dict[str, Sequence[Trajectory]]:
    """Trajectories of every measure, by arm."""
    assert schema.trial is not None
    (table,) = prepare(frame, schema=schema)
    arm = table.columns[schema.trial.arm]
    masks = {level: np.asarray(arm == level) for level in ("0", "1")}
    return {
        m: list(trajectories(
            table, whose="synthetic", measurement=m, masks=masks,
            visits=tuple(schema.trial.column(m, v) for v in schema.trial.visits),
        ))
        for m in schema.trial.measures
    }  # fmt: skip


# -- page ------------------------------------------------------------------------------------


def page(found: Mapping[str, Any]) -> None:
    """Write the figures and fill the tables of the page between its marks."""
    FIGURES.mkdir(exist_ok=True)
    text = PAGE.read_text(encoding="utf-8")
    tables = {
        "fits": fit_table(found["fits"]), "curve": curve_table(found["curve"]),
        "effects": effect_table(found["effects"]),
    }  # fmt: skip
    for mark, table in tables.items():
        start, stop = f"<!-- {mark} -->\n", f"<!-- /{mark} -->"
        before, _, rest = text.partition(start)
        text = before + start + table + stop + rest.partition(stop)[2]
    PAGE.write_text(text, encoding="utf-8")
    figures(found)


def fit_table(fits: Sequence[Mapping[str, Any]]) -> str:
    """A line a way: the median over seeds, and the range where there are several."""
    head = (
        "| | forest | logistic | SVM | neighbours | correlations | median gap, mmHg | lag-1 gap | "
        "effect inside | fit s |\n|---|---|---|---|---|---|---|---|---|---|\n"
    )
    lines = []
    for way in dict.fromkeys(f["way"] for f in fits):
        mine = [f for f in fits if f["way"] == way]
        cells = [_range([f["accuracy"][c] for f in mine]) for c in mine[0]["accuracy"]]
        for name, digits in (("correlation_rank", 3), ("median_gap", 1), ("lag1_gap", 3)):
            cells += [_range([f[name] for f in mine], digits)]
        cells += [f"{sum(f['effect_inside'] for f in mine)} of {len(mine)}"]
        cells += [_range([f["fit_seconds"] for f in mine], 0) if "fit_seconds" in mine[0] else "–"]
        lines.append(f"| {way} | {' | '.join(cells)} |")
    return head + "\n".join(lines) + "\n"


def effect_table(effects: Mapping[str, Any]) -> str:
    """A line a way: how many syntheses say what the real participants say, and what they say."""
    head = "| | inside | syntheses, mmHg | real, mmHg |\n|---|---|---|---|\n"
    lines = []
    for way, found in effects.items():
        value, low, high = found["real"]
        told = sorted(found["synthetic"])
        inside = sum(low <= x <= high for x in told)
        lines.append(
            f"| {way} | {inside} of {len(told)} | {', '.join(f'{x:.1f}' for x in told)} | "
            f"{value:.1f} ({low:.1f} to {high:.1f}) |"
        )
    return head + "\n".join(lines) + "\n"


def _range(values: Sequence[float], digits: int = 3) -> str:
    middle = f"{np.median(values):.{digits}f}"
    spread = f" ({min(values):.{digits}f}–{max(values):.{digits}f})"
    return middle + (spread if len(values) > 1 and min(values) < max(values) else "")


def curve_table(curve: Sequence[Mapping[str, Any]]) -> str:
    """δ by epoch: as published, and as wardveil counts."""
    names = {"published": "as published", "null": "wardveil", "swapped": "swapped, 2C"}
    epochs = (1, 100, 250, 500)
    by = {(c["kind"], c["epoch"], c["epsilon"]): c["delta"] for c in curve}
    head = "| counted | ε | " + " | ".join(f"epoch {e}" for e in epochs) + " |\n"
    head += "|---|---|" + "---|" * len(epochs) + "\n"
    lines = [
        f"| {name} | {epsilon:g} | "
        + " | ".join(f"{by[kind, e, epsilon]:.2g}" for e in epochs) + " |"
        for kind, name in names.items()
        for epsilon in EPSILONS
    ]  # fmt: skip
    return head + "\n".join(lines) + "\n"


def figures(found: Mapping[str, Any]) -> None:
    """δ against epochs, and the medians of the three tables."""
    names = {"published": "published", "null": "wardveil"}
    delta_figure(
        EPOCHS,
        {
            f"ε = {epsilon:g}, {name}": [
                c["delta"] for c in found["curve"] if (c["kind"], c["epsilon"]) == (kind, epsilon)
            ]
            for kind, name in names.items()
            for epsilon in (1.0, 2.0)
        },
        FIGURES / "sprint_delta.svg",
        allowed=1 / (10 * PEOPLE),
    )
    first = {f["way"]: f["medians"] for f in found["fits"] if f["seed"] == 0}
    schema = wv.Schema.read(ROOT / "examples" / "schemas" / "sprint.toml")
    assert schema.trial is not None
    visits = tuple(schema.trial.column("SBP", v) for v in schema.trial.visits)
    nothing = (None,) * len(visits)

    def drawn(medians: Mapping[str, Sequence[float]]) -> list[Trajectory]:
        return [
            Trajectory(
                measurement="SBP", table="real", arm=arm, visits=visits, n=(0,) * len(visits),
                attended=(1.0,) * len(visits), median=tuple(values), low=nothing, high=nothing,
                lag1=nothing[1:],
            )
            for arm, values in medians.items()
        ]  # fmt: skip

    ways = [w for w in WAYS if w in first and w != "independent, ε = 1"]
    median_figure(
        {w: {"real": drawn(first["real"]), w: drawn(first[w])} for w in ways},
        FIGURES / "sprint_medians.svg", unit="systolic pressure, mmHg",
    )  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=["curve", "fit", "effect", "page"])
    parser.add_argument("--data", type=Path, default=Path("data"))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", default=["real", *WAYS])
    return parser.parse_args()


if __name__ == "__main__":
    main()
