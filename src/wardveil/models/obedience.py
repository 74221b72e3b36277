"""Obedience: rows that break a declared rule are drawn again, columns that follow are computed."""

from collections.abc import Callable
from math import ceil

import numpy as np
from numpy.typing import NDArray

from wardveil.encode.parts import joined
from wardveil.errors import Problem, UsageError
from wardveil.schema import Schema
from wardveil.schema.rule import Values
from wardveil.schema.variable import Levelled, Numeric, Variable
from wardveil.schema.where import Interval, Where
from wardveil.vault import Rows

MOST = 1_000
"""Rows that are drawn for each that is kept before it is given up."""


def ruled(schema: Schema) -> bool:
    """Whether some drawn row may have to be drawn again."""
    return bool(schema.constraints) or _whole_visits(schema)


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
    if not ruled(schema):
        return draw(n)
    parts: list[Rows] = []
    found = drawn = 0
    while found < n:
        rate = max(found / drawn, 1 / MOST) if drawn else 1.0
        many = min(ceil(1.02 * (n - found) / rate) + 8, 20 * n + 1_000)
        rows, good = kept(draw(many), schema, where)
        parts.append({name: values[good] for name, values in rows.items()})
        found, drawn = found + len(good), drawn + many
        if drawn > MOST * (found + 10):
            raise UsageError(
                Problem(
                    code="E138",
                    what=f"Declared rules must hold in every row, and held in {found} of {drawn} "
                    "that were drawn.",
                    where="rules",
                    do=("Check the rules against each other, or ask for fewer conditions.",),
                )
            )
    return joined(parts, n)


def kept(rows: Rows, schema: Schema, where: Where) -> tuple[Rows, NDArray[np.int64]]:
    """Rows as they would be released, and which of them keep every rule; see `obedient`."""
    rows = _computed(_attending(rows, schema) if _whole_visits(schema) else rows, schema)
    return rows, np.flatnonzero(~_broken(rows, schema, where))


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
    return broken | _half_missed(rows, schema, where)


def _whole_visits(schema: Schema) -> bool:
    """Whether a trial says that whole visits are missed."""
    return schema.trial is not None and schema.trial.whole_visits


def _attending(rows: Rows, schema: Schema) -> Rows:
    """The rows with each visit missed as a whole, or not at all.

    One measure of each row, in turn, says which visits are missed: so as many are as cells were,
    where a majority would miss fewer. A measure that then lacks its value gets that of the next
    row that has one. Models that know of visits leave nothing to do here.
    """
    trial, found = schema.trial, dict(rows)
    assert trial is not None
    names = np.array([[trial.column(m, v) for v in trial.visits] for m in trial.measures])
    gone = np.array([[_missing(rows[name]) for name in line] for line in names])
    n = gone.shape[2]
    missed = gone[np.arange(n) % len(names), :, np.arange(n)].T
    if trial.missed == "dropout":
        missed = np.maximum.accumulate(missed, axis=0)
    for name, own, whole in zip(
        names.ravel(), gone.reshape(names.size, -1), np.tile(missed, (len(names), 1)), strict=True
    ):
        values, known = rows[name].copy(), np.flatnonzero(~own)
        lacking = np.flatnonzero(own & ~whole)
        if len(known) and len(lacking):
            values[lacking] = values[known[np.searchsorted(known, lacking) % len(known)]]
        values[whole] = np.nan if values.dtype.kind == "f" else -1
        found[name] = values
    return found


def _half_missed(rows: Rows, schema: Schema, where: Where) -> NDArray[np.bool_]:
    """Who still lacks a value at a visit, or one that was asked for, (n,)."""
    trial = schema.trial
    broken = np.zeros(len(next(iter(rows.values()))), dtype=bool)
    if trial is None or not trial.whole_visits:
        return broken
    for v in trial.visits:
        gone = [_missing(rows[trial.column(m, v)]) for m in trial.measures]
        broken |= np.any(gone, axis=0) & ~np.all(gone, axis=0)
    for name in set(trial.grid) & set(where):
        broken |= _missing(rows[name])
    return broken


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
