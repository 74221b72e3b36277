"""Calibration: a trained generator's columns are moved onto the known one-way distributions.

Free post-processing in both ways. Numbers go through the generator's own distribution of each
coordinate (so that their ranks become uniform), level coordinates get an offset in log-odds. Both
are fixed monotone maps: what the generator learnt about dependence stays.
"""

from collections import deque
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.encode.matrix import KAPPA, Block, Matrix

Floats = NDArray[np.float64]

CALIBRATION_ROWS = 6_000
"""Rows a generator draws to be calibrated by."""
KNOTS = 1025
"""Quantiles kept of each coordinate."""
COARSE = 129
"""Quantiles of a number while a generator is trained."""
BATCHES, EVERY = 4, 25
"""Batches that ranks are among, and batches after which they are looked at anew."""


def calibration(matrix: Matrix, drawn: Tensor) -> Mapping[str, Tensor]:
    """What `calibrated` needs, from rows the generator drew.

    Args:
        matrix: The layout and the known distributions.
        drawn: (m, d) generator output in [-1, 1], m large.

    Returns:
        "knots": (KNOTS, d) quantiles of each coordinate, "offsets": (d,) log-odds.
    """
    levels = torch.linspace(0, 1, KNOTS, dtype=torch.float64)
    ordered = drawn.double().sort(dim=0).values
    at = (levels * (len(drawn) - 1)).long()
    shift = torch.zeros(matrix.width, dtype=torch.float64)
    for b in matrix.blocks:
        if b.choices:
            logits = KAPPA * drawn[:, b.odds].double().numpy()
            shift[b.odds] = torch.from_numpy(offsets(logits, _target(matrix, b)))
    return {"knots": ordered[at], "offsets": shift}


class Ranks:
    """Numbers of drawn batches as ranks among the latest of them, differentiable.

    What calibration will make of a number, known while a generator is still trained: a column's
    contrasts then count as they will come out, and not as they are before its law is mended.
    The ranks are those of the last `BATCHES` batches and found anew every `EVERY`.

    Args:
        matrix: The layout.
    """

    def __init__(self, matrix: Matrix) -> None:
        self._columns = [b.start for b in matrix.blocks if b.number]
        self._latest: deque[Tensor] = deque(maxlen=BATCHES)
        self._seen = 0
        self._knots = torch.zeros(0)

    def __call__(self, x: Tensor) -> Tensor:
        """(m, d) with every number's position piecewise linear in what it was."""
        if not self._columns:
            return x
        columns = x[:, self._columns].T.contiguous()
        self._latest.append(columns.detach())
        if self._seen % EVERY == 0:
            self._knots = self._found()
        self._seen += 1
        after = torch.searchsorted(self._knots, columns.detach()).clamp(1, COARSE - 1)
        low, high = self._knots.gather(1, after - 1), self._knots.gather(1, after)
        level = (after - 1 + (columns - low) / (high - low)) / (COARSE - 1)
        out = x.clone()
        out[:, self._columns] = (2 * level - 1).clamp(-1, 1).T
        return out

    def _found(self) -> Tensor:
        """Quantiles of each number, strictly rising, (numbers, COARSE)."""
        pooled = torch.cat(tuple(self._latest), dim=1).sort(dim=1).values
        at = (torch.linspace(0, 1, COARSE) * (pooled.shape[1] - 1)).round().long()
        return pooled[:, at] + 1e-6 * torch.arange(COARSE)


def calibrated(matrix: Matrix, x: Tensor, fitted: Mapping[str, Tensor]) -> Tensor:
    """Generator output moved onto the known distributions, (n, d)."""
    knots, out = fitted["knots"].numpy(), x.double() + fitted["offsets"] / KAPPA
    levels = np.linspace(-1, 1, KNOTS)
    for b in matrix.blocks:
        if b.number:
            column = knots[:, b.start] + 1e-12 * np.arange(KNOTS)  # strictly rising
            u = np.interp(x[:, b.start].double().numpy(), column, levels)
            out[:, b.start] = torch.from_numpy(u)
    return out


def _target(matrix: Matrix, block: Block) -> Floats:
    """What the log-odds of a block must give on average, (m,)."""
    p = matrix.p[block.variable.name]
    p = np.maximum([1 - p[-1], p[-1]] if block.number else p, 1e-6)
    return p / p.sum()


def offsets(logits: Floats, target: Floats, rounds: int = 30) -> Floats:
    """Offsets b with mean softmax(logits + b) = target, by proportional fitting.

    Args:
        logits: (m, k); one column is the log-odds of the second of two, halved.
        target: (k,) above 0, sums to 1; (2,) for one column.
        rounds: Rounds of fitting.
    """
    if logits.shape[1] == 1:
        b = offsets(np.concatenate([-logits, logits], axis=1), target, rounds)
        return (b[1:] - b[:1]) / 2
    b = np.zeros(logits.shape[1])
    for _ in range(rounds):
        odds = np.exp(logits + b - (logits + b).max(axis=1, keepdims=True))
        mean = (odds / odds.sum(axis=1, keepdims=True)).mean(axis=0)
        b += np.log(target) - np.log(np.maximum(mean, 1e-12))
    return b - b.mean()
