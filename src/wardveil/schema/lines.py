"""Where each key of a TOML text stands.

The TOML readers we use give values without line numbers; a message without a line is a search.
"""

import tomllib
from collections.abc import Mapping
from typing import Any, Final

Path = tuple[str, ...]
_CLOSERS: Final = ("]", "}", '"""', "'''")


def lines_of(text: str) -> Mapping[Path, int]:
    r"""Path of every table and key -> its first line, counted from 1, in valid TOML.

    Example:
        >>> lines_of('[columns.age]\nlow = 18')[("columns", "age", "low")]
        2
    """
    found: dict[Path, int] = {}
    table: Path = ()
    pending = ""
    first = 0
    for number, line in enumerate(text.split("\n"), start=1):
        if not pending:
            if not line.strip() or line.lstrip().startswith("#"):
                continue
            first = number
        pending += line + "\n"
        # A statement over many lines can only end where a bracket or a quote closes.
        if first != number and not any(c in line for c in _CLOSERS):
            continue
        value = _statement(pending)
        if value is None:
            continue
        if pending.lstrip().startswith("["):
            table = _only_path(value)
            _note(found, table, first)
        else:
            for path in _paths(value):
                _note(found, table + path, first)
        pending = ""
    return found


def _statement(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None


def _note(found: dict[Path, int], path: Path, line: int) -> None:
    for depth in range(1, len(path) + 1):
        found.setdefault(path[:depth], line)


def _only_path(value: Any) -> Path:
    path: Path = ()
    while isinstance(value, dict) and value:
        key, value = next(iter(value.items()))
        path += (key,)
        if isinstance(value, list):
            break
    return path


def _paths(value: dict[str, Any]) -> list[Path]:
    paths: list[Path] = []
    for key, inner in value.items():
        paths.append((key,))
        if isinstance(inner, dict):
            paths += [(key, *path) for path in _paths(inner)]
    return paths
