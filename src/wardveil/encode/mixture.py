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
        odds = _log_joint(x, *(part[None] for part in self))[0]
        chance = np.exp(odds - odds.max(axis=1, keepdims=True))
        return np.asarray(chance / chance.sum(axis=1, keepdims=True))


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
    x = np.arange(p.shape[1], dtype=np.float64)
    below = np.cumsum(p, axis=1)
    levels = np.arange(2 * k + 1) / (2 * k)
    at = (below[:, None, :] < levels[:, None] - 1e-12).sum(axis=2).astype(np.float64)
    mean = at[:, 1::2]
    sd = np.maximum((at[:, 2::2] - at[:, :-1:2]) / 3, 0.5)
    weight = np.full_like(mean, 1 / k)
    for _ in range(ROUNDS if k > 1 else 1):
        share = _log_joint(x, weight, mean, sd)
        share -= share.max(axis=2, keepdims=True)
        np.exp(share, out=share)
        share *= (p / share.sum(axis=2))[:, :, None]
        mass = np.maximum(share.sum(axis=1), 1e-12)
        mean = np.einsum("vck,c->vk", share, x) / mass
        square = np.einsum("vck,c->vk", share, x**2) / mass
        sd = np.sqrt(np.maximum(square - mean**2, 0.0) + WITHIN)
        weight = mass / mass.sum(axis=1, keepdims=True)
    joint = _log_joint(x, weight, mean, sd)
    top = joint.max(axis=2)
    density = top + np.log(np.exp(joint - top[:, :, None]).sum(axis=2))
    return weight, mean, sd, (p * density).sum(axis=1)


def _log_joint(x: Floats, weight: Floats, mean: Floats, sd: Floats) -> Floats:
    """log(weight · density) of each component at each place, (V, C, K)."""
    z = (x[None, :, None] - mean[:, None, :]) / sd[:, None, :]
    return np.asarray(-0.5 * z**2 + np.log(weight / sd)[:, None, :])
