"""Fidelity: how far the distributions of two tables are apart.

Everything here is a total variation distance, TVD = ½ Σ |p − q|, between 0 (the same) and 1
(nothing in common), over cells that the *real* table fixes: a number with more than 12
distinct values is cut at its quantiles (20 cells for one column, 8 for each of two), any other
column has one cell a level, and missing is a cell of its own. Levels the real table lacks share
one cell, which leaves every TVD as it is.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from wardveil.evaluation.prepared import (
    DISTINCT,
    Flags,
    Floats,
    Prepared,
    Tabular,
    Texts,
    prepare,
)
from wardveil.schema.schema import Schema

Cells = NDArray[np.int64]

ONE_WAY_CELLS: Final = 20
TWO_WAY_CELLS: Final = 8
FREQUENT: Final = 0.01
"""Levels of at least this real frequency count for `coverage`."""


@dataclass(frozen=True, kw_only=True)
class _Axis:
    """One compared variable of both tables, in cells 0 … size - 1.

    A codes column has one axis a code (and one for missing); every other column has one.
    """

    column: str
    real: Cells
    other: Cells
    size: int


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
    found: dict[str, list[float]] = {name: [] for name in real.columns}
    for axis in _axes(real, other, ONE_WAY_CELLS):
        found[axis.column].append(_tvd(axis.real, axis.other, axis.size))
    return {name: float(np.mean(values)) for name, values in found.items()}


def two_way(real: Prepared, other: Prepared) -> dict[tuple[str, str], float]:
    """The TVD of each pair of columns, numbers in 8 cells; flags are averaged as one column."""
    axes = tuple(_axes(real, other, TWO_WAY_CELLS))
    found: dict[tuple[str, str], list[float]] = {p: [] for p in combinations(real.columns, 2)}
    for a, b in combinations(axes, 2):
        if a.column != b.column:
            tvd = _tvd(a.real * b.size + b.real, a.other * b.size + b.other, a.size * b.size)
            found[a.column, b.column].append(tvd)
    return {pair: float(np.mean(values)) for pair, values in found.items()}


def covered(real: Prepared, other: Prepared) -> float:
    """`coverage` of prepared tables; 1 when no column has levels."""
    seen = [
        share > 0
        for axis in _axes(real, other, 0)
        for frequency, share in zip(*_shares(axis), strict=True)
        if frequency >= FREQUENT
    ]
    return float(np.mean(seen)) if seen else 1.0


def _shares(axis: _Axis) -> tuple[Floats, Floats]:
    """Shares of the levels (without "another level" and "missing") in both tables."""
    n_levels = axis.size - 2
    return (
        np.bincount(axis.real, minlength=axis.size)[:n_levels] / len(axis.real),
        np.bincount(axis.other, minlength=axis.size)[:n_levels] / len(axis.other),
    )


def _axes(real: Prepared, other: Prepared, n_cells: int) -> Iterator[_Axis]:
    """Cut both tables where the real one says. `n_cells` 0 leaves out what would be cut."""
    for name, column in real.columns.items():
        match = other.columns[name]
        if isinstance(column, Flags):
            assert isinstance(match, Flags)
            yield from _flag_axes(name, column, match, positives_only=n_cells == 0)
            continue
        assert not isinstance(match, Flags)
        known = column[_present(column)]
        levels = np.unique(known)
        if column.dtype == object or len(levels) <= DISTINCT:
            cut_real, cut_other = _level(column, levels), _level(match, levels)
            yield _Axis(column=name, real=cut_real, other=cut_other, size=len(levels) + 2)
        elif n_cells:
            edges: Floats = np.unique(np.quantile(known, np.linspace(0, 1, n_cells + 1)[1:-1]))
            cut_real, cut_other = _quantile(column, edges), _quantile(match, edges)
            yield _Axis(column=name, real=cut_real, other=cut_other, size=len(edges) + 2)


def _flag_axes(name: str, real: Flags, other: Flags, *, positives_only: bool) -> Iterator[_Axis]:
    """One axis a code the real table knows, and one for missing."""
    if not real.codes:
        yield _Axis(column=name, real=real.missing.astype(np.int64),
                    other=other.missing.astype(np.int64), size=2)  # fmt: skip
    position = {code: i for i, code in enumerate(other.codes)}
    absent = np.zeros(len(other.missing), dtype=bool)
    for i, code in enumerate(real.codes):
        found = other.held[:, position[code]] if code in position else absent
        held, match = real.held[:, i].astype(np.int64), found.astype(np.int64)
        # A level of its own for "held", the cell beyond it for "not held": so `_shares` sees
        # one level, the code.
        size = 3 if positives_only else 2
        yield _Axis(column=name, real=1 - held, other=1 - match, size=size)
    if real.missing.any() and not positives_only:
        yield _Axis(column=name, real=real.missing.astype(np.int64),
                    other=other.missing.astype(np.int64), size=2)  # fmt: skip


def _present(column: Floats | Texts) -> NDArray[np.bool_]:
    """Which cells are not missing."""
    if column.dtype == object:
        return np.array([v is not None for v in column], dtype=bool)
    return ~np.isnan(column.astype(np.float64))


def _level(column: Floats | Texts, levels: NDArray[Any]) -> Cells:
    """Position in `levels`, (n,); another level -> len(levels), missing -> the cell after."""
    cells = np.full(len(column), len(levels) + 1, dtype=np.int64)
    present = _present(column)
    if len(levels) == 0:
        cells[present] = 0
        return cells
    known = column[present]
    place = np.clip(np.searchsorted(levels, known), 0, len(levels) - 1)
    cells[present] = np.where(levels[place] == known, place, len(levels))
    return cells


def _quantile(column: Floats | Texts, edges: Floats) -> Cells:
    """Cell (edge, next edge] of each number, (n,); missing -> the last cell."""
    numbers = column.astype(np.float64)
    cells = np.searchsorted(edges, numbers, side="left").astype(np.int64)
    cells[np.isnan(numbers)] = len(edges) + 1
    return cells


def _tvd(real: Cells, other: Cells, size: int) -> float:
    """½ Σ |p − q| over `size` cells."""
    if size > 4 * (len(real) + len(other)):
        # Two columns of many levels each: keep only the cells that occur.
        _, cells = np.unique(np.concatenate([real, other]), return_inverse=True)
        real, other, size = cells[: len(real)], cells[len(real) :], int(cells.max()) + 1
    p = np.bincount(real, minlength=size) / len(real)
    q = np.bincount(other, minlength=size) / len(other)
    return float(0.5 * np.abs(p - q).sum())
