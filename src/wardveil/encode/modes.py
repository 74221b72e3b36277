"""Rows ↔ categories and scalars, as CTGAN's networks read and produce them.

A number becomes a *mode*, one of the normals that its histogram was taken apart into, and a
*scalar*, where in the mode it is: (x - mean) / 4 sd, kept within ±0.99. A value that patients have
again and again (a spike) and "missing" are modes of their own, without a scalar. A number of few
admissible values and everything with levels are categories as they are.

So a row is a category for each variable and a scalar for each number, and stays that small until
a batch is made: `hot` sets the ones.

    width of a row for the critic = Σ categories + numbers
    order                           [categories of discrete variables | modes | scalars]

Source: Xu, Skoularidou, Cuesta-Infante and Veeramachaneni (2019), arXiv:1907.00503, section 4.2.
    Histograms, spikes and missing are ours.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.encode.histogram import Probabilities, sharp
from wardveil.encode.matrix import quantile
from wardveil.encode.mixture import Mixture, mixtures
from wardveil.schema.variable import Numeric, Variable
from wardveil.vault import Rows

Codes = NDArray[np.int32]
Floats = NDArray[np.float64]

FEW: Final = 20
"""A number of at most so many admissible values is a category."""
SPIKE: Final = 0.01
"""Share of the patients from which one value is a mode of its own."""
SPIKES: Final = 10
"""Most values of one number that are."""
REACH: Final = 4.0
"""Standard deviations at which the scalar is ±1."""
MOST: Final = 0.99
"""Largest scalar a row is given."""
CHUNK: Final = 1 << 16
"""Rows encoded at a time; bounds the memory of posteriors."""
_NO_COINS: Final = np.random.default_rng(0)  # levels need none


@dataclass(frozen=True, kw_only=True)
class Number:
    """One number taken apart.

    Attributes:
        variable: The number.
        mixture: Its normals, in cells.
        spikes: Lattice points with a mode of their own, (M,) int64.
        rest: Distribution over cells without the spikes, (cells,).
    """

    variable: Numeric
    mixture: Mixture
    spikes: NDArray[np.int64]
    rest: Probabilities

    @property
    def normals(self) -> int:
        """K."""
        return len(self.mixture.mean)

    @property
    def size(self) -> int:
        """Modes: normals, spikes, and missing where it may be."""
        return self.normals + len(self.spikes) + self.variable.nullable

    def place(self, point: NDArray[np.int64]) -> Floats:
        """Lattice points in cells: a cell's centre is its whole number."""
        stride = self.variable.stride
        return (point - (stride - 1) / 2) / stride

    def point(self, place: Floats) -> Floats:
        """The inverse of `place`, not rounded."""
        stride = self.variable.stride
        return place * stride + (stride - 1) / 2

    def placed(self, mode: Codes, scalar: Floats) -> Floats:
        """Places of modes and scalars; of modes without a scalar they mean nothing."""
        k = np.minimum(mode, self.normals - 1)
        return self.mixture.mean[k] + REACH * self.mixture.sd[k] * np.clip(scalar, -1.0, 1.0)

    def values(self, mode: Codes, scalar: Floats, knots: Floats | None) -> Floats:
        """Values on the lattice of modes and scalars, (m,) each; see `Modes.decode` for knots."""
        v, place = self.variable, self.placed(mode, scalar)
        if knots is None:
            point = np.clip(np.rint(self.point(place)), 0, v.points - 1)
            values = np.round(v.low + point * 10.0**-v.decimals, v.decimals)
        else:
            steps = np.linspace(0.0, 1.0, len(knots))
            values = quantile(v, self.rest, np.interp(place, knots, steps))
        beyond = mode >= self.normals
        values[beyond] = self.special[mode[beyond] - self.normals]
        return values

    @property
    def special(self) -> Floats:
        """The values of modes without a scalar: spikes, then missing."""
        v = self.variable
        return np.append(np.round(v.low + self.spikes * 10.0**-v.decimals, v.decimals), np.nan)

    def masses(self, p: Probabilities) -> Probabilities:
        """Share of each mode under a distribution over cells, (size,)."""
        cells = np.arange(self.variable.cells, dtype=np.float64)
        at = self.spikes // self.variable.stride
        return np.concatenate(
            [
                self.rest @ self.mixture.posterior(cells),
                p[at] - self.rest[at],
                p[self.variable.cells :],
            ]
        )


