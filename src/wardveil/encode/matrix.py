"""Rows ↔ matrix in [-1, 1], as networks with a tanh at the end produce and judge it.

A number becomes its position u = 2 F(x) - 1 under the (noisy) distribution F, so a network draws
from a uniform law whatever the column looks like, and what comes back lies inside the declared
bounds and on the column's decimals; one of few values can be written as levels. A level becomes one
coordinate per level, +1 for the level it is and -1 for the others; two levels need only one
coordinate. "Missing" is a coordinate of its own, never a number.

Read back, level coordinates are log-odds: level k has probability softmax(κ·t)_k.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.encode.histogram import Probabilities
from wardveil.schema.variable import Numeric, Variable
from wardveil.vault import Rows

KAPPA = 5.0
"""κ: a saturated coordinate stands for odds of e^(2κ) = 22,000 to 1."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """The columns of the matrix that belong to one variable.

    Attributes:
        variable: The variable.
        start: First column.
        number: Columns that hold a position, 1 or 0.
        choices: Columns that hold log-odds: one per level (one alone for two levels), or the
            single "missing" column of a nullable number.
    """

    variable: Variable
    start: int
    number: int
    choices: int

    @property
    def stop(self) -> int:
        """First column after the block."""
        return self.start + self.number + self.choices

    @property
    def odds(self) -> slice:
        """The columns of log-odds."""
        return slice(self.start + self.number, self.stop)


def blocks_of(variables: Sequence[Variable], *, few: int = 0) -> tuple[Block, ...]:
    """The layout of a matrix for some variables; public.

    Args:
        variables: Whose.
        few: A number of at most so many values is written as levels.
    """
    blocks, start = [], 0
    for v in variables:
        if isinstance(v, Numeric) and v.points > few:
            block = Block(variable=v, start=start, number=1, choices=int(v.nullable))
        else:
            block = Block(variable=v, start=start, number=0, choices=1 if v.size == 2 else v.size)
        blocks.append(block)
        start = block.stop
    return tuple(blocks)


class Matrix:
    """Encodes and decodes the rows of some variables.

    Attributes:
        blocks: The layout.
        width: d, columns of the matrix.
        owner: Which variable each column is of, (d,).
        p: Fine distribution of each variable.
        peak: Share of each fine cell's patients at its roundest point, by variable; where one is
            left out, values are spread evenly over the points of a cell.

    Args:
        variables: Whose.
        p: As above.
        peak: As above.
        few: A number of at most so many values is written as levels.
    """

    def __init__(
        self,
        variables: Sequence[Variable],
        p: Mapping[str, Probabilities],
        peak: Mapping[str, Probabilities] | None = None,
        *,
        few: int = 0,
    ) -> None:
        self.blocks = blocks_of(variables, few=few)
        self.width = self.blocks[-1].stop if self.blocks else 0
        columns = [b.stop - b.start for b in self.blocks]
        self.owner = torch.repeat_interleave(torch.tensor(columns, dtype=torch.long))
        self.p = {v.name: p[v.name] for v in variables}
        self.peak = dict(peak or {})

    def encode(self, rows: Rows, rng: np.random.Generator | None = None) -> Tensor:
        """(n, d) float32 in [-1, 1]; each row by itself.

        Args:
            rows: Variable -> (n,).
            rng: A value that many patients have takes up an interval of positions. With this, a
                place in it is drawn, so that positions are uniform, as a network makes them;
                without, it is the middle.
        """
        n = len(next(iter(rows.values())))
        x = np.full((n, self.width), -1.0, dtype=np.float32)
        for b in self.blocks:
            values = rows[b.variable.name]
            if b.number:
                assert isinstance(b.variable, Numeric)
                x[:, b.start] = self._position(b.variable, values, rng)
                if b.choices:
                    x[np.isnan(values), b.start + 1] = 1.0
            elif b.choices == 1:
                x[b.variable.cell(values) == 1, b.start] = 1.0
            else:
                x[np.arange(n), b.start + b.variable.cell(values)] = 1.0
        return torch.from_numpy(x)

    def softened(self, x: Tensor) -> Tensor:
        """Expectations instead of log-odds, (n, d), differentiable.

        A level coordinate becomes its level's probability, a position is weighted by the chance
        that the number is known. Their second moments over rows are those of decoded rows, as far
        as two different variables are concerned.
        """
        two, many, owner, known = self._odds
        out = x.clone()
        if len(two):
            out[:, two] = torch.sigmoid(2 * KAPPA * x[:, two])
        if len(many):
            odds = torch.exp(KAPPA * x[:, many])  # x is at most 1: no overflow
            groups = int(owner[-1]) + 1
            total = odds.new_zeros(len(x), groups).index_add(1, owner, odds)
            out[:, many] = odds / total[:, owner]
        if len(known):
            out[:, known] = x[:, known] * (1 - out[:, known + 1])
        return out

    @cached_property
    def _odds(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Columns of lone odds, of odds among many and whose, and of numbers with a missing."""
        two = [b.stop - 1 for b in self.blocks if b.choices == 1]
        many = [(k, column) for k, b in enumerate(b for b in self.blocks if b.choices > 1)
                for column in range(b.start, b.stop)]  # fmt: skip
        known = [b.start for b in self.blocks if b.number and b.choices]
        columns = (two, [c for _, c in many], [k for k, _ in many], known)
        a, b, c, d = (torch.tensor(column, dtype=torch.long) for column in columns)
        return a, b, c, d

    def _position(
        self,
        variable: Numeric,
        values: NDArray[np.float64] | NDArray[np.int32],
        rng: np.random.Generator | None,
    ) -> NDArray[np.float64]:
        """u = 2 F(x) - 1 with F linear inside a cell; missing -> 0."""
        p = self.p[variable.name][: variable.cells]
        p = p / max(p.sum(), 1e-12)
        below = np.cumsum(p) - p
        point = variable.point(values)
        cell = point // variable.stride
        within = 0.5 if rng is None else rng.random(len(values))
        inside = (point - cell * variable.stride + within) / variable.stride
        u = 2 * (below[cell] + p[cell] * inside) - 1
        return np.where(np.isnan(values), 0.0, u)

    def decode(self, x: Tensor, rng: np.random.Generator) -> Rows:
        """Rows of a matrix, levels drawn from their log-odds; (n, d) -> variable -> (n,)."""
        matrix = x.detach().cpu().numpy().astype(np.float64)
        rows: dict[str, NDArray[np.float64] | NDArray[np.int32]] = {}
        for b in self.blocks:
            cell = _draw(KAPPA * matrix[:, b.odds], rng) if b.choices else None
            if b.number:
                assert isinstance(b.variable, Numeric)
                values = self.number(b.variable, (matrix[:, b.start] + 1) / 2)
                values = self._heaped(b.variable, values, rng)
                if cell is not None:
                    values[cell == 1] = np.nan
                rows[b.variable.name] = values
            else:
                assert cell is not None
                rows[b.variable.name] = b.variable.draw(cell, rng)
        return rows

    def _heaped(
        self, variable: Numeric, values: NDArray[np.float64], rng: np.random.Generator
    ) -> NDArray[np.float64]:
        """The share of values that stands at the roundest point of its cell, moved there."""
        peak = self.peak.get(variable.name)
        if peak is None or not peak.any():
            return values
        cell = variable.cell(values)
        round_ones = variable.draw(cell, rng, np.ones(variable.size))
        return np.where(rng.random(len(values)) < peak[cell], round_ones, values)

    def number(self, variable: Numeric, v: NDArray[np.float64]) -> NDArray[np.float64]:
        """F⁻¹(v) on the variable's lattice, v in [0, 1]."""
        return quantile(variable, self.p[variable.name], v)


