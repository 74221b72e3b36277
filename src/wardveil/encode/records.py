"""Records: patients as medGAN reads them, flags or counts from 0, one small integer a column.

A matrix of codes is wide and nearly empty. It is held as bytes, and only batches of it are made
float: 46,520 patients by 1,071 codes are 50 MB instead of 200.

    binary   every variable has two levels: 0 or 1                     1 byte a column
    count    whole numbers from 0, and flags among them                1 byte, or 2 beyond 255
    mixed    anything, as `encode.matrix` has it, from [0, 1]          2 bytes

Read back, a generator's numbers are log-odds (binary, mixed) or counts before their ReLU. They can
be calibrated: moved by monotone maps, column by column, onto known distributions, so that what was
learnt about dependence stays.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.encode.calibrate import calibrated
from wardveil.encode.histogram import Probabilities
from wardveil.encode.matrix import KAPPA, Matrix, blocks_of
from wardveil.errors import Problem, UsageError
from wardveil.schema.variable import Levelled, Numeric, Variable
from wardveil.vault import Rows

Kind = Literal["binary", "count", "mixed"]
DataType = Literal["auto", "binary", "count", "mixed"]

MOST: Final = 32_767
"""Largest count, and steps of [0, 1] of a mixed column: what two bytes hold."""
TOGETHER: Final = 1 << 14
"""Patients of a mixed table encoded at a time."""
ROUNDS: Final = 40
"""Halvings of the interval in which an offset is looked for."""
FAR: Final = 40.0
"""Log-odds that no offset has to exceed."""
TIE: Final = 1e-4
"""Counts, or log-odds, nearer than this are equal where thresholds are found and used."""
MOST_ODDS: Final = 500.0
"""Log-odds that an exponential of still is a number."""


def kind_of(variables: Sequence[Variable], data_type: DataType) -> Kind:
    """What the columns of a table are; from the schema alone.

    Args:
        variables: All of them.
        data_type: "auto" takes the simplest kind that fits; anything else must fit.

    Raises:
        UsageError: E126, naming the variables that are not what was said.
    """
    unfit: dict[Kind, list[str]] = {
        "binary": [v.name for v in variables if not _flag(v)],
        "count": [v.name for v in variables if not _flag(v) and not _counts(v)],
    }
    if data_type == "mixed":
        return "mixed"
    if data_type == "auto":
        return next((kind for kind, names in unfit.items() if not names), "mixed")
    if names := unfit[data_type]:
        wanted = {
            "binary": "Every variable must have two levels and no missing value",
            "count": f"Every variable must be a whole number from 0 to at most {MOST}, or have "
            "two levels, and no missing value",
        }[data_type]
        raise UsageError(
            Problem(
                code="E126",
                what=f"{wanted} where data_type = {data_type}; found {len(names)} others, "
                f"{', '.join(map(repr, names[:5]))}{' …' if len(names) > 5 else ''}.",
                where="data_type",
                do=("Use data_type = auto or mixed.",),
            )
        )
    return data_type


def _flag(v: Variable) -> bool:
    return isinstance(v, Levelled) and v.cells == 2 and v.size == 2


def _counts(v: Variable) -> bool:
    if not isinstance(v, Numeric) or v.nullable:
        return False
    return v.decimals == 0 and v.low == 0 and v.points <= MOST + 1


def width_of(variables: Sequence[Variable], kind: Kind) -> int:
    """Columns of the records; public."""
    return blocks_of(variables)[-1].stop if kind == "mixed" else len(variables)


class Records:
    """Encodes and decodes the patients of one schema.

    Attributes:
        variables: In order.
        kind: What the columns are.
        width: Columns.
        unit: What a step of the integers is worth in `dense`.
        dtype: Of the integers.
    """

    def __init__(
        self, variables: Sequence[Variable], kind: Kind, p: Mapping[str, Probabilities]
    ) -> None:
        """From public facts and the (noisy) distribution of every variable."""
        self.variables, self.kind = tuple(variables), kind
        self.p = {v.name: p[v.name] for v in self.variables}
        self.width = width_of(variables, kind)
        self.unit = 1 / MOST if kind == "mixed" else 1.0
        largest = max((_largest(v) for v in self.variables), default=1)
        small = kind != "mixed" and largest <= np.iinfo(np.uint8).max
        self.dtype = torch.uint8 if small else torch.int16

    @cached_property
    def matrix(self) -> Matrix:
        """The layout of a mixed table."""
        return Matrix(self.variables, self.p)

    # -- rows to numbers ---------------------------------------------------------------------

    def encode(self, rows: Rows) -> Tensor:
        """(n, width) small integers; each row by itself."""
        n = len(next(iter(rows.values())))
        found = torch.empty(n, self.width, dtype=self.dtype)
        if self.kind != "mixed":
            for k, v in enumerate(self.variables):
                found[:, k] = torch.from_numpy(_integers(v, rows[v.name])).to(self.dtype)
            return found
        for first in range(0, n, TOGETHER):
            part = {name: values[first : first + TOGETHER] for name, values in rows.items()}
            x = self.matrix.encode(part)
            found[first : first + TOGETHER] = ((x + 1) * (MOST / 2)).round_().to(self.dtype)
        return found

    def dense(self, compact: Tensor) -> Tensor:
        """A batch of the integers as the networks read it, (n, width) float32."""
        x = compact.float()
        return x if self.unit == 1.0 else x * self.unit

    @property
    def owner(self) -> Tensor:
        """Which variable each column is of, (width,)."""
        return self.matrix.owner if self.kind == "mixed" else torch.arange(self.width)

    @cached_property
    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and variance of each column under p, (width,) each: what `dense` has."""
        mean, square = torch.zeros(self.width), torch.zeros(self.width)
        if self.kind != "mixed":
            for k, v in enumerate(self.variables):
                values = _integers(v, _values(v))
                mean[k] = float(values @ self.p[v.name])
                square[k] = float(values**2 @ self.p[v.name])
            return mean, square - mean**2
        for b in self.matrix.blocks:
            p = torch.from_numpy(np.asarray(self.p[b.variable.name])).float()
            if b.number:  # ranks are uniform where known, and ½ where missing
                mean[b.start], square[b.start] = 1 / 2, 1 / 3
            if b.choices:
                mean[b.odds] = square[b.odds] = p[-b.choices :]
        return mean, square - mean**2

    # -- numbers to rows ---------------------------------------------------------------------

    def calibration(
        self, y: Tensor, rng: np.random.Generator, *, nearest: bool
    ) -> dict[str, Tensor]:
        """What `decode` needs to keep the distributions p of codes or counts.

        Args:
            y: What the decoder made of many latents, (m, width), before the last activation.
            rng: Breaks ties.
            nearest: Whether flags will be rounded.
        """
        if self.kind == "binary" and not nearest:
            share = torch.tensor([self.p[v.name][1] for v in self.variables])
            return {"offsets": _offsets(y, share.float())}
        ordered = _untied(y, rng).sort(dim=0).values
        most = max(v.cells for v in self.variables)
        found = torch.full((most - 1, self.width), torch.inf)
        for k, v in enumerate(self.variables):
            below = np.cumsum(self.p[v.name])[: v.cells - 1]
            found[: v.cells - 1, k] = _quantiles(ordered[:, k], torch.from_numpy(below))
        return {"thresholds": found}

    def decode(
        self, y: Tensor, rng: np.random.Generator, fitted: Mapping[str, Tensor], *, nearest: bool
    ) -> Rows:
        """Rows of a decoder's numbers, variable -> (n,).

        Args:
            y: (n, width), before the last activation.
            rng: Draws.
            fitted: A `calibration`, or empty: flags and counts are then what the network says.
            nearest: Whether a flag is rounded as the paper does; else it is drawn with its
                chance, and a count between two numbers is one of them with its chance.
        """
        if self.kind == "mixed":
            t = self.as_matrix(y)
            t = calibrated(self.matrix, t, fitted) if fitted else t
            return self.of_matrix(t, rng, nearest=nearest)
        if "thresholds" in fitted:
            cells = _cells(_untied(y, rng), fitted["thresholds"])
            return {v.name: v.draw(cells[k], rng) for k, v in enumerate(self.variables)}
        if self.kind == "binary":
            y = y + fitted["offsets"] if fitted else y
            chance = (y > 0).float() if nearest else torch.sigmoid(y)
            values = (rng.random(y.shape, dtype=np.float32) < chance.numpy()).astype(np.int32)
        else:
            counts = y.clamp(min=0).numpy()
            up = 0.5 if nearest else rng.random(y.shape, dtype=np.float32)
            values = np.floor(counts + up).astype(np.int32)
        columns = np.ascontiguousarray(values.T)
        return {v.name: _kept(v, columns[k]) for k, v in enumerate(self.variables)}

    def of_matrix(self, t: Tensor, rng: np.random.Generator, *, nearest: bool) -> Rows:
        """Rows of a mixed table's log-odds, calibrated or not."""
        return self.matrix.decode(self._likeliest(t) if nearest else t, rng)

    def _likeliest(self, t: Tensor) -> Tensor:
        """Log-odds that leave the likeliest level no rival."""
        found = t.clone()
        for b in self.matrix.blocks:
            odds = t[:, b.odds]
            if b.choices > 1:
                best = torch.nn.functional.one_hot(odds.argmax(dim=1), b.choices)
                found[:, b.odds] = (2 * best.to(t.dtype) - 1) * FAR
            elif b.choices:
                found[:, b.odds] = odds.sign() * FAR
        return found

    def as_matrix(self, y: Tensor) -> Tensor:
        """A mixed table as `encode.matrix` has it: positions in [-1, 1], log-odds over κ."""
        t = y.clamp(-MOST_ODDS, MOST_ODDS) / KAPPA
        for b in self.matrix.blocks:
            if b.number:
                t[:, b.start] = 2 * torch.sigmoid(y[:, b.start]) - 1
            if b.choices == 1:  # one column is half the difference of two
                t[:, b.odds] /= 2
        return t


