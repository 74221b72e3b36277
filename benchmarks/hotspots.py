"""Where the time goes: a fit of `marginal`, a million sampled rows, steps of two networks.

    python benchmarks/hotspots.py [--write]

Beside each stands what the machine can do at all: single-precision products of matrices, and
memory moved, both measured here. On the bundled NHEFS cohort, one thread.
"""

import argparse
import cProfile
import json
import pstats
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

import wardveil as wv
from wardveil.models import settings
from wardveil.networks import population
from wardveil.tables import demo_schema, demo_table_path, read_table

RESULTS: Final = Path(__file__).parent / "results" / "hotspots.json"
ROWS: Final = 1_000_000
STEPS: Final = 300
CTGAN: Final = f"ctgan, {STEPS} steps"
SHOWN: Final = 8
"""Functions that are named; the rest is one line."""


class InTurn:
    """Stands for the threads that draw columns side by side, which a profile would not see."""

    def __init__(self, max_workers: int) -> None:
        """As the pool it stands for."""

    def __enter__(self) -> "InTurn":
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing is left."""

    map = staticmethod(map)


def main() -> None:
    """Measure, print, and with --write keep for docs/growth.md."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--busy", action="store_true", help="other work runs: times are rough")
    options = parser.parse_args()
    torch.set_num_threads(1)
    population.ThreadPoolExecutor = InTurn
    table = read_table(demo_table_path(), demo_schema())

    def fitted(name: str, **set_: str) -> Any:
        return wv.fit(table, model=settings(name, set_), epsilon=1.0, seed=0)

    game = wv.CTGAN().game(table.rows, table.schema, seed=0)
    game.step()  # torch imports half of itself with the first one

    def played() -> None:
        for _ in range(STEPS):
            game.step()

    synth = fitted("marginal")
    private = {"learnable": "0", "anchor": "false"}
    found = {
        "busy": options.busy,
        "machine": machine(),
        "parts": {
            "marginal, fit at ε = 1": parts(lambda: fitted("marginal")),
            f"marginal, {ROWS:,} rows sampled": parts(lambda: synth.sample(ROWS, seed=0)),
            "medical-cgan, 300 private steps": parts(lambda: fitted("medical-cgan", **private)),
            CTGAN: parts(played),
        },
        "products_gflop": {CTGAN: products(played)},
    }
    print(json.dumps(found, indent=2, ensure_ascii=False))
    if options.write:
        RESULTS.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def machine() -> dict[str, float]:
    """GFLOP/s of a 1,024² product, and GB/s of a copy far larger than the cache; best of 5."""
    a = torch.randn(1024, 1024)
    block = np.ones(1 << 26, dtype=np.float32)
    out = np.empty_like(block)
    return {
        "gemm_gflops": round(2 * 1024**3 / _best(lambda: a @ a) / 1e9, 1),
        "copy_gb_per_s": round(2 * block.nbytes / _best(lambda: np.copyto(out, block)) / 1e9, 1),
    }


def _best(work: Callable[[], Any]) -> float:
    times = []
    for _ in range(5):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def parts(work: Callable[[], Any]) -> dict[str, float]:
    """Seconds, in all and of the functions with most time of their own."""
    profile = cProfile.Profile(time.process_time)
    start = time.process_time()
    profile.runcall(work)
    whole = time.process_time() - start
    own = [(t, _name(f)) for f, (_, _, t, _, _) in pstats.Stats(profile).stats.items()]
    largest = sorted(own, reverse=True)[:SHOWN]
    found = {"all": whole, **{name: t for t, name in largest}}
    found["the rest"] = whole - sum(t for t, _ in largest)
    return {name: round(t, 2) for name, t in found.items()}


def products(work: Callable[[], Any]) -> float:
    """GFLOP in products of matrices."""
    with FlopCounterMode(display=False) as counter:
        work()
    return round(counter.get_total_flops() / 1e9, 1)


def _name(function: tuple[str, int, str]) -> str:
    """module.function, or the name of what is built in."""
    path, _, name = function
    return name.strip("<>{}").replace("built-in method ", "") if path in ("~", "") else (
        f"{Path(path).parent.name}.{Path(path).stem}.{name}"
    )  # fmt: skip


if __name__ == "__main__":
    main()