def quantile(variable: Numeric, p: Probabilities, v: NDArray[np.float64]) -> NDArray[np.float64]:
    """F⁻¹(v) on a number's lattice, v in [0, 1], F with the masses p on its cells."""
    p = p[: variable.cells]
    p = p / max(p.sum(), 1e-12)
    above = np.cumsum(p)
    v = np.clip(v, 0.0, 1.0 - 1e-9)
    cell = np.minimum(np.searchsorted(above, v, side="right"), variable.cells - 1)
    inside = (v - (above[cell] - p[cell])) / np.maximum(p[cell], 1e-12)
    step = np.minimum((np.clip(inside, 0, 1) * variable.stride).astype(np.int64),
                      variable.stride - 1)  # fmt: skip
    point = np.minimum(cell * variable.stride + step, variable.points - 1)
    return np.round(variable.low + point * 10.0**-variable.decimals, variable.decimals)


def _draw(logits: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int32]:
    """A cell for each row of log-odds, (n, m) -> (n,); one column is the log-odds of cell 1 / 2."""
    if logits.shape[1] == 1:
        chance = 1 / (1 + np.exp(-2 * logits[:, 0]))
        return (rng.random(len(logits)) < chance).astype(np.int32)
    gumbel = -np.log(-np.log(rng.random(logits.shape).clip(1e-12, 1 - 1e-12)))
    return np.argmax(logits + gumbel, axis=1).astype(np.int32)
