"""Noisy one-way counts become probabilities: post-processing, free.

Fine histograms are mostly noise cell by cell. `denoise` mends numbers: Haar shrinkage keeps a step
between neighbouring cells only where it stands out of the noise, a spectral smoother follows
curves that no single step shows, and their mean was better than either on the public tables. A
projection onto the simplex then removes negative cells without inflating empty tails, as clipping
at zero would.
"""

from math import log2, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct, idct
from scipy.interpolate import PchipInterpolator

from wardveil.schema import Schema
from wardveil.schema.variable import Levelled, Numeric, Variable
from wardveil.vault import Answer

Probabilities = NDArray[np.float64]

SHIFTS = 32
"""Cyclic shifts averaged in `haar_shrink`; removes the grid's own steps."""


def simplex(counts: Probabilities, total: float) -> Probabilities:
    """The nearest vector with non-negative entries that sum to `total` (Euclidean).

    Source: Duchi et al. (2008), Figure 1.

    Example:
        >>> simplex(np.array([3.0, 2.0, -1.0]), 4.0)
        array([2.5, 1.5, 0. ])
    """
    ordered = np.sort(counts)[::-1]
    excess = np.cumsum(ordered) - total
    last = np.flatnonzero(ordered - excess / np.arange(1, len(counts) + 1) > 0)[-1]
    return np.maximum(counts - excess[last] / (last + 1), 0.0)


def haar_shrink(counts: Probabilities, sd: float) -> Probabilities:
    """Counts with the steps that noise of size sd explains taken out.

    Orthonormal Haar transform, hard threshold 0.8 sd·√(2 ln m), averaged over cyclic shifts.

    Args:
        counts: (m,).
        sd: Standard deviation of the noise on each cell; 0 changes nothing.

    Source: Donoho and Johnstone (1994), universal threshold; Coifman and Donoho (1995), shifts.
    """
    if sd == 0 or len(counts) < 4:
        return counts
    size = 2 ** int(np.ceil(log2(len(counts))))
    padded = np.concatenate([counts, np.zeros(size - len(counts))])
    shifts = np.unique(np.linspace(0, size - 1, SHIFTS).astype(int))
    threshold = 0.8 * sd * sqrt(2 * np.log(size))  # below the universal one: shifts are averaged
    stack = np.stack([np.roll(padded, s) for s in shifts])
    smooth = _haar_threshold(stack, threshold)
    back = np.stack([np.roll(row, -s) for row, s in zip(smooth, shifts, strict=True)])
    return back.mean(axis=0)[: len(counts)]


def _haar_threshold(rows: Probabilities, threshold: float) -> Probabilities:
    """Each row through Haar, hard threshold and back; (k, 2^j)."""
    details, low = [], rows
    while low.shape[1] > 1:
        even, odd = low[:, ::2], low[:, 1::2]
        detail = (even - odd) / sqrt(2)
        details.append(np.where(np.abs(detail) > threshold, detail, 0.0))
        low = (even + odd) / sqrt(2)
    for detail in reversed(details):
        up = np.empty((low.shape[0], 2 * low.shape[1]))
        up[:, ::2], up[:, 1::2] = (low + detail) / sqrt(2), (low - detail) / sqrt(2)
        low = up
    return low


def spikes(counts: Probabilities, sd: float) -> Probabilities:
    """What stands out of each cell's six neighbours by more than 4.5 sd of noise, (m,)."""
    window = np.ones(7)
    total = np.convolve(counts, window, mode="same") - counts
    number = np.convolve(np.ones(len(counts)), window, mode="same") - 1
    excess = counts - total / number
    return np.where(excess > 4.5 * sd * np.sqrt(1 + 1 / number), excess, 0.0)


def spectral_smooth(counts: Probabilities, sd: float) -> tuple[Probabilities, float]:
    """The penalised least-squares curve Σ(x - y)² + λ Σ(D²x)², λ by Stein's unbiased risk.

    In the cosine basis the solution shrinks coefficient k by 1 / (1 + λ ω_k), so the risk of
    every λ is a sum: Σ (h - 1)² Y² + 2 sd² Σ h.

    Returns:
        The curve, and the standard deviation of the noise that is left on it.

    Source: Whittaker (1923), Stein (1981).
    """
    m = len(counts)
    y = dct(counts, norm="ortho")
    omega = (2 - 2 * np.cos(np.pi * np.arange(m) / m)) ** 2
    h = 1 / (1 + 10.0 ** np.arange(-2, 9, 0.5)[:, None] * omega)  # (λ, m)
    risk = ((h - 1) ** 2 * y**2).sum(axis=1) + 2 * sd**2 * h.sum(axis=1)
    best = h[int(np.argmin(risk))]
    return idct(best * y, norm="ortho"), float(sd * np.sqrt((best**2).mean()))


def denoise(counts: Probabilities, sd: float) -> Probabilities:
    """Ordered counts without the noise that size sd explains, (m,).

    Spikes are set aside, the range that holds all but 0.4 % of the rest is smoothed spectrally,
    and the result is averaged with Haar shrinkage of the whole. What does not stand out of the
    noise left on the curve is nothing: tails end.
    """
    if sd == 0 or len(counts) < 8:
        return counts
    stepped = haar_shrink(counts, sd)
    peak = spikes(counts, sd)
    rest = counts - peak
    share = np.cumsum(to_total(haar_shrink(rest, sd), max(float(rest.sum()), 1.0)))
    first, last = np.searchsorted(share / share[-1], [0.002, 0.998])
    inside = slice(max(int(first) - 2, 0), int(last) + 3)
    curve, left = spectral_smooth(rest[inside], sd)
    smooth = np.zeros_like(counts)
    smooth[inside] = np.where(curve > left, curve, 0.0)
    stepped = np.where((stepped > left) | (peak > 0), stepped, 0.0)
    return (smooth + peak + stepped) / 2


