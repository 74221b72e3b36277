"""Made-up patients for audits: an ordinary crowd, and single ones chosen to be a nuisance."""

from typing import Final

import numpy as np

from wardveil.schema import Schema
from wardveil.schema.variable import Numeric
from wardveil.vault import Rows

SCHEMA: Final = """
[columns.age]
kind = "count"
low = 18
high = 90

[columns.weight]
kind = "continuous"
low = 30
high = 200
decimals = 1
nullable = true

[columns.stage]
kind = "ordinal"
levels = ["I", "II", "III"]

[columns.drugs]
kind = "codes"
levels = ["aspirin", "insulin", "metformin"]
max_codes = 2
nullable = true

[columns.sex]
kind = "categorical"
levels = ["female", "male"]
condition = true

[columns.died]
kind = "binary"
levels = ["0", "1"]
target = true
"""


def audit_schema() -> Schema:
    """One column of every kind that models meet."""
    return Schema.parse(SCHEMA, "audit")


def crowd(schema: Schema, n: int, seed: int) -> Rows:
    """n patients drawn uniformly and independently from everything the schema allows."""
    rng = np.random.default_rng(seed)
    return {
        v.name: v.draw(rng.integers(0, v.size, n).astype(np.int32), rng) for v in schema.variables
    }


def nuisances(schema: Schema, rows: Rows) -> dict[str, Rows]:
    """Single patients by what is wrong with them: extreme, absent, or somebody's double."""
    first, last = _at_edge(schema, last=False), _at_edge(schema, last=True)
    missing = {v.name: np.array([np.nan]) for v in schema.variables
               if isinstance(v, Numeric) and v.nullable}  # fmt: skip
    lists = {
        f"{c.name}?": np.zeros(1, dtype=np.int32)
        for c in schema.modelled
        if c.kind == "codes" and c.nullable
    }
    return {
        "lowest values": first,
        "highest values, every code": {**last, **lists},
        "nothing known, every code": {**last, **missing},
        "double": {name: values[:1] for name, values in rows.items()},
    }


def _at_edge(schema: Schema, *, last: bool) -> dict[str, np.ndarray]:
    """A patient in the first or last cell of every variable."""
    return {
        v.name: np.array([v.high if last else v.low])
        if isinstance(v, Numeric)
        else np.array([v.cells - 1 if last else 0], dtype=np.int32)
        for v in schema.variables
    }
