"""Lease: the right to perform the mechanisms of one plan, each as often as planned.

The vault charges the lease before it answers. What is not in the plan cannot be asked.
"""

from collections import Counter
from dataclasses import replace

from wardveil.errors import Problem, VaultError
from wardveil.privacy.accountant import COARSE, by_loss
from wardveil.privacy.mechanism import Mechanism
from wardveil.privacy.plan import Plan


class Lease:
    """Counts what was asked and refuses what was not planned.

    Attributes:
        plan: The plan.
        used: Question name -> times asked so far.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.used: Counter[str] = Counter()
        self._cost: dict[tuple[int, ...], float] = {}

    def charge(self, name: str) -> None:
        """Take one use of a question.

        Raises:
            VaultError: If the plan does not contain it, or not so often (E420, E423).
        """
        planned = self.plan.question(name).count
        if self.used[name] >= planned:
            raise VaultError(
                Problem(
                    code="E423",
                    what=f"{name!r} is planned {planned} times and was asked once more.",
                )
            )
        self.used[name] += 1

    def epsilon(self, *, block: int = 50) -> float | None:
        """ε of what was asked so far, counted in whole blocks ahead; None without a guarantee.

        Args:
            block: Uses are rounded up to multiples of this, so the figure never lags behind.
        """
        if not self.plan.private:
            return None
        counts = tuple(
            min(m.count, -(-self.used[m.name] // block) * block) for m in self.plan.mechanisms
        )
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
