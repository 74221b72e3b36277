"""What can be wrong with a table, said without any value from it.

A header is quoted only when it is a declared column name: in a file without a header line the
"header" is the first patient.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wardveil.errors import Problem

Index = NDArray[np.int64]
_SHOWN: Final = 5


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Cells of one column that break one rule.

    Attributes:
        code: A key of the explanations.
        what: The rule that is broken, after "cells that ".
        rows: Positions of the rows from 0, in order.
        do: What to do.
    """

    code: str
    what: str
    rows: Index
    do: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Faults:
    """Collects problems, so that all are told at once.

    Attributes:
        origin: File name or kind of frame.
        line_of: Row positions -> line numbers (files) or row numbers from 1 (frames).
        counted: "line" or "row".
        problems: What was found so far.
    """

    origin: str
    line_of: Callable[[Index], Sequence[int]]
    counted: str
    problems: list[Problem] = field(default_factory=list)

    def add(self, column: str, fault: Fault) -> None:
        """Note cells of a column; nothing when the fault has no rows."""
        n = len(fault.rows)
        if n:
            found = f"{n}, in {self.places(fault.rows)}"
            self.note(
                fault.code, f"Column {column!r}: cells that {fault.what}: {found}.", do=fault.do
            )

    def note(self, code: str, what: str, *, do: tuple[str, ...] = ()) -> None:
        """Note a problem of the whole table."""
        self.problems.append(Problem(code=code, what=what, where=self.origin, do=do))

    def places(self, rows: Index) -> str:
        """Such as "lines 4, 9, 12 and 30 more"."""
        lines = [str(line) for line in self.line_of(rows[:_SHOWN])]
        more = f" and {len(rows) - len(lines)} more" if len(rows) > len(lines) else ""
        return f"{self.counted}{'s' if len(rows) > 1 else ''} {', '.join(lines)}{more}"
