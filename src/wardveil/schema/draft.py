"""A first schema from headers alone: what names, codebook and common knowledge say, and gaps.

No value of the table is read, so a draft costs no privacy. Every modelled column is drafted as
nullable: whether a cell is missing is a fact about patients.
"""

from collections.abc import Mapping
from dataclasses import replace
from fnmatch import fnmatchcase
from os import PathLike
from typing import Any, Final

from wardveil.errors import Problem, SchemaError
from wardveil.schema.catalogue import has_unit, lookup, words_of
from wardveil.schema.codebook import read_codebook
from wardveil.schema.column import LEVELLED, NUMERIC, Column, Kind, Source
from wardveil.schema.headers import headers_of
from wardveil.schema.identifier import key_among, reason_to_drop
from wardveil.schema.schema import Schema

_CONDITIONS: Final = ("neuropathy", "retinopathy", "hypoglycemia", "hypoglycaemia", "uti")
_CODES: Final = (
    "medication", "medications", "meds", "drugs", "prescriptions", "diagnoses", "procedures",
    "allergies",
    "active_medications", "comorbidities",
)  # fmt: skip
_DATES: Final = ("date", "date_*", "*_date", "*_dt", "*_datetime", "*_timestamp", "timestamp")
_NUMBERS: Final = frozenset({
    "score", "scores", "count", "counts", "num", "n", "number", "duration", "rate", "ratio",
    "percent",
    "percentage", "index", "dose", "amount", "total", "mean", "median", "length", "volume",
    "width",
    "size", "cost", "costs", "charge", "charges", "expense", "expenses", "time", "days",
    "years",
    "months", "hours", "minutes", "concentration", "thickness", "area", "distance",
    "pressure", "change",
})  # fmt: skip
"""Words of a name that promise a number."""


def draft_schema(
    columns: Any, *, dictionary: str | PathLike[str] | None = None, rows: int | None = None
) -> Schema:
    """A draft for a table with these columns; facts that nobody knows are left as gaps.

    Args:
        columns: Names, names with types (`wardveil.tables.headers`), or a frame: of a frame
            only names and types are read.
        dictionary: A codebook: REDCap CSV, Frictionless datapackage.json or SDV metadata JSON.
            It wins over the catalogue and over guesses from names.
        rows: Number of patients, if it is public.

    Raises:
        SchemaError: If the codebook cannot be read, or no columns are given.

    Example:
        >>> schema = draft_schema(["patient_id", "age_years", "email", "stage"])
        >>> [(c.name, c.kind) for c in schema.columns][:3]
        [('patient_id', 'id'), ('age_years', 'continuous'), ('email', 'drop')]
        >>> dict(schema.gaps)
        {'stage': ('levels',)}
    """
    types = headers_of(columns)
    if not types:
        raise SchemaError(Problem(code="E217", what="There are no columns to draft a schema from."))
    known = read_codebook(dictionary) if dictionary is not None else {}
    key = key_among(list(types))
    drafted = [_column(name, word, key, known) for name, word in types.items()]
    return Schema(columns=tuple(_paired(drafted)), key=key, rows=rows)


def _column(name: str, word: str, key: str, known: Mapping[str, Column]) -> Column:
    """Key, else codebook, else a name that identifies, else catalogue, else a guess."""
    if name == key:
        return Column(name=name, kind="id")
    told = known.get(name)
    reason = reason_to_drop(name) or ("a second identifier" if key_among([name]) else "")
    if told is not None and (not reason or told.kind in NUMERIC | LEVELLED or not told.modelled):
        return (
            told if told.kind != "id" else replace(told, kind="drop", reason="a second identifier")
        )
    if reason:
        return Column(name=name, kind="drop", reason=reason)
    base = "_".join(words_of(name))
    if base in _CONDITIONS:
        return _levelled(name, "binary", ("0", "1"), condition=True)
    if word == "flag":
        return _levelled(name, "binary", ("false", "true"))
    entry = lookup(name) if word not in ("text", "date") else None
    if entry is not None:
        facts: dict[str, Source] = {"low": "catalogue", "high": "catalogue"}
        facts |= {"decimals": "catalogue"} if entry.kind == "continuous" else {}
        return Column(
            name=name, kind=entry.kind, low=float(entry.low), high=float(entry.high),
            decimals=entry.decimals if entry.kind == "continuous" else None, unit=entry.unit,
            nullable=True, sources=facts,
        )  # fmt: skip
    return Column(name=name, kind=_guess(name, base, word), nullable=True)


def _levelled(name: str, kind: Kind, levels: tuple[str, ...], *, condition: bool = False) -> Column:
    return Column(
        name=name, kind=kind, levels=levels, condition=condition, nullable=True,
        sources={"levels": "catalogue"},
    )  # fmt: skip


def _guess(name: str, base: str, word: str) -> Kind:
    """A kind from the name and the type; a person or `look` must confirm it."""
    if word == "date" or (word == "" and any(fnmatchcase(base, p) for p in _DATES)):
        return "date"
    if base in _CODES and word in ("", "text"):
        return "codes"
    if word in ("number", "integer"):
        return "continuous"
    if word == "" and (
        has_unit(name) or (base != "num" and not _NUMBERS.isdisjoint(base.split("_")))
    ):
        return "continuous"
    return "categorical"


def _paired(columns: list[Column]) -> list[Column]:
    """Columns named time and event are a survival pair."""
    names = {"_".join(words_of(c.name)): c for c in columns if c.modelled}
    time, event = names.get("time"), names.get("event")
    if time is None or event is None:
        return columns
    pair = {
        time.name: Column(name=time.name, kind="time", low=0.0, pair=event.name, nullable=True,
                          sources={"low": "catalogue"}),
        event.name: replace(_levelled(event.name, "event", ("0", "1")), target=True),
    }  # fmt: skip
    return [pair.get(c.name, c) for c in columns]
