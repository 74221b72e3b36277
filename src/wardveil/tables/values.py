"""Values of one column under its declaration: bounds, levels and codes applied to cells.

Everything here is decided by the schema; nothing is learnt from the cells.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wardveil.schema.column import NUMERIC, Column
from wardveil.schema.level import are_flags, are_numbers, find_level, fold, level_index
from wardveil.schema.variable import flag_name, missing_name
from wardveil.tables.cells import as_days, as_flags, as_numbers, as_texts, rows_where
from wardveil.tables.faults import Fault

Rows = dict[str, NDArray[Any]]
OTHER: Final = "other"


@dataclass(frozen=True, kw_only=True)
class Values:
    """What one column became.

    Attributes:
        rows: Variable name -> (n,) float64 (NaN missing) or int32 (-1 missing).
        raw: Column name -> (n,) float64 or object text, if the column has gaps.
        faults: What breaks the declaration.
        outside: Number of cells beyond the bounds.
    """

    rows: Rows = field(default_factory=dict)
    raw: Rows = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()
    outside: int = 0


def values_of(column: Column, array: pa.ChunkedArray, missing: Sequence[str]) -> Values:
    """The values of a column, with everything that breaks its declaration.

    Args:
        column: Its declaration, with or without gaps.
        array: Its cells.
        missing: Texts that mean missing in every column.
    """
    missing = (*missing, *column.missing)
    if column.kind in NUMERIC:
        return _numeric_values(column, array, missing)
    # A declared level is never missing: "None" is a value where the schema says so.
    levels = {fold(level) for level in column.levels or ()}
    texts = as_texts(array, [m for m in missing if fold(m) not in levels])
    if texts is None:
        every = np.arange(len(array), dtype=np.int64)
        fault = Fault(code="E317", what="are not one text or number a cell", rows=every)
        return Values(faults=(fault,))
    absent = ~as_flags(pc.is_valid(texts))
    # A codes cell without any code is an empty list, and only a nullable column tells it from
    # missing.
    if column.kind == "codes" and not column.nullable:
        texts, absent = pc.fill_null(texts, ""), np.zeros(len(texts), dtype=bool)
    faults = [_missing_fault(column, absent)]
    if column.gaps:
        return Values(raw={column.name: as_objects(texts)}, faults=tuple(faults))
    found, unknown = rows_of_texts(column, texts)
    if column.unknown == "refuse":
        what = f"hold a {'code' if column.kind == 'codes' else 'level'} that is not declared"
        faults.append(Fault(code="E309", what=what, rows=rows_where(unknown), do=_ways_out(column)))
    return Values(rows=found, faults=tuple(faults))


def _ways_out(column: Column) -> tuple[str, ...]:
    return (
        f"add what is missing to levels of {column.name!r}",
        'unknown = "other", with the level "other"',
        'unknown = "missing", with nullable = true',
    )


def _missing_fault(column: Column, absent: NDArray[np.bool_]) -> Fault:
    rows = rows_where(absent) if not column.nullable else np.zeros(0, dtype=np.int64)
    return Fault(
        code="E308", what="are missing although the column is not nullable", rows=rows,
        do=("nullable = true",),
    )  # fmt: skip


def _numeric_values(column: Column, array: pa.ChunkedArray, missing: Sequence[str]) -> Values:
    numbers = as_days(array, missing) if column.kind == "date" else as_numbers(array, missing)
    absent = np.isnan(numbers.values)
    for fault in numbers.faults:
        absent[fault.rows] = False
    faults = (*numbers.faults, _missing_fault(column, absent))
    if column.gaps:
        return Values(raw={column.name: numbers.values}, faults=faults)
    values, outside = bounded(column, numbers.values)
    return Values(rows={column.name: values}, faults=faults, outside=outside)


def bounded(column: Column, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], int]:
    """Values on the column's lattice and within its bounds, and how many were beyond them."""
    assert column.low is not None
    assert column.high is not None
    values = np.round(values, column.places)
    beyond = (values < column.low) | (values > column.high)
    if column.outside == "missing":
        values[beyond] = np.nan
    else:
        values = np.clip(values, column.low, column.high)
    return values, int(beyond.sum())


def as_objects(texts: pa.ChunkedArray) -> NDArray[np.object_]:
    """Text as an object array, None when missing; equal texts are one object."""
    encoded = pc.dictionary_encode(texts).combine_chunks()
    encoded = encoded if not isinstance(encoded, pa.ChunkedArray) else encoded.chunk(0)
    known = np.array([*encoded.dictionary.to_pylist(), None], dtype=object)
    return known[_positions(encoded)]


def _positions(encoded: pa.DictionaryArray) -> NDArray[np.int64]:
    return np.array(
        pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False), dtype=np.int64
    )


def rows_of_texts(column: Column, texts: pa.ChunkedArray) -> tuple[Rows, NDArray[np.bool_]]:
    """Positions of levels, or flags of codes, and where an undeclared one was met.

    What is undeclared becomes "other" if that is declared and the policy is not "missing";
    else it is missing (a code: left out).
    """
    assert column.levels
    encoded = pc.dictionary_encode(texts)
    encoded = pa.concat_arrays(encoded.unify_dictionaries().chunks) if encoded.num_chunks else None
    if encoded is None:
        place, known = np.zeros(0, dtype=np.int64), []
    else:
        place, known = _positions(encoded), encoded.dictionary.to_pylist()
    index = level_index(column.levels)
    numbers = are_numbers(column.levels) or are_flags(column.levels)
    other = index.get(OTHER, -1) if column.unknown != "missing" else -1
    if column.kind == "codes":
        return _flags(
            column,
            [_codes(column, cell, index, numbers=numbers) for cell in known],
            place,
            other,
        )
    found = np.array(
        [*(find_level(cell, index, numbers=numbers) for cell in known), -1], dtype=np.int32
    )
    unknown = np.append(found[:-1] < 0, values=False)[place]
    codes = np.where(unknown, other, found[place]).astype(np.int32)
    return {column.name: codes}, unknown


def _codes(column: Column, cell: str, index: Mapping[str, int], *, numbers: bool) -> list[int]:
    """Positions of the codes in one cell; -1 for each undeclared one."""
    parts = (part.strip() for part in cell.split(column.separator))
    return [find_level(part, index, numbers=numbers) for part in parts if part]


def _flags(
    column: Column, cells: Sequence[Sequence[int]], place: NDArray[np.int64], other: int
) -> tuple[Rows, NDArray[np.bool_]]:
    """One flag a declared code, and one for missing if the column may be missing."""
    assert column.levels
    n_codes = len(column.levels)
    flags = np.zeros((len(cells) + 1, n_codes), dtype=np.int32)  # the last row is for missing cells
    unknown = np.zeros(len(cells) + 1, dtype=np.bool_)
    lost = np.zeros(len(cells) + 1, dtype=np.int32)
    lost[-1] = 1
    for i, codes in enumerate(cells):
        kept = sorted({other if code < 0 else code for code in codes} - {-1})[: column.max_codes]
        flags[i, kept] = 1
        unknown[i] = -1 in codes
        lost[i] = bool(codes) and not kept
    rows: Rows = {flag_name(column.name, v): flags[place, j] for j, v in enumerate(column.levels)}
    if column.nullable:
        rows[missing_name(column.name)] = lost[place]
    return rows, unknown[place]
