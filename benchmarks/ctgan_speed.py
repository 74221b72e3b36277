"""Our CTGAN against ctgan's, part by part: encoding, a step, sampling, memory.

    python benchmarks/ctgan_speed.py --data FOLDER --cache FOLDER [--tables support2 adult]
        [--epochs 6] [--turns 3] [--write]

Both learn from the same table with the paper's batch of 500, each in a process of its own on one
thread, and take turns. Each plays the paper's game for 1 and for `epochs` epochs: the difference is
what steps cost, and what is left of the first fit is encoding and everything else before and after.
Ours is fitted once more as it is used, with its columns calibrated, and drawn in bfloat16: of that
fit are its sampling, its memory and what calibration costs, which the other does not have. Figures
are processor seconds, medians over the turns. "own" memory is the peak beyond what the process held
before the fit: table and libraries. Rows that break a rule are drawn again by ours, and after few
epochs they are many.
"""

import argparse
import json
import tempfile
from pathlib import Path
from statistics import median
from typing import Any, Final

from compare import METHODS, carry_out
from judge import Judge
from plain import facts
from tables import benchmark

RESULTS: Final = Path(__file__).parent / "results" / "ctgan_speed.json"
BATCH: Final = 500
GAME: Final = {"matching_steps": "0", "calibrate": "false", "bfloat16": "true"}
CONTESTANTS: Final = ("ctgan", "ctgan-ctgan")


def fitted(
    name: str, judge: Judge, epochs: int, options: argparse.Namespace, *, calibrate: bool = False
) -> dict[str, Any]:
    """What one fit cost."""
    table, ours = judge.train, name == "ctgan"
    changed: dict[str, str] = GAME | {"calibrate": str(calibrate).lower()} if ours else {}
    task = {
        "epsilon": None, "delta": None, "seed": 0, "rows": 20_000, "limit": options.limit,
        "method": METHODS[name].variant, "columns": facts(table.schema),
        "set": changed | {"epochs": str(epochs) if ours else epochs},
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        return carry_out(METHODS[name], task, judge, Path(folder), options)


def main() -> None:
    """Turns of both contestants; then the ratios."""
    options = _options()
    found = []
    for table in options.tables:
        judge = Judge(benchmark=benchmark(table, options.data))
        runs: dict[str, list[dict[str, float]]] = {name: [] for name in CONTESTANTS}
        for _ in range(options.turns):
            for name in CONTESTANTS:
                one, many = (fitted(name, judge, k, options) for k in (1, options.epochs))
                steps = judge.train.n // BATCH
                step = (many["fit_cpu_seconds"] - one["fit_cpu_seconds"]) / (
                    steps * (options.epochs - 1)
                )
                whole, more = many, {}
                if name == "ctgan":
                    whole = fitted(name, judge, options.epochs, options, calibrate=True)
                    cost = whole["fit_cpu_seconds"] - many["fit_cpu_seconds"]
                    more = {"calibration_seconds": cost}
                runs[name].append({
                    "encode_seconds": one["fit_cpu_seconds"] - steps * step,
                    "step_milliseconds": 1e3 * step,
                    **{k: whole[k] for k in ("rows_per_second", "peak_mb", "own_mb")}, **more,
                })  # fmt: skip
                print(table, name, runs[name][-1], flush=True)
        middle = {
            name: {k: median(r[k] for r in turns) for k in turns[0]} for name, turns in runs.items()
        }
        ours, theirs = (middle[name] for name in CONTESTANTS)
        ratios = {k: theirs[k] / ours[k] for k in theirs}
        ratios["rows_per_second"] = 1 / ratios["rows_per_second"]
        found.append({"table": table, "figures": middle, "times_better": ratios})
        print(table, ratios)
    if options.write:
        about = {"command": "python benchmarks/ctgan_speed.py --write", "turns": options.turns,
                 "epochs": options.epochs}  # fmt: skip
        text = json.dumps(about | {"results": found}, indent=1)
        RESULTS.write_text(text + "\n", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--cache", type=Path, required=True, help="folder of the environments")
    parser.add_argument("--tables", nargs="+", default=["support2", "adult"])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--limit", type=float, default=600, help="processor seconds of a fit")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
