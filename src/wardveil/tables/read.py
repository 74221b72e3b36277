"""The door through which patients come in: file or frame -> Table."""

import logging
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wardveil.errors import Problem, SchemaError
from wardveil.schema.schema import Schema
from wardveil.tables.cells import as_flags, as_texts, rows_where
from wardveil.tables.faults import Fault, Faults, Index
from wardveil.tables.source import Source, open_source, origin_of
from wardveil.tables.table import Table
from wardveil.tables.values import Rows, Values, values_of

_LOG: Final = logging.getLogger("wardveil")
_ONE_ROW_A_PATIENT: Final = (
    'repeats = "first" in [table]: keep the first row of each patient',
    "make one row of each patient's rows before",
)


def read_table(source: Any, schema: Schema) -> Table:
    """The patients of a file or frame, typed by a schema.

    Every CSV cell is text first; the schema decides what it means. Columns that the schema
    does not name are ignored with a note in the log.

    Args:
        source: A path (.csv, .csv.gz, .tsv, .parquet, .feather) or a pandas, polars or pyarrow
            frame.
        schema: May have gaps; those columns are kept as they are, in `Table.raw`.

    Returns:
        One row a patient.

    Raises:
        SchemaError: With everything that does not match, by column and line.

    Guarantees:
        No message, log line or chained exception contains a value of a cell.
    """
    table, faults, _ = inspect(source, schema)
    if faults.problems or table is None:
        raise SchemaError(faults.problems)
    return table


def inspect(source: Any, schema: Schema) -> tuple[Table | None, Faults, dict[str, int]]:
    """The table (None if too broken), its problems, and cells beyond the bounds by column."""
    _refuse_visits(source, schema)
    key = [schema.key] if schema.key else []
    opened = open_source(source, [*key, *(c.name for c in schema.modelled)])
    faults = opened.faults
    _note_extra(opened, schema)
    if opened.n < 2:
        faults.note("E303", f"At least 2 rows are needed, found {opened.n}.")
        return None, faults, {}
    keep = _first_rows(opened, schema)
    rows: Rows = {}
    raw: Rows = {}
    outside: dict[str, int] = {}
    for column in schema.modelled:
        # Each column's cells are let go once typed: text is several times larger than numbers.
        array = opened.columns.pop(column.name, None)
        if array is None:
            continue
        values = values_of(
            column, array if keep is None else array.take(pa.array(keep)), schema.missing
        )
        _tell(column.name, values, faults, keep)
        rows |= values.rows
        raw |= values.raw
        outside[column.name] = values.outside
    n = opened.n if keep is None else len(keep)
    if n < 2:
        faults.note("E303", f"At least 2 patients are needed, found {n}.")
    return Table(schema=schema, rows=rows, raw=raw, n=n), faults, outside


def _tell(column: str, values: Values, faults: Faults, keep: Index | None) -> None:
    for fault in values.faults:
        rows = fault.rows if keep is None else keep[fault.rows]
        faults.add(column, Fault(code=fault.code, what=fault.what, rows=rows, do=fault.do))


def _refuse_visits(source: Any, schema: Schema) -> None:
    visits = [c.name for c in schema.columns if c.kind == "visit"]
    if visits:
        raise SchemaError(
            Problem(
                code="E311",
                what=f"Column {visits[0]!r} is a visit: a table here has one row a patient.",
                where=origin_of(source),
                do=("make it one row a patient first: wardveil import --layout visits",),
            )
        )


def _note_extra(opened: Source, schema: Schema) -> None:
    extra = len([name for name in opened.header if name not in schema.by_name])
    if extra:
        # Names only by number: where the header line is missing they would be cells.
        _LOG.info(
            "%s: %d columns are not in the schema and are ignored", opened.faults.origin, extra
        )


def _first_rows(opened: Source, schema: Schema) -> Index | None:
    """Positions of each patient's first row, in order; None when that is every row."""
    if schema.key not in opened.columns:
        return None
    array = opened.columns.pop(schema.key)
    texts = as_texts(array, schema.missing)
    if texts is None:
        opened.faults.note(
            "E317", f"Column {schema.key!r} does not hold one text or number a cell."
        )
        return None
    present = as_flags(pc.is_valid(texts))
    opened.faults.add(
        schema.key, Fault(code="E312", what="lack the patient's key", rows=rows_where(~present))
    )
    first, repeated = _firsts(texts, present)
    if not repeated.any():
        return None
    if schema.repeats == "refuse":
        fault = Fault(
            code="E310", what="repeat a patient of an earlier row", rows=rows_where(repeated),
            do=_ONE_ROW_A_PATIENT,
        )  # fmt: skip
        opened.faults.add(schema.key, fault)
        return None
    return np.flatnonzero(first).astype(np.int64)


def _firsts(
    texts: pa.ChunkedArray, present: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which rows are the first of their patient (or have no key), and which repeat one."""
    encoded = pc.dictionary_encode(texts).unify_dictionaries()
    codes = np.concatenate(
        [pc.fill_null(c.indices, -1).to_numpy(zero_copy_only=False) for c in encoded.chunks]
    )
    first = ~present
    first[np.unique(codes, return_index=True)[1]] = True
    return first, ~first


def count_patients(source: Any, schema: Schema) -> int:
    """Number of patients in a file or frame; reads the key column only.

    Raises:
        SchemaError: If the table cannot be read or has no key column.
    """
    name = schema.key or (schema.modelled[0].name if schema.modelled else "")
    opened = open_source(source, [name])
    if opened.faults.problems:
        raise SchemaError(opened.faults.problems)
    if not schema.key:
        return opened.n
    texts = as_texts(opened.columns[name], schema.missing)
    if texts is None:
        raise SchemaError(
            Problem(
                code="E317",
                what=f"Column {name!r} does not hold one text or number a cell.",
                where=opened.faults.origin,
            )
        )
    return int(_firsts(texts, as_flags(pc.is_valid(texts)))[0].sum()) if opened.n else 0
