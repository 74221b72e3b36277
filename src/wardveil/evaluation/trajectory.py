"""Trajectory: a measurement over the visits of a study, by arm."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from wardveil.errors import Problem, SchemaError
from wardveil.evaluation.interval import Z, groups, jackknife
from wardveil.evaluation.prepared import Flags, Floats, Prepared

FEWEST: Final = 3
"""Patients a correlation needs."""
_Masks = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True, kw_only=True)
class Trajectory:
    """Median and quartiles of one measurement at each visit.

    Attributes:
        measurement: As named in `Design.visits`.
        table: Whose trajectory it is.
        arm: The level of the arm column; "" for everybody.
        visits: The visits' columns, in order, (v,).
        n: Patients seen at each visit, (v,).
        attended: Their share of the arm, (v,).
        median: (v,); None where nobody was seen.
        low: Lower quartiles.
        high: Upper quartiles.
        lag1: Correlation, within patients, of each visit with the next, (v - 1,); None where
            fewer than 3 patients were seen at both.
    """

    measurement: str
    table: Literal["real", "synthetic"]
    arm: str
    visits: tuple[str, ...]
    n: tuple[int, ...]
    attended: tuple[float, ...]
    median: tuple[float | None, ...]
    low: tuple[float | None, ...]
    high: tuple[float | None, ...]
    lag1: tuple[float | None, ...]


def trajectories(
    table: Prepared,
    *,
    whose: Literal["real", "synthetic"],
    measurement: str,
    visits: tuple[str, ...],
    masks: _Masks,
) -> Iterator[Trajectory]:
    """One trajectory for each mask of rows, named by arm.

    Raises:
        SchemaError: E341, a visit names no numeric column.
    """
    V = values(table, visits)
    for arm, mask in masks.items():
        part = V[mask]
        seen = ~np.isnan(part)
        n = seen.sum(axis=0)
        quartiles = _quantiles(part, [0.25, 0.5, 0.75])
        yield Trajectory(
            measurement=measurement, table=whose, arm=arm, visits=visits,
            n=tuple(n.tolist()), attended=tuple((n / max(1, len(part))).tolist()),
            low=_known(quartiles[0]), median=_known(quartiles[1]), high=_known(quartiles[2]),
            lag1=_known(_lag1(part)),
        )  # fmt: skip


def gap(
    real: Floats, synthetic: Floats, ours: _Masks, theirs: _Masks
) -> tuple[float, float, float]:
    """The mean distance of medians over visits and arms, in real interquartile ranges.

    Args:
        real: (n, v).
        synthetic: (m, v).
        ours: Arm -> which real rows are in it.
        theirs: The same of the synthetic rows.

    Returns:
        The distance and its 95 % jackknife interval; NaN where no visit was seen in both tables.
    """
    spread = np.diff(_quantiles(real, [0.25, 0.75]), axis=0)[0]
    spread = np.where(spread > 0, spread, np.nan)

    def medians(V: Floats, masks: _Masks, keep: NDArray[np.bool_]) -> Floats:
        return np.stack([_quantiles(V[masks[arm] & keep], [0.5])[0] for arm in ours])

    def left_out(V: Floats, masks: _Masks) -> Iterator[Floats]:
        group = groups(len(V))
        for g in range(int(group.max()) + 1):
            yield medians(V, masks, group != g)

    every = [np.ones(len(V), dtype=bool) for V in (real, synthetic)]
    a, b = medians(real, ours, every[0]), medians(synthetic, theirs, every[1])
    whole = np.abs(a - b) / spread
    known = ~np.isnan(whole)
    if not known.any():
        return float("nan"), float("nan"), float("nan")
    errors = [
        jackknife(np.array([
            np.where(np.isnan(m), whole, np.abs(m - other) / spread)[known].mean()
            for m in left_out(V, masks)
        ]))
        for V, masks, other in ((real, ours, b), (synthetic, theirs, a))
    ]  # fmt: skip
    value, error = float(whole[known].mean()), Z * float(np.hypot(errors[0], errors[1]))
    return value, max(0.0, value - error), value + error


def lag1_gap(real: Floats, synthetic: Floats) -> float:
    """Mean absolute difference of the correlations of each visit with the next; NaN if none."""
    found = np.abs(_lag1(real) - _lag1(synthetic))
    return float(found[~np.isnan(found)].mean()) if (~np.isnan(found)).any() else float("nan")


def values(table: Prepared, visits: tuple[str, ...]) -> Floats:
    """The measurement at each visit, (n, v).

    Raises:
        SchemaError: E341, a visit names no numeric column.
    """
    found = []
    for name in visits:
        column = table.columns.get(name)
        if column is None or isinstance(column, Flags) or column.dtype == object:
            raise SchemaError(
                Problem(code="E341", what=f'Column "{name}" is needed as a number and is none.',
                        where="visits", do=("Name numeric columns of the compared tables.",))
            )  # fmt: skip
        found.append(column.astype(np.float64))
    return np.stack(found, axis=1)


def _quantiles(V: Floats, at: list[float]) -> Floats:
    """(quantiles, v); NaN where nobody was seen."""
    found = np.full((len(at), V.shape[1]), np.nan)
    seen = ~np.isnan(V).all(axis=0)
    if len(V) and seen.any():
        found[:, seen] = np.nanquantile(V[:, seen], at, axis=0)
    return found


def _lag1(V: Floats) -> Floats:
    """(v - 1,) correlations; NaN where they cannot be had."""
    found = np.full(max(0, V.shape[1] - 1), np.nan)
    for i in range(len(found)):
        both = ~np.isnan(V[:, i]) & ~np.isnan(V[:, i + 1])
        a, b = V[both, i], V[both, i + 1]
        if len(a) >= FEWEST and a.std() > 0 and b.std() > 0:
            found[i] = np.corrcoef(a, b)[0, 1]
    return found


def _known(numbers: Floats) -> tuple[float | None, ...]:
    return tuple(None if np.isnan(v) else float(v) for v in numbers)
