"""Lease: the right to perform the mechanisms of one plan, each as often as planned.

The vault charges the lease before it answers. What is not in the plan cannot be asked. With a
ledger behind it, a block of uses is charged there, and on the disk, before the first is granted.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, Protocol

from wardveil.errors import Problem, VaultError
from wardveil.privacy.accountant import COARSE, by_loss
from wardveil.privacy.mechanism import Mechanism, SampledGaussian
from wardveil.privacy.plan import Plan

BLOCK: Final = 50
"""Steps charged at once: a crash costs at most one fewer than that too many."""


class Charged(Protocol):
    """Where uses are charged for good."""

    def advance(self, question: str, uses: int) -> None:
        """Charge a block of uses; returns only when it cannot be lost any more."""


class Lease:
    """Counts what was asked and refuses what was not planned.

    Attributes:
        plan: The plan.
        used: Question name -> times asked so far.
        asked: Name of the question asked last; "" before the first.
    """

    def __init__(
        self,
        plan: Plan,
        ledger: Charged | None = None,
        *,
        answered: Mapping[str, int] | None = None,
    ) -> None:
        """A lease over a plan.

        Args:
            plan: The plan.
            ledger: Where uses are charged.
            answered: Question -> uses that an earlier part of the run was charged for and whose
                answers are stored; they are not charged again.
        """
        self.plan = plan
        self.used: Counter[str] = Counter()
        self.asked = ""
        self._ledger = ledger if plan.private else None
        self._advanced: Counter[str] = Counter(answered or {})
        self._cost: dict[tuple[int, ...], float] = {}

    def charge(self, name: str) -> None:
        """Take one use of a question.

        Raises:
            VaultError: If the plan does not contain it, or not so often (E420, E423).
            LedgerError: If the ledger does not take the charge; nothing may be answered then.
        """
        planned = self.plan.question(name).count
        if self.used[name] >= planned:
            raise VaultError(
                Problem(
                    code="E423",
                    what=f"{name!r} is planned {planned} times and was asked once more.",
                )
            )
        if self._ledger is not None and self.used[name] >= self._advanced[name]:
            mechanism = self.plan.mechanism(name)
            block = BLOCK if isinstance(mechanism, SampledGaussian) else 1
            block = min(block, planned - self._advanced[name])
            self._ledger.advance(name, block)
            self._advanced[name] += block
        self.used[name] += 1
        self.asked = name

    def epsilon(self) -> float | None:
        """ε of what was asked so far, never behind; None without a guarantee.

        Uses are rounded up to fortieths of the plan, so that the figure is worked out forty times
        a mechanism and not at every step.
        """
        if not self.plan.private:
            return None
        counts = tuple(_ahead(self.used[m.name], m.count) for m in self.plan.mechanisms)
        if counts not in self._cost:
            done: list[Mechanism] = [
                replace(m, count=c)
                for m, c in zip(self.plan.mechanisms, counts, strict=True)
                if c > 0
            ]
            cost = by_loss(done, self.plan.budget.delta, interval=COARSE) if done else 0.0
            assert self.plan.spent is not None
            self._cost[counts] = min(cost, self.plan.spent.epsilon)
        return self._cost[counts]


def _ahead(used: int, planned: int) -> int:
    """Uses rounded up to the next fortieth of what was planned."""
    block = -(-planned // 40)
    return min(planned, -(-used // block) * block)
