"""Declared lists: the codes and measurements that become columns.

What is on a list comes from a person, a public standard or a codebook, never from the patients of
an export: a code that one patient has would otherwise become a column that says so.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Final

from wardveil.errors import Problem, SchemaError
from wardveil.schema.catalogue import lookup
from wardveil.schema.column import Column, Source
from wardveil.schema.finding import suggestion
from wardveil.schema.toml import read_text

_FILES: Final = (".txt", ".csv", ".tsv")
_KEYS: Final = ("code", "name", "low", "high", "decimals", "unit")
_NUMBERS: Final = ("low", "high", "decimals")


@dataclass(frozen=True, kw_only=True)
class Item:
    """One code or measurement that becomes a column.

    Attributes:
        code: As the export writes it.
        name: Of the column; "" for one made of the code.
        low: Smallest possible value of a measurement; None if not declared.
        high: Largest possible value.
        decimals: Digits after the point.
        unit: Of a measurement.
    """

    code: str
    name: str = ""
    low: float | None = None
    high: float | None = None
    decimals: int | None = None
    unit: str = ""


Items = str | PathLike[str] | Sequence[str | Item]
"""A file (.txt, .csv, .tsv), names by commas in one text, or the items themselves."""


def is_list_file(text: str) -> bool:
    """Whether a text names a file of codes and is no code itself."""
    return text.endswith(_FILES)


def items_of(source: Items) -> tuple[Item, ...]:
    """The items of a declared list.

    A file has one code a line; a .csv or .tsv whose first line begins with "code" may add columns
    of `Item`'s other facts. Of any other .csv the first column counts.

    Args:
        source: The list.

    Raises:
        SchemaError: E333, the list cannot be read, is empty, or contradicts itself.
    """
    if isinstance(source, str) and not is_list_file(source):
        if Path(source).is_file():
            raise _wrong(f"A list's file ends in {', '.join(_FILES)}.", source)
        source = [part.strip() for part in source.split(",")]
    if isinstance(source, str | PathLike):
        items, origin = _read(Path(source)), Path(source).name
    else:
        items, origin = [i if isinstance(i, Item) else Item(code=i.strip()) for i in source], ""
    codes = [item.code for item in items]
    if not codes or not all(codes):
        raise _wrong("A list has at least one code, and no empty one.", origin)
    if twice := next((c for c in codes if codes.count(c) > 1), ""):
        raise _wrong(f"Each code stands once on a list; {twice!r} does not.", origin)
    return tuple(items)


def _wrong(what: str, where: str) -> SchemaError:
    do = ("one code a line", f"or a .csv with the header {','.join(_KEYS)}")
    return SchemaError(Problem(code="E333", what=what, where=where, do=do))


def _read(path: Path) -> list[Item]:
    text = read_text(path, "E333")
    tabs = "\t" if path.suffix == ".tsv" else ","
    if path.suffix == ".txt":
        return [Item(code=line.strip()) for line in text.splitlines() if line.strip()]
    lines = csv.reader(text.splitlines(), delimiter=tabs)
    rows = [[cell.strip() for cell in row] for row in lines if any(row)]
    header = [cell.lower() for cell in rows[0]] if rows else []
    if header[:1] != ["code"]:
        return [Item(code=row[0]) for row in rows]
    if unknown := next((key for key in header if key not in _KEYS), ""):
        raise SchemaError(
            Problem(code="E333", what=f"{unknown!r} is no fact of a code.", where=path.name,
                    do=suggestion(unknown, _KEYS) or (f"known are {', '.join(_KEYS)}",))
        )  # fmt: skip
    return [_item(dict(zip(header, row, strict=False)), path.name) for row in rows[1:]]


def _item(facts: dict[str, str], where: str) -> Item:
    given = {key: value for key, value in facts.items() if value}
    numbers: dict[str, float] = {}
    for key in _NUMBERS:
        try:
            if key in given:
                numbers[key] = float(given.pop(key))
        except ValueError:
            raise _wrong(f"{key} must be a number.", where) from None
    decimals = numbers.get("decimals")
    return Item(
        code=given.get("code", ""), name=given.get("name", ""), unit=given.get("unit", ""),
        low=numbers.get("low"), high=numbers.get("high"),
        decimals=None if decimals is None else int(decimals),
    )  # fmt: skip


def code_columns(items: Sequence[Item], prefix: str, *, most: int | None) -> list[Column]:
    """A column a code: whether the patient has it, or (with `most`) how often, up to that many.

    Args:
        items: The list.
        prefix: Before the code, where an item has no name.
        most: None for flags; 0 for counts without a declared limit, which stays a gap.
    """
    names = [item.name or f"{prefix}_{item.code}" for item in items]
    if most is None:
        return [Column(name=name, kind="binary", levels=("0", "1")) for name in names]
    high = float(most) if most else None
    return [Column(name=name, kind="count", low=0.0, high=high) for name in names]


def value_column(item: Item, name: str, *, nullable: bool) -> Column:
    """The column of a measurement: declared facts, else the catalogue's, else gaps as in `init`."""
    entry = lookup(item.name or item.code, item.unit)
    sources: dict[str, Source] = {}
    facts: dict[str, float | int | None] = {}
    for fact in ("low", "high", "decimals"):
        facts[fact] = getattr(item, fact)
        # Limits of one source: half a declaration is not completed with somebody else's unit.
        if entry is not None and item.low is None and item.high is None and facts[fact] is None:
            facts[fact] = getattr(entry, fact)
            sources[fact] = "catalogue"
    low, high, decimals = facts["low"], facts["high"], facts["decimals"]
    return Column(
        name=name, kind="continuous", nullable=nullable, sources=sources,
        low=None if low is None else float(low), high=None if high is None else float(high),
        decimals=None if decimals is None else int(decimals),
        unit=item.unit or (entry.unit if entry else ""),
    )  # fmt: skip
