"""Measure: one figure of the evidence, with its ruler and its interval."""

from dataclasses import dataclass
from typing import Final, Literal

Family = Literal["fidelity", "utility", "survival", "trajectory", "risk"]
Better = Literal["lower", "higher", "near"]

FAMILIES: Final[tuple[Family, ...]] = ("fidelity", "utility", "survival", "trajectory", "risk")


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One number about a synthetic table, and what is needed to read it.

    Attributes:
        name: Stable and in snake_case: its name in JSON. Unique together with `of`.
        of: The target, time, measurement or code the figure is about; "" when about the table.
        family: Which part of the evidence it belongs to.
        label: What it is called, in words.
        value: The figure for the synthetic table, finite.
        low: Lower end of the 95 % interval; None where no interval was made.
        high: Upper end of it.
        interval_of: How the interval was made; "" where there is none.
        chance: Ends of the middle 95 % of what chance would give a perfect table; None where
            that is not known.
        ruler: The same figure for real rows; None where real rows cannot have one.
        perfect: The value that a perfect table would have, were the tables endless.
        better: Whether lower or higher is better, or `near` the perfect value.
        note: What the number means, in one sentence for a clinician.
    """

    name: str
    of: str = ""
    family: Family
    label: str
    value: float
    low: float | None = None
    high: float | None = None
    interval_of: str = ""
    chance: tuple[float, float] | None = None
    ruler: float | None = None
    perfect: float
    better: Better = "lower"
    note: str
