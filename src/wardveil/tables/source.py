"""Where a table comes from: a file or a frame, opened as arrow columns."""

import re
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from functools import partial
from numbers import Number
from os import PathLike
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.interchange as interchange
import pyarrow.parquet as parquet

from wardveil.errors import Problem, SchemaError
from wardveil.schema.headers import headers_of
from wardveil.tables.delimited import delimiter_of, line_numbers, read_delimited, read_header
from wardveil.tables.faults import Faults, Index

DELIMITED: Final = (".csv", ".tsv", ".tab", ".csv.gz", ".tsv.gz")
_NUMBER: Final = re.compile(r"[+-]?[0-9.,:/-]*[0-9][0-9.,:/-]*")
ENDINGS: Final = (*DELIMITED, ".parquet", ".feather", ".arrow")
T = TypeVar("T")
_FILES: Final = "a .csv, .csv.gz, .tsv, .parquet or .feather file"


@dataclass(frozen=True, kw_only=True)
class Source:
    """An opened table.

    Attributes:
        header: All column names, in order.
        columns: The columns that were asked for and exist; text for CSV, any type otherwise.
        faults: Collects problems, with this source's way of naming rows.
        n: Number of rows.
    """

    header: tuple[str, ...]
    columns: dict[str, pa.ChunkedArray]
    faults: Faults
    n: int


def origin_of(source: Any) -> str:
    """The name a source has in messages: the file's name, or what kind of frame it is."""
    return Path(source).name if isinstance(source, str | PathLike) else type(source).__name__


def open_source(source: Any, wanted: Sequence[str]) -> Source:
    """The wanted columns of a file or frame.

    Args:
        source: Path or pandas, polars, pyarrow frame, or anything that speaks
            `__arrow_c_stream__` or `__dataframe__`.
        wanted: Declared names of columns; those that do not exist are noted as E313.

    Raises:
        SchemaError: E301, E302, E304, E314 to E317: the table cannot be read at all.
    """
    if isinstance(source, str | PathLike):
        return _open_file(Path(source), wanted)
    return _frame_source(source, wanted, origin_of(source))


def _fail(code: str, what: str, origin: str, *do: str) -> SchemaError:
    return SchemaError(Problem(code=code, what=what, where=origin, do=do))


def readable(path: Path, opened: Callable[[Path], T], endings: Sequence[str] = ENDINGS) -> T:
    """What `opened` makes of a file; whatever stands in the way becomes E301 or E302."""
    reason = ""
    try:
        if path.is_dir():
            reason = "it is a folder"
        elif path.stat().st_size == 0:
            raise _fail("E302", "The file is empty.", path.name)
        elif not path.name.endswith(tuple(endings)):
            reason = "its ending is not known"
        else:
            return opened(path)
    except SchemaError:
        raise
    except (pa.ArrowException, EOFError, zlib.error) as error:
        reason = f"it is damaged or of another type ({type(error).__name__})"
    except OSError as error:
        reason = (error.strerror or "it is damaged or of another type").lower()
    raise _fail("E301", f"The table cannot be read: {reason}.", path.name, f"give {_FILES}")


def _open_file(path: Path, wanted: Sequence[str]) -> Source:
    if path.name.endswith(DELIMITED):
        return readable(path, partial(_open_delimited, wanted=wanted))
    return _frame_source(readable(path, _arrow_table), wanted, path.name)


def _arrow_table(path: Path) -> pa.Table:
    return (
        parquet.ParquetFile(path).read() if path.suffix == ".parquet" else feather.read_table(path)
    )


def _arrow_schema(path: Path) -> pa.Table:
    if path.suffix == ".parquet":
        return parquet.ParquetFile(path).schema_arrow.empty_table()
    return feather.read_table(path).schema.empty_table()


def _open_delimited(path: Path, wanted: Sequence[str]) -> Source:
    header = read_header(path)
    faults = Faults(origin=path.name, line_of=partial(line_numbers, path), counted="line")
    if not any(header):
        raise _fail("E302", "The file is empty.", path.name)
    if not set(header) & set(wanted) and len(header) == 1:
        for other, name in ((";", "semicolons"), ("\t", "tabs"), (",", "commas")):
            if other in header[0] and other != delimiter_of(path):
                raise _fail("E315", f"The cells are separated by {name}.", path.name,
                            "save as CSV with commas, or as .tsv with tabs")  # fmt: skip
    found = _found(header, wanted, faults)
    if not found:
        raise SchemaError(faults.problems)
    table = read_delimited(path, header, found)
    columns = {name: table.column(i) for i, name in enumerate(found)}
    return Source(header=tuple(header), columns=columns, faults=faults, n=table.num_rows)


