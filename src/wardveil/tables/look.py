"""Fill the gaps of a schema by reading patients. Every fact found so is marked "looked".

Looked-at facts carry no privacy: a statement over them loses its end-to-end claim.
"""

from collections import Counter
from dataclasses import replace
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wardveil.errors import SchemaError
from wardveil.schema.column import NUMERIC, Column, Source
from wardveil.schema.column_rules import MAX_LEVELS
from wardveil.schema.level import are_numbers, as_number
from wardveil.schema.schema import Schema
from wardveil.tables.cells import as_days, as_numbers, as_texts
from wardveil.tables.shape import (
    FEW,
    codes_of,
    decimals_of,
    identifying,
    is_dated,
    is_free_text,
    separator_of,
    spelled_once,
)  # fmt: skip
from wardveil.tables.source import open_source
from wardveil.tables.table import Table
from wardveil.tables.values import OTHER

_READ: Final = 0.98
"""Share of cells that must be numbers or dates for a column to be one."""

_MANY: Final = 20
"""Numbers with more distinct values than this are a quantity, not a list of levels."""


def look(source: Any, schema: Schema) -> Schema:
    """The schema with its gaps filled from the values of a table.

    Kinds of columns with gaps are guesses of a draft, and are corrected. Columns that name
    people by their shape, free text and dates that cannot be read are dropped, with a reason.
    Facts that are known already stay; a column that turns out to have missing cells becomes
    nullable.

    Args:
        source: As for `read_table`; or a `Table`, of which the columns with gaps are looked at
            and keep their kind, unless they are dropped.
        schema: With gaps.

    Raises:
        SchemaError: If the table cannot be read.
    """
    if isinstance(source, Table):
        arrays = {
            n: pa.chunked_array([pa.array(v, from_pandas=True)]) for n, v in source.raw.items()
        }
    else:
        opened = open_source(source, [c.name for c in schema.modelled])
        if opened.faults.problems:
            raise SchemaError(opened.faults.problems)
        arrays = opened.columns
    fixed = isinstance(source, Table)
    columns = [
        _looked(c, arrays[c.name], schema.missing, fixed=fixed) if c.name in arrays else c
        for c in schema.columns
    ]
    return replace(schema, columns=tuple(_settled(columns)))


def _looked(
    column: Column, array: pa.ChunkedArray, missing: tuple[str, ...], *, fixed: bool
) -> Column:
    missing = (*missing, *column.missing)
    texts = as_texts(array, missing)
    if texts is None:
        return _dropped(column, "cells hold more than one value each") if column.gaps else column
    absent = bool(pc.any(pc.is_null(texts)).as_py())
    if not column.gaps:
        if absent and not column.nullable and column.kind != "codes":
            return replace(column, nullable=True, sources={**column.sources, "nullable": "looked"})
        return column
    known = texts.drop_null()
    if len(known) == 0:
        return _dropped(column, "no cell has a value")
    facts: dict[str, Any] = {} if fixed else {"nullable": absent}
    if column.kind in ("time", "event") or fixed:
        return _of_kind(column, array, known, missing, facts)
    return _of_any_kind(column, array, known, missing, facts)


def _of_any_kind(
    column: Column,
    array: pa.ChunkedArray,
    known: pa.ChunkedArray,
    missing: tuple[str, ...],
    facts: dict[str, Any],
) -> Column:
    """A column whose kind was guessed from its name: the values decide."""
    values = known.to_pylist()
    if reason := identifying(values):
        return _dropped(column, reason)
    days = as_days(array, missing).values
    if np.isfinite(days).sum() >= _READ * len(values):
        return _with_kind(column, "date", facts | _range(column, days, 0))
    numbers = as_numbers(array, missing).values
    distinct = len(set(values))
    if np.isfinite(numbers).sum() >= _READ * len(values):
        if _is_serial(numbers):
            return _dropped(
                column, "every value is another whole number: it may tell patients apart"
            )
        if column.kind in NUMERIC or distinct > _MANY:
            kind = column.kind if column.kind in ("count", "continuous") else "continuous"
            return _with_kind(column, kind, facts | _range(column, numbers, None))
    elif is_dated(values):
        return _dropped(column, "dates that are not written year-month-day")
    return _of_texts(column, values, facts)


def _is_serial(numbers: NDArray[np.float64]) -> bool:
    """Whether the numbers are all different, whole, and long or without gaps."""
    known = np.sort(numbers[np.isfinite(numbers)])
    if len(known) < FEW or (np.diff(known) == 0).any() or (known != np.rint(known)).any():
        return False
    return bool(known[-1] >= 1e8 or known[-1] - known[0] < 1.05 * len(known))


