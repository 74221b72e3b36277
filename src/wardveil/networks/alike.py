"""Alike: an order of soft rows in which each stands beside those like it."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from wardveil.encode.histogram import Probabilities

TURNS: Final = 6
"""Of the power method; which way rows spread most need not be known exactly."""


def alike(X: Probabilities) -> NDArray[np.int64]:
    """An order of rows: halves, cut across the way they spread most, and each half likewise.

    Who takes every k-th row of a list that is in order has some of every kind of row, where k at
    random have more of one and fewer of another: systematic sampling (Madow and Madow 1944). Of
    2,000 soft rows 900 patients are such a choice. `tvd2` in 892 rows of insurance 0.120 -> 0.117,
    in 279 of pbc 0.233 -> 0.228 (ε = 10, means of 32 draws); a fit takes a tenth of a second more.

    Args:
        X: (R, D).
    """
    whole: list[NDArray[np.int64]] = []
    parts = [np.arange(len(X))]
    while parts:
        part = parts.pop()
        if len(part) <= 2:
            whole.append(part)
            continue
        apart = X[part] - X[part].mean(axis=0)
        way = apart[np.square(apart).sum(axis=1).argmax()]
        for _ in range(TURNS):
            way = apart.T @ (apart @ way)
            way /= max(float(np.linalg.norm(way)), 1e-300)
        part = part[np.argsort(apart @ way, kind="stable")]
        half = len(part) // 2
        parts += [part[half:], part[:half]]
    return np.concatenate(whole) if whole else np.zeros(0, dtype=np.int64)
