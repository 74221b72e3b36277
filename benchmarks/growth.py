"""How time and memory grow: fit, sample and evaluation against rows, and against columns.

    python benchmarks/growth.py [--model marginal] [--rows 1000 10000 100000 1000000]
        [--columns 10 30 100 300 500] [--budget 900] [--epsilon 1] [--set k=v …]

Every point is a process of its own on one thread, made-up patients (four common causes, half of
the columns numbers, half yes or no). Lines of `marginal` at ε = 1 go to results/growth.jsonl, and
`python benchmarks/page.py` writes docs/growth.md; others are printed. A point that would need more
than the budget is recorded as such.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

HERE: Final = Path(__file__).parent
RESULTS: Final = HERE / "results" / "growth.jsonl"
COLUMNS: Final = 40
ROWS: Final = 3_000
"""What stays as it is while the other grows."""
SAMPLED: Final = 100_000
JUDGED: Final = 10_000
"""Rows that are drawn, and most rows that are evaluated."""


def main() -> None:
    """Every point of both curves, smallest first."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", default="marginal")
    parser.add_argument("--rows", nargs="*", type=int, default=[1_000, 10_000, 100_000, 1_000_000])
    parser.add_argument("--columns", nargs="*", type=int, default=[10, 30, 100, 300, 500])
    parser.add_argument("--budget", type=float, default=900, help="processor seconds for a point")
    parser.add_argument("--busy", action="store_true", help="other work runs: times are rough")
    parser.add_argument("--epsilon", type=float, default=1.0)
    parser.add_argument("--set", nargs="*", default=[], help="settings of the model, k=v")
    parser.add_argument("--point", nargs=2, type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.point:
        print(json.dumps(measured(options, *options.point)))
        return
    points = [("rows", n, COLUMNS) for n in sorted(options.rows)]
    points += [("columns", ROWS, k) for k in sorted(options.columns)]
    for axis, n, k in points:
        record = {"model": options.model, "axis": axis, "rows": n, "columns": k,
                  "busy": options.busy, **_point(options, n, k)}  # fmt: skip
        if options.model == "marginal" and options.epsilon == 1.0 and not options.set:
            with RESULTS.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        print(record, flush=True)


def _point(options: argparse.Namespace, n: int, k: int) -> dict[str, Any]:
    """One point in its own process; {"failed": …} when it needed too long or fell over."""
    command = [
        sys.executable, __file__, "--model", options.model, "--epsilon", str(options.epsilon),
        "--set", *options.set, "--point", str(n), str(k),
    ]  # fmt: skip
    seconds = round(options.budget)
    done = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5)),
    )  # fmt: skip
    if done.returncode:
        return {"failed": f"exit {done.returncode} within {seconds} s"}
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measured(options: argparse.Namespace, n: int, k: int) -> dict[str, Any]:
    """Processor seconds and peak memory of a fit, of sampling and of an evaluation."""
    import wardveil as wv
    from wardveil.models import settings

    table = made_up(n, k)
    found: dict[str, Any] = {"table_mb": _peak_mb()}
    start = time.process_time()
    model = settings(options.model, dict(s.split("=", 1) for s in options.set))
    synth = wv.fit(table, model=model, epsilon=options.epsilon, seed=0)
    found |= {"fit_s": time.process_time() - start, "fit_mb": _peak_mb()}
    start = time.process_time()
    synth.sample(SAMPLED, seed=0)
    found |= {"sample_s": time.process_time() - start, "sample_mb": _peak_mb()}
    fake = synth.sample(min(n, JUDGED), seed=1)
    start = time.process_time()
    wv.evaluate(table.to_frame().head(JUDGED), fake, schema=table.schema)
    found |= {"evaluate_s": time.process_time() - start, "evaluate_mb": _peak_mb()}
    return {key: round(value, 2) for key, value in found.items()}


def made_up(n: int, k: int) -> Any:
    """n patients of k columns that four hidden causes tie together."""
    import numpy as np

    import wardveil as wv
    from wardveil.schema import Column, Schema

    rng = np.random.default_rng(0)
    number = {"kind": "continuous", "low": -8.0, "high": 8.0, "decimals": 2}
    columns = [
        Column(name=f"x{i}", **number)
        if i % 2
        else Column(name=f"x{i}", kind="binary", levels=("0", "1"))
        for i in range(k)
    ]
    causes = rng.standard_normal((n, 4), dtype=np.float32)
    rows = {}
    for i in range(k):
        x = causes @ rng.standard_normal(4, dtype=np.float32) / 2
        x += 0.5 * rng.standard_normal(n, dtype=np.float32)
        rows[f"x{i}"] = (
            np.clip(np.round(x.astype(float), 2), -8, 8) if i % 2 else (x > 0.5).astype(np.int32)
        )
    return wv.Table(rows=rows, schema=Schema(columns=tuple(columns)), raw={}, n=n)


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
