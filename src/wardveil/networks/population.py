"""Population: fitted soft rows, and patients drawn from them."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.encode.histogram import Probabilities
from wardveil.schema import Schema
from wardveil.schema.variable import Variable
from wardveil.schema.where import Where, cells_asked, fit_into
from wardveil.vault import Rows

CHUNK = 1 << 15
"""Patients drawn at a time, so that what is in hand stays in the processor's cache."""
TINY = 1e-12
"""Chance of a cell that was asked for and has none: somebody asked for must be found."""


class Population:
    """Soft rows and what is needed to draw patients from them.

    Attributes:
        p: Fine distribution of each variable.
        group: Bin of each fine cell, by variable.
        soft: Soft rows by variable, (R, bins), each beside those like it.
        peak: Share of each fine cell's patients at its roundest point, by variable; a variable
            without spikes may be left out.
    """

    def __init__(
        self,
        p: Mapping[str, Probabilities],
        group: Mapping[str, NDArray[np.int32]],
        soft: Mapping[str, Probabilities],
        peak: Mapping[str, Probabilities],
    ) -> None:
        self.p, self.group, self.soft, self.peak = dict(p), dict(group), dict(soft), dict(peak)

    def weights(self) -> dict[str, Tensor]:
        """Everything as named tensors."""
        parts: dict[str, dict[str, NDArray[Any]]] = {
            "p": self.p, "bin": self.group, "S": self.soft, "peak": self.peak,
        }  # fmt: skip
        return {
            f"{part}/{name}": torch.from_numpy(np.ascontiguousarray(value))
            for part, values in parts.items()
            for name, value in values.items()
        }

    @classmethod
    def of(cls, weights: Mapping[str, Tensor]) -> "Population":
        """The inverse of `weights`."""
        parts: dict[str, dict[str, NDArray[Any]]] = {"p": {}, "bin": {}, "S": {}, "peak": {}}
        for key, value in weights.items():
            part, _, name = key.partition("/")
            if part in parts:
                parts[part][name] = value.numpy()
        return cls(parts["p"], parts["bin"], parts["S"], parts["peak"])

    def draw(self, schema: Schema, n: int, where: Where, draw: np.random.Generator) -> Rows:
        """n patients: a soft row each, a bin for each variable, a value inside the bin.

        What is asked holds in every row; soft rows are weighted by how well they fit it. Soft rows
        are used evenly, not at random, and some of every kind (`networks.alike`), which leaves less
        sampling error than real patients have.
        """
        asked = {v.name: cells_asked(v, where[v.name]) for v in schema.variables if v.name in where}
        which = self._evenly(n, asked, draw)
        order = draw.permutation(n)
        streams = draw.spawn(len(schema.variables))  # one each: threads change no value

        def column(v: Variable, stream: np.random.Generator) -> Any:
            curves = self._curves(v.name, asked.get(v.name))
            peak = self.peak.get(v.name)
            parts = [
                v.draw(curves.cells(which[k : k + CHUNK], stream), stream, peak)
                for k in range(0, max(n, 1), CHUNK)
            ]
            values: Any = np.concatenate(parts)
            return (fit_into(values, where[v.name]) if v.name in where else values)[order]

        with ThreadPoolExecutor(max_workers=torch.get_num_threads()) as threads:
            drawn = list(threads.map(column, schema.variables, streams))
        return {v.name: values for v, values in zip(schema.variables, drawn, strict=True)}

    def _evenly(
        self, n: int, asked: Mapping[str, NDArray[np.bool_]], draw: np.random.Generator
    ) -> NDArray[np.int64]:
        """A soft row for each patient, in rising order, each as often as its odds say ± 1, (n,)."""
        count = len(next(iter(self.soft.values())))
        odds = np.zeros(count)
        for name, mask in asked.items():
            odds += np.log(np.maximum(self._restricted(name, mask).sum(axis=1), 1e-300))
        edges = np.cumsum(np.exp(odds - odds.max()))
        at = (np.arange(n) + draw.random()) * (edges[-1] / n)
        return np.minimum(np.searchsorted(edges, at, side="right"), count - 1)

    def _restricted(self, name: str, mask: NDArray[np.bool_]) -> Probabilities:
        """Chance of an asked cell in each bin of each soft row, (R, bins)."""
        group, p = self.group[name], self.p[name]
        size = self.soft[name].shape[1]
        inside = np.bincount(group, weights=p * mask, minlength=size)
        mass = np.bincount(group, weights=p, minlength=size)
        possible = np.bincount(group, weights=mask, minlength=size) > 0
        share = np.where(mass > 0, inside / np.maximum(mass, 1e-300), 0.0)
        return self.soft[name] * np.where(possible, np.maximum(share, TINY), 0.0)

    def _curves(self, name: str, mask: NDArray[np.bool_] | None) -> "_Curves":
        """One variable, as patients are drawn from it."""
        odds = self.soft[name] if mask is None else self._restricted(name, mask)
        p = self.p[name] if mask is None else np.where(mask, np.maximum(self.p[name], TINY), 0.0)
        return _Curves.of(odds, p, self.group[name])


