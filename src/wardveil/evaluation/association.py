"""Association: how strongly columns hang together, in one matrix for every kind of pair."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from wardveil.evaluation.cells import axes
from wardveil.evaluation.interval import Z, groups, jackknife
from wardveil.evaluation.learner import spearman
from wardveil.evaluation.prepared import DISTINCT, Flags, Floats, Prepared, Tabular, prepare
from wardveil.schema.schema import Schema

MOST_LEVELS: Final = 20
"""Levels of one column that are told apart; the others are one."""


@dataclass(frozen=True, kw_only=True)
class Associations:
    """The mixed association of every pair of columns, in two tables.

    Two numbers have Pearson's correlation (-1 to 1), two columns of levels Cramér's V (0 to 1),
    a number and levels the correlation ratio η (0 to 1). Codes columns are left out.

    Attributes:
        columns: Names, in the table's order; k of them.
        numeric: Whether each column is a number, (k,).
        real: (k, k), symmetric, 1 on the diagonal; None where nothing varies.
        synthetic: The same of the synthetic table.
    """

    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    real: tuple[tuple[float | None, ...], ...]
    synthetic: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, kw_only=True)
class _Numbers:
    """Both tables' numbers and levels, ready for sums.

    Attributes:
        numbers: Names of numeric columns, in order.
        levels: Name of a column of levels -> where its indicators begin and end.
        X: (n, numbers), standardised by the real table, 0 where missing.
        R: Their ranks within the table, likewise.
        M: (n, numbers), 1 where known.
        Q: (n, indicators).
    """

    numbers: tuple[str, ...]
    levels: Mapping[str, tuple[int, int]]
    X: tuple[Floats, Floats]
    R: tuple[Floats, Floats]
    M: tuple[Floats, Floats]
    Q: tuple[Floats, Floats]


def associations(real: Prepared, synthetic: Prepared) -> Associations:
    """The mixed matrix of both tables, over the rows in which both columns are known."""
    found = _numbers(real, synthetic)
    k = len(found.numbers)
    order = {name: i for i, name in enumerate([*found.numbers, *found.levels])}
    columns = tuple(name for name in real.columns if name in order)
    place = np.array([order[name] for name in columns], dtype=np.int64)
    tables = []
    for side in (0, 1):
        whole = np.full((len(order), len(order)), np.nan)
        sums = _Sums(found, side)
        whole[:k, :k] = sums.pearson(sums.total)
        whole[:k, k:] = sums.ratio(sums.total)
        whole[k:, :k] = whole[:k, k:].T
        whole[k:, k:] = sums.cramer(sums.total)
        np.fill_diagonal(whole, 1.0)
        tables.append(whole[np.ix_(place, place)])
    return Associations(
        columns=columns,
        numeric=tuple(bool(i < k) for i in place),
        real=_rows(tables[0]),
        synthetic=_rows(tables[1]),
    )


def gaps(real: Prepared, synthetic: Prepared) -> dict[str, tuple[float, float, float]]:
    """Mean absolute difference of each kind of association over pairs, and its 95 % interval.

    Returns:
        "pearson", "spearman", "cramers_v", "correlation_ratio" -> (mean, low, high); kinds
        without a pair that can be measured in both tables are absent.
    """
    found = _numbers(real, synthetic)
    sides = (_Sums(found, 0), _Sums(found, 1))
    kinds = {"pearson": "pearson", "spearman": "spearman", "cramers_v": "cramer",
             "correlation_ratio": "ratio"}  # fmt: skip
    out = {}
    for name, method in kinds.items():
        whole = [_flat(getattr(s, method)(s.total), name) for s in sides]
        both = ~np.isnan(whole[0]) & ~np.isnan(whole[1])
        if not both.any():
            continue
        value = float(np.abs(whole[0] - whole[1])[both].mean())
        errors = []
        for side, other in ((0, 1), (1, 0)):
            left = [_flat(getattr(sides[side], method)(s), name) for s in sides[side].left_out()]
            # What cannot be measured without a group, of few rows, counts as unmoved.
            left = [np.where(np.isnan(x), whole[side], x) for x in left]
            errors.append(
                jackknife(np.array([np.abs(x - whole[other])[both].mean() for x in left]))
            )
        error = float(np.hypot(errors[0], errors[1]))
        out[name] = (value, max(0.0, value - Z * error), value + Z * error)
    return out


def correlation_rank(real: Tabular, synthetic: Tabular, *, schema: Schema | None = None) -> float:
    """Whether the same pairs of numbers go together most: Spearman's of all pairs' correlations.

    Args:
        real: Real rows.
        synthetic: Synthetic rows.
        schema: What is declared.

    Returns:
        -1 to 1; NaN where fewer than two pairs of numbers vary in both tables.
    """
    tables = prepare(real, synthetic, schema=schema)
    names = [n for n, c in tables[0].columns.items()
             if not isinstance(c, Flags) and c.dtype != object]  # fmt: skip
    above = np.triu_indices(len(names), 1)
    found = [pd.DataFrame({n: t.columns[n] for n in names}).corr().to_numpy()[above]
             for t in tables]  # fmt: skip
    both = ~np.isnan(found[0]) & ~np.isnan(found[1])
    return spearman(found[0][both], found[1][both]) if both.sum() > 1 else float("nan")


class _Sums:
    """Sums of products over rows, from which every association can be read."""

    def __init__(self, found: _Numbers, side: int) -> None:
        self.k = len(found.numbers)
        self.spans = list(found.levels.values())
        X, R, M = found.X[side], found.R[side], found.M[side]
        self.A = np.hstack([M, X, X**2, R, R**2, found.Q[side]])
        self.total = self.A.T @ self.A

    def left_out(self) -> Iterator[Floats]:
        """The sums without each group of rows."""
        group = groups(len(self.A))
        for g in range(int(group.max()) + 1):
            part = self.A[group == g]
            yield self.total - part.T @ part

    def _block(self, S: Floats, i: int, j: int) -> Floats:
        """Rows of part i by columns of part j: 0 M, 1 X, 2 X², 3 R, 4 R², 5 indicators."""
        k, last = self.k, S.shape[0]
        start, stop = i * k, last if i == 5 else (i + 1) * k
        return S[start:stop, j * k : last if j == 5 else (j + 1) * k]

    def pearson(self, S: Floats) -> Floats:
        return self._correlation(S, 1)

    def spearman(self, S: Floats) -> Floats:
        return self._correlation(S, 3)

    def _correlation(self, S: Floats, part: int) -> Floats:
        n, sums = self._block(S, 0, 0), self._block(S, part, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            mean = sums / n
            cross = self._block(S, part, part) / n - mean * mean.T
            variance = self._block(S, part + 1, 0) / n - mean**2
            variance = np.where(variance > 1e-12, variance, np.nan)
            return np.clip(cross / np.sqrt(variance * variance.T), -1, 1)

    def cramer(self, S: Floats) -> Floats:
        Q = self._block(S, 5, 5)
        V = np.full((len(self.spans),) * 2, np.nan)
        for i, (a, b) in enumerate(self.spans):
            for j, (c, d) in enumerate(self.spans[:i]):
                V[i, j] = V[j, i] = _cramer(Q[a:b, c:d])
        return V

    def ratio(self, S: Floats) -> Floats:
        """η of each number (row) by each column of levels."""
        n, sums, squares = (self._block(S, 5, part).T for part in (0, 1, 2))
        eta = np.full((self.k, len(self.spans)), np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            for j, (a, b) in enumerate(self.spans):
                size, total = n[:, a:b].sum(axis=1), sums[:, a:b].sum(axis=1)
                whole = squares[:, a:b].sum(axis=1) - total**2 / size
                per = np.where(n[:, a:b] > 0, sums[:, a:b] ** 2 / n[:, a:b], 0.0)
                between = per.sum(axis=1) - total**2 / size
                varied = (whole > 1e-9) & ((n[:, a:b] > 0).sum(axis=1) > 1)
                share = np.clip(between / whole, 0, 1)
                eta[:, j] = np.sqrt(np.where(varied, share, np.nan))
        return eta


def _cramer(counts: Floats) -> float:
    """Cramér's V of a table of counts; NaN when a side has one level."""
    counts = counts[counts.sum(axis=1) > 0.5][:, counts.sum(axis=0) > 0.5]
    least = min(counts.shape) - 1
    if least < 1:
        return float("nan")
    n = counts.sum()
    expected = counts.sum(axis=1, keepdims=True) * counts.sum(axis=0, keepdims=True) / n
    return float(np.sqrt(((counts - expected) ** 2 / expected).sum() / (n * least)))


