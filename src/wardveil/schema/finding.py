"""Finding: one thing that is wrong with a schema, before a file and a line are known."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from difflib import get_close_matches

from wardveil.errors import Problem


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong with a schema.

    Attributes:
        code: A key of the explanations.
        what: What must hold and what was found.
        column: The column it is about; "" for the table.
        fact: The key in the TOML, such as "low"; "" for the column as a whole.
        do: What to do, one alternative per item.
    """

    code: str
    what: str
    column: str = ""
    fact: str = ""
    do: tuple[str, ...] = ()

    def problem(self, where: str = "") -> Problem:
        """The finding as a problem, at a place."""
        what = f"Column {self.column!r}: {self.what}" if self.column else f"Table: {self.what}"
        return Problem(code=self.code, what=what, where=where, do=self.do)


def suggestion(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """("did you mean `continuous`?",) or ()."""
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return (f"did you mean `{near[0]}`?",) if near else ()


Found = Iterator[Finding]
