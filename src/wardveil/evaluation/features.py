"""Features: prepared tables as one numeric matrix each, for classifiers and distances."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wardveil.evaluation.prepared import Flags, Floats, Prepared, Texts

MOST_LEVELS: Final = 50
"""Levels of one column that get an indicator: the most frequent ones of the first table."""


@dataclass(frozen=True, kw_only=True)
class Features:
    """Numbers as they are, an indicator a level, an indicator for missing.

    Attributes:
        columns: The column each feature is of, (f,).
        names: "column", "column=level" or "column?" (missing), (f,).
        X: (n, f) without NaN, one a table.
    """

    columns: tuple[str, ...]
    names: tuple[str, ...]
    X: tuple[Floats, ...]

    def where(self, keep: NDArray[np.bool_]) -> "Features":
        """The features that `keep`, (f,), marks."""
        index = np.flatnonzero(keep)
        return Features(
            columns=tuple(self.columns[i] for i in index),
            names=tuple(self.names[i] for i in index),
            X=tuple(X[:, index] for X in self.X),
        )


def features(tables: Sequence[Prepared], *, leave_out: Sequence[str] = ()) -> Features:
    """The features of tables with the same columns.

    Which indicators there are is decided by the first table; a missing number is the first
    table's median.

    Args:
        tables: Tables with the same columns.
        leave_out: Columns that are no features: a target.
    """
    columns: list[str] = []
    names: list[str] = []
    blocks: list[list[Floats]] = [[np.zeros((t.rows, 0))] for t in tables]
    for name, first in tables[0].columns.items():
        if name in leave_out:
            continue
        match = [t.columns[name] for t in tables]
        if isinstance(first, Flags):
            labels = [f"{name}={code}" for code in first.codes]
            wide = [_flag_block(first, c) for c in match]
        elif first.dtype == object:
            levels = _frequent(first)
            labels = [*(f"{name}={level}" for level in levels), f"{name}?"]
            wide = [_level_block(levels, _plain(c)) for c in match]
        else:
            median = _median(first.astype(np.float64))
            labels = [name, f"{name}?"]
            wide = [_number_block(median, _plain(c)) for c in match]
        names += labels
        columns += [name] * len(labels)
        for block, part in zip(blocks, wide, strict=True):
            block.append(part)
    return Features(columns=tuple(columns), names=tuple(names),
                    X=tuple(np.hstack(block) for block in blocks))  # fmt: skip


def standardised(found: Features) -> Features:
    """Features in which Euclidean distance compares patients.

    Numbers are in standard deviations of the first table; an indicator counts √½, so that two
    different levels are at distance 1. Features that never vary are left out; where none
    varies, one of zeros remains.

    Returns:
        The features in single precision, which nearest neighbours are searched in.
    """
    first = found.X[0][:1]
    varies = np.any([(x != first).any(axis=0) for x in found.X], axis=0)
    if not varies.any():
        zeros = tuple(_single(np.zeros((len(x), 1))) for x in found.X)
        return Features(columns=("",), names=("",), X=zeros)
    kept = found.where(varies)
    number = np.array([n == c for n, c in zip(kept.names, kept.columns, strict=True)], dtype=bool)
    spread = kept.X[0].std(axis=0)
    scale = np.where(number, 1 / np.where(spread > 0, spread, 1.0), np.sqrt(0.5))
    centre = np.where(number, kept.X[0].mean(axis=0), 0.0)
    return Features(
        columns=kept.columns,
        names=kept.names,
        X=tuple(_single((x - centre) * scale) for x in kept.X),
    )


def _single(X: Floats) -> Floats:
    """Half the memory; the type says float64 so that arithmetic on it reads as usual."""
    return X.astype(np.float32)


def _plain(column: Floats | Texts | Flags) -> Floats | Texts:
    assert not isinstance(column, Flags)
    return column


def _median(column: Floats) -> float:
    known = column[~np.isnan(column)]
    return float(np.median(known)) if len(known) else 0.0


def _frequent(column: Texts | Floats) -> list[object]:
    """Levels by falling frequency, ties in their own order."""
    counts = pd.Series(column, dtype=object).value_counts().sort_index()
    return list(counts.sort_values(ascending=False, kind="stable").index[:MOST_LEVELS])


def _level_block(levels: list[object], column: Texts | Floats) -> Floats:
    """(n, levels + 1) indicators; the last one is missing."""
    place = pd.Index(levels, dtype=object).get_indexer(pd.Index(column, dtype=object))
    block = np.zeros((len(column), len(levels) + 1))
    place = np.where(pd.isna(column), len(levels), place)
    seen = np.flatnonzero(place >= 0)
    block[seen, place[seen]] = 1.0
    return block


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