@dataclass(frozen=True, kw_only=True)
class _Curves:
    """Cumulative curves of one variable: over the bins of every soft row, and inside each bin.

    Attributes:
        size: Bins.
        lifted: The curves of all rows, row r lifted by r: one rising sequence, (R · size + 1,).
        order: Fine cells, bin after bin.
        first: Where each bin begins in `order`, (size + 1,).
        bottom: Mass of all cells before each bin, (size + 1,).
        above: Mass of all cells up to each one in `order`.
    """

    size: int
    lifted: Probabilities
    order: NDArray[np.int32]
    first: NDArray[np.int64]
    bottom: Probabilities
    above: Probabilities

    @classmethod
    def of(cls, odds: Probabilities, p: Probabilities, group: NDArray[np.int32]) -> "_Curves":
        """From the odds of bins in soft rows, (R, size), and the mass and bin of fine cells."""
        rows, size = odds.shape
        curve = np.cumsum(odds, axis=1)
        curve /= np.maximum(curve[:, -1:], 1e-300)
        curve[:, -1] = 1.0
        order = np.argsort(group, kind="stable").astype(np.int32)
        above = np.cumsum(p[order])
        first = np.searchsorted(group[order], np.arange(size + 1))
        return cls(
            size=size,
            lifted=np.concatenate([[0.0], (curve + np.arange(rows)[:, None]).ravel()]),
            order=order,
            first=first,
            bottom=np.concatenate([[0.0], above])[first],
            above=above,
        )

    def cells(self, which: NDArray[np.int64], draw: np.random.Generator) -> NDArray[np.int32]:
        """A fine cell for each chosen soft row, (n,).

        Patients of a soft row stand beside one another, and so their luck is far `_apart`.
        One uniform number finds the bin in the soft row's curve, by a single sorted search for all
        patients; what is left of it between the bin's edges finds the cell.
        """
        size, lifted, first, bottom = self.size, self.lifted, self.first, self.bottom
        u = which + _apart(len(which), draw)
        at = np.searchsorted(lifted, u, side="right") - 1
        at = np.clip(at, which * size, which * size + size - 1)
        low, high = lifted[at], lifted[at + 1]
        left = np.clip((u - low) / np.maximum(high - low, 1e-300), 0.0, 1.0)
        bin_ = at - which * size
        place = np.searchsorted(self.above, bottom[bin_] + left * (bottom[bin_ + 1] - bottom[bin_]))
        cells: NDArray[np.int32] = self.order[np.clip(place, first[bin_], first[bin_ + 1] - 1)]
        return cells


def _apart(n: int, draw: np.random.Generator) -> Probabilities:
    """n uniform numbers in [0, 1), each four in different quarters and each two in halves.

    Numbers of other columns are apart in another order, so that columns are tied by nothing.
    """
    turn = draw.integers(4, size=-(-n // 4), dtype=np.int8).repeat(4)[:n]
    quarter = np.resize(np.array([0, 2, 1, 3], dtype=np.int8), n) ^ turn
    return (quarter + draw.random(n)) / 4