def _largest(v: Variable) -> int:
    return v.points - 1 if isinstance(v, Numeric) else 1


def _values(v: Variable) -> NDArray[np.float64] | NDArray[np.int32]:
    """A value in the middle of each cell, (size,)."""
    if isinstance(v, Numeric):
        first = np.arange(v.cells) * v.stride
        return v.low + (first + np.minimum(first + v.stride, v.points) - 1) / 2
    return np.arange(v.cells, dtype=np.int32)


def _integers(
    v: Variable, values: NDArray[np.float64] | NDArray[np.int32]
) -> NDArray[np.int64] | NDArray[np.int32]:
    """Counts, or 0 and 1, (n,)."""
    return v.point(values) if isinstance(v, Numeric) else v.cell(values)


def _kept(v: Variable, counts: NDArray[np.int32]) -> NDArray[np.float64] | NDArray[np.int32]:
    """Counts as the variable holds them, at most its largest."""
    counts = np.minimum(counts, _largest(v))
    return counts.astype(np.float64) if isinstance(v, Numeric) else counts


def _untied(y: Tensor, rng: np.random.Generator) -> Tensor:
    """Numbers told apart at random where they are equal.

    A column whose ReLU has died is the same number in every row: no threshold would give it its
    known law. So it is drawn from that law, independent of the others.
    """
    return y + TIE * torch.from_numpy(rng.random(y.shape, dtype=np.float32))


