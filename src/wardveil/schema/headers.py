"""Names and types of a table's columns, without any value."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

_WORDS: Final = (
    ("uint", "integer"), ("int", "integer"), ("float", "number"), ("double", "number"),
    ("decimal", "number"), ("bool", "flag"), ("date", "date"), ("timestamp", "date"),
    ("categor", "text"), ("dictionary", "text"),
    ("str", "text"), ("utf8", "text"),
)  # fmt: skip


def headers_of(columns: Any) -> dict[str, str]:
    """Column name -> "integer", "number", "flag", "date", "text", or "" when not known.

    Args:
        columns: Names; a mapping of names to one of those words; or a pandas, polars or
            pyarrow frame, of which only the names and types are read.
    """
    if isinstance(columns, Mapping):
        return {str(n): w if w in dict(_WORDS).values() else _word(w) for n, w in columns.items()}
    if hasattr(columns, "schema"):  # pyarrow, polars
        schema = columns.schema
        pairs = (
            schema.items()
            if hasattr(schema, "items")
            else zip(schema.names, schema.types, strict=True)
        )
        return {str(name): _word(kind) for name, kind in pairs}
    if hasattr(columns, "dtypes") and hasattr(columns, "columns"):  # pandas
        return {str(n): _word(d) for n, d in zip(columns.columns, columns.dtypes, strict=True)}
    names: Iterable[Any] = columns
    return {str(name): "" for name in names}


def _word(kind: Any) -> str:
    text = str(kind).lower()
    return next((word for part, word in _WORDS if text.startswith(part)), "")
