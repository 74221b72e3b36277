"""Cells: tables cut into cells that the first of them fixes.

A number with more than 12 distinct values is cut at quantiles, any other column has one cell a
level, and missing is a cell of its own. Levels the first table lacks share one cell.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wardveil.evaluation.prepared import DISTINCT, Flags, Floats, Prepared, Texts

Cells = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One compared variable of all tables, in cells 0 … size - 1.

    A codes column has one axis a code (and one for missing); every other column has one.

    Attributes:
        column: The column it is of.
        names: Names of the first cells, those of levels or of the code; () for cut numbers.
        cells: The cell of each row, (n,) a table.
        size: How many cells there are.
    """

    column: str
    names: tuple[str, ...]
    cells: tuple[Cells, ...]
    size: int


def axes(tables: Sequence[Prepared], n_cells: int) -> Iterator[Axis]:
    """Cut all tables where the first one says. `n_cells` 0 leaves out what would be cut.

    Args:
        tables: Tables with the same columns.
        n_cells: Cells of a number with many values, "missing" not counted.
    """
    for name, column in tables[0].columns.items():
        columns = [t.columns[name] for t in tables]
        if isinstance(column, Flags):
            yield from _flag_axes(name, [c for c in columns if isinstance(c, Flags)])
            continue
        plain = [c for c in columns if not isinstance(c, Flags)]
        known = column[present(column)]
        levels = np.unique(known)
        if column.dtype == object or len(levels) <= DISTINCT:
            yield Axis(column=name, names=tuple(map(_name, levels)), size=len(levels) + 2,
                       cells=tuple(_level(c, levels) for c in plain))  # fmt: skip
        elif n_cells:
            edges: Floats = np.unique(np.quantile(known, np.linspace(0, 1, n_cells + 1)[1:-1]))
            yield Axis(column=name, names=(), size=len(edges) + 2,
                       cells=tuple(_quantile(c, edges) for c in plain))  # fmt: skip


def present(column: Floats | Texts) -> NDArray[np.bool_]:
    """Which cells are not missing, (n,)."""
    return ~pd.isna(column)


def _flag_axes(name: str, flags: Sequence[Flags]) -> Iterator[Axis]:
    """One axis a code the first table knows (0 held, 1 not), and one for missing."""
    for i, code in enumerate(flags[0].codes):
        held = [_held(f, code, i) for f in flags]
        yield Axis(column=name, names=(code,), size=2,
                   cells=tuple(1 - h.astype(np.int64) for h in held))  # fmt: skip
    if not flags[0].codes or flags[0].missing.any():
        yield Axis(column=name, names=(), size=2,
                   cells=tuple(f.missing.astype(np.int64) for f in flags))  # fmt: skip


def _held(flags: Flags, code: str, guess: int) -> NDArray[np.bool_]:
    """Whether each row holds the code; `guess` is where the first table has it."""
    if guess < len(flags.codes) and flags.codes[guess] == code:
        return flags.held[:, guess]
    if code in flags.codes:
        return flags.held[:, flags.codes.index(code)]
    return np.zeros(len(flags.missing), dtype=bool)


def _level(column: Floats | Texts, levels: NDArray[Any]) -> Cells:
    """Position in `levels`, (n,); another level -> len(levels), missing -> the cell after."""
    place = pd.Index(levels).get_indexer(pd.Index(column))
    return np.where(place >= 0, place, len(levels) + ~present(column)).astype(np.int64)


def _quantile(column: Floats | Texts, edges: Floats) -> Cells:
    """Cell (edge, next edge] of each number, (n,); missing -> the last cell."""
    numbers = column.astype(np.float64)
    cells = np.searchsorted(edges, numbers, side="left").astype(np.int64)
    cells[np.isnan(numbers)] = len(edges) + 1
    return cells


def _name(level: object) -> str:
    return f"{level:g}" if isinstance(level, float) else str(level)
