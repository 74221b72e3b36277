"""CSV and TSV files, every cell as text.

pyarrow reads; Python's `csv` looks again at a file that pyarrow could not read, to find the
lines. No message of either library is passed on: they quote what they could not read.
"""

import csv
import gzip
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from wardveil.errors import Problem, SchemaError
from wardveil.tables.faults import Index

_CHUNK: Final = 1 << 22
_SHOWN: Final = 5
_LONGEST: Final = 2**31 - 1


@contextmanager
def _bytes(path: Path) -> Iterator[IO[bytes]]:
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as file:
        yield file  # type: ignore[misc]


@contextmanager
def _text(path: Path) -> Iterator[IO[str]]:
    """The text, with bytes that are not UTF-8 replaced, so that any file can be walked."""
    with (
        _bytes(path) as raw,
        io.TextIOWrapper(raw, "utf-8-sig", errors="replace", newline="") as file,
    ):
        yield file


def delimiter_of(path: Path) -> str:
    """Tab for .tsv files, else a comma."""
    return "\t" if ".tsv" in path.suffixes or ".tab" in path.suffixes else ","


def read_header(path: Path) -> list[str]:
    """The names in the first line, without white space around them; [] for an empty file."""
    with _records(path) as reader:
        try:
            return [name.strip() for name in next((row for row in reader if row), [])]
        except csv.Error:
            return []


@contextmanager
def _records(path: Path, *, strict: bool = False) -> Iterator[Any]:
    """Python's reader over a file; cells may be of any length."""
    limit = csv.field_size_limit(_LONGEST)
    try:
        with _text(path) as file:
            yield csv.reader(_lines(file), delimiter=delimiter_of(path), strict=strict)
    finally:
        csv.field_size_limit(limit)


def _lines(file: IO[str]) -> Iterator[str]:
    return (line.replace("\0", "") for line in file)


def read_delimited(path: Path, header: Sequence[str], wanted: Sequence[str]) -> pa.Table:
    """The wanted columns as text, in the file's row order.

    Args:
        path: .csv, .tsv, or either with .gz.
        header: From `read_header`, without repetitions among the wanted names.
        wanted: Names of columns to read.

    Raises:
        SchemaError: E314 ragged lines, E315 quotes that do not close, E316 not UTF-8.
    """
    ragged: list[int] = []
    table = None
    try:
        with _bytes(path) as file:
            table = pacsv.read_csv(file, **_options(path, header, wanted, ragged))
    except (pa.ArrowInvalid, UnicodeDecodeError):
        pass  # told below, outside of the handler: the library's message may quote a cell
    if table is None or ragged or _odd_quotes(path):
        _refuse(path, len(header), unread=table is None)
    assert table is not None
    return table.slice(1).rename_columns(list(wanted))  # the first row is the header itself


def stream_delimited(
    path: Path, header: Sequence[str], wanted: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    """What `read_delimited` gives, piece by piece: memory is one piece, whatever the file's size.

    Raises:
        SchemaError: As `read_delimited`, but only where the fault is met, or at the end.
    """
    ragged: list[int] = []
    with _bytes(path) as file:
        reader, first = None, True
        while True:
            batch, broken = None, False
            try:
                reader = reader or pacsv.open_csv(file, **_options(path, header, wanted, ragged))
                batch = next(reader, None)
            except (pa.ArrowInvalid, UnicodeDecodeError):
                broken = True  # told outside of the handler, as above
            if broken:
                _refuse(path, len(header), unread=True)
            if batch is None:
                break
            yield (batch.slice(1) if first else batch).rename_columns(list(wanted))
            first = False
    if ragged or _odd_quotes(path):
        _refuse(path, len(header), unread=False)


def _options(
    path: Path, header: Sequence[str], wanted: Sequence[str], ragged: list[int]
) -> dict[str, Any]:
    """How pyarrow reads: by place, as text; what a ragged line held goes to `ragged`."""
    places = [str(i) for i in range(len(header))]
    chosen = [places[header.index(name)] for name in wanted]

    def skip(row: pacsv.InvalidRow) -> str:
        ragged.append(row.actual_columns)
        return "skip"

    return {
        "read_options": pacsv.ReadOptions(column_names=places, block_size=_CHUNK),
        "parse_options": pacsv.ParseOptions(
            delimiter=delimiter_of(path), newlines_in_values=True, invalid_row_handler=skip
        ),
        "convert_options": pacsv.ConvertOptions(
            column_types=dict.fromkeys(chosen, pa.string()), include_columns=chosen,
            strings_can_be_null=False,
        ),
    }  # fmt: skip


def _refuse(path: Path, width: int, *, unread: bool) -> None:
    """Raise what is wrong with the file; nothing when it was read and all is well."""
    problems = _diagnose(path, width)
    if unread and not problems:
        problems = [_problem("E315", "The file is not readable as delimited text.", path)]
    if problems:
        raise SchemaError(problems)


def _odd_quotes(path: Path) -> bool:
    """Whether a quote may be left open: pyarrow reads on to the end without a word."""
    count = 0
    with _bytes(path) as file:
        while chunk := file.read(_CHUNK):
            count += chunk.count(b'"')
    return count % 2 == 1


def _problem(code: str, what: str, path: Path, do: tuple[str, ...] = ()) -> Problem:
    return Problem(code=code, what=what, where=path.name, do=do)


def _diagnose(path: Path, width: int) -> list[Problem]:
    """What is wrong with a file that could not be read, with line numbers."""
    return [*_encoding(path), *_shape(path, width)]


def _encoding(path: Path) -> Iterator[Problem]:
    bad = []
    with _bytes(path) as file:
        for number, line in enumerate(file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                bad.append(number)
    if bad:
        yield _problem(
            "E316", f"{len(bad)} lines are not UTF-8 text: {_shown(bad)}.", path,
            ("save the file as 'CSV UTF-8'",),
        )  # fmt: skip


def _shape(path: Path, width: int) -> Iterator[Problem]:
    bad = []
    unclosed = False
    first = 1
    with _records(path, strict=True) as reader:
        try:
            for row in reader:
                if row and len(row) != width:
                    bad.append(first)
                first = reader.line_num + 1
        except csv.Error:
            unclosed = True
    if bad:
        yield _problem(
            "E314", f"{len(bad)} lines have not the header's {width} cells: {_shown(bad)}.",
            path, ("put quotes around cells that hold the separator",),
        )  # fmt: skip
    if unclosed:
        yield _problem("E315", f"A quote is opened and not properly closed in line {first}.", path)


def _shown(lines: Sequence[int]) -> str:
    more = f" and {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
    return f"lines {', '.join(map(str, lines[:_SHOWN]))}{more}"


def line_numbers(path: Path, rows: Index) -> list[int]:
    """First line of each data row (from 0), counting the header and lines inside quotes."""
    wanted = {int(r) for r in rows}
    last = max(wanted, default=-1)
    found: dict[int, int] = {}
    with _records(path) as reader:
        row, first = -2, 1
        for cells in reader:
            row += bool(cells)
            if cells and row in wanted:
                found[row] = first
            first = reader.line_num + 1
            if row >= last:
                break
    return [found.get(int(r), int(r) + 2) for r in np.asarray(rows)]
