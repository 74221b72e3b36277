"""Features: prepared tables as one numeric matrix each, for classifiers."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from wardveil.evaluation.prepared import Flags, Floats, Prepared, Texts

MOST_LEVELS: Final = 50
"""Levels of one column that get an indicator: the most frequent ones of the first table."""


def matrices(tables: Sequence[Prepared], *, leave_out: str = "") -> list[Floats]:
    """Numbers as they are, an indicator a level, an indicator for missing.

    Which indicators there are is decided by the first table; a missing number is the first
    table's median.

    Args:
        tables: Tables with the same columns.
        leave_out: A column that is no feature: the target.

    Returns:
        One (n, features) matrix a table, without NaN.
    """
    blocks: list[list[Floats]] = [[np.zeros((t.rows, 1))] for t in tables]
    for name, first in tables[0].columns.items():
        if name == leave_out:
            continue
        if isinstance(first, Flags):
            wide = [_flag_block(first, t.columns[name]) for t in tables]
        elif first.dtype == object:
            wide = [_level_block(_frequent(first), _plain(t, name)) for t in tables]
        else:
            median = _median(first.astype(np.float64))
            wide = [_number_block(median, _plain(t, name)) for t in tables]
        for block, columns in zip(blocks, wide, strict=True):
            block.append(columns)
    return [np.hstack(block) for block in blocks]


def _plain(table: Prepared, name: str) -> Floats | Texts:
    column = table.columns[name]
    assert not isinstance(column, Flags)
    return column


def _median(column: Floats) -> float:
    known = column[~np.isnan(column)]
    return float(np.median(known)) if len(known) else 0.0


def _frequent(column: Texts | Floats) -> list[object]:
    levels, counts = np.unique(
        np.array([v for v in column if v is not None], dtype=object), return_counts=True
    )
    return list(levels[np.argsort(-counts, kind="stable")][:MOST_LEVELS])


def _level_block(levels: list[object], column: Texts | Floats) -> Floats:
    """(n, levels + 1) indicators; the last one is missing."""
    return np.stack([column == level for level in [*levels, None]], axis=1).astype(np.float64)


def _number_block(median: float, column: Texts | Floats) -> Floats:
    """(n, 2): the number, and whether it is missing."""
    numbers = column.astype(np.float64)
    missing = np.isnan(numbers)
    return np.stack([np.where(missing, median, numbers), missing], axis=1)


def _flag_block(first: Flags, column: object) -> Floats:
    """(n, codes) indicators, in the first table's order of codes."""
    assert isinstance(column, Flags)
    position = {code: i for i, code in enumerate(column.codes)}
    block = np.zeros((len(column.missing), len(first.codes)))
    for i, code in enumerate(first.codes):
        if code in position:
            block[:, i] = column.held[:, position[code]]
    return block
