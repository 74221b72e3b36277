"""Coefficients: would a statistician draw the same conclusions from the synthetic table?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from wardveil.evaluation.cells import present
from wardveil.evaluation.features import Features, features
from wardveil.evaluation.prepared import Flags, Floats, Prepared
from wardveil.evaluation.regression import Fit, cox, linear, logistic

Model = Literal["logistic", "linear", "cox"]

MOST_TERMS: Final = 20
FEWEST: Final = 10
"""Rows of either table that a term needs, on both sides of an indicator."""


@dataclass(frozen=True, kw_only=True)
class Coefficients:
    """One regression fitted to the real and to the synthetic rows.

    Attributes:
        target: The outcome: a level column, a number, or a time with its event.
        model: "logistic" (log odds ratios), "linear" (in the target's unit) or "cox" (log
            hazard ratios).
        terms: Names: a column for numbers (per standard deviation of the real rows),
            "column=level" against the most frequent real level, (k,).
        real: Estimates, (k,).
        real_low: Lower ends of Wald's 95 % intervals.
        real_high: Upper ends.
        synthetic: Estimates in the synthetic rows.
        synthetic_low: Lower ends.
        synthetic_high: Upper ends.
        overlap: Per term, the mean share of the two intervals that both have in common; 1 when
            they are the same, negative when they lie apart (Karr et al. 2006).
    """

    target: str
    model: Model
    terms: tuple[str, ...]
    real: tuple[float, ...]
    real_low: tuple[float, ...]
    real_high: tuple[float, ...]
    synthetic: tuple[float, ...]
    synthetic_low: tuple[float, ...]
    synthetic_high: tuple[float, ...]
    overlap: tuple[float, ...]


def coefficients(
    real: Prepared,
    synthetic: Prepared,
    *,
    target: str,
    model: Model,
    event: tuple[str, str] = ("", ""),
    first: Sequence[str] = (),
) -> Coefficients | None:
    """One regression on both tables, over the rows whose outcome is known.

    Terms are the levels (against the most frequent real one) and the numbers (per real standard
    deviation; a missing one is the real median) of at most 20 features: those of the columns
    `first`, then the others in the table's order. A feature that either table cannot estimate,
    because it is rare or follows from others, is no term.

    Args:
        real: The real rows.
        synthetic: Synthetic rows.
        target: The outcome: for "logistic" a column of two levels, of which the later one in
            order counts; for "linear" a number; for "cox" a time.
        model: Which regression.
        event: For "cox", the event's column and the level that is an event; for "logistic"
            ("", the level that counts).
        first: Columns whose terms come first, such as the arm.

    Returns:
        None where no term is left, or too little happens in a table.
    """
    rows = [_complete(t, target, event[0]) for t in (real, synthetic)]
    if min(len(r) for r in rows) < 2 * FEWEST:
        return None
    tables = [t.take(r) for t, r in zip((real, synthetic), rows, strict=True)]
    terms = _terms(tables, (target, event[0]), first)
    outcomes = [_outcome(t, target, model, event) for t in tables]
    if not terms.names or min(map(_events, outcomes)) < FEWEST:
        return None
    ours, theirs = (_fit(model, X, o) for X, o in zip(terms.X, outcomes, strict=True))
    return Coefficients(
        target=target, model=model, terms=terms.names,
        real=_tuple(ours.estimate), real_low=_tuple(ours.low), real_high=_tuple(ours.high),
        synthetic=_tuple(theirs.estimate), synthetic_low=_tuple(theirs.low),
        synthetic_high=_tuple(theirs.high),
        overlap=_tuple(overlap((ours.low, ours.high), (theirs.low, theirs.high))),
    )  # fmt: skip


def overlap(ours: tuple[Floats, Floats], theirs: tuple[Floats, Floats]) -> Floats:
    """The mean of the shares of two intervals that both have in common (Karr et al. 2006).

    Args:
        ours: Lower and upper ends, (k,) each.
        theirs: The same.

    Returns:
        (k,): 1 for the same intervals; negative for intervals apart, the lower the farther.
    """
    common = np.minimum(ours[1], theirs[1]) - np.maximum(ours[0], theirs[0])
    return (common / (ours[1] - ours[0]) + common / (theirs[1] - theirs[0])) / 2


@dataclass(frozen=True, kw_only=True)
class _Outcome:
    """y is a number, or a yes or no; with `event`, a time."""

    y: Floats
    event: NDArray[np.bool_]


def _complete(table: Prepared, target: str, event: str) -> NDArray[np.int64]:
    known = present(_plain(table, target))
    return np.flatnonzero(known & present(_plain(table, event)) if event else known)


def _outcome(table: Prepared, target: str, model: Model, event: tuple[str, str]) -> _Outcome:
    values = _plain(table, target)
    if model == "logistic":
        happened = values == event[1]
        return _Outcome(y=happened.astype(np.float64), event=happened)
    if model == "cox":
        return _Outcome(y=values.astype(np.float64), event=_plain(table, event[0]) == event[1])
    y = values.astype(np.float64)
    return _Outcome(y=y, event=y != y[0])


def _events(outcome: _Outcome) -> int:
    """How often the rarer of happening and not happening was seen; events only, for times."""
    happened = int(outcome.event.sum())
    binary = np.array_equal(outcome.y, outcome.event)
    return min(happened, len(outcome.y) - happened) if binary else happened


def _fit(model: Model, X: Floats, outcome: _Outcome) -> Fit:
    if model == "cox":
        return cox(X, outcome.y, outcome.event)
    return logistic(X, outcome.y) if model == "logistic" else linear(X, outcome.y)


def _terms(tables: Sequence[Prepared], leave_out: Sequence[str], first: Sequence[str]) -> Features:
    """The terms of both tables, numbers scaled by the real one."""
    found = features(tables, leave_out=leave_out)
    number = np.array([n == c for n, c in zip(found.names, found.columns, strict=True)], dtype=bool)
    usable = _usable(found, number)
    order = [c for c in (*first, *found.columns) if c in found.columns]
    rank = {column: -i for i, column in reversed(list(enumerate(order)))}
    kept: list[int] = []
    centred = [x - x.mean(axis=0) for x in found.X]
    for i in sorted(np.flatnonzero(usable).tolist(), key=lambda i: -rank[found.columns[i]]):
        if len(kept) < MOST_TERMS and all(_independent(x, kept, i) for x in centred):
            kept.append(i)
    spread = np.where(number, found.X[0].std(axis=0), 1.0)
    return Features(
        columns=tuple(found.columns[i] for i in kept),
        names=tuple(found.names[i] for i in kept),
        X=tuple(x[:, kept] / spread[kept] for x in found.X),
    )


def _usable(found: Features, number: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Features that vary enough in both tables, without "missing" and each column's base."""
    base: dict[str, int] = {}
    share = found.X[0].mean(axis=0)
    for i, column in enumerate(found.columns):
        if column not in base or share[i] > share[base[column]]:
            base[column] = i
    whole = [np.where(number, x.std(axis=0) > 0,
                      (x.sum(axis=0) >= FEWEST) & (len(x) - x.sum(axis=0) >= FEWEST))
             for x in found.X]  # fmt: skip
    missing = {c for c, n in zip(found.columns, found.names, strict=True) if n == f"{c}?"}
    named = np.array([n != f"{c}?" for c, n in zip(found.columns, found.names, strict=True)])
    # A set of codes has no base: any of them may be held or not.
    not_base = np.array([c not in missing or base[c] != i for i, c in enumerate(found.columns)])
    return named & (number | not_base) & np.all(whole, axis=0)


def _independent(centred: Floats, kept: list[int], i: int) -> bool:
    """Whether the kept features explain less than 99.9 % of this one."""
    column = centred[:, i]
    if not kept:
        return True
    residual = column - centred[:, kept] @ np.linalg.lstsq(centred[:, kept], column)[0]
    return bool(residual @ residual > 1e-3 * (column @ column))


def _plain(table: Prepared, name: str) -> Any:
    column = table.columns[name]
    assert not isinstance(column, Flags)
    return column


def _tuple(values: Floats) -> tuple[float, ...]:
    return tuple(values.tolist())
