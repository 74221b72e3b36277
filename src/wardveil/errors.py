"""Every error a user can cause, in one tree.

    WardveilError
    ├── UsageError    (exit 2)  the request itself is wrong
    ├── SchemaError   (exit 3)  the schema is wrong, or the table does not match it
    ├── BudgetError   (exit 4)  the request cannot be met within (ε, δ)
    ├── LedgerError   (exit 4)  the account of what was spent cannot be kept, so nothing is spent
    ├── VaultError    (exit 1)  a question was asked that the plan does not contain: a fault of ours
    ├── ReleaseError  (exit 5)  a release check did not pass
    ├── VerifyError   (exit 6)  a released folder does not verify
    ├── MissingPart   (exit 7)  an optional dependency is not installed
    └── RunError      (exit 2)  a run folder or an output cannot be read or written

An error carries one or more `Problem`s: what must hold, what was found, where, what to do. No
message ever contains a value from a cell of a table: messages are copied into tickets.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        code: A key of the explanations, such as "E214"; `wardveil explain E214` prints it in full.
        what: What must hold and what was found, in one sentence, without any cell's value.
        where: File and line, column, or option; "" when there is no place.
        do: What to do, one alternative per item.
    """

    code: str
    what: str
    where: str = ""
    do: tuple[str, ...] = ()

    def __str__(self) -> str:
        head = f"{self.code}  {self.what}" + (f"  [{self.where}]" if self.where else "")
        return "\n".join([head, *(f"      Do  {step}" for step in self.do)])


class WardveilError(Exception):
    """The root of the tree; `problems` holds everything that was found, at once."""

    exit_code: ClassVar[int] = 1

    def __init__(self, problems: Problem | Sequence[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(p) for p in self.problems))


class UsageError(WardveilError, ValueError):
    """The request itself is wrong: an option, an argument, a setting."""

    exit_code = 2


class RunError(WardveilError, OSError):
    """A run folder or an output file cannot be read or written."""

    exit_code = 2


class SchemaError(WardveilError, ValueError):
    """The schema is wrong, or the table does not match what it declares."""

    exit_code = 3


class BudgetError(WardveilError, ValueError):
    """The request cannot be met within (ε, δ)."""

    exit_code = 4


class LedgerError(WardveilError, RuntimeError):
    """The account of what was spent is missing, damaged, or cannot be written."""

    exit_code = 4


class VaultError(WardveilError, RuntimeError):
    """A question was asked that the plan does not contain."""

    exit_code = 1


class ReleaseError(WardveilError, RuntimeError):
    """A release check did not pass."""

    exit_code = 5


class VerifyError(WardveilError, RuntimeError):
    """A released folder does not verify."""

    exit_code = 6


class MissingPart(WardveilError, ImportError):  # noqa: N818 - says what it is
    """An optional dependency is not installed."""

    exit_code = 7
