"""Mixtures: normals fitted to histograms, all columns at once.

Expectation and maximisation over cells instead of rows, so the cost does not grow with the
patients and what is fitted is a function of histograms alone. One to `most` components are
tried, and the number with the best Bayesian information criterion is kept.

Source: Dempster, Laird and Rubin (1977); Schwarz (1978). The CTGAN paper takes a variational
    mixture with a sparse prior, which chooses the number as well.
"""

from math import log
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Values = NDArray[np.float32]

ROUNDS: Final = 60
"""Rounds of expectation and maximisation."""
TOGETHER: Final = 32
"""Columns fitted at a time; bounds memory to TOGETHER × cells × components numbers."""
WITHIN: Final = 1 / 12
"""Variance inside a cell; none is narrower."""


class Mixture(NamedTuple):
    """Normals of one column, in cells.

    Attributes:
        weight: (K,), sums to 1.
        mean: (K,), rising.
        sd: (K,).
    """

    weight: Floats
    mean: Floats
    sd: Floats

    def posterior(self, x: Floats) -> Floats:
        """Chance of each component at each place, (m,) -> (m, K)."""
        odds = _log_joint(x.astype(np.float32), *(part[:, None] for part in self))[:, 0]
        chance = np.exp((odds - odds.max(axis=0)).astype(np.float64))
        return np.asarray((chance / chance.sum(axis=0)).T)


def mixtures(p: Floats, n: int, most: int) -> list[Mixture]:
    """A mixture for each row of masses.

    Args:
        p: (V, C) masses of the cells 0 … C - 1; a row without any is taken as uniform.
        n: Patients behind them.
        most: Most components, at least 1.
    """
    found: list[Mixture] = []
    for first in range(0, len(p), TOGETHER):
        part = np.maximum(p[first : first + TOGETHER], 0.0)
        empty = part.sum(axis=1) <= 0
        part[empty] = 1.0
        found += _best(part / part.sum(axis=1, keepdims=True), n, most)
    return found


def _best(p: Floats, n: int, most: int) -> list[Mixture]:
    """For each column the number of components with the best criterion."""
    best: list[Mixture] = []
    score = np.full(len(p), -np.inf)
    for k in range(1, most + 1):
        weight, mean, sd, fit = _fitted(p, k)
        found = n * fit - 0.5 * (3 * k - 1) * log(max(n, 2))
        better = found > score
        fresh = [Mixture(*parts) for parts in zip(weight, mean, sd, strict=True)]
        best = [new if b or not best else best[i]
                for i, (b, new) in enumerate(zip(better, fresh, strict=True))]  # fmt: skip
        score = np.maximum(score, found)
    return [Mixture(*(part[np.argsort(m.mean)] for part in m)) for m in best]


def _fitted(p: Floats, k: int) -> tuple[Floats, Floats, Floats, Floats]:
    """Weights, means and sds of k components, (V, k) each, and mean log-likelihood, (V,)."""
    x = np.arange(p.shape[1], dtype=np.float32)
    below = np.cumsum(p, axis=1)
    levels = np.arange(2 * k + 1) / (2 * k)
    at = (below[:, None, :] < levels[:, None] - 1e-12).sum(axis=2).astype(np.float64).T
    mean = at[1::2]
    sd = np.maximum((at[2::2] - at[:-1:2]) / 3, 0.5)
    weight, p = np.full_like(mean, 1 / k), p.astype(np.float32)
    for _ in range(ROUNDS if k > 1 else 1):
        share = _log_joint(x, weight, mean, sd)
        np.exp(share - share.max(axis=0), out=share)
        share *= p / share.sum(axis=0)
        mass = np.maximum(share.sum(axis=2, dtype=np.float64), 1e-12)
        mean = share @ x / mass
        away = (x - mean[:, :, None].astype(np.float32)) ** 2
        sd = np.sqrt((share * away).sum(axis=2) / mass + WITHIN)
        weight = mass / mass.sum(axis=0)
    joint = _log_joint(x, weight, mean, sd)
    top = joint.max(axis=0)
    density = top + np.log(np.exp(joint - top).sum(axis=0))
    return weight.T, mean.T, sd.T, (p * density).sum(axis=1, dtype=np.float64)


def _log_joint(x: Values, weight: Floats, mean: Floats, sd: Floats) -> Values:
    """log(weight · density) of each component at each place, (K, V, C).

    Components first, so that sums over them run along whole rows of cells.
    """
    z = (x - mean[:, :, None].astype(np.float32)) / sd[:, :, None].astype(np.float32)
    return np.asarray(np.log(weight / sd)[:, :, None].astype(np.float32) - 0.5 * z**2)
