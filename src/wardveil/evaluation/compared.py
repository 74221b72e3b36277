"""Compared: the tables of one evaluation, in their roles."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wardveil.evaluation.association import is_number
from wardveil.evaluation.design import Design
from wardveil.evaluation.group import masks, members_of
from wardveil.evaluation.prepared import Flags, Prepared
from wardveil.schema.schema import Schema

MOST_GROUPED: int = 6
MOST_SECRETS: int = 4


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Prepared tables, and what is known of the study.

    Attributes:
        real: The rows the synthetic ones were made from.
        synthetic: Synthetic rows.
        holdout: Real rows kept apart; None without them.
        ruler: Two tables of real rows: what a perfect synthetic table would look like.
        schema: What is declared; None without a schema.
        design: How the study was laid out.
    """

    real: Prepared
    synthetic: Prepared
    holdout: Prepared | None
    ruler: tuple[Prepared, Prepared]
    schema: Schema | None
    design: Design = field(default_factory=Design)

    @property
    def reference(self) -> Prepared:
        """What synthetic rows are compared with."""
        return self.real if self.holdout is None else self.holdout

    @property
    def targets(self) -> tuple[str, ...]:
        """Declared outcomes that hold one value."""
        columns = self.schema.modelled if self.schema else ()
        return tuple(c.name for c in columns if c.target and c.kind != "codes")

    @property
    def grouped(self) -> tuple[str, ...]:
        """Columns that are judged level by level, at most 6."""
        if self.design.groups:
            return self.design.groups
        conditions = self.schema.conditions if self.schema else ()
        names = [*([self.design.arm] if self.design.arm else []), *(c.name for c in conditions)]
        return tuple(n for n in dict.fromkeys(names) if self._levelled(n))[:MOST_GROUPED]

    @property
    def secrets(self) -> tuple[str, ...]:
        """What an attacker would like to know: the targets, then other levels, at most 4."""
        names = [*self.targets, *(n for n in self.reference.columns if self._levelled(n))]
        return tuple(dict.fromkeys(names))[:MOST_SECRETS]

    def arms(self, table: Prepared) -> dict[str, NDArray[np.bool_]]:
        """Arm of the reference -> who is in it in this table; the arm "" is everybody."""
        found = {"": np.ones(table.rows, dtype=bool)}
        if self.design.arm:
            arm = self.design.arm
            found |= {a: members_of(table, arm, a) for a in masks(self.reference, arm)}
        return found

    def _levelled(self, name: str) -> bool:
        column = self.reference.columns.get(name)
        return column is not None and not isinstance(column, Flags) and not is_number(column)
