"""Coefficients: would a statistician draw the same conclusions from the synthetic table?"""

from dataclasses import dataclass
from typing import Literal


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
    model: Literal["logistic", "linear", "cox"]
    terms: tuple[str, ...]
    real: tuple[float, ...]
    real_low: tuple[float, ...]
    real_high: tuple[float, ...]
    synthetic: tuple[float, ...]
    synthetic_low: tuple[float, ...]
    synthetic_high: tuple[float, ...]
    overlap: tuple[float, ...]
