"""Bins: coarse cells for joint tables, made from noisy one-way distributions.

Numbers are cut into bins of about equal mass; levels too rare to be told from noise share one
bin. Bins follow from answers and public facts only, and say for each fine cell which bin it is in.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wardveil.encode.histogram import Probabilities, believed, to_total
from wardveil.schema.variable import Numeric, Variable
from wardveil.vault import Rows


class Bins:
    """A coarse partition of each variable's cells.

    Attributes:
        variables: In order.
        p: Fine distribution of each variable, (size,).
        group: Variable -> bin of each fine cell, (size,) int32; bins are 0, 1, … without gaps.
        joined: Variable -> bin of each finer bin, where bins were joined from others.
    """

    def __init__(
        self,
        variables: Sequence[Variable],
        p: Mapping[str, Probabilities],
        most: int,
        *,
        finer: "Bins | None" = None,
    ) -> None:
        """Cut every variable into at most `most` bins, "missing" apart (most ≥ 2).

        With `finer`, its bins are joined instead of cells.
        """
        self.variables = tuple(variables)
        self.p = {v.name: p[v.name] for v in self.variables}
        self.joined: dict[str, NDArray[np.int32]] = {}
        if finer is None:
            self.group = {v.name: _group(v, p[v.name], most) for v in self.variables}
        else:
            self.joined = {v.name: _group(v, finer.mass(v.name), most) for v in self.variables}
            self.group = {name: to[finer.group[name]] for name, to in self.joined.items()}

    def holding(self, p: Mapping[str, Probabilities]) -> "Bins":
        """The same bins over other distributions."""
        other = copy(self)
        other.p = {v.name: p[v.name] for v in self.variables}
        return other

    @cached_property
    def sizes(self) -> Mapping[str, int]:
        """Variable -> number of bins, in order."""
        return {name: int(g.max()) + 1 for name, g in self.group.items()}

    @cached_property
    def starts(self) -> dict[str, int]:
        """Variable -> its first bin when the bins of all variables stand in one row."""
        ends = np.cumsum([0, *self.sizes.values()])
        return dict(zip(self.sizes, (int(e) for e in ends[:-1]), strict=True))

    @cached_property
    def width(self) -> int:
        """Bins of all variables together."""
        return sum(self.sizes.values())

    def cells(self, rows: Rows) -> dict[str, NDArray[np.int32]]:
        """Variable -> bin of each row, (n,)."""
        return {v.name: self.group[v.name][v.cell(rows[v.name])] for v in self.variables}

    def block(self, table: NDArray[np.float64], a: str, b: str) -> NDArray[np.float64]:
        """The part of a table of all pairs of bins, (width, width), that belongs to one pair."""
        rows = slice(self.starts[a], self.starts[a] + self.sizes[a])
        return table[rows, self.starts[b] : self.starts[b] + self.sizes[b]]

    def mass(self, name: str) -> Probabilities:
        """Distribution of one variable over its bins."""
        mass = np.zeros(self.sizes[name])
        np.add.at(mass, self.group[name], self.p[name])
        return mass

    def average(self, name: str, vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean of fine cells' vectors, (size, d), in each bin of one variable, (bins, d)."""
        p = np.maximum(self.p[name], 1e-12)
        total = np.zeros((self.sizes[name], vectors.shape[1]))
        np.add.at(total, self.group[name], p[:, None] * vectors)
        return total / np.bincount(self.group[name], weights=p)[:, None]


def _group(variable: Variable, p: Probabilities, most: int) -> NDArray[np.int32]:
    """Bin of each cell (or finer bin) of one variable, (len(p),); "missing" is the last one."""
    cells = len(p) - variable.nullable
    if isinstance(variable, Numeric):
        group = _equal_mass(p[:cells], most)
    elif cells <= most:
        group = np.arange(cells, dtype=np.int32)
    else:  # the frequent levels by themselves, all others together
        rank = np.empty(cells, dtype=np.int32)
        rank[np.argsort(-p[:cells], kind="stable")] = np.arange(cells)
        group = np.minimum(rank, most - 1).astype(np.int32)
    if variable.nullable:
        group = np.append(group, group.max() + 1)
    return group.astype(np.int32)


def _equal_mass(p: Probabilities, most: int) -> NDArray[np.int32]:
    """Consecutive cells grouped to about 1/most of the mass each; spikes stand alone."""
    total = p.sum()
    if len(p) <= most or total <= 0:
        return np.minimum(np.arange(len(p)), most - 1).astype(np.int32)
    middle = (np.cumsum(p) - 0.5 * p) / total
    wanted = np.minimum((middle * most).astype(np.int32), most - 1)
    return np.unique(wanted, return_inverse=True)[1].astype(np.int32)


def corrected(
    bins: Bins, gaps: Mapping[str, NDArray[np.float64]], sd: Mapping[str, float], n: int
) -> dict[str, Probabilities]:
    """Fine distributions whose bins have the masses that a second look found.

    A variable's gaps are `believed` as far as noise does not explain them.

    Args:
        bins: What was looked at; its `p` is what was known before.
        gaps: Variable -> noisy count minus expected count of each bin, (bins,); of two bins the
            second alone, (1,). Before them the same for each heap of a number.
        sd: Variable -> standard deviation of the noise on each of its gaps, in patients.
        n: Number of patients.
    """
    found = {}
    for v in bins.variables:
        p, gap = bins.p[v.name], gaps[v.name]
        if isinstance(v, Numeric):
            more = [believed(g[None], sd[v.name])[0] / n for g in gap[: len(v.heaps)]]
            p, gap = _reweighted(p, v.heaps, more), gap[len(v.heaps) :]
        group, mass = bins.group[v.name], bins.mass(v.name)
        now = np.bincount(group, weights=p, minlength=len(mass))
        if len(mass) > 1:  # what is still missing after the heaps were put right
            further = gap + n * (mass - now)[-len(gap) :]
            further = believed(further, sd[v.name])
            full = np.concatenate([-further, further]) if len(mass) == 2 else further
            told = to_total(n * now + full, n) / n
            empty = now[group] < 1e-9  # nothing was known inside: all its cells are alike
            cells = np.bincount(group)[group]
            p = np.where(empty, told[group] / cells, p * (told / np.maximum(now, 1e-9))[group])
        found[v.name] = p / p.sum()
    return found


def _reweighted(
    p: Probabilities, classes: NDArray[np.bool_], more: Sequence[float]
) -> Probabilities:
    """A distribution whose classes of cells hold that much more, each in proportion inside."""
    if not len(classes):
        return p
    share = classes @ p
    wanted = np.clip(share + np.asarray(more), 0.0, 1.0)
    wanted *= min(1.0, 0.999 / max(wanted.sum(), 1e-9))
    rest = p * ~classes.any(axis=0)
    found: Probabilities = rest * (1 - wanted.sum()) / max(rest.sum(), 1e-9)
    for mask, now, then in zip(classes, share, wanted, strict=True):
        found += mask * then * (p / now if now > 1e-9 else 1 / mask.sum())
    return found / found.sum()
