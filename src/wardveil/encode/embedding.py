"""Embedding: each patient as a short vector, to ask for its first and second moments.

A vector holds, variable after variable, fixed numbers for the cell that the patient is in. All of
them are centred on what is already known, so that a typical patient is short and can move a sum
of them little: where nobody is surprising, noise is small. Cells and centres follow from answers
and public facts only.

Two of them are asked for:

    masses      one coordinate a bin, 1 in the patient's own, and whether a number is 0 or ends
                in 0: the first moment corrects the histograms where the mass is, and finds the
                numbers that people write
    correlates  rank, square of the rank, missing, and the frequent levels: the second moment
                holds how every two variables go together, all pairs at once
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.encode.bins import Bins
from wardveil.encode.histogram import Probabilities
from wardveil.schema.variable import Levelled, Numeric, Variable
from wardveil.vault import Rows

Vectors = NDArray[np.float64]

ROOM: Final = 1.15
"""Least multiple of the mean squared length at which patients are clipped. More room is more
noise, less is more bias; 1.1 to 1.2 was best on the public tables at ε = 1."""
MENDED: Final = 0.1
"""Part of what clipping takes from second moments that counts in the choice of a length: most of
it is given back (`wardveil.networks.clipped`), noise is not. Adult at ε = 1 has `tvd2` 0.034 where
all of it counts, 0.032 so; where nothing counts, patients who have three rare things at once are
kept by half."""
LENGTHS: Final = 8
"""How many are tried, up to the greatest one."""
PATIENTS: Final = 4_000
"""Made up from the distributions of single variables, to see what clipping would take."""
RANK: Final = 0.75
"""Length of the rank coordinate at either end. An error of a covariance then moves as much of a
joint table for ranks as for indicators of 0 and 1."""
CURVE: Final = 0.25
"""Standard deviation of the squared rank."""
SEEN: Final = 0.005
"""Levels less frequent than this get no coordinate."""
LEVELS: Final = 8
"""Most levels of one variable that get a coordinate."""
SCORED: Final = 4
"""Ordered levels beyond this number are treated as ranks."""


class Embedding:
    """Vectors for the cells of some variables, scaled so that few patients are longer than 1.

    Attributes:
        vectors: Variable -> (size, d_v), unscaled.
        unit: What the vectors are multiplied by in `encode`.
        width: d, coordinates of all variables together.
        owner: (d,), index of the variable that each coordinate belongs to.
    """

    def __init__(
        self,
        variables: Sequence[Variable],
        vectors: Mapping[str, Vectors],
        p: Mapping[str, Probabilities],
        *,
        noise: float,
        power: int,
    ) -> None:
        """Choose the unit by what noise and clipping would do to the answer.

        Args:
            variables: In order.
            vectors: Variable -> (size, d_v).
            p: Fine distribution of each.
            noise: Standard deviation of the noise on a mean of vectors of length 1; 0 for none.
            power: 1 when the mean is asked for, 2 for second moments.
        """
        self.variables = tuple(variables)
        self.vectors = dict(vectors)
        self.unit = 1 / _clip_at([(vectors[v.name], p[v.name]) for v in variables], noise, power)
        widths = [vectors[v.name].shape[1] for v in self.variables]
        self.width = sum(widths)
        self.owner = np.repeat(np.arange(len(widths)), widths)

    def encode(self, rows: Rows) -> Tensor:
        """(n, d) float32, each row by itself."""
        parts = [
            (self.unit * self.vectors[v.name]).astype(np.float32)[v.cell(rows[v.name])]
            for v in self.variables
        ]
        return torch.from_numpy(np.concatenate(parts, axis=1))

    def split(self, total: Vectors) -> dict[str, Vectors]:
        """A vector of all coordinates as one for each variable, unscaled."""
        ends = np.searchsorted(self.owner, np.arange(len(self.variables)), side="right")
        parts = np.split(total / self.unit, ends[:-1])
        return {v.name: part for v, part in zip(self.variables, parts, strict=True)}


def _clip_at(parts: Sequence[tuple[Vectors, Probabilities]], noise: float, power: int) -> float:
    """The length at which noise and what is clipped off together hurt an answer least.

    Both in squares over all coordinates, for patients whose variables have nothing to do with one
    another: (σL/n)² d + ‖E[x - clip x]‖² of a mean, (σL²/n)² d²/2 + ‖E[x xᵀ - clip x xᵀ]‖²/100
    of second moments.
    """
    draw = np.random.default_rng(0)  # its luck decides on a length and hides nobody
    x = np.concatenate([v[draw.choice(len(p), PATIENTS, p=p / p.sum())] for v, p in parts], axis=1)
    square, d = (x**2).sum(axis=1), x.shape[1]
    least = ROOM * max(sum(float(p @ (v**2).sum(axis=1)) for v, p in parts), 1e-6)
    error = {}
    for most in np.geomspace(least, max(least, square.max(initial=0.0)), LENGTHS):
        off = 1 - np.minimum(1.0, (most / np.maximum(square, 1e-300)) ** (power / 2))
        x, square, off = x[off > 0], square[off > 0], off[off > 0]  # longer ones do not come back
        lost = off @ x if power == 1 else MENDED * (x.T * off) @ x
        chance = (noise * sqrt(most)) ** 2 * d if power == 1 else (noise * most * d) ** 2 / 2
        error[sqrt(most)] = chance + float(((lost / PATIENTS) ** 2).sum())
    return min(error, key=lambda length: error[length])


def masses(bins: Bins, *, noise: float) -> Embedding:
    """A coordinate for each bin, centred on the bins' known masses; one alone for two bins.

    Before them stands one for each heap of a number: whether it is 0, whether it ends in 0.

    Args:
        bins: Of each variable.
        noise: As for an `Embedding`.
    """
    vectors = {}
    for v in bins.variables:
        size = bins.sizes[v.name]
        hot = np.eye(size)[:, 1:] if size <= 2 else np.eye(size)
        centre = bins.mass(v.name)[-hot.shape[1] :] if hot.shape[1] else np.zeros(0)
        vectors[v.name] = (hot - centre)[bins.group[v.name]]
        if isinstance(v, Numeric):
            heaps = v.heaps.T - v.heaps @ bins.p[v.name]
            vectors[v.name] = np.column_stack([heaps, vectors[v.name]])
    return Embedding(bins.variables, vectors, bins.p, noise=noise, power=1)


def correlates(
    variables: Sequence[Variable],
    p: Mapping[str, Probabilities],
    weights: Mapping[str, float],
    *,
    curved: bool,
    noise: float,
) -> Embedding:
    """What goes with what: ranks, missing and frequent levels.

    Args:
        variables: In order.
        p: Fine distribution of each.
        weights: What a variable's coordinates are multiplied by: above 1 it is told more
            precisely, and all others less.
        curved: Whether numbers get a second coordinate, the square of the rank.
        noise: As for an `Embedding`.
    """
    vectors = {v.name: weights[v.name] * _shape(v, p[v.name], curved=curved) for v in variables}
    return Embedding(variables, vectors, p, noise=noise, power=2)


def _shape(variable: Variable, p: Probabilities, *, curved: bool) -> Vectors:
    """Centred coordinates of each cell of one variable, (size, d)."""
    ranked = isinstance(variable, Numeric) or (
        isinstance(variable, Levelled) and variable.ordered and variable.cells > SCORED
    )
    columns = _ranks(variable, p, curved=curved) if ranked else []
    told = [variable.cells] if ranked else _frequent(p)
    for cell in told:
        if cell < variable.size and p[cell] > SEEN:
            hot = np.zeros(variable.size)
            hot[cell] = 1.0
            columns.append(hot - p[cell])
    return np.stack(columns, axis=1) if columns else np.zeros((variable.size, 0))


def _ranks(variable: Variable, p: Probabilities, *, curved: bool) -> list[Vectors]:
    """The rank of each cell, and its square made orthogonal to it; 0 for "missing"."""
    known = p[: variable.cells]
    if known.sum() <= 0:
        return []
    known = known / known.sum()
    rank = 2 * np.cumsum(known) - known - 1  # mean 0, from -1 to 1
    shapes = [RANK * rank]
    if curved:
        square = rank**2 - known @ rank**2
        square -= rank * (known @ (rank * square)) / max(known @ rank**2, 1e-12)
        spread = sqrt(max(float(known @ square**2), 1e-12))
        shapes.append(CURVE * square / spread)
    return [np.concatenate([x, np.zeros(variable.size - variable.cells)]) for x in shapes]


def _frequent(p: Probabilities) -> list[int]:
    """The most frequent cells; of two only the rarer one, which says it all."""
    order = np.argsort(-p, kind="stable")
    return [int(order[1])] if len(p) == 2 else [int(c) for c in order[:LEVELS]]
