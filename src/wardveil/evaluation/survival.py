"""Survival: Kaplan-Meier curves and restricted means of both tables."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from wardveil.evaluation.cells import present
from wardveil.evaluation.interval import Z, groups, jackknife
from wardveil.evaluation.prepared import Flags, Floats, Prepared
from wardveil.schema.schema import Schema

STEPS: Final = 200
GRID: Final = 400
"""Points of the common time axis that curves are compared on."""


@dataclass(frozen=True, kw_only=True)
class KaplanMeier:
    """One survival curve, as steps.

    Attributes:
        time: The time column.
        event: Its event column; its second declared level is the event.
        table: Whose curve it is.
        arm: The level of the arm column; "" for everybody.
        rows: Patients with a known time and event.
        times: Where the curve steps, from 0, increasing, (k,), at most 200 of them.
        survival: Share without event from each time on, (k,).
        low: Lower ends of the pointwise 95 % band (log-log, Kalbfleisch and Prentice), (k,).
        high: Upper ends.
        at_risk: Patients at risk just before each time, (k,).
        unit: The time's unit.
    """

    time: str
    event: str
    table: Literal["real", "synthetic"]
    arm: str
    rows: int
    times: tuple[float, ...] = field(repr=False)
    survival: tuple[float, ...] = field(repr=False)
    low: tuple[float, ...] = field(repr=False)
    high: tuple[float, ...] = field(repr=False)
    at_risk: tuple[int, ...] = field(repr=False)
    unit: str = ""


@dataclass(frozen=True, kw_only=True)
class Followed:
    """The patients of one table with a known time and event.

    Attributes:
        rows: Which rows they are, (n,).
        time: (n,).
        event: Whether the time is an event's, (n,).
    """

    rows: NDArray[np.int64]
    time: Floats
    event: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A Kaplan-Meier estimate at every time with an event.

    Attributes:
        times: Times with an event, increasing, (k,).
        survival: From each time on, (k,).
        hazard: Greenwood's sum of d / (r (r - d)) up to each time, (k,); infinite from where
            nobody is left.
        at_risk: Patients at risk just before, (k,).
    """

    times: Floats
    survival: Floats
    hazard: Floats
    at_risk: NDArray[np.int64]

    def at(self, when: Floats) -> Floats:
        """Survival at each time, (m,)."""
        steps = np.concatenate([[1.0], self.survival])
        return steps[np.searchsorted(self.times, when, side="right")]


def pairs(schema: Schema) -> Iterator[tuple[str, str, str]]:
    """Each declared time, its event, and the level that is an event."""
    for column in schema.modelled:
        levels = schema.by_name[column.pair].levels if column.kind == "time" else None
        if levels:
            yield column.name, column.pair, levels[1]


def followed(table: Prepared, time: str, event: str, level: str) -> Followed:
    """The patients whose time and event are known."""
    t, e = table.columns[time], table.columns[event]
    assert not isinstance(t, Flags)
    assert not isinstance(e, Flags)
    rows = np.flatnonzero(present(t) & present(e))
    return Followed(rows=rows, time=t[rows].astype(np.float64), event=e[rows] == level)


def kaplan_meier(time: Floats, event: NDArray[np.bool_]) -> Curve:
    """The product-limit estimate (Kaplan and Meier 1958)."""
    ordered = np.sort(time)
    times, deaths = np.unique(time[event], return_counts=True)
    at_risk = len(time) - np.searchsorted(ordered, times, side="left")
    with np.errstate(divide="ignore"):
        hazard = np.cumsum(deaths / (at_risk * (at_risk - deaths)))
    survival = np.cumprod(1 - deaths / at_risk, dtype=np.float64)
    return Curve(times=times, survival=survival, hazard=hazard, at_risk=at_risk.astype(np.int64))


def restricted_mean(curve: Curve, until: float) -> tuple[float, float]:
    """The mean time without event up to `until`, and its standard error (Irwin; Greenwood)."""
    inside = curve.times < until
    edges = np.concatenate([[0.0], curve.times[inside], [until]])
    steps = np.concatenate([[1.0], curve.survival[inside]]) * np.diff(edges)
    left = np.cumsum(steps[::-1])[::-1][1:]  # the area from each event on
    hazard = np.diff(np.concatenate([[0.0], curve.hazard[inside]]))
    safe = np.isfinite(hazard)
    return float(steps.sum()), float(np.sqrt((left[safe] ** 2 * hazard[safe]).sum()))


def horizon(real: Followed, synthetic: Followed) -> float:
    """How far curves are compared: to the earlier of the two last times; 0 where there is none."""
    if min(len(real.time), len(synthetic.time)) == 0:
        return 0.0
    return float(min(real.time.max(), synthetic.time.max()))


def distance(real: Followed, synthetic: Followed) -> tuple[float, float, float]:
    """The mean absolute distance of the two curves, 0 to 1, and its 95 % interval."""
    when = (np.arange(GRID) + 0.5) / GRID * horizon(real, synthetic)

    def left_out(table: Followed) -> Iterator[Floats]:
        group = groups(len(table.time))
        for g in range(int(group.max()) + 1):
            kept = group != g
            yield kaplan_meier(table.time[kept], table.event[kept]).at(when)

    ours, theirs = (kaplan_meier(t.time, t.event).at(when) for t in (real, synthetic))
    value = float(np.abs(ours - theirs).mean())
    errors = [
        jackknife(np.array([np.abs(c - other).mean() for c in left_out(table)]))
        for table, other in ((real, theirs), (synthetic, ours))
    ]
    error = Z * float(np.hypot(errors[0], errors[1]))
    return value, max(0.0, value - error), min(1.0, value + error)


def drawn(
    table: Followed, *, time: str, event: str, whose: Literal["real", "synthetic"], arm: str = "",
    unit: str = "",
) -> KaplanMeier:  # fmt: skip
    """A curve with its band, thinned to at most 200 steps, even in their number."""
    curve = kaplan_meier(table.time, table.event)
    survival = np.concatenate([[1.0], curve.survival])
    at_risk = np.concatenate([[len(table.time)], curve.at_risk])
    low, high = _band(curve)
    times = np.concatenate([[0.0], curve.times])
    keep = np.unique(np.linspace(0, len(times) - 1, STEPS).astype(np.int64))
    return KaplanMeier(
        time=time, event=event, table=whose, arm=arm, rows=len(table.time), unit=unit,
        times=tuple(times[keep].tolist()), survival=tuple(survival[keep].tolist()),
        low=tuple(low[keep].tolist()), high=tuple(high[keep].tolist()),
        at_risk=tuple(at_risk[keep].tolist()),
    )  # fmt: skip


def _band(curve: Curve) -> tuple[Floats, Floats]:
    """Log-log limits; (1, 1) at 0, and (0, 0) once nobody is left."""
    s = curve.survival
    inside = (s > 0) & (s < 1) & np.isfinite(curve.hazard)
    log = np.log(np.where(inside, s, 0.5))
    width = Z * np.sqrt(np.where(inside, curve.hazard, 0.0)) / log
    low = np.where(inside, np.exp(log * np.exp(-width)), s)
    high = np.where(inside, np.exp(log * np.exp(width)), s)
    return np.concatenate([[1.0], low]), np.concatenate([[1.0], high])
