"""Share: which mechanism took which part of the budget, from the plan of a statement."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wardveil.privacy.mechanism import Counts, Levels, restore
from wardveil.privacy.plan import noise_of


@dataclass(frozen=True, kw_only=True)
class Share:
    """One mechanism's part.

    Attributes:
        name: What was asked.
        count: How often.
        noise: The noise in words.
        share: Part of the budget, 0 to 1: its μ² over that of the whole plan. ε itself does not
            add up, μ² does for what is Gaussian and nearly for the rest.
        error: Standard deviation of the noise on one count, as a share of the patients; None
            where no counts were asked for.
    """

    name: str
    count: int
    noise: str
    share: float
    error: float | None = None


def shares(plan: Mapping[str, Any]) -> tuple[Share, ...]:
    """The mechanisms of a plan in its order; () when there is no guarantee."""
    mechanisms = [restore(dict(m)) for m in plan["mechanisms"]]
    total = sum(m.mu**2 for m in mechanisms)
    return tuple(
        Share(name=m.name, count=m.count, noise=noise_of(m), share=m.mu**2 / total,
              error=m.sd / plan["patients"] if isinstance(m, Counts | Levels) else None)
        for m in mechanisms
    )  # fmt: skip
