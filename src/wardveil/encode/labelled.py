"""Labelled: patients with their classes, as [x | c].

A class is a column that a generator is told and a discriminator guesses: the arm of a trial, and
every condition. c has one coordinate for each level (or band of a number), 1 for the one it is.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.encode.attendance import Attendance
from wardveil.encode.condition import Conditions, joint_size
from wardveil.encode.histogram import Probabilities
from wardveil.encode.matrix import Matrix
from wardveil.schema import Schema
from wardveil.schema.variable import Variable, variables_of
from wardveil.schema.where import Where
from wardveil.vault import Rows


class Labelled:
    """Encodes and decodes patients with their classes.

    Attributes:
        schema: What is public.
        matrix: The features.
        conditions: The classes and their prior.
        sizes: Levels of each class.
        owner: Which variable each coordinate of [x | c] is of.
        p: Fine distribution of each variable.
        attendance: Who comes to which visit, where whole visits are missed.
    """

    def __init__(
        self, schema: Schema, p: Mapping[str, Probabilities], joint: Probabilities | None
    ) -> None:
        classes, features = split(schema)
        self.schema, self.p = schema, p
        self.matrix = Matrix(features, p)
        self.conditions = Conditions(classes, p, joint)
        self.attendance = None
        if schema.trial and schema.trial.whole_visits:
            self.attendance = Attendance(schema.trial, self.matrix)
        self.sizes = tuple(self.conditions.bins.sizes.values())
        classes_of = torch.repeat_interleave(torch.tensor(self.sizes, dtype=torch.long))
        self.owner = torch.cat([self.matrix.owner, len(self.matrix.blocks) + classes_of])

    def encode(self, rows: Rows) -> Tensor:
        """[x | c] of each patient by itself, (n, d + Σ sizes)."""
        x = self.matrix.encode(rows)
        return torch.cat([x, self._hot(self.conditions.bins.cells(rows), len(x))], dim=1)

    def drawn(self, n: int, where: Where, rng: np.random.Generator) -> tuple[Tensor, Rows]:
        """c of n patients, (n, Σ sizes), drawn from the prior given what is asked; their values."""
        cells, given = self.conditions.draw(n, where, rng)
        return self._hot(cells, n), given

    def first(self, c: Tensor) -> Tensor:
        """The coordinates of the first class, the arm if there is one; none without classes."""
        return c[:, : self.sizes[0] if self.sizes else 0]

    def _hot(self, cells: Mapping[str, NDArray[np.int32]], n: int) -> Tensor:
        parts = [np.eye(size, dtype=np.float32)[cells[name]]
                 for name, size in self.conditions.bins.sizes.items()]  # fmt: skip
        return torch.from_numpy(np.concatenate([np.empty((n, 0), np.float32), *parts], axis=1))


def split(schema: Schema) -> tuple[Sequence[Variable], Sequence[Variable]]:
    """Variables of the arm, then of condition columns; and all others."""
    arm = schema.trial.arm if schema.trial else ""
    classes = [c for c in schema.modelled if c.condition or c.name == arm]
    asked = [v for c in sorted(classes, key=lambda c: c.name != arm) for v in variables_of(c)]
    names = {v.name for v in asked}
    return asked, [v for v in schema.variables if v.name not in names]


def most_levels(classes: Sequence[Variable]) -> int:
    """Most coordinates that c can have; public."""
    return sum(joint_size([v]) for v in classes)