def _numbers(real: Prepared, synthetic: Prepared) -> _Numbers:
    numeric = {n for n, c in real.columns.items() if is_number(c)}
    names = tuple(n for n in real.columns if n in numeric)
    raw = [
        np.stack([_floats(t, n) for n in names], axis=1) if names else np.zeros((t.rows, 0))
        for t in (real, synthetic)
    ]
    known = [~np.isnan(x) for x in raw]
    size = np.maximum(known[0].sum(axis=0), 1)
    centre = np.where(known[0], raw[0], 0.0).sum(axis=0) / size
    spread = np.sqrt(np.where(known[0], (raw[0] - centre) ** 2, 0.0).sum(axis=0) / size)
    spread = np.where(spread > 0, spread, 1.0)
    spans: dict[str, tuple[int, int]] = {}
    blocks: tuple[list[Floats], list[Floats]] = ([], [])
    start = 0
    for axis in axes([real, synthetic], 0):
        if axis.column in numeric or isinstance(real.columns[axis.column], Flags):
            continue
        levels = min(len(axis.names), MOST_LEVELS)
        frequent = np.argsort(-np.bincount(axis.cells[0], minlength=axis.size)[: len(axis.names)])
        place = np.full(axis.size, levels)
        place[frequent[:levels]] = np.arange(levels)
        place[-1] = levels + 1  # missing: no indicator
        for block, cells in zip(blocks, axis.cells, strict=True):
            block.append(np.eye(levels + 2)[place[cells]][:, :-1])
        spans[axis.column] = (start, start + levels + 1)
        start += levels + 1
    Q = [np.hstack([np.zeros((t.rows, 0)), *b])
         for t, b in zip((real, synthetic), blocks, strict=True)]  # fmt: skip
    X = [np.where(m, (x - centre) / spread, 0.0) for x, m in zip(raw, known, strict=True)]
    R = [_ranks(x, m) for x, m in zip(raw, known, strict=True)]
    M = [m.astype(np.float64) for m in known]
    return _Numbers(numbers=names, levels=spans, X=(X[0], X[1]), R=(R[0], R[1]),
                    M=(M[0], M[1]), Q=(Q[0], Q[1]))  # fmt: skip


def _ranks(raw: Floats, known: NDArray[np.bool_]) -> Floats:
    """Ranks of the known numbers of each column, between -½ and ½; 0 where missing."""
    ranks = np.zeros(raw.shape)
    for j in range(raw.shape[1]):
        mine = known[:, j]
        ranks[mine, j] = rankdata(raw[mine, j]) / max(mine.sum(), 1) - 0.5
    return ranks


def is_number(column: object) -> bool:
    """Whether a column is compared as a number: more than 12 distinct values."""
    if isinstance(column, Flags) or not isinstance(column, np.ndarray) or column.dtype == object:
        return False
    return len(np.unique(column[~np.isnan(column)])) > DISTINCT


def _floats(table: Prepared, name: str) -> Floats:
    column = table.columns[name]
    assert not isinstance(column, Flags)
    return column.astype(np.float64)


def _flat(matrix: Floats, name: str) -> Floats:
    """Each pair once."""
    if name == "correlation_ratio":
        return matrix.ravel()
    return matrix[np.triu_indices(len(matrix), 1)]


def _rows(matrix: Floats) -> tuple[tuple[float | None, ...], ...]:
    return tuple(tuple(None if np.isnan(v) else float(v) for v in row) for row in matrix)
