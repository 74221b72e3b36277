"""Whose patients a table holds, as keyed hashes that mean nothing without the key."""

import hmac
from hashlib import sha256
from typing import Any, Final

import pyarrow.compute as pc

from wardveil.errors import Problem, SchemaError
from wardveil.schema.schema import Schema
from wardveil.tables.cells import as_texts
from wardveil.tables.source import open_source

KEPT: Final = 8
"""Bytes kept of each hash: two of a million patients agree by chance once in 10⁷ tables."""


def patient_fingerprint(source: Any, schema: Schema, key: bytes) -> tuple[bytes, ...] | None:
    """Truncated keyed hashes of a table's patients; reads the key column only.

    Args:
        source: As for `read_table`.
        schema: Names the key column.
        key: Secret; hashes of two tables can be compared under the same key only.

    Returns:
        One hash a patient, sorted, whatever the order of the rows; None without a key column.

    Raises:
        SchemaError: The table cannot be read or its key column is no list of keys.
    """
    if not schema.key:
        return None
    opened = open_source(source, [schema.key])
    if opened.faults.problems:
        raise SchemaError(opened.faults.problems)
    texts = as_texts(opened.columns[schema.key], schema.missing)
    if texts is None:
        raise SchemaError(
            Problem(
                code="E317",
                what=f"Column {schema.key!r} does not hold one text or number a cell.",
                where=opened.faults.origin,
            )
        )
    ids = pc.unique(pc.drop_null(texts)).to_pylist()
    return tuple(sorted(hmac.digest(key, i.encode(), sha256)[:KEPT] for i in ids))
