"""SAS files: .sas7bdat and .xpt, piece by piece, through pyreadstat (the extra `sas`)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from wardveil.errors import MissingPart, Problem, SchemaError

SAS_ENDINGS: Final = (".sas7bdat", ".xpt")
_ROWS: Final = 100_000


def sas_header(path: Path) -> list[str]:
    """Column names."""
    library = _library()
    return list(_read(library, path, metadataonly=True)[1].column_names)


def stream_sas(path: Path, wanted: Sequence[str]) -> Iterator[pa.Table]:
    """The wanted columns, in the file's row order."""
    library = _library()
    first = 0
    while True:
        frame, _ = _read(
            library, path, usecols=list(wanted), row_offset=first, row_limit=_ROWS
        )  # fmt: skip
        if not len(frame):
            return
        yield pa.table({name: pa.array(frame[name], from_pandas=True) for name in wanted})
        first += len(frame)


def _library() -> Any:
    try:
        import pyreadstat
    except ImportError:
        raise MissingPart(
            Problem(code="E701", what="SAS files need pyreadstat, which is not installed.",
                    do=("pip install 'wardveil[sas]'",))
        ) from None  # fmt: skip
    return pyreadstat


def _read(library: Any, path: Path, **options: Any) -> Any:
    read = library.read_xport if path.suffix == ".xpt" else library.read_sas7bdat
    try:
        return read(str(path), **options)
    except (library.ReadstatError, library.PyreadstatError, UnicodeDecodeError):
        pass  # told below, outside of the handler: the library's message may quote a cell
    raise SchemaError(
        Problem(code="E301", what="The table cannot be read: it is damaged or of another type.",
                where=path.name, do=("give a .sas7bdat or .xpt file as SAS wrote it",))
    )  # fmt: skip
