"""Pairs: which joint tables to buy, and what they say once the noise is weighed.

Greedy choice by dependence: a pair's score is how far its table lies from the product of its
one-ways (AIM's score with the independent model), and every table is bought at most once.
"""

from math import floor, sqrt

import numpy as np
from numpy.typing import NDArray

from wardveil.encode.bins import Bins
from wardveil.encode.histogram import Probabilities, simplex
from wardveil.privacy import Counts
from wardveil.vault import Answer, Vault

Pair = tuple[str, str, Probabilities]


def pairs_planned(variables: int) -> int:
    """How many pair tables are bought for so many variables; public."""
    return min(variables * (variables - 1) // 2, round(1.6 * variables))


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


def strongest_pairs(vault: Vault, bins: Bins, n: int, favoured: frozenset[str]) -> list[Pair]:
    """Choose and buy the planned number of pair tables.

    Args:
        vault: Its plan holds "choice" and "marginal", equally often.
        bins: Cells of the tables.
        n: Number of patients, public or bought.
        favoured: Variables (targets, conditions) whose pairs count double.

    Returns:
        (a, b, probabilities) each, shrunk towards independence as far as noise explains them.
    """
    names = list(bins.sizes)
    mass = np.concatenate([bins.mass(v) for v in names])
    expected = n * np.outer(mass, mass)
    weights = _weights(names, favoured)
    sizes = np.array(list(bins.sizes.values()), dtype=float)
    sd = planned_sd(vault)
    offsets = weights * sqrt(2 / np.pi) * sd * np.outer(sizes, sizes)
    found: list[Pair] = []
    for _ in range(vault.lease.plan.question("marginal").count):
        i, j = vault.choose(expected, binning=bins, weights=weights, offsets=offsets)
        weights[i, j] = 0.0
        a, b = names[i], names[j]
        answer = vault.marginal((a, b), bins)
        found.append((a, b, shrunk(answer, np.outer(bins.mass(a), bins.mass(b)), n)))
    return found


def _weights(names: list[str], favoured: frozenset[str]) -> NDArray[np.float64]:
    """1 for every pair, 2 where one of the two is favoured; flags of one column do not pair."""
    column = np.array([name.split("=")[0] if "=" in name else name for name in names])
    heavy = np.array([name in favoured for name in names])
    weights = np.where(heavy[:, None] | heavy[None, :], 2.0, 1.0)
    return np.where(column[:, None] == column[None, :], 0.0, weights)


def shrunk(answer: Answer, independent: Probabilities, n: int) -> Probabilities:
    """A noisy table pulled towards independence, as probabilities.

    p̂ = m + max(0, 1 - cells·sd²/‖T - n·m‖²)·(T/n - m), then projected onto the simplex.

    Source: James and Stein (1961), positive part, with known variance.
    """
    gap = answer.counts - n * independent
    energy = float((gap**2).sum())
    keep = max(0.0, 1 - gap.size * answer.sd**2 / energy) if energy > 0 else 0.0
    table = independent + keep * gap / n
    return simplex(table.ravel(), 1.0).reshape(table.shape)
