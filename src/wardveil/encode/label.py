"""Label: the coordinates of a matrix that tell an outcome, and what it costs to guess them.

A level is guessed as its chance, a number as its position; missing is a yes or no of its own.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax

from wardveil.encode.matrix import KAPPA, Block


class Label:
    """Where the targets of a schema stand.

    Attributes:
        columns: The coordinates, in order; a guess has one number for each.
    """

    def __init__(self, blocks: Sequence[Block], targets: Sequence[str]) -> None:
        """Of a layout, the blocks of the variables that are named."""
        self._blocks = [b for b in blocks if b.variable.name in set(targets)]
        self.columns = tuple(k for b in self._blocks for k in range(b.start, b.stop))

    def loss(self, guess: Tensor, x: Tensor) -> Tensor:
        """What a guess costs, (B,): cross-entropy of levels, squared distance of numbers.

        Args:
            guess: (B, columns): log-odds of levels and of missing, positions of numbers.
            x: (B, d), the rows whose label was to be guessed. A generated row may be undecided:
                its own chances count, and have a gradient.
        """
        total, at = guess.new_zeros(len(guess)), 0
        for b in self._blocks:
            mine = guess[:, at : at + b.stop - b.start]
            at += b.stop - b.start
            odds, told = mine[:, b.number :], KAPPA * x[:, b.odds]
            if b.choices > 1:
                total = total - (told.softmax(1) * log_softmax(odds, 1)).sum(1)
            elif b.choices:
                chance = torch.sigmoid(2 * told[:, 0])
                total = total + binary_cross_entropy_with_logits(
                    odds[:, 0], chance, reduction="none"
                )
            if b.number:
                apart = (mine[:, 0] - x[:, b.start]).square()
                known = 1 - torch.sigmoid(2 * told[:, 0]) if b.choices else 1.0
                total = total + known * apart
        return total
