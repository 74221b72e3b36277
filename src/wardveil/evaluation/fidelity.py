"""Fidelity: how far the distributions of two tables are apart.

TVD = ½ Σ |p − q| lies between 0 (the same) and 1 (nothing in common). Its cells are those of
`wardveil.evaluation.cells`, fixed by the *real* table: 20 for a number by itself, 8 for each of
two. Levels the real table lacks share one cell, which leaves every TVD as it is.

Figures are computed once for all rows and once without each of 20 groups of rows of either table,
from the same counts: a `Replicates` array, whose spread gives the interval.
"""

from collections.abc import Callable, Mapping
from itertools import combinations
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from wardveil.evaluation.cells import Axis, Cells, axes
from wardveil.evaluation.dimension import DimensionWise
from wardveil.evaluation.interval import Z, groups, jackknife
from wardveil.evaluation.prepared import Flags, Floats, Prepared, Tabular, prepare
from wardveil.schema.schema import Schema

Replicates = NDArray[np.float64]
"""(1 + a + b,): of all rows, then without each group of real, then of synthetic rows."""
Key = TypeVar("Key")

ONE_WAY_CELLS: Final = 20
TWO_WAY_CELLS: Final = 8
FREQUENT: Final = 0.01
"""Levels of at least this real frequency count for `coverage`."""


def tvd1(real: Tabular, synthetic: Tabular, *, schema: Schema | None = None) -> float:
    """The mean over columns of `one_way`.

    Example:
        >>> import pandas as pd
        >>> tvd1(pd.DataFrame({"sex": list("mmff")}), pd.DataFrame({"sex": list("mmmf")}))
        0.25
    """
    return float(np.mean(list(one_way(*prepare(real, synthetic, schema=schema)).values())))


def tvd2(real: Tabular, synthetic: Tabular, *, schema: Schema | None = None) -> float:
    """The mean over all pairs of columns of `two_way`; NaN when there is one column only.

    Example:
        >>> import pandas as pd
        >>> real = pd.DataFrame({"a": [0, 0, 1, 1], "b": [0, 0, 1, 1]})
        >>> tvd2(real, pd.DataFrame({"a": [0, 0, 1, 1], "b": [0, 1, 0, 1]}))
        0.5
    """
    pairs = two_way(*prepare(real, synthetic, schema=schema))
    return float(np.mean(list(pairs.values()))) if pairs else float("nan")


def coverage(real: Tabular, synthetic: Tabular, *, schema: Schema | None = None) -> float:
    """The share of real levels with a frequency of at least 1 % that the synthetic table has.

    Example:
        >>> import pandas as pd
        >>> coverage(pd.DataFrame({"sex": list("mmff")}), pd.DataFrame({"sex": list("mmmm")}))
        0.5
    """
    return covered(*prepare(real, synthetic, schema=schema))


def one_way(real: Prepared, other: Prepared) -> dict[str, float]:
    """The TVD of each column, numbers in 20 cells; a codes column is the mean of its flags."""
    return {name: float(r[0]) for name, r in one_way_replicates(real, other, tvd).items()}


def two_way(real: Prepared, other: Prepared) -> dict[tuple[str, str], float]:
    """The TVD of each pair of columns, numbers in 8 cells; flags are averaged as one column."""
    return {pair: float(r[0]) for pair, r in two_way_replicates(real, other).items()}


def one_way_replicates(
    real: Prepared, other: Prepared, distance: Callable[[Floats, Floats], Floats]
) -> dict[str, Replicates]:
    """A distance of each column's distribution; a codes column is the mean of its flags."""
    found: dict[str, list[Replicates]] = {name: [] for name in real.columns}
    for axis in axes([real, other], ONE_WAY_CELLS):
        found[axis.column].append(distance(*_shares(axis.cells[0], axis.cells[1], axis.size)))
    return {name: np.mean(values, axis=0) for name, values in found.items()}


def two_way_replicates(real: Prepared, other: Prepared) -> dict[tuple[str, str], Replicates]:
    """The TVD of each pair of columns."""
    cut = tuple(axes([real, other], TWO_WAY_CELLS))
    found: dict[tuple[str, str], list[Replicates]] = {p: [] for p in combinations(real.columns, 2)}
    for a, b in combinations(cut, 2):
        if a.column != b.column:
            cells = [i * b.size + j for i, j in zip(a.cells, b.cells, strict=True)]
            shares = _shares(cells[0], cells[1], a.size * b.size)
            found[a.column, b.column].append(tvd(*shares))
    return {pair: np.mean(values, axis=0) for pair, values in found.items()}


