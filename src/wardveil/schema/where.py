"""Where: what kind of rows are asked for, checked against the schema."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wardveil.errors import Problem, UsageError
from wardveil.schema.column import LEVELLED, NUMERIC, Column
from wardveil.schema.schema import Schema
from wardveil.schema.variable import Levelled, Numeric, Variable, flag_name


@dataclass(frozen=True, kw_only=True)
class Interval:
    """Numbers from low to high, both included."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class OneOf:
    """Levels by position."""

    levels: frozenset[int]


Where = Mapping[str, Interval | OneOf]


def parse_where(asked: Mapping[str, Any] | None, schema: Schema) -> dict[str, Interval | OneOf]:
    """A user's wishes by variable.

    Args:
        asked: Column -> a value, a list of values, or a tuple (low, high) for numbers; for a
            codes column, the code or codes that must be present.
        schema: Complete.

    Raises:
        UsageError: All problems at once (E130: unknown column, E131: not a declared value).
    """
    found: dict[str, Interval | OneOf] = {}
    problems: list[Problem] = []
    for name, wish in (asked or {}).items():
        column = schema.by_name.get(name)
        if column is None or not column.modelled:
            problems.append(
                Problem(
                    code="E130",
                    what=f"There is no column {name!r} to ask for.",
                    where="where",
                    do=(f"Choose from: {', '.join(c.name for c in schema.modelled)}.",),
                )
            )
            continue
        wishes = _parse_one(column, wish)
        if wishes is None:
            problems.append(
                Problem(
                    code="E131",
                    what=f"What is asked of {name!r} is not among its declared values.",
                    where="where",
                    do=(_declared(column),),
                )
            )
        else:
            found |= wishes
    if problems:
        raise UsageError(problems)
    return found


def _parse_one(column: Column, wish: Any) -> dict[str, Interval | OneOf] | None:
    """The wish for one column, or None if it asks for something undeclared."""
    values = list(wish) if isinstance(wish, list | set | frozenset) else [wish]
    if column.kind in NUMERIC:
        low, high = wish if isinstance(wish, tuple) else (wish, wish)
        try:
            low, high = float(low), float(high)
        except (TypeError, ValueError):
            return None
        assert column.low is not None
        assert column.high is not None
        inside = column.low <= low <= high <= column.high
        return {column.name: Interval(low=low, high=high)} if inside else None
    positions = {_plain(level): i for i, level in enumerate(column.levels or ())}
    codes = [positions.get(_plain(v)) for v in values]
    if any(c is None for c in codes):
        return None
    if column.kind in LEVELLED:
        return {column.name: OneOf(levels=frozenset(c for c in codes if c is not None))}
    levels = column.levels or ()
    present = OneOf(levels=frozenset({1}))
    return {flag_name(column.name, levels[c]): present for c in codes if c is not None}


def _plain(value: Any) -> str:
    """A level as it is compared: text, without case and outer white space, 1.0 as 1."""
    if isinstance(value, bool):
        return str(value).casefold()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return " ".join(str(value).split()).casefold()


def _declared(column: Column) -> str:
    """What may be asked of a column, in words."""
    if column.kind in NUMERIC:
        return f"Numbers from {column.low:g} to {column.high:g}, or a pair (low, high)."
    return f"Declared: {', '.join((column.levels or ())[:20])}."


def cells_asked(variable: Variable, asked: Interval | OneOf) -> NDArray[np.bool_]:
    """Which cells of a variable hold what was asked for, (size,)."""
    mask = np.zeros(variable.size, dtype=bool)
    if isinstance(variable, Numeric) and isinstance(asked, Interval):
        ends = variable.cell(np.array([asked.low, asked.high]))
        mask[ends[0] : ends[1] + 1] = True
    elif isinstance(variable, Levelled) and isinstance(asked, OneOf):
        mask[list(asked.levels)] = True
    return mask


def fit_into(
    values: NDArray[np.float64] | NDArray[np.int32], asked: Interval | OneOf
) -> NDArray[np.float64] | NDArray[np.int32]:
    """Numbers drawn from an asked cell, moved into the asked interval."""
    if isinstance(asked, Interval):
        return np.clip(values.astype(np.float64), asked.low, asked.high)
    return values
