r"""The anchor: noisy tables chosen adaptively, soft rows fitted to them, patients drawn from these.

Every model that trains under privacy can rest on it: `questions` says what will be asked, `bought`
asks it, `Tables.draw` makes surrogate patients, as many as wanted, at no further cost.

Symbols
    p_v     distribution of variable v over its fine cells, from noisy one-ways
    b_v     its bins, of about equal mass
    S       (R, K, B) soft rows: S[r, v] is a distribution over the bins of v
    P_ij    S_iᵀ S_j / R, the table of a pair that the rows imply
    M_ij    what the vault answered for a chosen pair, shrunk towards P_ij
    n, sd   patients, and the noise on each cell of a pair table

    repeat: choose the pair with the largest w·(n‖P_ij - true‖₁ - noise)     exponential mechanism
            buy its table
            fit S:  minimise Σ_chosen n²‖P_ij - M_ij‖² / sd² + Σ_v n²‖P_v - p_v‖² / sd₁²     free

Source: McKenna et al. (2022), arXiv:2201.12677 (AIM: the score, the loop); Liu et al. (2021),
    arXiv:2106.07153 (GEM: a generator fitted to noisy answers).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.encode.bins import Bins
from wardveil.encode.histogram import Probabilities, distributions
from wardveil.encode.pairs import bins_for, pair_weights, pairs_planned, planned_sd, shrunk
from wardveil.networks.softrows import SoftRows
from wardveil.privacy import Choices, Histograms, Marginals, Question
from wardveil.schema import Schema
from wardveil.schema.where import Where, cells_asked, fit_into
from wardveil.vault import Rows, Vault, tables_of


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How tables are chosen and soft rows fitted.

    Attributes:
        rows: R, soft rows.
        pairs_per_variable: Pair tables bought, per variable; without privacy five times as many.
        bins: Most bins of a variable; 0 chooses from n and the noise.
        one_way_share: Share of the budget for histograms.
        choice_share: Share of it for choosing tables.
        steps: Optimiser steps after each bought table.
        final_steps: Optimiser steps at the end.
        learning_rate: Adam's.
    """

    rows: int = 1_000
    pairs_per_variable: float = 1.2
    bins: int = 0
    one_way_share: float = 0.5
    choice_share: float = 0.1
    steps: int = 30
    final_steps: int = 600
    learning_rate: float = 0.1


def questions(schema: Schema, fit: Fit, *, private: bool, share: float = 1.0) -> list[Question]:
    """One-ways, and as many choices as pair tables; together they get `share` of the budget.

    Without noise a table costs only time, so `OPEN_TABLES` times as many are asked for.
    """
    per_variable = fit.pairs_per_variable * (1 if private else OPEN_TABLES)
    rounds = pairs_planned(schema, per_variable)
    one_way = Histograms(tables=tables_of(schema), share=share * fit.one_way_share)
    if not rounds:
        return [one_way]
    rest = 1 - fit.one_way_share - fit.choice_share
    return [
        one_way,
        Choices(count=rounds, share=share * fit.choice_share),
        Marginals(count=rounds, share=share * rest),
    ]


OPEN_TABLES = 5
"""How many times more tables are asked for when answers carry no noise."""


