"""Facts that were not declared, bought: bounds of numbers and levels of categories.

Bounds come from a noisy histogram on a public grid of round numbers, levels from noisy counts
above a threshold that hides whatever a single patient holds. Both are priced mechanisms of the
plan; the schema that comes back marks them `private`.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wardveil.privacy import Counts, Lease, Levels
from wardveil.schema import Schema
from wardveil.schema.column import NUMERIC
from wardveil.tables import Table
from wardveil.vault.noise import Noise

_STEPS: Final = np.array([1, 1.5, 2, 3, 4, 5, 6, 8])
_POSITIVE: Final = np.concatenate([_STEPS * 10.0**k for k in range(-2, 9)])
GRID: Final = np.concatenate([-_POSITIVE[::-1], [0.0], _POSITIVE])
"""Candidate bounds: round numbers from ±0.01 to ±8·10⁸, and 0."""

VISIBLE = 4.0
"""A cell counts as inhabited when its noisy count exceeds this many standard deviations."""


def buy_facts(table: Table, lease: Lease, noise: Noise) -> Schema:
    """The table's schema with every gap bought.

    Args:
        table: Read under a schema with gaps; only its `raw` columns are used.
        lease: Its plan holds "bounds" and "levels" as far as needed.
        noise: Where the noise comes from.

    Guarantees:
        A patient adds 1 to one cell of each bounds histogram and to one level of each column.
        A level held by one patient alone is published with probability at most `Levels.delta`.
    """
    schema = table.schema
    numbers = [c for c in schema.modelled if c.gaps and c.kind in NUMERIC]
    lists = [c for c in schema.modelled if c.gaps and c.kind not in NUMERIC]
    found: dict[str, dict[str, Any]] = {}
    if numbers:
        lease.charge("bounds")
        bounds = lease.plan.mechanism("bounds")
        assert isinstance(bounds, Counts)
        exact = np.stack([_inhabited(table.raw[c.name]) for c in numbers])
        noisy = noise.counts(exact, bounds.sd)
        for column, counts in zip(numbers, noisy, strict=True):
            low, high = _bounds(counts, VISIBLE * bounds.sd)
            found[column.name] = {
                "low": column.low if column.low is not None else low,
                "high": column.high if column.high is not None else high,
                "decimals": 2 if column.decimals is None else column.decimals,
            }
    if lists:
        levels = lease.plan.mechanism("levels")
        assert isinstance(levels, Levels)
        for column in lists:
            lease.charge("levels")
            found[column.name] = _levels(table.raw[column.name], levels, noise)
    for name, facts in found.items():
        column = schema.by_name[name]
        bought = dict.fromkeys(set(facts) & set(column.gaps), "private")
        schema = schema.replace(name, **facts, nullable=True, sources={**column.sources, **bought})
    return schema


def _inhabited(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Patients in each cell of the public grid, (len(GRID) + 1,); missing ones in none."""
    cell = np.searchsorted(GRID, values[~np.isnan(values)], side="right")
    return np.bincount(cell, minlength=len(GRID) + 1).astype(np.int64)


def _bounds(counts: NDArray[np.int64], visible: float) -> tuple[float, float]:
    """The outermost grid points around the cells that stand out of the noise."""
    inhabited = np.flatnonzero(counts > visible)
    if len(inhabited) == 0:  # nothing can be seen: one cell around the largest count
        inhabited = np.array([int(np.argmax(counts))])
    first, last = int(inhabited[0]), int(inhabited[-1])
    low = GRID[max(first - 1, 0)]
    high = GRID[min(last, len(GRID) - 1)]
    return float(low), float(high if high > low else low + 1)


def _levels(values: NDArray[Any], mechanism: Levels, noise: Noise) -> dict[str, Any]:
    """The levels that enough patients share, and "other" for the rest."""
    held = values[np.array([v is not None for v in values], dtype=bool)]
    texts, counts = np.unique(held.astype(str), return_counts=True)
    noisy = noise.counts(counts.astype(np.int64), mechanism.sd)
    kept = [str(t) for t, c in zip(texts, noisy, strict=True) if c > mechanism.threshold]
    kept = [t for t in kept if t.casefold() != "other"]
    return {"levels": (*kept, "other"), "unknown": "other"}
