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
from wardveil.vault import Rows

Floats = NDArray[np.float64]

FEWEST_ROWS, MOST_ROWS, NUMBERS = 6_000, 50_000, 10_000_000
"""Rows a generator draws to be calibrated by, and about how many numbers they hold, which bounds
memory. Few rows leave an error of their own (adult: `tvd1` 0.012 from 50,000, 0.015 from 10,000).
"""
NEAR = 1e-5
"""Relative error of every share at which offsets are found."""
KNOTS = 1025
"""Quantiles kept of each coordinate."""
COARSE = 129
"""Quantiles of a number while a generator is trained."""
BATCHES, EVERY = 4, 25
"""Batches that ranks are among, and batches after which they are looked at anew."""


def calibration_rows(width: int) -> int:
    """Rows to draw of a generator of that many coordinates."""
    return max(FEWEST_ROWS, min(MOST_ROWS, NUMBERS // max(width, 1)))


def calibration(
    matrix: Matrix,
    drawn: Tensor,
    shares: Tensor | None = None,
    among: NDArray[np.int64] | None = None,
) -> Mapping[str, Tensor]:
    """What `calibrated` needs, from rows the generator drew.

    Args:
        matrix: The layout and the known distributions.
        drawn: (m, d) generator output in [-1, 1], m large.
        shares: What is wanted of each category, as in `known_shares`; that by default.
        among: Rows whose numbers shall have the known law; all by default. Of a number that may
            be missing only those count that rather have it.

    Returns:
        "knots": (KNOTS, d) quantiles of each number, "offsets": (d,) log-odds.
    """
    wanted = (known_shares(matrix) if shares is None else shares).numpy()
    chosen = drawn if among is None else drawn[torch.from_numpy(among)]
    levels = torch.linspace(0, 1, KNOTS, dtype=torch.float64)
    shift = torch.zeros(matrix.width, dtype=torch.float64)
    knots = torch.zeros(KNOTS, matrix.width, dtype=torch.float64)
    start = 0
    for b in matrix.blocks:
        if b.choices:
            stop = start + _categories(b)
            logits = KAPPA * drawn[:, b.odds].double().numpy()
            shift[b.odds] = torch.from_numpy(offsets(logits, wanted[start:stop]))
            start = stop
        if b.number:
            column = chosen[:, b.start]
            if b.choices:
                known = column[KAPPA * chosen[:, b.stop - 1] + shift[b.stop - 1] < 0]
                column = known if len(known) else column
            ordered = column.double().sort().values
            knots[:, b.start] = ordered[(levels * (len(column) - 1)).long()]
    return {"knots": knots, "offsets": shift}


def known_shares(matrix: Matrix) -> Tensor:
    """Share of each category of every block of choices, one block after the other, float64.

    The categories of a number are "known" and "missing".
    """
    parts = []
    for b in matrix.blocks:
        if b.choices:
            p = np.asarray(matrix.p[b.variable.name])
            p = np.maximum([1 - p[-1], p[-1]] if b.number else p, 1e-6)
            parts.append(p / p.sum())
    return torch.from_numpy(np.concatenate([np.empty(0), *parts]))


def drawn_shares(matrix: Matrix, rows: Rows, among: NDArray[np.int64]) -> Tensor:
    """How many of some rows have each category, and half a row more, as a share; as above."""
    parts = []
    for b in matrix.blocks:
        if b.choices:
            values = rows[b.variable.name][among]
            cell = np.isnan(values).astype(np.int64) if b.number else b.variable.cell(values)
            parts.append(np.bincount(cell, minlength=_categories(b)))
    return torch.from_numpy((np.concatenate([np.empty(0), *parts]) + 0.5) / len(among))


def _categories(block: Block) -> int:
    """Categories of a block of choices."""
    return 2 if block.number else block.variable.size


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
        step = np.log(target) - np.log(np.maximum(mean, 1e-12))
        b += step
        if np.abs(step).max() < NEAR:
            break
    return b - b.mean()