def _offsets(y: Tensor, share: Tensor) -> Tensor:
    """Offsets b with mean σ(y + b) = share, (width,), by halving an interval."""
    low = -y.max(dim=0).values - FAR
    high = -y.min(dim=0).values + FAR
    for _ in range(ROUNDS):
        middle = (low + high) / 2
        under = torch.sigmoid(y + middle).mean(dim=0) < share
        low, high = torch.where(under, middle, low), torch.where(under, high, middle)
    return (low + high) / 2


def _quantiles(ordered: Tensor, shares: Tensor) -> Tensor:
    """Values that these shares of an ordered column lie below, (k,); for 0 and 1 infinite."""
    at = shares.clamp(0, 1) * len(ordered)
    place = at.long().clamp(max=len(ordered) - 1)
    before = ordered[(place - 1).clamp(min=0)]
    found = before + (at - place) * (ordered[place] - before)
    found = torch.where(place == 0, ordered[0] - 1 + at, found).float()
    found = torch.where(shares <= 0, -torch.inf, found)
    return torch.where(shares >= 1 - 1e-12, torch.inf, found)


def _cells(y: Tensor, thresholds: Tensor) -> NDArray[np.int32]:
    """How many of a column's thresholds each number is above, (width, n)."""
    found = torch.searchsorted(thresholds.T.contiguous(), y.T.contiguous())
    return found.numpy().astype(np.int32)
