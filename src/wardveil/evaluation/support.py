"""Support: do synthetic patients lie where real ones lie, and everywhere they lie?"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from wardveil.evaluation.c2st import thinned
from wardveil.evaluation.features import features, standardised
from wardveil.evaluation.interval import Z, groups, jackknife
from wardveil.evaluation.prepared import Floats, Prepared

MOST_ROWS: Final = 4_000
NEIGHBOURS: Final = 5
TIE: Final = 1e-6
"""Distances this near are equal: the same row is found at the same distance in both tables."""
STEPS: Final = 41
"""Values of α and β, evenly from 0 to 1."""


@dataclass(frozen=True, kw_only=True)
class Support:
    """Both figures with 95 % intervals, each 1 at best and 0 at worst.

    Attributes:
        alpha_precision: (value, low, high).
        beta_recall: (value, low, high).
    """

    alpha_precision: tuple[float, float, float]
    beta_recall: tuple[float, float, float]


def support(real: Prepared, synthetic: Prepared) -> Support:
    """α-precision and β-recall after Alaa et al. 2022, on at most 4,000 rows of each table.

    The α-support of a table is the ball about its centre that holds a share α of its rows, in
    standardised features. A synthetic row counts for α-precision when it lies in the real
    α-support. A real row counts for β-recall when its nearest synthetic row lies in the synthetic
    β-support and is no farther than the real row's fifth real neighbour. Each figure is
    1 - 2 × the mean distance of these shares from α and β. Both tables are thinned to one size.
    """
    rows = min(real.rows, synthetic.rows, MOST_ROWS)
    X, S = standardised(features([thinned(real, rows), thinned(synthetic, rows)])).X
    levels = np.linspace(0, 1, STEPS)
    within = _depth(S, X)[:, None] <= np.quantile(_depth(X, X), levels) + TIE
    near, which = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(S).kneighbors(X)
    k = min(NEIGHBOURS, rows - 1) + 1  # the first neighbour is the row itself
    reach = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(X).kneighbors(X)[0][:, -1]
    depth = _depth(S, S)
    inside = depth[which[:, 0]][:, None] <= np.quantile(depth, levels) + TIE
    recalled = inside & (near[:, 0] <= reach + TIE)[:, None]
    return Support(alpha_precision=_score(within, levels), beta_recall=_score(recalled, levels))


def _depth(points: Floats, table: Floats) -> Floats:
    """Distance of each point from the table's centre, (n,)."""
    difference = points.astype(np.float64) - table.mean(axis=0, dtype=np.float64)
    return np.sqrt(np.einsum("ij,ij->i", difference, difference))


def _score(counts: NDArray[np.bool_], levels: Floats) -> tuple[float, float, float]:
    """1 - 2 × mean |share - level| with its interval over groups of rows, within 0 and 1."""
    group = groups(len(counts))
    total = counts.sum(axis=0)
    left = [
        (total - counts[group == g].sum(axis=0)) / max(1, int((group != g).sum()))
        for g in range(int(group.max()) + 1)
    ]
    shares = np.array([total / len(counts), *left])
    scores = 1 - 2 * np.abs(shares - levels).mean(axis=1)
    error = Z * jackknife(scores[1:])
    return float(scores[0]), max(0.0, float(scores[0] - error)), min(1.0, float(scores[0] + error))
