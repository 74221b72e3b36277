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
    """Turns rows, features first, into portraits.

    Attributes:
        owner: Which variable each coordinate of a portrait is of, (d,).
    """

    def __init__(self, modes: Modes, p: Mapping[str, Probabilities]) -> None:
        """Ranks are taken under p, the known distribution of each variable."""
        self._modes = modes
        sizes = [v.size for v in modes.discrete]
        of_numbers = len(sizes) + torch.arange(len(modes.numbers)).repeat(1 + BANDS)
        whose = torch.repeat_interleave(torch.tensor(sizes, dtype=torch.long))
        self.owner = torch.cat([whose, of_numbers])
        S, K = len(modes.numbers), max((x.normals for x in modes.numbers), default=0)
        cells = max((x.variable.cells for x in modes.numbers), default=0)
        self._below = torch.zeros(S, cells + 1)
        self._mean, self._reach = torch.zeros(S, K, 1), torch.zeros(S, K, 1)
        self._place = torch.full((S, K), modes.hot_width)  # one row beyond: a chance of 0
        self._missing = torch.full((S,), modes.hot_width)
        self._spiked = torch.zeros(BANDS, S, modes.hot_width)
        starts = modes.starts[len(modes.discrete) :].tolist()
        for s, (number, start) in enumerate(zip(modes.numbers, starts, strict=True)):
            self._below[s] = _cumulative(number, p[number.variable.name], cells)
            k = number.normals
            self._mean[s, :k, 0] = torch.from_numpy(number.mixture.mean)
            self._reach[s, :k, 0] = torch.from_numpy(REACH * number.mixture.sd)
            self._place[s, :k] = torch.arange(start, start + k)
            at = torch.from_numpy(number.spikes // number.variable.stride)
            rank = (self._below[s, at] + self._below[s, at + 1]) / 2
            self._spiked[:, s, start + k : start + k + len(at)] = _hats(rank)
            if number.variable.nullable:
                self._missing[s] = start + number.size - 1

    def of(self, x: Tensor) -> Tensor:
        """Chances of categories, then scalars, (W, B) -> portraits (B, d)."""
        modes, B = self._modes, x.shape[1]
        chance = torch.cat([x[: modes.hot_width], x.new_zeros(1, B)])
        parts = [chance[: modes.discrete_width], chance.index_select(0, self._missing)]
        if modes.numbers:
            scalar = x[modes.hot_width :, None]  # (S, 1, B)
            hats = _hats(self._rank(self._mean + self._reach * scalar))  # (BANDS, S, K, B)
            weight = chance.index_select(0, self._place.flatten()).view(*self._place.shape, B)
            in_normals = (weight * hats).sum(dim=2)
            in_spikes = self._spiked.flatten(0, 1) @ x[: modes.hot_width]
            parts.append(in_normals.flatten(0, 1) + in_spikes)
        return torch.cat(parts).T

    def _rank(self, place: Tensor) -> Tensor:
        """Share of patients below a place, linear within cells, (S, K, B)."""
        S, edges = self._below.shape
        at = (place + 0.5).clamp(0, edges - 1.001)
        cell = at.detach().floor()
        flat = cell.long() + edges * torch.arange(S)[:, None, None]
        low, high = self._below.take(flat), self._below.take(flat + 1)
        return low + (at - cell) * (high - low)


def _hats(rank: Tensor) -> Tensor:
    """How much each band has of a rank in [0, 1], (…) -> (BANDS, …); sums to 1."""
    centre = torch.arange(BANDS).view(-1, *[1] * rank.ndim)
    return (1 - (rank * (BANDS - 1) - centre).abs()).clamp(min=0)


def _cumulative(number: Number, p: Probabilities, cells: int) -> Tensor:
    """Share of the known values below each edge of the cells, (cells + 1,)."""
    known = p[: number.variable.cells]
    edges = np.concatenate([[0.0], np.cumsum(known) / max(float(known.sum()), 1e-12)])
    edges = np.concatenate([edges, np.ones(cells + 1 - len(edges))])
    return torch.from_numpy(edges.astype(np.float32))
