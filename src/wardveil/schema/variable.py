"""Variables: a schema seen as quantities with finite, public grids.

A column is what a person names; a variable is what a mechanism counts. Most columns are one
variable. A `codes` column of L declared codes is L flags (and one more for "missing").

A variable knows its cells and nothing about any patient: the grid follows from declared bounds,
decimals and levels alone, so it is public. The last cell of a nullable variable is "missing".
"""

from dataclasses import dataclass
from functools import cached_property
from math import ceil
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wardveil.schema.column import LEVELLED, NUMERIC, Column

Values = NDArray[np.float64] | NDArray[np.int32]
Cells = NDArray[np.int32]

GRID: Final = 512
"""Most cells of a numeric variable: fine enough to redraw values, small enough to buy."""

DIGITS: Final = 20
"""Fewest lattice points of a number whose last digit is worth a look."""


@dataclass(frozen=True, kw_only=True)
class Numeric:
    """A number on the lattice low, low + 10⁻ᵈ, …, high, grouped into at most `GRID` cells.

    Values are float64, NaN when missing.

    Attributes:
        name: The variable's name: its column's.
        low: Smallest value, in the column's unit.
        high: Largest value.
        decimals: d, digits after the point.
        nullable: Whether a last cell, "missing", exists.
    """

    name: str
    low: float
    high: float
    decimals: int
    nullable: bool

    @property
    def points(self) -> int:
        """Number of lattice points."""
        return round((self.high - self.low) * 10**self.decimals) + 1

    @property
    def stride(self) -> int:
        """Lattice points in one cell (the last cell may have fewer)."""
        return ceil(self.points / GRID)

    @property
    def cells(self) -> int:
        """Number of cells that hold values, without "missing"."""
        return ceil(self.points / self.stride)

    @property
    def size(self) -> int:
        """Number of cells, with "missing"."""
        return self.cells + self.nullable

    @property
    def edges(self) -> NDArray[np.float64]:
        """Borders of the cells in the column's unit, (cells + 1,); a cell is [edge, next edge)."""
        unit = 10.0**-self.decimals
        cells: NDArray[np.float64] = np.arange(self.cells + 1, dtype=np.float64)
        return self.low - 0.5 * unit + self.stride * unit * cells

    def point(self, values: Values) -> NDArray[np.int64]:
        """Index of the nearest lattice point of each value, clipped to the bounds; missing -> 0."""
        known = np.nan_to_num(values.astype(np.float64), nan=self.low)
        scaled = (known - self.low) * 10.0**self.decimals
        return np.clip(np.rint(scaled), 0, self.points - 1).astype(np.int64)

    def cell(self, values: Values) -> Cells:
        """Cell of each value, (n,) int32; missing -> the last cell."""
        cell = (self.point(values) // self.stride).astype(np.int32)
        if self.nullable:
            cell[np.isnan(values)] = self.cells
        return cell

    def roundest(self, first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
        """Index of the roundest lattice point from `first` to `last`: 0, else most zeros, then a 5.

        Where people write a value again and again, it is a round one.
        """
        zero = round(self.low * 10**self.decimals)  # the number at index i, in units, is zero + i
        low, high = first + zero, last + zero
        found = np.where((low <= 0) & (high >= 0), 0, low)
        done = (low <= 0) & (high >= 0)
        steps = [
            m * 10**k for k in range(len(str(self.points + abs(zero))), -1, -1) for m in (1, 5)
        ]
        for step in sorted(set(steps), reverse=True):
            multiple = -(-low // step) * step
            here = ~done & (multiple <= high)
            found, done = np.where(here, multiple, found), done | here
        return np.asarray(found - zero, dtype=np.int64)

    @cached_property
    def heaps(self) -> NDArray[np.bool_]:
        """Values that people write more often than their neighbours, (heaps, size): 0, and x0.

        The first class is the number 0, the second all others that end in 0 where the last digit
        is. There are none where a cell holds several points, and few points have no second.
        """
        if self.stride > 1:
            return np.zeros((0, self.size), dtype=bool)
        number = np.arange(self.cells) + round(self.low * 10**self.decimals)
        tens = (number % 10 == 0) & (number != 0)
        classes = [number == 0, tens] if self.points >= DIGITS else [number == 0]
        found = np.zeros((len(classes), self.size), dtype=bool)
        found[:, : self.cells] = classes
        return found[found.any(axis=1)]

    @cached_property
    def _round(self) -> NDArray[np.int64]:
        """The roundest point of each cell, (cells,)."""
        first = np.arange(self.cells, dtype=np.int64) * self.stride
        return self.roundest(first, np.minimum(first + self.stride, self.points) - 1)

    def draw(
        self, cell: Cells, rng: np.random.Generator, peak: NDArray[np.float64] | None = None
    ) -> NDArray[np.float64]:
        """A lattice point drawn uniformly from each cell, (n,) float64; "missing" -> NaN.

        Args:
            cell: (n,).
            rng: Draws.
            peak: Share of each cell's patients at its roundest point, (size,).
        """
        first = cell.astype(np.int64) * self.stride
        count = np.clip(self.points - first, 1, self.stride)
        point = first + np.floor(rng.random(len(cell)) * count).astype(np.int64)
        if peak is not None:
            at = rng.random(len(cell)) < peak[cell]
            point = np.where(at, self._round[np.minimum(cell, self.cells - 1)], point)
        values = np.round(self.low + point * 10.0**-self.decimals, self.decimals)
        values[cell >= self.cells] = np.nan
        return values


@dataclass(frozen=True, kw_only=True)
class Levelled:
    """One of a declared list of levels. Values are int32 positions in `levels`, -1 when missing.

    Attributes:
        name: Column name, or "column=code" for the flag of a code.
        levels: The declared values as text.
        nullable: Whether a last cell, "missing", exists.
        ordered: Whether neighbouring levels are alike (kind `ordinal`).
    """

    name: str
    levels: tuple[str, ...]
    nullable: bool
    ordered: bool = False

    @property
    def cells(self) -> int:
        """Number of levels."""
        return len(self.levels)

    @property
    def size(self) -> int:
        """Number of cells, with "missing"."""
        return self.cells + self.nullable

    def cell(self, values: Values) -> Cells:
        """Cell of each value, (n,) int32; missing -> the last cell."""
        return np.where(values < 0, self.cells, values).astype(np.int32)

    def draw(
        self,
        cell: Cells,
        rng: np.random.Generator,  # noqa: ARG002
        peak: NDArray[np.float64] | None = None,  # noqa: ARG002
    ) -> NDArray[np.int32]:
        """The level of each cell, (n,) int32; "missing" -> -1."""
        return np.where(cell >= self.cells, -1, cell).astype(np.int32)


Variable = Numeric | Levelled


def flag_name(column: str, code: str) -> str:
    """Name of the flag that says whether a `codes` cell holds `code`."""
    return f"{column}={code}"


def missing_name(column: str) -> str:
    """Name of the flag that says whether a nullable `codes` cell is missing."""
    return f"{column}?"


def variables_of(column: Column) -> tuple[Variable, ...]:
    """The variables of one column; () for columns that are not modelled.

    The column must have no gaps.
    """
    if column.kind in NUMERIC:
        assert column.low is not None
        assert column.high is not None
        return (
            Numeric(name=column.name, low=column.low, high=column.high,
                    decimals=column.places, nullable=column.nullable),
        )  # fmt: skip
    if column.kind in LEVELLED:
        assert column.levels
        return (
            Levelled(name=column.name, levels=column.levels, nullable=column.nullable,
                     ordered=column.kind == "ordinal"),
        )  # fmt: skip
    if column.kind == "codes":
        assert column.levels
        names = [flag_name(column.name, code) for code in column.levels]
        names += [missing_name(column.name)] if column.nullable else []
        return tuple(Levelled(name=n, levels=("0", "1"), nullable=False) for n in names)
    return ()
