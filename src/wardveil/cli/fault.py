"""Fault: a report of an unexpected exception that holds no data.

Messages and local variables may quote cells of a table, so neither is written: only the types
of the exceptions and the places in the code.
"""

import platform
import sys
import tempfile
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path


def write_fault(error: BaseException) -> Path:
    """Write the report to the current folder, or else to the temporary one; return its path."""
    moment = datetime.now(UTC)
    name = f"wardveil-fault-{moment:%Y%m%d-%H%M%S}.txt"
    text = "\n".join([
        f"wardveil {version('wardveil')}, Python {platform.python_version()}, {sys.platform}",
        f"{moment:%Y-%m-%d %H:%M:%S} UTC",
        "Messages and values are left out on purpose: they may quote a table.",
        "",
        *_lines(error),
        "",
    ])  # fmt: skip
    try:
        path = Path.cwd() / name
        path.write_text(text, encoding="utf-8")
    except OSError:
        path = Path(tempfile.gettempdir()) / name
        path.write_text(text, encoding="utf-8")
    return path


def _lines(error: BaseException | None) -> Iterator[str]:
    """The chain of exceptions, first cause last."""
    while error is not None:
        yield f"{type(error).__module__}.{type(error).__qualname__}"
        for frame, line in traceback.walk_tb(error.__traceback__):
            module = frame.f_globals.get("__name__", "?")
            yield f"  {module}:{line} {frame.f_code.co_name}"
        error = error.__cause__ or error.__context__