def taken_apart(
    variables: Sequence[Numeric],
    p: Mapping[str, Probabilities],
    peak: Mapping[str, Probabilities],
    *,
    n: int,
    most: int,
) -> list[Number]:
    """Numbers as mixtures and spikes, from distributions alone.

    Args:
        variables: The numbers.
        p: Distribution of each over its cells, (size,).
        peak: Share of each cell's patients at its roundest point, where a cell has several.
        n: Patients.
        most: Most normals of one number.
    """
    spikes = [_spikes(v, p[v.name], peak.get(v.name), n) for v in variables]
    rests = [
        _rest(v, p[v.name], peak.get(v.name), s) for v, s in zip(variables, spikes, strict=True)
    ]
    wide = np.zeros((len(variables), max((v.cells for v in variables), default=1)))
    for row, rest in zip(wide, rests, strict=True):
        row[: len(rest)] = rest
    fitted = mixtures(wide, n, most)
    return [
        Number(variable=v, mixture=m, spikes=s, rest=rest)
        for v, m, s, rest in zip(variables, fitted, spikes, rests, strict=True)
    ]


def _spikes(
    variable: Numeric, p: Probabilities, peak: Probabilities | None, n: int
) -> NDArray[np.int64]:
    """Points that hold at least `SPIKE` of the patients beyond what is beside them."""
    known = p[: variable.cells]
    if variable.stride == 1:
        mass = sharp(n * known, 0.0) / max(n, 1)
    else:
        mass = known * (0.0 if peak is None else peak[: variable.cells])
    cells = np.sort(np.argsort(-mass, kind="stable")[:SPIKES])
    cells = cells[mass[cells] >= SPIKE].astype(np.int64)
    first = cells * variable.stride
    last = np.minimum(first + variable.stride, variable.points) - 1
    return variable.roundest(first, last)


def _rest(
    variable: Numeric, p: Probabilities, peak: Probabilities | None, spikes: NDArray[np.int64]
) -> Probabilities:
    """What is left of the cells without the spikes, (cells,)."""
    rest = p[: variable.cells].copy()
    cells = spikes // variable.stride
    rest[cells] *= 0.0 if variable.stride == 1 or peak is None else 1 - peak[cells]
    return rest


