"""Independent: noisy one-way histograms and nothing else, the honest floor of every comparison.

Algorithm
    p_v  = simplex(shrink(histogram of v + noise))      for every variable v
    x_v ~ p_v, independently

Differences from what others call "independent" or "uniform": the histograms are those of the
public fine grid, shrunk where noise explains them (`wardveil.encode.histogram`).

Privacy
    One question, `one-way`, gets the whole budget. Everything else is post-processing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import torch

from wardveil.encode.histogram import all_peaks, distributions, restrict
from wardveil.models.base import Model, Moment, Rng, Watch, Weights
from wardveil.privacy import Budget, Histograms, Question
from wardveil.schema import Schema
from wardveil.schema.where import Where, cells_asked, fit_into
from wardveil.vault import Rows, Vault, tables_of


@final
@dataclass(frozen=True, kw_only=True)
class Independent(Model):
    """Every column by itself: the floor in every comparison. It has no settings."""

    name = "independent"

    def questions(
        self,
        schema: Schema,
        n: int,  # noqa: ARG002
        budget: Budget,  # noqa: ARG002
    ) -> tuple[Sequence[Question], Sequence[str]]:
        """One-way histograms take the whole budget."""
        return (Histograms(tables=tables_of(schema), share=1.0),), ()

    def train(self, vault: Vault, rng: Rng, watch: Watch) -> Weights:  # noqa: ARG002
        """The distributions of all variables and their spikes, (size,) each."""
        n = vault.count()
        answers = vault.one_way()
        found = distributions(vault.schema, answers, n)
        spiked = all_peaks(vault.schema, answers)
        watch(Moment(phase="histograms", step=1, steps=1))
        parts = [(f"p/{name}", p) for name, p in found.items()]
        parts += [(f"peak/{name}", share) for name, share in spiked.items()]
        return {name: torch.from_numpy(values) for name, values in parts}

    def sample(self, weights: Weights, schema: Schema, n: int, where: Where, rng: Rng) -> Rows:
        """n rows, each variable drawn from its own distribution."""
        rows = {}
        for v in schema.variables:
            p = weights[f"p/{v.name}"].numpy()
            if v.name in where:
                p = restrict(v, p, cells_asked(v, where[v.name]))
            cell = np.searchsorted(np.cumsum(p)[:-1], rng.numpy.random(n)).astype(np.int32)
            peak = weights.get(f"peak/{v.name}")
            rows[v.name] = v.draw(cell, rng.numpy, None if peak is None else peak.numpy())
            if v.name in where:
                rows[v.name] = fit_into(rows[v.name], where[v.name])
        return rows
