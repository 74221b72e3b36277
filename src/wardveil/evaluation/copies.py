"""Copies: synthetic rows that are somebody's, and how near the nearest patient is."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Rows equal in every compared column, and distances to the closest real row.

    Distances to the closest record are no measure of privacy: tables that pass them have been
    attacked with success (arXiv 2505.01524). They are drawn last, as a smoke test for copying.

    Attributes:
        synthetic: Share of synthetic rows equal to a row they were made from.
        holdout: Share of held-out rows equal to such a row: what chance does.
        repeated: Share of synthetic rows equal to another synthetic row.
        repeated_real: The same in the real table.
        closer: Share of synthetic rows nearer to a row they were made from than to any of as
            many held-out rows; 0.5 is what chance does.
        dcr: Deciles, 0 to 10, of the distance from a synthetic row to the closest real one.
        dcr_holdout: The same from held-out rows to the real ones.
    """

    synthetic: float
    holdout: float
    repeated: float
    repeated_real: float
    closer: float
    dcr: tuple[float, ...]
    dcr_holdout: tuple[float, ...]
