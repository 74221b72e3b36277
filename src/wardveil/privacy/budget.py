"""What may be spent: (ε, δ), per patient."""

from dataclasses import dataclass
from math import floor, inf, isfinite, isnan, log10

from wardveil.errors import BudgetError, Problem


@dataclass(frozen=True, kw_only=True)
class Budget:
    """An upper bound on what a run may reveal of one patient.

    Attributes:
        epsilon: ε > 0, in nats; `math.inf` asks for no guarantee at all.
        delta: δ in [0, 1), the chance that the bound fails; 0 only with ε = ∞.

    Raises:
        BudgetError: If either is out of range.
    """

    epsilon: float
    delta: float

    def __post_init__(self) -> None:
        problems = []
        if isnan(self.epsilon) or self.epsilon <= 0:
            problems.append(
                Problem(
                    code="E401",
                    what=f"epsilon must be above 0, found {self.epsilon:g}.",
                    where="epsilon",
                    do=("Common choices are 0.5 to 10; `inf` means no guarantee.",),
                )
            )
        if self.private and not 0 < self.delta < 1:
            problems.append(
                Problem(
                    code="E402",
                    what=f"delta must lie strictly between 0 and 1, found {self.delta:g}.",
                    where="delta",
                    do=("Leave it out: the default is 1/n^1.5 rounded down to a power of ten.",),
                )
            )
        if problems:
            raise BudgetError(problems)

    @property
    def private(self) -> bool:
        """Whether a guarantee is asked for."""
        return isfinite(self.epsilon)

    @classmethod
    def for_patients(cls, n: int, epsilon: float, delta: float | None = None) -> "Budget":
        """The budget for n patients, with the house's rules for δ.

        δ = 10^⌊log₁₀ n^-1.5⌋ unless given; a given δ must be at most 1/(10 n), because a
        mechanism that publishes each patient with probability δ reveals n·δ of them.

        Args:
            n: Number of patients, at least 2; public.
            epsilon: ε > 0 or `math.inf`.
            delta: δ, or None for the default.

        Raises:
            BudgetError: If ε or δ is out of range, or δ is above 1/(10 n).

        Example:
            >>> Budget.for_patients(1629, 1.0).delta
            1e-05
        """
        if epsilon == inf:
            return cls(epsilon=inf, delta=0.0)
        if delta is None:
            return cls(epsilon=epsilon, delta=float(f"1e{floor(-1.5 * log10(n))}"))
        budget = cls(epsilon=epsilon, delta=delta)
        if delta > 1 / (10 * n):
            raise BudgetError(
                Problem(
                    code="E403",
                    what=f"delta must be at most 1/(10 n) = {1 / (10 * n):.2g} "
                    f"for {n} patients, found {delta:g}.",
                    where="delta",
                    do=("Leave delta out, or choose a smaller one.",),
                )
            )
        return budget