class Tables:
    """Fitted soft rows and what is needed to draw patients from them.

    Attributes:
        p: Fine distribution of each variable.
        group: Bin of each fine cell, by variable.
        soft: Soft rows by variable, (R, bins).
    """

    def __init__(
        self,
        p: Mapping[str, Probabilities],
        group: Mapping[str, NDArray[np.int32]],
        soft: Mapping[str, Probabilities],
    ) -> None:
        self.p, self.group, self.soft = dict(p), dict(group), dict(soft)

    def weights(self) -> dict[str, Tensor]:
        """Everything as named tensors."""
        parts: dict[str, dict[str, NDArray[Any]]] = {
            "p": self.p, "bin": self.group, "S": self.soft,
        }  # fmt: skip
        return {
            f"{part}/{name}": torch.from_numpy(np.ascontiguousarray(value))
            for part, values in parts.items()
            for name, value in values.items()
        }

    @classmethod
    def of(cls, weights: Mapping[str, Tensor]) -> "Tables":
        """The inverse of `weights`."""
        parts: dict[str, dict[str, NDArray[Any]]] = {"p": {}, "bin": {}, "S": {}}
        for key, value in weights.items():
            part, _, name = key.partition("/")
            if part in parts:
                parts[part][name] = value.numpy()
        return cls(parts["p"], parts["bin"], parts["S"])

    def draw(self, schema: Schema, n: int, where: Where, draw: np.random.Generator) -> Rows:
        """n patients: a soft row each, a bin for each variable, a value inside the bin.

        What is asked holds in every row; soft rows are weighted by how well they fit it.
        """
        asked = {v.name: cells_asked(v, where[v.name]) for v in schema.variables if v.name in where}
        which = self._choose(n, asked, draw)
        rows = {}
        for v in schema.variables:
            values = v.draw(self._cells(v.name, which, draw, asked.get(v.name)), draw)
            rows[v.name] = fit_into(values, where[v.name]) if v.name in where else values
        return rows

    def _choose(
        self, n: int, asked: Mapping[str, NDArray[np.bool_]], draw: np.random.Generator
    ) -> NDArray[np.int64]:
        """A soft row for each patient, (n,)."""
        count = len(next(iter(self.soft.values())))
        if not asked:
            return draw.integers(0, count, n)
        odds = np.zeros(count)
        for name, mask in asked.items():
            odds += np.log(np.maximum(self._restricted(name, mask).sum(axis=1), 1e-300))
        odds = np.exp(odds - odds.max())
        return draw.choice(count, size=n, p=odds / odds.sum())

    def _restricted(self, name: str, mask: NDArray[np.bool_]) -> Probabilities:
        """Chance of an asked cell in each bin of each soft row, (R, bins)."""
        group, p = self.group[name], self.p[name]
        size = self.soft[name].shape[1]
        inside = np.bincount(group, weights=p * mask, minlength=size)
        mass = np.bincount(group, weights=p, minlength=size)
        possible = np.bincount(group, weights=mask, minlength=size) > 0
        share = np.where(mass > 0, inside / np.maximum(mass, 1e-300), 0.0)
        return self.soft[name] * np.where(possible, np.maximum(share, 1e-12), 0.0)

    def _cells(
        self,
        name: str,
        which: NDArray[np.int64],
        draw: np.random.Generator,
        mask: NDArray[np.bool_] | None,
    ) -> NDArray[np.int32]:
        """A fine cell of one variable for each chosen soft row, (n,)."""
        odds = self.soft[name] if mask is None else self._restricted(name, mask)
        edges = np.cumsum(odds, axis=1)
        edges /= np.maximum(edges[:, -1:], 1e-300)
        u = draw.random(len(which))
        chosen = np.minimum((edges[which] < u[:, None]).sum(axis=1), odds.shape[1] - 1)
        p = self.p[name] if mask is None else np.where(mask, np.maximum(self.p[name], 1e-12), 0.0)
        order = np.argsort(self.group[name], kind="stable")  # fine cells, bin after bin
        above = np.cumsum(p[order])
        bins = np.arange(odds.shape[1])
        last = np.searchsorted(self.group[name][order], bins, side="right") - 1
        first = np.concatenate([[0], last[:-1] + 1])
        top = above[last]
        bottom = np.concatenate([[0.0], top[:-1]])
        at = bottom[chosen] + draw.random(len(which)) * (top[chosen] - bottom[chosen])
        place = np.searchsorted(above, at, side="right")
        cells: NDArray[np.int32] = order[np.clip(place, first[chosen], last[chosen])].astype(
            np.int32
        )
        return cells


def bought(
    vault: Vault, n: int, fit: Fit, generator: torch.Generator, watch: Callable[[int, int], None]
) -> Tables:
    """Ask the vault what `questions` planned, and fit soft rows to the answers.

    Args:
        vault: Its plan holds the questions of `fit`.
        n: Number of patients, public or bought.
        fit: How.
        generator: For the rows' first values.
        watch: Told (rounds done, rounds in all).
    """
    schema = vault.schema
    answers = vault.one_way()
    p = distributions(schema, answers, n)
    planned = {q.name: q.count for q in vault.lease.plan.questions}
    rounds = planned.get("marginal", 0)
    sd = planned_sd(vault) if rounds else 0.0
    bins = Bins(schema.variables, p, fit.bins or bins_for(n, sd))
    soft = SoftRows(bins, rows=fit.rows, generator=generator)
    sd_one = next(iter(answers.values())).sd
    soft.measure_one_ways(weight=(n / max(sd_one, 1.0)) ** 2)
    names = list(bins.sizes)
    weights = pair_weights(schema, names)
    sizes = np.array(list(bins.sizes.values()), dtype=float)
    noise = sqrt(2 / np.pi) * sd * np.outer(sizes, sizes)
    for k in range(rounds):
        implied = soft.all_pairs()
        i, j = vault.choose(n * implied, binning=bins, weights=weights, offsets=weights * noise)
        weights[i, j] = 0.0
        a, b = names[i], names[j]
        table = shrunk(vault.marginal((a, b), bins), bins.block(implied, a, b), n)
        soft.measure(a, b, table, (n / max(sd, 1.0)) ** 2)
        soft.fit(fit.steps, lr=fit.learning_rate)
        watch(k + 1, rounds)
    soft.fit(fit.final_steps, lr=fit.learning_rate, decay=True)
    rows = {name: soft.membership(name).double().numpy() for name in names}
    return Tables(p, bins.group, rows)
