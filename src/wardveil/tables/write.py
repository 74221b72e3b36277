"""Synthetic tables out: written whole or not at all."""

import io
import os
from contextlib import ExitStack, suppress
from gzip import GzipFile
from os import PathLike
from pathlib import Path
from typing import Any, Final

import pandas as pd
import pyarrow as pa

from wardveil.errors import Problem, RunError

_ENDINGS: Final = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")


def write_table(frame: pd.DataFrame, path: str | PathLike[str]) -> None:
    """Write a frame as .csv, .csv.gz, .tsv, .tsv.gz or .parquet.

    The file appears under its name only when it is complete; an older file stays until then.
    CSV is UTF-8 with dates as year-month-day, and the same frame gives the same bytes.

    Raises:
        RunError: E501 if the file cannot be written (no folder, no right, no space); E505 if
            the ending of the path is not known.
    """
    path = Path(path)
    if not path.name.endswith(_ENDINGS):
        raise RunError(
            Problem(
                code="E505",
                what="The ending of the file names no known format.",
                where=path.name,
                do=(f"use one of {', '.join(_ENDINGS)}",),
            )
        )
    reason = ""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        _write(frame, temporary, path.name)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
    except (pa.ArrowException, ValueError, TypeError) as error:
        reason = f"its columns cannot be held in this format ({type(error).__name__})"
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    if reason:
        raise RunError(
            Problem(
                code="E501",
                what=f"The table cannot be written: {reason}.",
                where=path.name,
                do=("check that the folder exists, may be written to, and has space",),
            )
        )


def _write(frame: pd.DataFrame, temporary: Path, name: str) -> None:
    if name.endswith(".parquet"):
        frame.to_parquet(temporary, index=False)
        return
    separator = "\t" if ".tsv" in name else ","
    with temporary.open("wb") as file, ExitStack() as stack:
        # Without name and time in its header, the same table is the same bytes.
        raw: Any = file
        if name.endswith(".gz"):
            raw = stack.enter_context(GzipFile(filename="", mode="wb", fileobj=file, mtime=0))
        text = stack.enter_context(io.TextIOWrapper(raw, "utf-8", newline=""))
        frame.to_csv(text, index=False, sep=separator, lineterminator="\n")
