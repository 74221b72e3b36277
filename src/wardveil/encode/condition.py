"""Conditions: what a generator can be asked for, as a vector and as a joint distribution.

Any column may be a condition, demographics included: flags and levels as they are, numbers as
bands of about equal mass. A condition vector has one coordinate per band or level (one alone for
two), 0 or 1, as the paper's flags.
"""

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.encode.bins import Bins
from wardveil.encode.histogram import Probabilities, restrict
from wardveil.schema.variable import Variable
from wardveil.schema.where import Where, cells_asked, fit_into
from wardveil.vault import Rows

BANDS = 5
"""Bands of a numeric condition."""

JOINT_LIMIT = 512
"""Most cells of a joint table of all conditions; beyond it they are drawn independently."""


class Conditions:
    """The condition columns of a schema.

    Attributes:
        bins: Bands and levels of each condition variable.
        width: Coordinates of a condition vector.
        owner: Which variable each of them is of, (width,).
        joint: Distribution over all combinations, one axis a variable; None where conditions
            are drawn independently.
    """

    def __init__(
        self,
        variables: Sequence[Variable],
        p: Mapping[str, Probabilities],
        joint: Probabilities | None = None,
    ) -> None:
        self.bins = Bins(variables, p, BANDS if variables else 2)
        self.joint = joint
        columns = [1 if s == 2 else s for s in self.bins.sizes.values()]
        self.width = sum(columns)
        self.owner = torch.repeat_interleave(torch.tensor(columns, dtype=torch.long))

    def encode(self, cells: Mapping[str, NDArray[np.int32]]) -> Tensor:
        """Condition vectors of bands and levels, (n, width) float32 of 0 and 1."""
        parts = []
        for name, size in self.bins.sizes.items():
            hot = np.eye(size, dtype=np.float32)[cells[name]]
            parts.append(hot[:, 1:] if size == 2 else hot)
        n = len(next(iter(cells.values()))) if cells else 0
        stacked = np.concatenate(parts, axis=1) if parts else np.empty((n, 0), np.float32)
        return torch.from_numpy(np.ascontiguousarray(stacked))

    def draw(
        self, n: int, where: Where, rng: np.random.Generator
    ) -> tuple[dict[str, NDArray[np.int32]], Rows]:
        """n combinations from the prior given what is asked: their bands, and their values."""
        allowed = {v.name: self._asked(v, where) for v in self.bins.variables}
        cells = self._bands(n, allowed, rng)
        rows = {}
        for v in self.bins.variables:
            fine = self._fine(v, cells[v.name], allowed[v.name], rng)
            values = v.draw(fine, rng)
            rows[v.name] = fit_into(values, where[v.name]) if v.name in where else values
        return cells, rows

    def _asked(self, variable: Variable, where: Where) -> NDArray[np.bool_]:
        """Fine cells of a variable that are allowed, (size,)."""
        if variable.name in where:
            return cells_asked(variable, where[variable.name])
        return np.ones(variable.size, dtype=bool)

    def _bands(
        self, n: int, allowed: Mapping[str, NDArray[np.bool_]], rng: np.random.Generator
    ) -> dict[str, NDArray[np.int32]]:
        """Bands of n draws from the joint (or independent) prior, restricted."""
        open_bands = [
            np.bincount(self.bins.group[name], weights=mask) > 0 for name, mask in allowed.items()
        ]
        if self.joint is None:
            return {
                name: _pick(np.where(ok, self.bins.mass(name), 0.0), ok, n, rng)
                for name, ok in zip(allowed, open_bands, strict=True)
            }
        mask = np.ones((), dtype=bool)
        for ok in open_bands:
            mask = np.multiply.outer(mask, ok)
        flat = _pick(np.where(mask, self.joint, 0.0).ravel(), mask.ravel(), n, rng)
        places = np.unravel_index(flat, self.joint.shape)
        return {name: at.astype(np.int32) for name, at in zip(allowed, places, strict=True)}

    def _fine(
        self,
        variable: Variable,
        band: NDArray[np.int32],
        allowed: NDArray[np.bool_],
        rng: np.random.Generator,
    ) -> NDArray[np.int32]:
        """A fine cell inside each band, by the variable's own distribution."""
        group, p = self.bins.group[variable.name], self.bins.p[variable.name]
        fine = np.empty(len(band), dtype=np.int32)
        for k in np.unique(band):
            at = band == k
            inside = restrict(variable, p, allowed & (group == k))
            fine[at] = rng.choice(variable.size, size=int(at.sum()), p=inside)
        return fine


def joint_size(variables: Sequence[Variable]) -> int:
    """Most cells the joint table of some condition variables can have; public."""
    return prod(min(v.cells, BANDS) + v.nullable for v in variables) if variables else 0


def _pick(
    p: Probabilities, ok: NDArray[np.bool_], n: int, rng: np.random.Generator
) -> NDArray[np.int32]:
    """n positions drawn from p; uniform over `ok` where p has no mass."""
    p = p if p.sum() > 0 else ok.astype(float)
    edges = np.cumsum(p / p.sum())[:-1]
    return np.searchsorted(edges, rng.random(n), side="right").astype(np.int32)
