"""What is public about one column, and where each fact came from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

Kind = Literal[
    "id", "drop", "continuous", "count", "ordinal", "categorical", "binary",
    "date", "codes", "time", "event", "visit",
]  # fmt: skip
Source = Literal["declared", "dictionary", "catalogue", "private", "looked"]

NUMERIC: Final = frozenset({"continuous", "count", "date", "time"})
LEVELLED: Final = frozenset({"ordinal", "categorical", "binary", "event"})
UNMODELLED: Final = frozenset({"id", "drop", "visit"})
KINDS: Final[tuple[str, ...]] = get_args(Kind)
SOURCES: Final[tuple[str, ...]] = get_args(Source)
FACTS: Final = ("low", "high", "decimals", "levels", "nullable")
"""The facts of a column that have a source."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """Everything the library may know about a column without asking the vault.

    Attributes:
        name: As in the table's header.
        kind: One of `Kind`.
        low: Smallest admissible value, in the column's unit (dates: days since 1970-01-01).
        high: Largest admissible value, same unit.
        decimals: Digits after the point in the output, 0 to 9; counts and dates have 0.
        levels: Admissible values as text, in order; for `codes` the list one cell may hold.
        unit: Unit of measurement, for people.
        nullable: Whether a cell may be missing.
        condition: Whether rows may be asked for by this column's value.
        target: Whether this is an outcome that usefulness is judged on.
        outside: What happens to a number beyond the bounds: clip it, or make it missing.
        unknown: What happens to a level that is not declared: refuse the table, map it to the
            level "other" (which must be declared), or make it missing.
        separator: Between the values of a `codes` cell.
        max_codes: Most values of a `codes` cell that are kept (the first, in declared order).
        pair: For kind `time`, the name of its `event` column.
        missing: Texts that mean missing, beside the table's own list.
        dtype: pandas dtype of the output column, or "" for the kind's own.
        reason: Why a column is dropped, for people.
        sources: For each of "low", "high", "decimals", "levels", "nullable": where it is from.
    """

    name: str
    kind: Kind
    low: float | None = None
    high: float | None = None
    decimals: int | None = None
    levels: tuple[str, ...] | None = None
    unit: str = ""
    nullable: bool = False
    condition: bool = False
    target: bool = False
    outside: Literal["clip", "missing"] = "clip"
    unknown: Literal["refuse", "other", "missing"] = "refuse"
    separator: str = ";"
    max_codes: int = 4
    pair: str = ""
    missing: tuple[str, ...] = ()
    dtype: str = ""
    reason: str = ""
    sources: Mapping[str, Source] = field(default_factory=dict)

    @property
    def modelled(self) -> bool:
        """Whether synthetic tables carry values of this column."""
        return self.kind not in UNMODELLED

    @property
    def gaps(self) -> tuple[str, ...]:
        """The facts a model needs and this column lacks: of "low", "high", "levels"."""
        if self.kind in NUMERIC:
            return tuple(f for f in ("low", "high") if getattr(self, f) is None)
        if self.kind in LEVELLED or self.kind == "codes":
            return () if self.levels else ("levels",)
        return ()

    @property
    def places(self) -> int:
        """Digits after the point that values really have: 0 for counts and dates.

        An undeclared number of decimals is 2 for a continuous column and 0 for a time.
        """
        if self.kind in ("count", "date"):
            return 0
        usual = 2 if self.kind == "continuous" else 0
        return usual if self.decimals is None else self.decimals

    @property
    def facts(self) -> tuple[str, ...]:
        """Which of `FACTS` are known; `nullable` always is."""
        return tuple(f for f in FACTS if getattr(self, f) is not None)

    def source(self, fact: str) -> Source:
        """Where a fact is from; a fact nobody labelled was declared."""
        return self.sources.get(fact, "declared")
