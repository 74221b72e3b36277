"""Stream: chosen columns of a long file as text, piece by piece; never the whole file in memory."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as parquet

from wardveil.doors.sas import SAS_ENDINGS, sas_header, stream_sas
from wardveil.errors import Problem, SchemaError
from wardveil.schema.schema import Schema
from wardveil.tables.cells import as_texts
from wardveil.tables.delimited import read_header, stream_delimited
from wardveil.tables.source import DELIMITED, ENDINGS, readable

Texts = Mapping[str, pa.ChunkedArray]
READ: Final = (*ENDINGS, *SAS_ENDINGS)
MISSING: Final[tuple[str, ...]] = Schema.missing
"""Texts that mean missing: those of a schema that does not say."""
_ROWS: Final = 1 << 17


def header_of(path: Path) -> tuple[str, ...]:
    """The column names of a file, of which nothing else is read.

    Raises:
        SchemaError: E301, E302: it cannot be read, or is empty.
        MissingPart: E701, it is a SAS file and pyreadstat is not installed.
    """
    return tuple(readable(path, _header, READ))


def _header(path: Path) -> Sequence[str]:
    if path.name.endswith(DELIMITED):
        return read_header(path)
    if path.name.endswith(SAS_ENDINGS):
        return sas_header(path)
    if path.suffix == ".parquet":
        return list(parquet.ParquetFile(path).schema_arrow.names)
    return list(pa.ipc.open_file(path).schema.names)


def found_in(header: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Each of these names that a header has -> its spelling there; case does not matter."""
    spelled = {name.casefold(): name for name in reversed(header)}
    return {name: spelled[name.casefold()] for name in names if name.casefold() in spelled}


def texts_of(path: Path, names: Sequence[str]) -> Iterator[Texts]:
    """Some columns of a file, piece by piece, as trimmed text that is null where missing.

    Args:
        path: .csv, .tsv, .parquet, .feather, .sas7bdat or .xpt.
        names: Columns, in any case; "" is passed over.

    Yields:
        Name as asked -> (rows of the piece,). Codes keep their leading zeros wherever the file
        has them.

    Raises:
        SchemaError: E301, E302, E304, E313 to E317; E701 as MissingPart.
    """
    header = header_of(path)
    found = found_in(header, list(dict.fromkeys(name for name in names if name)))
    _require(path, header, [name for name in names if name], found)
    pieces = readable(path, partial(_pieces, header=header, wanted=list(found.values())), READ)
    while (piece := readable(path, lambda _: next(pieces, None), READ)) is not None:
        yield {name: _text(path, name, piece.column(own)) for name, own in found.items()}


def _require(
    path: Path, header: Sequence[str], names: Sequence[str], found: Mapping[str, str]
) -> None:
    """E313 and E304: a column is absent, or there twice."""
    problems = [
        Problem(code="E313", what=f"Column {name!r} is needed and not in the table.",
                where=path.name, do=("name the one that is meant: wardveil explain E331",))
        for name in names
        if name not in found
    ]  # fmt: skip
    problems += [
        Problem(code="E304", what=f"Column {name!r} occurs twice in the header.",
                where=path.name, do=("give each column its own name",))
        for name, own in found.items()
        if header.count(own) > 1
    ]  # fmt: skip
    if problems:
        raise SchemaError(problems)


def _pieces(path: Path, header: Sequence[str], wanted: Sequence[str]) -> Iterator[Any]:
    if path.name.endswith(DELIMITED):
        return stream_delimited(path, header, wanted)
    if path.name.endswith(SAS_ENDINGS):
        return stream_sas(path, wanted)
    if path.suffix == ".parquet":
        return parquet.ParquetFile(path).iter_batches(batch_size=_ROWS, columns=list(wanted))
    file = pa.ipc.open_file(path)
    return (file.get_batch(i).select(wanted) for i in range(file.num_record_batches))


def _text(path: Path, name: str, array: Any) -> pa.ChunkedArray:
    whole = array if isinstance(array, pa.ChunkedArray) else pa.chunked_array([array])
    texts = as_texts(whole, MISSING)
    if texts is None:
        raise SchemaError(
            Problem(code="E317", what=f"Column {name!r} does not hold one text or number a cell.",
                    where=path.name)
        )  # fmt: skip
    return texts