def _found(header: Sequence[str], wanted: Sequence[str], faults: Faults) -> list[str]:
    """The wanted columns that exist; notes E313 for absent, raises E304 for repeated ones."""
    counts = Counter(header)
    # Undeclared names are never quoted: in a file without a header they are the first
    # patient's cells.
    for name in wanted:
        if counts[name] > 1:
            faults.note("E304", f"Column {name!r} occurs {counts[name]} times in the header.",
                        do=("give each column its own name",))  # fmt: skip
    if faults.problems:
        raise SchemaError(faults.problems)
    absent = [name for name in wanted if not counts[name]]
    plausible = len(absent) * 2 <= len(wanted)
    for name in absent:
        near = (
            get_close_matches(name, set(header) - set(wanted), n=1, cutoff=0.75)
            if plausible
            else []
        )
        do = (f"is it the table's {near[0]!r}?",) if near else ()
        faults.note("E313", f"Column {name!r} is declared and not in the table.", do=do)
    if absent and not plausible:
        seen = f"{len(wanted) - len(absent)} of {len(wanted)}"
        faults.note(
            "E313",
            f"Only {seen} declared columns are in the first line.",
            do=("is the header line missing?",),
        )
    return [name for name in wanted if counts[name]]


def _frame_source(frame: Any, wanted: Sequence[str], origin: str) -> Source:
    faults = Faults(origin=origin, line_of=_row_numbers, counted="row")
    get = _pandas_column if _is_pandas(frame) else _arrow_column
    if not _is_pandas(frame):
        frame = _as_arrow(frame, origin)
        header = [str(name) for name in frame.column_names]
    else:
        header = [str(name) for name in frame.columns]
    found = _found(header, wanted, faults)
    columns = {name: get(frame, header.index(name), name, origin) for name in found}
    n = frame.num_rows if isinstance(frame, pa.Table) else len(frame)
    return Source(header=tuple(header), columns=columns, faults=faults, n=n)


def _row_numbers(rows: Index) -> list[int]:
    return [int(r) + 1 for r in np.asarray(rows)]


def _is_pandas(frame: Any) -> bool:
    return type(frame).__module__.split(".")[0] == "pandas" and hasattr(frame, "iloc")


def _as_arrow(frame: Any, origin: str) -> pa.Table:
    """A frame of another library as an arrow table; values are not looked at."""
    if isinstance(frame, pa.Table):
        return frame
    if isinstance(frame, pa.RecordBatch):
        return pa.Table.from_batches([frame])
    try:
        if hasattr(frame, "__arrow_c_stream__"):
            return pa.table(frame)
        if hasattr(frame, "__dataframe__"):
            return interchange.from_dataframe(frame)
    except (pa.ArrowException, TypeError, ValueError, NotImplementedError):
        pass  # told below, without the library's message: it may quote a cell
    raise _fail("E317", "This is not a table that can be read.", origin,
                f"give {_FILES}, or a pandas, polars or pyarrow frame")  # fmt: skip


def _arrow_column(frame: pa.Table, place: int, name: str, origin: str) -> pa.ChunkedArray:  # noqa: ARG001
    return frame.column(place)


def _pandas_column(frame: Any, place: int, name: str, origin: str) -> pa.ChunkedArray:
    """One column; columns of mixed Python objects become text."""
    series = frame.iloc[:, place]
    array = None
    # Of mixed objects the library's message would quote one.
    with suppress(pa.ArrowException, TypeError, ValueError, OverflowError):
        array = pa.array(series, from_pandas=True)
    if array is None:
        absent = series.isna().to_numpy()
        if not all(
            a or isinstance(v, str | Number | np.generic | date)
            for v, a in zip(series, absent, strict=True)
        ):
            raise _fail(
                "E317",
                f"Column {name!r} holds objects that are neither text nor numbers.",
                origin,
            )
        texts = [None if a else str(v) for v, a in zip(series, absent, strict=True)]
        array = pa.array(texts, pa.string())
    return array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])


def headers(source: Any) -> dict[str, str]:
    """Names and types of a table's columns, without any value: the input of `draft_schema`.

    Args:
        source: As for `wardveil.tables.read_table`.

    Returns:
        Name -> "integer", "number", "flag", "date", "text", or "" (always for CSV).

    Raises:
        SchemaError: E301, E302, E304: the file cannot be read, is empty, or repeats a column
            name.
    """
    if not isinstance(source, str | PathLike):
        return headers_of(source if _is_pandas(source) else _as_arrow(source, origin_of(source)))
    path = Path(source)
    if not path.name.endswith(DELIMITED):
        return headers_of(readable(path, _arrow_schema))
    names = readable(path, read_header)
    if not any(names):
        raise _fail("E302", "The file is empty.", path.name)
    if len(set(names)) < len(names) or "" in names:
        raise _fail("E304", "A column has no name or the name of another.", path.name,
                    "give each column its own name")  # fmt: skip
    if sum(bool(_NUMBER.fullmatch(name)) for name in names) * 2 > len(names):
        raise _fail("E302", "The first line is not a line of column names.", path.name,
                    "put the names of the columns in the first line")  # fmt: skip
    return headers_of(names)