def _of_texts(column: Column, values: list[str], facts: dict[str, Any]) -> Column:
    separator = column.separator if column.kind == "codes" else separator_of(values)
    if separator:
        return _of_codes(column, values, separator, facts)
    if reason := is_free_text(values):
        return _dropped(column, reason)
    levels = _spelled(values)
    if len(levels) > MAX_LEVELS:
        return _dropped(column, f"more than {MAX_LEVELS} levels")
    numbered = are_numbers(levels)
    kind = (
        "binary"
        if len(levels) == 2
        else "ordinal"
        if numbered and len(levels) > 2
        else "categorical"
    )
    return _with_kind(column, kind, facts | {"levels": levels})


def _of_codes(column: Column, values: list[str], separator: str, facts: dict[str, Any]) -> Column:
    """Codes that are not rare; all others are "other"."""
    levels, left_out = codes_of(values, separator)
    if not levels:
        return _dropped(column, "no code occurs more than a few times")
    more: dict[str, Any] = {"separator": separator}
    more["max_codes"] = max(len(v.split(separator)) for v in values)
    if left_out and column.unknown != "missing":
        levels = levels if OTHER in levels else (*levels, OTHER)
        more["unknown"] = OTHER
    return _with_kind(column, "codes", facts | more | {"levels": levels})


def _spelled(values: list[str]) -> tuple[str, ...]:
    """The levels; 1.0 is the level 1 where all are numbers, and 0389 is never 389."""
    numbers = are_numbers(values)
    return spelled_once(Counter(map(as_number, values) if numbers else values))


def _of_kind(
    column: Column,
    array: pa.ChunkedArray,
    known: pa.ChunkedArray,
    missing: tuple[str, ...],
    facts: dict[str, Any],
) -> Column:
    """A column that keeps its kind, or is dropped."""
    if column.kind in NUMERIC:
        days = column.kind == "date" and not pa.types.is_floating(array.type)
        values = (as_days if days else as_numbers)(array, missing).values
        if not np.isfinite(values).any():
            return _dropped(column, "no cell can be read as a number or date")
        return _with_kind(column, column.kind, facts | _range(column, values, None))
    texts = known.to_pylist()
    if reason := identifying(texts):
        return _dropped(column, reason)
    if column.kind == "codes":
        return _of_codes(column, texts, column.separator, facts)
    if reason := is_free_text(texts):
        return _dropped(column, reason)
    levels = _spelled(texts)
    if (
        not levels
        or len(levels) > MAX_LEVELS
        or (column.kind in ("binary", "event") and len(levels) != 2)
    ):
        return _dropped(column, f"its {len(levels)} levels are not what kind {column.kind} has")
    return _with_kind(column, column.kind, facts | {"levels": levels})


def _range(column: Column, values: NDArray[np.float64], places: int | None) -> dict[str, Any]:
    """Bounds that were not known, rounded outwards, and decimals."""
    known = values[np.isfinite(values)]
    whole = column.kind in ("count", "date") or places == 0
    if places is None:
        places = (
            0 if whole else column.decimals if column.decimals is not None else decimals_of(known)
        )
    step = 10.0**places
    low = (
        column.low
        if column.low is not None
        else float(np.round(np.floor(known.min() * step) / step, places))
    )
    high = (
        column.high
        if column.high is not None
        else float(np.round(np.ceil(known.max() * step) / step, places))
    )
    if high <= low:
        high = float(np.round(low + 1 / step, places))
    facts: dict[str, Any] = {"low": low, "high": high}
    return facts if whole or column.decimals is not None else facts | {"decimals": places}


def _with_kind(column: Column, kind: Any, facts: dict[str, Any]) -> Column:
    """The column with looked-at facts; facts that were known keep their value and source."""
    labels: dict[str, Source] = dict(column.sources)
    new: dict[str, Any] = {}
    for fact, value in facts.items():
        known = getattr(column, fact) if fact in ("low", "high", "decimals", "levels") else None
        if known is None:
            new[fact] = value
            if fact in ("low", "high", "decimals", "levels", "nullable"):
                labels[fact] = "looked"
    keep_numbers = kind in NUMERIC
    cleared = {} if keep_numbers else {"low": None, "high": None, "decimals": None}
    if kind in ("date", "count"):
        cleared = {"decimals": None}
    if keep_numbers:
        cleared |= {"levels": None}
    changed = replace(column, **{"kind": kind, **cleared, **new})
    return replace(changed, sources={f: s for f, s in labels.items() if f in changed.facts})


def _dropped(column: Column, reason: str) -> Column:
    return Column(name=column.name, kind="drop", reason=reason, unit=column.unit)


def _settled(columns: list[Column]) -> list[Column]:
    """A survival pair of which one half was dropped is no pair."""
    kinds = {c.name: c.kind for c in columns}
    paired = {c.pair for c in columns if c.kind == "time" and kinds.get(c.pair) == "event"}
    settled = []
    for c in columns:
        if c.kind == "time" and c.pair not in paired:
            c = replace(c, kind="continuous", pair="")
        elif c.kind == "event" and c.name not in paired:
            c = replace(c, kind="binary")
        settled.append(c)
    return settled
