"""Log: JSON lines of what the library reports, which never holds patient data."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from wardveil.cli.destination import writing


class _JsonLine(logging.Formatter):
    """One JSON object a record; tracebacks are left out, they may quote values."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {"time": moment, "level": record.levelname.lower(), "from": record.name,
                "message": record.getMessage()}  # fmt: skip
        return json.dumps(line, ensure_ascii=False)


@contextmanager
def logged_to(path: Path) -> Iterator[None]:
    """Append what the logger `wardveil` is told to `path`.

    Raises:
        RunError: E501, the file cannot be written.
    """
    with writing(path):
        handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(_JsonLine())
    logger = logging.getLogger("wardveil")
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
        handler.close()
