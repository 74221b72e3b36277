"""Clipped: what clipping took from noisy sums, found on patients drawn from fitted rows.

A patient whose vector is longer than 1 counts for less than was meant: whoever has several rare
things at once. The mean of clipped vectors is so nearer to the centre than the mean that was asked
for, and no share of ε mends it. The rows that were fitted to the answers know what comes together;
patients drawn from them show what clipping takes, and so much is given back.

Source: correction of a bias by simulation, Gouriéroux, Monfort and Renault (1993), "Indirect
inference".
"""

import numpy as np
from numpy.typing import NDArray

from wardveil.encode.embedding import Embedding
from wardveil.vault import CLIP_MARGIN, Rows, clipped_products, clipped_total


def lost_means(embedding: Embedding, rows: Rows) -> NDArray[np.float64]:
    """E[x - clip x], scaled as the vault sums them, (d,)."""
    whole, kept = (clipped_total(rows, embedding, limit) for limit in (None, CLIP_MARGIN))
    return (whole - kept) / len(next(iter(rows.values())))


def lost_products(embedding: Embedding, rows: Rows) -> NDArray[np.float64]:
    """E[x xᵀ - clip x xᵀ], scaled as the vault sums them, (d, d)."""
    whole, kept = (clipped_products(rows, embedding, limit) for limit in (None, CLIP_MARGIN))
    return (whole - kept) / len(next(iter(rows.values())))
