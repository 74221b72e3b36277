"""Portraits: generated rows as short vectors that can be differentiated, to match moments by.

A category is its chance. A number is where it stands among the patients: its rank u under the
known distribution, spread over a few bands by hat functions, each mode weighted by its chance; the
share that is missing beside them. The second moments of portraits are joint tables of bands and
categories of every two variables.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
from torch import Tensor

from wardveil.encode.histogram import Probabilities
from wardveil.encode.modes import REACH, Modes, Number

BANDS: Final = 6
"""Hat functions of a number."""


class Portraits:
    """Turns rows, features first, into portraits."""

    def __init__(self, modes: Modes, p: Mapping[str, Probabilities]) -> None:
        """Ranks are taken under p, the known distribution of each variable."""
        self._modes = modes
        S, K = len(modes.numbers), max((x.size for x in modes.numbers), default=0)
        C = max((x.variable.cells for x in modes.numbers), default=0)
        self._below = torch.zeros(S, C + 1)
        self._mean, self._reach = torch.zeros(S, K, 1), torch.zeros(S, K, 1)
        self._place = torch.full((S, K), modes.hot_width)  # one row beyond: a chance of 0
        self._missing = torch.full((S,), modes.hot_width)
        starts = modes.starts[len(modes.discrete) :].tolist()
        for s, (number, start) in enumerate(zip(modes.numbers, starts, strict=True)):
            self._below[s] = _cumulative(number, p[number.variable.name], C)
            centre, reach = _centres(number)
            self._mean[s, : len(centre), 0], self._reach[s, : len(reach), 0] = centre, reach
            self._place[s, : len(centre)] = torch.arange(start, start + len(centre))
            if number.variable.nullable:
                self._missing[s] = start + number.size - 1

    def of(self, x: Tensor) -> Tensor:
        """Chances of categories, then scalars, (W, B) -> portraits (B, d)."""
        modes = self._modes
        chance = torch.cat([x[: modes.hot_width], x.new_zeros(1, x.shape[1])])
        parts = [chance[: modes.discrete_width], chance[self._missing]]
        if modes.numbers:
            scalar = x[modes.hot_width :, None]  # (S, 1, B)
            rank = self._rank(self._mean + self._reach * scalar)  # (S, K, B)
            weight = chance[self._place]
            bands = [
                (weight * (1 - (rank * (BANDS - 1) - k).abs()).clamp(min=0)).sum(dim=1)
                for k in range(BANDS)
            ]
            parts += bands
        return torch.cat(parts).T

    def _rank(self, place: Tensor) -> Tensor:
        """Share of patients below a place, linear within cells, (S, K, B)."""
        S, edges = self._below.shape
        at = (place + 0.5).clamp(0, edges - 1.001)
        cell = at.detach().floor()
        flat = cell.long() + edges * torch.arange(S)[:, None, None]
        low, high = self._below.take(flat), self._below.take(flat + 1)
        return low + (at - cell) * (high - low)


def _cumulative(number: Number, p: Probabilities, width: int) -> Tensor:
    """Share of the known values below each edge of the cells, (width + 1,)."""
    known = p[: number.variable.cells]
    edges = np.concatenate([[0.0], np.cumsum(known) / max(float(known.sum()), 1e-12)])
    edges = np.concatenate([edges, np.ones(width + 1 - len(edges))])
    return torch.from_numpy(edges.astype(np.float32))


def _centres(number: Number) -> tuple[Tensor, Tensor]:
    """Places of all modes but missing, and how far a scalar of 1 moves them."""
    spikes = number.place(number.spikes)
    centre = np.concatenate([number.mixture.mean, spikes])
    reach = np.concatenate([REACH * number.mixture.sd, np.zeros(len(spikes))])
    return torch.from_numpy(centre).float(), torch.from_numpy(reach).float()
