"""Every method on every table at equal ε: one line of JSON a run, as it finishes.

    python benchmarks/compare.py --data FOLDER --cache FOLDER [--tables pbc nhefs]
        [--methods marginal smartnoise-mst] [--epsilons 1] [--seeds 0 1 2] [--limit 600]

A run that is in the results already is skipped; --again makes it anew, and the last one counts.
Methods run one at a time in processes and environments of their own, on one thread. Runs that
fail or exceed the limit are results and are kept. `python benchmarks/page.py` writes the page.
"""

import argparse
import json
import math
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pandas as pd
from environments import PINS, python_of
from judge import Judge
from plain import facts, plain, restored, without_holes
from tables import TABLES, benchmark

import wardveil as wv

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "results" / "compare.jsonl"
DELTA: Final = 1e-5
"""The same for everybody; smaller where a tenth of a patient is less, which wardveil asks for."""
OURS: Final = "wardveil"
REAL: Final = "real rows"
WAIT: Final = 6
"""Clock seconds that a run may take, for each processor second it may take."""
KEY: Final = ("table", "method", "epsilon", "seed")


@dataclass(frozen=True, kw_only=True)
class Method:
    """What is compared.

    Attributes:
        peer: Its environment, or `OURS`.
        script: In benchmarks/peers.
        variant: What the script is asked for.
        private: Whether it takes ε; the others run once, as ε = ∞.
        set: Settings of a model of ours.
    """

    peer: str
    script: str
    variant: str
    private: bool = True
    set: Mapping[str, str] = field(default_factory=dict)


def _ours(model: str, **set_: str) -> Method:
    return Method(peer=OURS, script="wardveil_self.py", variant=model, set=set_)


def _peers(peer: str, script: str, *variants: str, private: bool = True) -> dict[str, Method]:
    return {
        f"{peer}-{v}": Method(peer=peer, script=script, variant=v, private=private)
        for v in variants
    }


METHODS: Final = {
    **{
        name: _ours(name)
        for name in ("marginal", "independent", "medical-cgan", "ctgan", "tablegan")
    },
    "medical-cgan-alone": _ours("medical-cgan", anchor="false", learnable="0"),
    "ctgan-alone": _ours("ctgan", anchor="false", learnable="0"),
    "tablegan-alone": _ours("tablegan", anchor="false", learnable="0"),
    **_peers("smartnoise", "smartnoise_peer.py", "mst", "aim", "dpctgan", "patectgan"),
    **_peers("dpmm", "dpmm_peer.py", "mst", "aim", "privbayes"),
    "mostlyai-argn": Method(peer="mostlyai", script="mostlyai_peer.py", variant="argn"),
    "mostlyai-argn-open": Method(
        peer="mostlyai", script="mostlyai_peer.py", variant="argn", private=False
    ),
    **_peers("ctgan", "ctgan_peer.py", "ctgan", "tvae", private=False),
    "arfpy": Method(peer="arfpy", script="arfpy_peer.py", variant="arf", private=False),
}


def main() -> None:
    """Run what is asked for and not yet known."""
    options = _options()
    for name in options.tables:
        judge = Judge(benchmark=benchmark(name, options.data))
        for method in [REAL, *options.methods]:
            for epsilon in _epsilons(method, options.epsilons):
                for seed in options.seeds if method != REAL else [0]:
                    key = (name, method, epsilon, seed)
                    if (options.again and method != REAL) or key not in known(options.results):
                        record = dict(zip(KEY, key, strict=True)) | record_of(judge, key, options)
                        append(options.results, record)