class Modes:
    """Encodes and decodes the rows of a schema's variables.

    Attributes:
        discrete: Variables that are categories as they are.
        numbers: The others.
        sizes: Categories of each head: discrete variables, then numbers.
        hot_width: Σ sizes.
        discrete_width: Of these, those of discrete variables.
        width: Columns of a row for the critic.
    """

    def __init__(self, variables: Sequence[Variable], numbers: Sequence[Number]) -> None:
        """A codec for `variables`, of which `numbers` were taken apart.

        Args:
            variables: In the schema's order.
            numbers: What `taken_apart` gave for `split(variables)`.
        """
        self.discrete, _ = split(variables)
        self.numbers = list(numbers)
        self.sizes = [v.size for v in self.discrete] + [x.size for x in self.numbers]
        self.hot_width = sum(self.sizes)
        self.discrete_width = sum(v.size for v in self.discrete)
        self.width = self.hot_width + len(self.numbers)
        ends = np.cumsum([0, *self.sizes])
        self.starts = torch.from_numpy(ends[:-1].astype(np.int64))

    @property
    def heads(self) -> int:
        """Categories of a row: one a variable."""
        return len(self.sizes)

    def encode(self, rows: Rows, coins: np.random.Generator | None = None) -> Tensor:
        """(n, heads + numbers) float32: categories as whole numbers, then scalars.

        Args:
            rows: By variable.
            coins: Draw each mode from its posterior, as the paper does. Without, it is the
                likeliest, so a row is encoded by itself, as patients under privacy must be.
        """
        n = len(next(iter(rows.values())))
        out = np.empty((n, self.heads + len(self.numbers)), dtype=np.float32)
        for k, v in enumerate(self.discrete):
            out[:, k] = v.cell(rows[v.name])
        first = len(self.discrete)
        for k, number in enumerate(self.numbers):
            values = rows[number.variable.name]
            for a in range(0, n, CHUNK):
                part = slice(a, a + CHUNK)
                mode, scalar = _taken(number, values[part], coins)
                out[part, first + k], out[part, self.heads + k] = mode, scalar
        return torch.from_numpy(out)

    def hot(self, compact: Tensor) -> Tensor:
        """Rows as the critic reads them, (B, width) float32: ones for categories, then scalars."""
        x = torch.zeros(len(compact), self.width)
        at = compact[:, : self.heads].long() + self.starts
        x.scatter_(1, at, 1.0)
        x[:, self.hot_width :] = compact[:, self.heads :]
        return x

    def tensors(self) -> dict[str, Tensor]:
        """The numbers' modes by name, for `restored`."""
        found: dict[str, NDArray[np.float64] | NDArray[np.int64]] = {}
        for x in self.numbers:
            name = x.variable.name
            found[f"modes/{name}"] = np.stack(x.mixture)
            found[f"spikes/{name}"] = x.spikes
            found[f"rest/{name}"] = x.rest
        return {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in found.items()}

    @classmethod
    def restored(cls, variables: Sequence[Variable], tensors: Mapping[str, Tensor]) -> "Modes":
        """The codec that `tensors` were made of."""
        numbers = [
            Number(
                variable=v,
                mixture=Mixture(*tensors[f"modes/{v.name}"].numpy()),
                spikes=tensors[f"spikes/{v.name}"].numpy(),
                rest=tensors[f"rest/{v.name}"].numpy(),
            )
            for v in split(variables)[1]
        ]
        return cls(variables, numbers)

    def decode(
        self, codes: Codes, scalars: Floats, moved: Mapping[str, Floats] | None = None
    ) -> Rows:
        """Rows of categories and scalars: (heads, n) and (numbers, n) -> variable -> (n,).

        Args:
            codes: The category of each head.
            scalars: Each is cut to ±1.
            moved: Number -> places in cells, rising, at equal steps of all that a generator puts
                into normals: each is moved to the same step of the known distribution.
        """
        first = len(self.discrete)
        rows: dict[str, NDArray[np.float64] | NDArray[np.int32]] = {
            v.name: v.draw(code, _NO_COINS)
            for v, code in zip(self.discrete, codes[:first], strict=True)
        }
        for number, mode, scalar in zip(self.numbers, codes[first:], scalars, strict=True):
            name = number.variable.name
            rows[name] = number.values(mode, scalar, None if moved is None else moved[name])
        return rows


def split(variables: Sequence[Variable]) -> tuple[list[Variable], list[Numeric]]:
    """Variables that are categories, and numbers to be taken apart; public."""
    numbers = [v for v in variables if isinstance(v, Numeric) and v.points > FEW]
    names = {v.name for v in numbers}
    return [v for v in variables if v.name not in names], numbers


def _taken(
    number: Number,
    values: NDArray[np.float64] | NDArray[np.int32],
    coins: np.random.Generator | None,
) -> tuple[Codes, Floats]:
    """Mode and scalar of each value of one number."""
    v, mix = number.variable, number.mixture
    point = v.point(values)
    chance = mix.posterior(np.arange(v.cells, dtype=np.float64))
    cell = point // v.stride
    if coins is None:
        mode = chance.argmax(axis=1)[cell]
    else:
        below = np.cumsum(chance, axis=1)[:, :-1]
        mode = (coins.random(len(cell))[:, None] > below[cell]).sum(axis=1)
    scalar = (number.place(point) - mix.mean[mode]) / (REACH * mix.sd[mode])
    scalar = np.clip(scalar, -MOST, MOST)
    for k, spike in enumerate(number.spikes):
        at = point == spike
        mode[at], scalar[at] = number.normals + k, 0.0
    missing = np.isnan(values)
    mode[missing], scalar[missing] = number.size - 1, 0.0
    return mode.astype(np.int32), scalar
