"""Trajectory: a measurement over the visits of a study, by arm."""

from dataclasses import dataclass
from typing import Literal


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
