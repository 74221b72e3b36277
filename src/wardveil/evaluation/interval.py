"""Interval: how sure a figure is, without a slow bootstrap."""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Floats = NDArray[np.float64]

GROUPS: Final = 20
"""Groups of rows that the jackknife leaves out one at a time."""
Z: Final = 1.959963984540054
"""The normal quantile of a 95 % interval."""
JACKKNIFE: Final = "jackknife over 20 random groups of the rows of each table"
DELONG: Final = "DeLong's variance of an AUC"
WILSON: Final = "Wilson's interval of a share"


def wilson(successes: int, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927); (0, 1) for n = 0.

    Example:
        >>> [round(end, 3) for end in wilson(5, 10)]
        [0.237, 0.763]
    """
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    centre = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return max(0.0, float(centre - half)), min(1.0, float(centre + half))


def delong(positive: Floats, negative: Floats) -> tuple[float, float]:
    """AUC and its standard error (DeLong et al. 1988), with mid-ranks for ties.

    Args:
        positive: Scores of the positives, (m,); at least 2 for a standard error.
        negative: Scores of the negatives, (n,); at least 2.

    Returns:
        The AUC and its standard error; NaN where a side is empty or has one row.
    """
    m, n = len(positive), len(negative)
    if min(m, n) == 0:
        return float("nan"), float("nan")
    ranks = stats.rankdata(np.concatenate([positive, negative]))
    above = (ranks[:m] - stats.rankdata(positive)) / n
    below = 1 - (ranks[m:] - stats.rankdata(negative)) / m
    auc = float(above.mean())
    if min(m, n) < 2:
        return auc, float("nan")
    return auc, float(np.sqrt(above.var(ddof=1) / m + below.var(ddof=1) / n))


def auc_interval(positive: Floats, negative: Floats) -> tuple[float, float, float]:
    """AUC with DeLong's 95 % interval, within 0 and 1."""
    auc, error = delong(positive, negative)
    return auc, *around(auc, error, 0.0, 1.0)


def around(value: float, error: float, least: float, most: float) -> tuple[float, float]:
    """value ± 1.96 errors, within [least, most]."""
    return max(least, value - Z * error), min(most, value + Z * error)


@lru_cache(maxsize=16)
def groups(n: int) -> NDArray[np.int64]:
    """A random group for each of n rows, (n,), as even as can be; fixed seed."""
    return np.random.default_rng(0).permutation(n) % min(GROUPS, max(n, 1))


def jackknife(left_out: Floats) -> float:
    """The standard error from the figures with one group left out, (g,) (Shao and Tu 1995)."""
    g = len(left_out)
    return float(np.sqrt((g - 1) / g * np.sum((left_out - left_out.mean()) ** 2)))