def known(path: Path) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Key -> the last record of that run."""
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {tuple(r[k] for k in KEY): r for r in map(json.loads, lines)}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--cache", type=Path, required=True, help="folder of the environments")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--tables", nargs="+", choices=list(TABLES), default=list(TABLES))
    parser.add_argument("--methods", nargs="+", choices=list(METHODS), default=list(METHODS))
    parser.add_argument("--epsilons", nargs="+", type=float, default=[1.0])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--limit", type=float, default=600, help="processor seconds a run may take")
    parser.add_argument("--busy", action="store_true", help="other work runs: times are rough")
    parser.add_argument("--again", action="store_true", help="make known runs anew")
    return parser.parse_args()


def _epsilons(method: str, asked: list[float]) -> list[float | None]:
    """None stands for ∞, which JSON does not know."""
    if method == REAL or not METHODS[method].private:
        return [None]
    return [None if math.isinf(e) else e for e in asked]


def record_of(judge: Judge, key: tuple[Any, ...], options: argparse.Namespace) -> dict[str, Any]:
    """One run: what it cost and what it made, or how it failed."""
    _, method, epsilon, seed = key
    table = judge.train
    about: dict[str, Any] = {"rows": table.n, "columns": len(table.schema.modelled)}
    if method == REAL:
        return about | {"auc": judge.real_auc if judge.benchmark.target else None} | judge.ruler()
    delta = min(DELTA, 10.0 ** math.floor(math.log10(1 / (10 * table.n))))
    about |= {"delta": None if epsilon is None else delta, "limit": options.limit,
              "busy": options.busy, "version": _version(METHODS[method])}  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        task = {"epsilon": epsilon, "delta": delta, "seed": seed, "rows": table.n,
                "limit": options.limit, "method": METHODS[method].variant,
                "set": dict(METHODS[method].set), "columns": facts(table.schema)}  # fmt: skip
        done = carry_out(METHODS[method], task, judge, Path(folder), options)
        if "failed" in done:
            return about | done
        made = pd.read_csv(Path(folder) / "synthetic.csv", keep_default_na=False, na_values=[""])
    if METHODS[method].peer == OURS:
        return about | done | judge.figures(made)
    filled, holes = without_holes(made)
    done |= {"holes": holes} if holes else {}
    try:
        return about | done | judge.figures(restored(filled, table.schema))
    except ValueError:
        return about | done | {"failed": "columns of its table are missing"}


def carry_out(
    method: Method, task: dict[str, Any], judge: Judge, folder: Path, options: argparse.Namespace
) -> dict[str, Any]:
    """Run the method's script on a folder of files; what it reports, or how it failed."""
    ours = method.peer == OURS
    python = Path(sys.executable) if ours else python_of(method.peer, options.cache)
    (folder / "task.json").write_text(json.dumps(task), encoding="utf-8")
    plain(judge.train).to_csv(folder / "train.csv", index=False)
    if ours:
        judge.train.schema.write(folder / "schema.toml")
        judge.train.to_frame(ids=True).to_parquet(folder / "train.parquet")
    log = options.cache / "last_error.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    command = [str(python), str(HERE / "peers" / method.script), str(folder)]
    environment = os.environ | {
        "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    }  # fmt: skip
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command, stdout=errors, stderr=errors, env=environment, start_new_session=True
        )
        try:
            code = process.wait(timeout=WAIT * options.limit)
        except subprocess.TimeoutExpired:
            # The whole session: some peers start processes of their own.
            os.killpg(process.pid, signal.SIGKILL)
            code = -signal.SIGXCPU
            process.wait()
    if code == -signal.SIGXCPU:
        return {"failed": f"not finished in {options.limit:g} s"}
    if code != 0:
        return {"failed": _kind_of_error(log.read_text(encoding="utf-8", errors="replace"), code)}
    done: dict[str, Any] = json.loads((folder / "done.json").read_text(encoding="utf-8"))
    return {k: round(v, 3) for k, v in done.items()}


def _kind_of_error(log: str, code: int) -> str:
    """The type of the exception and never its message, which may quote cells."""
    lines = [line for line in log.splitlines() if line and not line[0].isspace()]
    word = lines[-1].split(":")[0].strip() if lines else ""
    return word if word.replace(".", "").isidentifier() else f"exit {code}"


def _version(method: Method) -> str:
    return f"wardveil {wv.__version__}" if method.peer == OURS else PINS[method.peer][0]


def append(path: Path, record: dict[str, Any]) -> None:
    """Keep a run as a line of the results, and show it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")
    print({k: v for k, v in record.items() if k not in ("limit", "busy", "delta")}, flush=True)


if __name__ == "__main__":
    main()
