"""Obedience: rows that break a declared rule are drawn again, columns that follow are computed."""

from collections.abc import Callable
from math import ceil

import numpy as np
from numpy.typing import NDArray

from wardveil.errors import Problem, UsageError
from wardveil.schema import Schema
from wardveil.schema.rule import Values
from wardveil.schema.variable import Levelled, Numeric, Variable
from wardveil.schema.where import Interval, Where
from wardveil.vault import Rows

MOST = 1_000
"""Rows that are drawn for each that is kept before it is given up."""


def obedient(draw: Callable[[int], Rows], schema: Schema, n: int, where: Where) -> Rows:
    """n rows that keep every rule of the schema, whatever the model.

    Args:
        draw: Gives that many fresh rows.
        schema: Complete; its rules hold in every row that comes back.
        n: Rows.
        where: What was asked of every row; it must hold of computed columns too.

    Raises:
        UsageError: If almost no row keeps the rules (E138).
    """
    if not schema.constraints and not _whole_visits(schema):
        return draw(n)
    parts: list[Rows] = []
    kept = drawn = 0
    while kept < n:
        rate = max(kept / drawn, 1 / MOST) if drawn else 1.0
        many = min(ceil(1.02 * (n - kept) / rate) + 8, 20 * n + 1_000)
        rows = _computed(draw(many), schema)
        good = np.flatnonzero(~_broken(rows, schema, where))
        parts.append({name: values[good] for name, values in rows.items()})
        kept, drawn = kept + len(good), drawn + many
        if drawn > MOST * (kept + 10):
            raise UsageError(
                Problem(
                    code="E138",
                    what=f"Declared rules must hold in every row, and held in {kept} of {drawn} "
                    "that were drawn.",
                    where="rules",
                    do=("Check the rules against each other, or ask for fewer conditions.",),
                )
            )
    return {name: np.concatenate([p[name] for p in parts])[:n] for name in parts[0]}


def _computed(rows: Rows, schema: Schema) -> Rows:
    """The rows with derived columns computed, on the column's own digits."""
    for rule in schema.constraints:
        if rule.derived:
            column = schema.by_name[rule.derived]
            values = rule.compute(_readable(rows, schema, rule.inputs))
            rows = {**rows, rule.derived: np.round(values, column.places)}
    return rows


def _broken(rows: Rows, schema: Schema, where: Where) -> NDArray[np.bool_]:
    """Which rows break a rule, or have a computed value beyond bounds or what was asked, (n,)."""
    broken = np.zeros(len(next(iter(rows.values()))), dtype=bool)
    for rule in schema.constraints:
        if not rule.derived:
            broken |= rule.broken(_readable(rows, schema, rule.columns))
            continue
        column, values = schema.by_name[rule.derived], rows[rule.derived]
        asked = where.get(rule.derived, Interval(low=column.low or 0.0, high=column.high or 0.0))
        assert isinstance(asked, Interval)
        known = ~np.isnan(values)
        outside = (values < max(asked.low, column.low or 0.0)) | (
            values > min(asked.high, column.high or 0.0)
        )
        broken |= np.where(known, outside, not column.nullable or rule.derived in where)
    return broken | _half_missed(rows, schema)


def _whole_visits(schema: Schema) -> bool:
    """Whether a trial says that whole visits are missed."""
    return schema.trial is not None and schema.trial.missed != "cells"


def _half_missed(rows: Rows, schema: Schema) -> NDArray[np.bool_]:
    """Who missed one measure of a visit and not another, or came back after dropping out, (n,)."""
    trial = schema.trial
    if trial is None or trial.missed == "cells":
        return np.zeros(len(next(iter(rows.values()))), dtype=bool)
    gone = np.stack([[_missing(rows[trial.column(m, v)]) for v in trial.visits]
                     for m in trial.measures])  # fmt: skip
    broken = (gone != gone[:1]).any(axis=(0, 1))
    if trial.missed == "dropout":
        broken |= (gone[0, :-1] & ~gone[0, 1:]).any(axis=0)
    return np.asarray(broken)


def _missing(values: NDArray[np.float64] | NDArray[np.int32]) -> NDArray[np.bool_]:
    return np.isnan(values) if values.dtype.kind == "f" else values < 0


def _readable(rows: Rows, schema: Schema, names: tuple[str, ...]) -> dict[str, Values]:
    """Columns as rules read them: numbers, or texts of levels."""
    variables = {v.name: v for v in schema.variables}
    return {name: _values(variables[name], rows[name]) for name in names}


def _values(variable: Variable, values: NDArray[np.float64] | NDArray[np.int32]) -> Values:
    if isinstance(variable, Numeric):
        return values
    assert isinstance(variable, Levelled)
    texts = np.array([*variable.levels, None], dtype=object)
    return texts[values]  # -1, missing, is the last one
