"""Design: what a study knows of its columns and no schema says."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Design:
    """How a study was laid out.

    Attributes:
        arm: The column that curves and trajectories are split by; "" for no split. It has at
            most 12 levels.
        visits: Measurement -> its columns, one a visit, in order of time.
        groups: Columns whose levels are judged one by one; where there are none, the columns
            that the schema marks as `condition`, and the arm.
        orders: Pairs (a, b) of numeric columns for which a <= b must hold in every patient,
            such as diastolic and systolic pressure.
    """

    arm: str = ""
    visits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    orders: tuple[tuple[str, str], ...] = ()
