"""Square: the row of a matrix as a small square image, and back.

Source: Park et al. (2018), arXiv:1806.03384, section 4.1: cells in the order of the columns, row by
row, the rest of the square filled with zeros. The authors' code repeats the whole row as often as
it fits before the zeros.
"""

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import pad

from wardveil.errors import Problem, UsageError

Fill = Literal["zeros", "copies"]

SMALL = (4, 8, 16, 24, 32)
"""Sides that networks were published for; larger ones go on in steps of 8."""


class Square:
    """Where the columns of a matrix stand in a square.

    What is not a column is not the generator's to make: a row is squared after it was read back,
    so the filling of a generated square is that of a real one, and no critic can tell them by it.

    Attributes:
        width: d, columns of the matrix.
        side: s; d ≤ s².
        copies: Times a row stands in the square.
    """

    def __init__(
        self, width: int, *, side: int = 0, fill: Fill = "zeros", hidden: Sequence[int] = ()
    ) -> None:
        """A layout.

        Args:
            width: d.
            side: s, a multiple of 4; 0 takes the smallest that fits of 4, 8, 16, 24, 32, 40, …
            fill: What stands after the row.
            hidden: Columns that are zero in every square, such as a label that is to be guessed.

        Raises:
            UsageError: E125, the side does not fit.
        """
        self.width, self.side = width, side or smallest(width)
        if self.side < 4 or self.side % 4 or self.side**2 < width:
            raise UsageError(
                Problem(
                    code="E125",
                    what=f"side must be a multiple of 4 and at least {smallest(width)} for the "
                    f"{width} coordinates of this schema, found {side}.",
                    where="tablegan.side",
                    do=("Leave it out: the smallest that fits is taken.",),
                )
            )
        self.copies = self.side**2 // width if fill == "copies" else 1
        self._visible: Tensor | None = None
        if hidden:
            self._visible = torch.ones(width)
            self._visible[list(hidden)] = 0.0

    def of(self, x: Tensor) -> Tensor:
        """(n, d) -> (n, 1, s, s)."""
        if self._visible is not None:
            x = x * self._visible
        if self.copies > 1:
            x = x.repeat(1, self.copies)
        rest = self.side**2 - x.shape[1]
        return pad(x, (0, rest)).view(len(x), 1, self.side, self.side)

    def rows(self, square: Tensor) -> Tensor:
        """(n, 1, s, s) -> (n, d); of copies, the first."""
        return square.flatten(1)[:, : self.width]


def smallest(width: int) -> int:
    """The smallest side whose square holds so many columns.

    Example:
        >>> smallest(16), smallest(17), smallest(1024), smallest(1025)
        (4, 8, 32, 40)
    """
    for side in SMALL:
        if side**2 >= width:
            return side
    side = SMALL[-1]
    while side**2 < width:
        side += 8
    return side
