"""Pairs: how many joint tables to buy, how fine, which matter more, and what they say."""

from collections.abc import Sequence
from math import floor, sqrt

import numpy as np
from numpy.typing import NDArray

from wardveil.encode.histogram import Probabilities, simplex
from wardveil.privacy import Counts
from wardveil.schema import Schema
from wardveil.schema.variable import variables_of
from wardveil.vault import Answer, Vault


def pairs_planned(schema: Schema, per_variable: float) -> int:
    """How many pair tables are bought, of the pairs that may be; public."""
    per_column = [len(variables_of(c)) for c in schema.modelled]
    k = sum(per_column)
    possible = (k * k - sum(m * m for m in per_column)) // 2  # flags of one column do not pair
    return min(possible, round(per_variable * k))


def bins_for(n: int, sd: float) -> int:
    """Bins a variable may have so that a pair table's noise stays under a third of its mass."""
    return 12 if sd == 0 else int(np.clip(floor(sqrt(0.3 * n / sd)), 3, 12))


def planned_sd(vault: Vault, name: str = "marginal") -> float:
    """Noise of a pair table's cell, known before it is bought; 0 in an open vault."""
    if not vault.private:
        return 0.0
    mechanism = vault.lease.plan.mechanism(name)
    assert isinstance(mechanism, Counts)
    return mechanism.sd


def pair_weights(schema: Schema, names: Sequence[str]) -> NDArray[np.float64]:
    """1 for every pair, 2 where one is a target or a condition; flags of one column do not pair."""
    heavy = {c.name for c in schema.modelled if c.target or c.condition}
    home = {v.name: c.name for c in schema.modelled for v in variables_of(c)}
    column = np.array([home[name] for name in names])
    loud = np.array([c in heavy for c in column])
    weights = np.where(loud[:, None] | loud[None, :], 2.0, 1.0)
    return np.where(column[:, None] == column[None, :], 0.0, weights)


def shrunk(answer: Answer, expected: Probabilities, n: int) -> Probabilities:
    """A noisy table pulled towards what a model expected, as probabilities.

    p̂ = m + max(0, 1 - cells·sd²/‖T - n·m‖²)·(T/n - m), then projected onto the simplex.

    Source: James and Stein (1961), positive part, with known variance.
    """
    gap = answer.counts - n * expected
    energy = float((gap**2).sum())
    keep = max(0.0, 1 - gap.size * answer.sd**2 / energy) if energy > 0 else 0.0
    table = expected + keep * gap / n
    return simplex(table.ravel(), 1.0).reshape(table.shape)
