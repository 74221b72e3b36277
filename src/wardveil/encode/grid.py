"""Grid: the rows of a matrix as images of measures × visits, and back."""

from collections.abc import Sequence

import torch
from torch import Tensor

from wardveil.encode.matrix import Block
from wardveil.schema.trial import Trial


class Grid:
    """Where each cell of a trial stands in the matrix.

    A measure has a place in the image if each of its variables has one column there, or two:
    a number and whether it is missing. Every other column, such as a baseline, is beside it.

    Attributes:
        shape: (C, M, V): C is 2 where a cell of the image can be missing, else 1.
        rest: Columns beside the image.
    """

    def __init__(self, trial: Trial, blocks: Sequence[Block]) -> None:
        by_name = {b.variable.name: b for b in blocks}
        d = blocks[-1].stop
        rows = [[by_name[trial.column(m, v)] for v in trial.visits]
                for m in trial.measures
                if all(_fits(by_name.get(trial.column(m, v))) for v in trial.visits)]  # fmt: skip
        layers = [[[b.start for b in row] for row in rows]]
        if any(b.number and b.choices for row in rows for b in row):  # d: a column of zeros
            layers.append([[b.start + 1 if b.number and b.choices else d for b in row]
                           for row in rows])  # fmt: skip
        image = torch.tensor(layers, dtype=torch.long)
        self.shape = (len(layers), len(rows), len(trial.visits))
        inside = set(image.flatten().tolist())
        beside = torch.tensor([k for k in range(d) if k not in inside], dtype=torch.long)
        self.rest = len(beside)
        self._read = torch.cat([image.flatten(), beside])
        self._write = torch.zeros(d + 1, dtype=torch.long)
        self._write[self._read] = torch.arange(len(self._read))
        self._write = self._write[:d]

    def split(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, d) -> the image (B, C, M, V), and the columns beside it (B, rest)."""
        padded = torch.cat([x, x.new_zeros(len(x), 1)], dim=1)[:, self._read]
        cells = padded.shape[1] - self.rest
        return padded[:, :cells].reshape(len(x), *self.shape), padded[:, cells:]

    def rows(self, image: Tensor, rest: Tensor) -> Tensor:
        """The inverse of `split`, (B, d)."""
        return torch.cat([image.flatten(1), rest], dim=1)[:, self._write]


def _fits(block: Block | None) -> bool:
    """Whether a variable has a place in an image."""
    return block is not None and (block.number == 1 or block.choices == 1)
