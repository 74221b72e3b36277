"""Pairs: how many joint tables to buy, how fine, which matter more, and what answers say."""

from collections.abc import Mapping, Sequence
from math import floor, sqrt

import numpy as np
from numpy.typing import NDArray

from wardveil.encode.histogram import Probabilities, believed, simplex
from wardveil.privacy import Budget, Counts, gaussian_mu
from wardveil.privacy.mechanism import Sums
from wardveil.schema import Schema
from wardveil.schema.variable import variables_of
from wardveil.vault import Answer, Vault

ENOUGH = 50_000.0
"""n·μ up to which second moments alone keep more than with tables of single pairs beside them:
SUPPORT2 at ε = 10 (n·μ = 12,000) has `tvd2` 0.059 without and with 20 of them, in half the time."""
WORTH = 2_000.0
"""n·μ beyond it for each table of a pair."""
MOST_BINS = 24
"""Of a variable."""
FEW = 0.2
"""Share of all pairs from which on bought tables keep more than they take from the moments: of two
columns at ε = 1 the one table brings `tvd2` from 0.21 to 0.10 (gridr), of adult's 120 pairs 26
bring 0.032 to 0.027."""
FINE = 270.0
"""n·μ from which one table has six bins a side or more; k tables: √k as much."""


def pairs_planned(schema: Schema, per_variable: float, *, n: int, budget: Budget) -> int:
    """How many pair tables are bought, of the pairs that may be; from public facts."""
    possible = pairs_possible(schema)
    most = min(possible, round(per_variable * len(schema.variables)))
    if not budget.private:
        return most
    strength = n * gaussian_mu(budget)
    fine = min(most, floor((strength / FINE) ** 2))
    if fine >= FEW * possible:
        return fine
    return min(most, max(0, floor((strength - ENOUGH) / WORTH)))


def pairs_possible(schema: Schema) -> int:
    """Pairs of variables; flags of one column do not pair."""
    per_column = [len(variables_of(c)) for c in schema.modelled]
    return (sum(per_column) ** 2 - sum(m * m for m in per_column)) // 2


def bins_for(n: int, sd: float, *, per_table: int = 2) -> int:
    """Bins a variable may have so that noise stays small beside the mass of a cell.

    Args:
        n: Number of patients.
        sd: Noise on each cell.
        per_table: 2 for the table of a pair, whose cells are the square of the bins.
    """
    if per_table == 1:
        return MOST_BINS if sd == 0 else int(np.clip(round(1.4 * sqrt(n / sd)), 4, MOST_BINS))
    if sd == 0:  # patients fill cells unevenly all the same
        return int(np.clip(floor(sqrt(0.1 * n)), 10, MOST_BINS))
    return int(np.clip(floor(sqrt(0.3 * n / sd)), 3, MOST_BINS))


def planned_noise(vault: Vault, name: str) -> float:
    """Noise of an answer, known before it is bought: of a cell, or of a clipped sum.

    0 in an open vault.
    """
    if not vault.private:
        return 0.0
    mechanism = vault.lease.plan.mechanism(name)
    assert isinstance(mechanism, Counts | Sums)
    return mechanism.sd if isinstance(mechanism, Counts) else mechanism.noise_multiplier


def emphasis(schema: Schema) -> Mapping[str, float]:
    """How much more precisely a variable's moments are told: 3 for a target, 2 for a condition."""
    return {
        v.name: 3.0 if c.target else 2.0 if c.condition else 1.0
        for c in schema.modelled
        for v in variables_of(c)
    }


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

    The gap is `believed` as far as noise does not explain it; the result is projected onto the
    simplex.
    """
    table = expected + believed(answer.counts - n * expected, answer.sd) / n
    return simplex(table.ravel(), 1.0).reshape(table.shape)
