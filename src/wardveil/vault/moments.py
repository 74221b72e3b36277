"""Sums of clipped vectors, for the vault's eyes only: what a mechanism adds its noise to."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from wardveil.vault.vault import RowEncoder, Rows

CHUNK = 1 << 14
"""Rows encoded at a time; bounds memory to CHUNK × d × 16 bytes."""


def clipped_total(rows: "Rows", encoder: "RowEncoder", limit: float | None) -> NDArray[np.float64]:
    """Σ x·min(1, limit/‖x‖), (d,); without a limit nothing is clipped."""
    return np.asarray(sum(_kept(x, limit, power=1) @ x for x in _chunks(rows, encoder)))


def clipped_products(
    rows: "Rows", encoder: "RowEncoder", limit: float | None
) -> NDArray[np.float64]:
    """Σ x xᵀ·min(1, limit/‖x‖²), (d, d); without a limit nothing is clipped."""
    return np.asarray(sum((x.T * _kept(x, limit, power=2)) @ x for x in _chunks(rows, encoder)))


def _kept(x: NDArray[np.float64], limit: float | None, *, power: int) -> NDArray[np.float64]:
    """What each patient's share is multiplied by, (m,)."""
    if limit is None:
        return np.ones(len(x))
    norm = (x**2).sum(axis=1) ** (power / 2)
    return np.minimum(1.0, limit / np.maximum(norm, limit))


def _chunks(rows: "Rows", encoder: "RowEncoder") -> Iterator[NDArray[np.float64]]:
    """The rows as vectors, CHUNK at a time; a vector that is not finite counts for nothing."""
    n = len(next(iter(rows.values())))
    for first in range(0, n, CHUNK):
        part = {name: values[first : first + CHUNK] for name, values in rows.items()}
        x = encoder.encode(part).double().cpu().numpy()
        finite = np.isfinite(x).all(axis=1)
        yield x if finite.all() else np.where(finite[:, None], x, 0.0)