def probabilities(variable: Variable, answer: Answer, n: int) -> Probabilities:
    """The distribution of one variable over its cells, (size,), sums to 1.

    Args:
        variable: The variable.
        answer: Its noisy histogram; a flag of codes has one count, the number set.
        n: Number of patients, public or bought.
    """
    counts, total = answer.counts, float(max(n, 1))
    if len(counts) == 1 and variable.size == 2:
        counts = np.array([total - counts[0], counts[0]])
    if isinstance(variable, Numeric):
        measured = -(-variable.cells // answer.stride)
        values = np.maximum(denoise(counts[:measured], answer.sd), 0.0)
        peak = np.minimum(sharp(counts[:measured], answer.sd), values)
        fine = spread(values - peak, answer.stride, variable.cells)
        fine = fine + _placed(variable, peak, answer.stride)
        counts = np.concatenate([fine, counts[measured:]])
    return to_total(counts, total) / total


def peaks(variable: Numeric, answer: Answer) -> Probabilities:
    """Share of each cell's patients that share one value, (size,): 0 where no spike stands out.

    A cell holds many lattice points where the range is long; a spike in it, such as the zeros of
    a cost, is taken for the cell's roundest point.
    """
    shares = np.zeros(variable.size)
    if variable.stride == 1:
        return shares
    measured = -(-variable.cells // answer.stride)
    counts = answer.counts[:measured]
    share = np.clip(sharp(counts, answer.sd) / np.maximum(counts, 1.0), 0.0, 1.0)
    shares[_round_cells(variable, answer.stride)] = share
    return shares


def sharp(counts: Probabilities, sd: float) -> Probabilities:
    """What a cell has beyond twice its larger neighbour, where that stands out, (m,).

    A curve that is narrow for the grid rises over several cells; one value that is written again
    and again rises alone.
    """
    ends = np.concatenate([[0.0], counts, [0.0]])
    beside = np.maximum(np.maximum(ends[:-2], ends[2:]), 0.0)
    chance = np.sqrt(2 * sd**2 + np.maximum(counts, 0.0) + beside)  # of noise, and of patients
    return np.where(counts - beside > 4.5 * chance, np.maximum(counts - 2 * beside, 0.0), 0.0)


def _placed(variable: Numeric, peak: Probabilities, stride: int) -> Probabilities:
    """Spikes of cells that were counted together, each in the fine cell of the roundest point."""
    fine = np.zeros(variable.cells)
    fine[_round_cells(variable, stride)] = peak
    return fine


def _round_cells(variable: Numeric, stride: int) -> NDArray[np.int64]:
    """The fine cell with the roundest point in each of the cells counted together."""
    width = stride * variable.stride
    first = np.arange(-(-variable.cells // stride), dtype=np.int64) * width
    last = np.minimum(first + width, variable.points) - 1
    return variable.roundest(first, last) // variable.stride


def believed(gap: Probabilities, sd: float) -> Probabilities:
    """The gap between a noisy answer and what was expected, as far as noise does not explain it.

    max(0, 1 - cells·sd²/‖gap‖²)·gap

    Source: James and Stein (1961), positive part, with known variance.
    """
    energy = float((gap**2).sum())
    return gap * max(0.0, 1 - gap.size * sd**2 / energy) if energy > 0 else gap


def to_total(counts: Probabilities, total: float) -> Probabilities:
    """Counts made non-negative with a given sum: too many are projected, too few are scaled.

    A projection of too few would lift every empty cell.
    """
    positive = np.maximum(counts, 0.0)
    if 0 < positive.sum() < total:
        return positive * (total / positive.sum())
    return simplex(counts, total)


def spread(values: Probabilities, stride: int, cells: int) -> Probabilities:
    """Counts of `stride` cells together, divided among them along a smooth cumulative curve."""
    if stride == 1:
        return values
    edges = np.minimum(np.arange(len(values) + 1) * stride, cells).astype(float)
    cumulative = np.concatenate([[0.0], np.cumsum(values)])
    fine: Probabilities = np.diff(PchipInterpolator(edges, cumulative)(np.arange(cells + 1)))
    return np.maximum(fine, 0.0)


def distributions(schema: Schema, answers: dict[str, Answer], n: int) -> dict[str, Probabilities]:
    """The distribution of every variable of a schema."""
    return {v.name: probabilities(v, answers[v.name], n) for v in schema.variables}


def all_peaks(schema: Schema, answers: dict[str, Answer]) -> dict[str, Probabilities]:
    """`peaks` of every variable whose cells hold several points."""
    return {
        v.name: peaks(v, answers[v.name])
        for v in schema.variables
        if isinstance(v, Numeric) and v.stride > 1
    }


def restrict(variable: Variable, p: Probabilities, asked: "NDArray[np.bool_]") -> Probabilities:
    """The distribution given that the cell is one of those asked for.

    Where the asked cells have no mass at all the distribution over them is uniform: the question
    is about a kind of patient the (noisy) counts did not show.
    """
    kept = np.where(asked, p, 0.0)
    if kept.sum() <= 0:
        kept = asked.astype(float)
        if isinstance(variable, Levelled | Numeric) and variable.nullable and asked[:-1].any():
            kept[-1] = 0.0
    return kept / kept.sum()