def mean_interval(found: Mapping[Key, Replicates], real_rows: int) -> tuple[float, float, float]:
    """The mean over columns or pairs, and its 95 % interval, not below 0.

    Args:
        found: Replicates by column or pair; NaN where there are none.
        real_rows: Rows of the real table, which say how many groups it was cut into.
    """
    if not found:
        return float("nan"), float("nan"), float("nan")
    mean = np.mean(list(found.values()), axis=0)
    a = 1 + int(groups(real_rows).max()) + 1
    error = np.hypot(jackknife(mean[1:a]), jackknife(mean[a:]))
    return float(mean[0]), max(0.0, float(mean[0] - Z * error)), float(mean[0] + Z * error)


def tvd(p: Floats, q: Floats) -> Floats:
    """½ Σ |p − q| over the last axis."""
    return 0.5 * np.abs(p - q).sum(axis=-1)


def jensen_shannon(p: Floats, q: Floats) -> Floats:
    """The square root of the Jensen-Shannon divergence in bits, 0 to 1, over the last axis."""
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        bits = np.where(p > 0, p * np.log2(p / middle), 0.0)
        bits += np.where(q > 0, q * np.log2(q / middle), 0.0)
    return np.sqrt(np.maximum(0.0, bits.sum(axis=-1) / 2))


def kolmogorov_smirnov(real: Prepared, other: Prepared) -> dict[str, Replicates]:
    """The KS distance of each numeric column, over known values; columns without are absent."""
    found = {}
    for name, column in real.columns.items():
        match = other.columns[name]
        if isinstance(column, Flags) or isinstance(match, Flags) or column.dtype == object:
            continue
        ours, theirs = column.astype(np.float64), match.astype(np.float64)
        grid = np.unique(np.concatenate([ours, theirs]))
        grid = grid[~np.isnan(grid)]
        if np.isnan(ours).all() or np.isnan(theirs).all():
            continue
        # NaN sorts behind every number: missing has the last cell, which is then left out.
        places = [np.searchsorted(grid, t).astype(np.int64) for t in (ours, theirs)]
        p, q = (_given_known(s) for s in _shares(places[0], places[1], len(grid) + 1))
        found[name] = np.abs(np.cumsum(p - q, axis=1)).max(axis=1)
    return found


def _given_known(shares: Floats) -> Floats:
    """Shares among known cells, the last one left out; where none is known, those of all rows."""
    known = shares[:, :-1].sum(axis=1, keepdims=True)
    return np.where(known > 0, shares[:, :-1] / np.where(known > 0, known, 1.0),
                    shares[:1, :-1] / known[0])  # fmt: skip


def covered(real: Prepared, other: Prepared) -> float:
    """`coverage` of prepared tables; 1 when no column has levels."""
    seen = [
        share > 0
        for axis in axes([real, other], 0)
        for frequency, share in zip(*_level_shares(axis), strict=True)
        if frequency >= FREQUENT
    ]
    return float(np.mean(seen)) if seen else 1.0


def probability(real: Prepared, other: Prepared) -> DimensionWise | None:
    """Dimension-wise probability (Choi et al. 2017): the share of every level and code."""
    cut = [axis for axis in axes([real, other], 0) if axis.names]
    if not cut:
        return None
    shares = [_level_shares(axis) for axis in cut]
    return DimensionWise(
        labels=tuple(f"{axis.column}={name}" for axis in cut for name in axis.names),
        real=tuple(np.concatenate([s[0] for s in shares]).tolist()),
        synthetic=tuple(np.concatenate([s[1] for s in shares]).tolist()),
    )


def _level_shares(axis: Axis) -> tuple[Floats, Floats]:
    """Shares of the named cells in both tables: without "another level" and "missing"."""
    real, other = axis.cells
    k = len(axis.names)
    return (np.bincount(real, minlength=axis.size)[:k] / len(real),
            np.bincount(other, minlength=axis.size)[:k] / len(other))  # fmt: skip


def _shares(real: Cells, other: Cells, size: int) -> tuple[Floats, Floats]:
    """Shares of the cells, (1 + a + b, cells) a table, row by row as `Replicates`."""
    if size > 4 * (len(real) + len(other)):
        # Two columns of many levels each: keep only the cells that occur.
        _, cells = np.unique(np.concatenate([real, other]), return_inverse=True)
        real, other, size = cells[: len(real)], cells[len(real) :], int(cells.max()) + 1
    p, q = _left_out(real, size), _left_out(other, size)
    return (np.concatenate([p, np.broadcast_to(p[0], (len(q) - 1, p.shape[1]))]),
            np.concatenate([np.broadcast_to(q[0], (len(p), q.shape[1])), q[1:]]))  # fmt: skip


def _left_out(cells: Cells, size: int) -> Floats:
    """Shares of all rows, then without each group of them, (1 + groups, size)."""
    group = groups(len(cells))
    g = int(group.max()) + 1
    counts = np.bincount(group * size + cells, minlength=g * size).reshape(g, size)
    total = counts.sum(axis=0)
    kept = np.concatenate([total[None], total - counts]) if g > 1 else np.stack([total, total])
    return kept / kept.sum(axis=1, keepdims=True)
