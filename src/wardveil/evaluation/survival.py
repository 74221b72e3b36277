"""Survival: Kaplan-Meier curves, restricted means and hazard ratios of both tables."""

from dataclasses import dataclass, field
from typing import Literal


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
