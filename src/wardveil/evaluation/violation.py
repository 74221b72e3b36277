"""Violations: synthetic patients who break what the schema declares."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wardveil.errors import Problem, SchemaError
from wardveil.evaluation.cells import present
from wardveil.evaluation.prepared import Flags, Floats, Prepared
from wardveil.schema.column import NUMERIC, Column
from wardveil.schema.schema import Schema


def violations(
    table: Prepared, schema: Schema, orders: tuple[tuple[str, str], ...] = ()
) -> NDArray[np.bool_]:
    """Which rows break at least one declared rule, (n,).

    The rules: numbers within their bounds and without more digits than declared, levels among
    the declared ones, nothing missing that may not be, no more codes than declared, every rule
    between columns that the schema has, and each ordered pair (a, b) with a <= b. Where a value
    is missing, a rule between columns asks nothing.

    Raises:
        SchemaError: E341, an ordered pair names no numeric column.
    """
    broken = np.zeros(table.rows, dtype=bool)
    for column in schema.modelled:
        broken |= _broken(table, column)
    for rule in schema.constraints:
        unit = 10.0 ** -schema.by_name[rule.derived].places if rule.derived else 0.0
        found = {name: table.columns[name] for name in rule.columns}
        plain = {name: c for name, c in found.items() if not isinstance(c, Flags)}
        broken |= rule.broken(plain, unit)
    for a, b in orders:
        broken |= _number(table, a) > _number(table, b)  # a missing number breaks nothing
    return broken


def _broken(table: Prepared, column: Column) -> NDArray[np.bool_]:
    values = table.columns[column.name]
    if isinstance(values, Flags):
        return values.held.sum(axis=1) > column.max_codes  # an empty cell holds no code
    missing = ~present(values)
    broken = missing & (not column.nullable)
    if column.kind not in NUMERIC:
        known = pd.Index(column.levels or ()).get_indexer(pd.Index(values)) >= 0
        return broken | (~known & ~missing)
    numbers = values.astype(np.float64)
    if column.low is not None:
        broken |= numbers < column.low
    if column.high is not None:
        broken |= numbers > column.high
    if column.decimals is not None or column.kind in ("count", "date"):
        scaled = numbers * 10.0**column.places
        broken |= np.abs(scaled - np.rint(scaled)) > 1e-6 * np.maximum(1.0, np.abs(scaled))
    return broken


def _number(table: Prepared, name: str) -> Floats:
    column = table.columns.get(name)
    if column is None or isinstance(column, Flags) or column.dtype == object:
        raise SchemaError(
            Problem(code="E341", what=f'Column "{name}" is needed as a number and is none.',
                    where="orders", do=("Name two numeric columns of the schema.",))
        )  # fmt: skip
    return column.astype(np.float64)
