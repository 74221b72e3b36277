"""What a method and the benchmark hand each other: a folder of files. Runs in every environment.

The folder holds task.json (method, ε, δ, seed, rows, limit, and of every column its name, kind and
public facts) and train.csv. The method writes synthetic.csv and done.json: what it cost.
"""

import gc
import json
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

LEAST_SECONDS = 0.5
"""Rows are drawn for at least so long: the processor's clock is coarse."""


def run(method: Callable[[pd.DataFrame, dict[str, Any]], Callable[[int], pd.DataFrame]]) -> None:
    """Carry out the task in the folder that the command line names.

    `method` fits and returns what samples. Imports are done by then, so they are in no time.
    """
    folder = Path(sys.argv[1])
    task = json.loads((folder / "task.json").read_text(encoding="utf-8"))
    _limit(task["limit"])
    train = pd.read_csv(folder / "train.csv", float_precision="round_trip")
    _import_the_rest()
    before = _peak_mb()
    start, cpu = time.perf_counter(), time.process_time()
    sample = method(train, task)
    fitted, fitted_cpu = time.perf_counter(), time.process_time()
    gc.collect()  # what fitting left behind takes a quarter of a second, of some draw or other
    begun = time.process_time()
    synthetic = sample(task["rows"])
    drawn, sampled = len(synthetic), time.process_time()
    while sampled - begun < LEAST_SECONDS:
        drawn += len(sample(task["rows"]))
        sampled = time.process_time()
    synthetic.to_csv(folder / "synthetic.csv", index=False)
    peak = _peak_mb()
    done = {
        "fit_seconds": fitted - start,
        "fit_cpu_seconds": fitted_cpu - cpu,
        "rows_per_second": drawn / (sampled - begun),
        "peak_mb": peak,
        "own_mb": peak - before,
    }
    kept = folder / "done.json.part"
    kept.write_text(json.dumps(done), encoding="utf-8")
    os.replace(kept, folder / "done.json")  # noqa: PTH105 - whole or not at all


def _import_the_rest() -> None:
    """torch imports half of itself when the first optimiser is made."""
    if torch := sys.modules.get("torch"):
        torch.optim.Adam([torch.zeros(1, requires_grad=True)])


def categories(task: dict[str, Any]) -> list[str]:
    """Names of the columns that hold categories: whole numbers from 0 to size - 1."""
    return [c["name"] for c in task["columns"] if c["kind"] == "category"]


def numbers(task: dict[str, Any]) -> list[dict[str, Any]]:
    """The columns that hold numbers: name, low, high, whole."""
    return [c for c in task["columns"] if c["kind"] == "number"]


def _limit(seconds: float) -> None:
    """Be ended by the system after so many processor seconds, without a core file.

    Processor and not clock, so that a busy machine ends nobody early.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (round(seconds), round(seconds) + 5))


def _peak_mb() -> float:
    """Largest resident set of this process or of any that it waited for."""
    both = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(who).ru_maxrss for who in both) / 1024
