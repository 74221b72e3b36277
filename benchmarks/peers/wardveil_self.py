"""wardveil itself, in a process of its own, so that time and memory are taken as for the others."""

import math
import sys
from pathlib import Path
from typing import Any

import exchange
import pandas as pd

import wardveil as wv
from wardveil.models import settings


def fit(_: pd.DataFrame, task: dict[str, Any]) -> Any:
    """A fitted synthesizer; it reads its own table, with gaps and sets of codes as they are."""
    folder = Path(sys.argv[1])
    table = wv.read_table(folder / "train.parquet", wv.Schema.read(folder / "schema.toml"))
    epsilon = math.inf if task["epsilon"] is None else task["epsilon"]
    delta = None if task["epsilon"] is None else task["delta"]
    synth = wv.fit(
        table,
        model=settings(task["method"], task.get("set", {})),
        epsilon=epsilon,
        delta=delta,
        seed=task["seed"],
    )
    return lambda n: synth.sample(n, seed=task["seed"])


if __name__ == "__main__":
    exchange.run(fit)
