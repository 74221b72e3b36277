"""Plan: a budget and a list of questions become mechanisms, before any file is opened.

The plan is a function of public facts only: schema, number of patients, model settings, budget.
One number is searched, the μ of the whole run; every question gets its share of μ², its noise is
rounded up, and the whole list is composed once. What is spent is decided here, never during
training.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any, Literal

from scipy.stats import norm

from wardveil.errors import BudgetError, Problem, VaultError
from wardveil.privacy.accountant import COARSE, FINE, Spent, roughly, spent
from wardveil.privacy.budget import Budget
from wardveil.privacy.mechanism import (
    Choice,
    Counts,
    Levels,
    Mechanism,
    SampledGaussian,
    Size,
    Sums,
    describe,
)
from wardveil.privacy.question import Gradients, Question

Relation = Literal["null", "add-remove"]

SMALLEST_NOISE = 0.5
"""Below this noise multiplier amplification by sampling is fragile; such plans are refused."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that will be asked of the patients in one run.

    Attributes:
        budget: What may be spent.
        n: Number of patients the plan was made for; public (a rough one under add/remove).
        relation: "null": one patient's rows become null, n public. "add-remove": n is bought.
        questions: What the model asks, in order.
        mechanisms: How each is answered, same order; () when no guarantee is asked for.
        spent: What all mechanisms cost together; None when no guarantee is asked for.
        remarks: Decisions taken from public facts, in sentences, for the statement.
    """

    budget: Budget
    n: int
    relation: Relation
    questions: tuple[Question, ...]
    mechanisms: tuple[Mechanism, ...]
    spent: Spent | None
    remarks: tuple[str, ...] = ()

    @property
    def private(self) -> bool:
        """Whether the run gives a guarantee."""
        return self.budget.private

    def question(self, name: str) -> Question:
        """The question of that name."""
        for q in self.questions:
            if q.name == name:
                return q
        raise VaultError(Problem(code="E420", what=f"The plan contains no question {name!r}."))

    def mechanism(self, name: str) -> Mechanism:
        """The mechanism that answers the question of that name."""
        for m in self.mechanisms:
            if m.name == name:
                return m
        raise VaultError(Problem(code="E420", what=f"The plan contains no mechanism {name!r}."))

    def rest(self, answered: Mapping[str, int]) -> "Plan":
        """What is left of the plan when some questions were answered before a stop."""
        left = [
            (replace(q, count=q.count - answered.get(q.name, 0)), m)
            for q, m in zip(self.questions, self.mechanisms, strict=True)
            if q.count > answered.get(q.name, 0)
        ]
        mechanisms = tuple(replace(m, count=q.count) for q, m in left)
        return replace(
            self,
            questions=tuple(q for q, _ in left),
            mechanisms=mechanisms,
            spent=spent(mechanisms, self.budget.delta),
        )

    def counting_twice(self, again: Mapping[str, int]) -> "Plan":
        """The plan that was carried out when some questions may have been answered once more.

        An answer computed just before a stop and not stored was seen by nobody, but it cannot be
        ruled out, so the statement pays for it.
        """
        if not again:
            return self
        mechanisms = tuple(
            replace(m, count=m.count + again.get(m.name, 0)) for m in self.mechanisms
        )
        times = sum(again.values())
        remark = (
            f"The run was stopped and went on {times} time{'s' if times > 1 else ''}; the question "
            "after each stop is counted twice."
        )
        return replace(
            self,
            mechanisms=mechanisms,
            spent=spent(mechanisms, self.budget.delta),
            remarks=(*self.remarks, remark),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "epsilon": self.spent.epsilon if self.spent else None,
            "delta": self.budget.delta,
            "asked_epsilon": self.budget.epsilon if self.private else None,
            "patients": self.n,
            "relation": self.relation,
            "accountants": {"PLD": self.spent.pld, "RDP": self.spent.rdp} if self.spent else {},
            "stated": self.spent.accountant if self.spent else None,
            "mechanisms": [describe(m) for m in self.mechanisms],
            "remarks": list(self.remarks),
        }

    def __str__(self) -> str:
        if self.spent is None:
            head = f"{self.n} patients · no guarantee (ε = ∞): every question is answered exactly"
            lines = [f"  {q.name:<22} × {q.count}" for q in self.questions]
            return "\n".join([head, *lines, *(f"  {r}" for r in self.remarks)])
        total = sum(m.mu**2 for m in self.mechanisms) or 1.0
        head = (
            f"{self.n} patients · ε {self.spent.epsilon:.4f} of {self.budget.epsilon:g} "
            f"({self.spent.accountant}) · δ {self.budget.delta:g} · relation: {self.relation}"
        )
        lines = [
            f"  {m.name:<12} × {m.count:<6} {m.mu**2 / total:6.1%} of the budget   {noise_of(m)}"
            for m in self.mechanisms
        ]
        signals = [
            signal_sentence(q.signal(self.n, self.mechanism(q.name).mu))
            for q in self.questions
            if isinstance(q, Gradients)
        ]
        return "\n".join([head, *lines, *(f"  {s}" for s in (*signals, *self.remarks))])


def noise_of(mechanism: Mechanism) -> str:
    """The noise of a mechanism in words."""
    match mechanism:
        case Counts(sd=sd):
            return f"± {sd:.4g} patients on each cell"
        case Levels(sd=sd, threshold=threshold):
            return f"± {sd:.4g} patients, shown above {threshold:.4g}"
        case SampledGaussian(noise_multiplier=sigma, sampling_prob=q):
            return f"σ = {sigma:.4g}, a patient is in a step with chance {q:.4g}"
        case Sums(noise_multiplier=sigma):
            return f"± {sigma:.4g} times the most that one patient can move"
        case Choice(epsilon=epsilon):
            return f"ε = {epsilon:.4g} a choice"
        case Size(epsilon=epsilon):
            return f"Laplace noise, ε = {epsilon:.4g}"


def signal_sentence(signal: float) -> str:
    """What the signal law n·μ/√(p·T) says, in a sentence."""
    verdict = "the critic can learn" if signal >= 0.5 else "noise would drown the critic"
    return f"A training step's signal is at most {signal:.2g} of its noise: {verdict}."


def make_plan(
    questions: Sequence[Question],
    *,
    budget: Budget,
    n: int,
    relation: Relation = "null",
    remarks: Sequence[str] = (),
) -> Plan:
    """The plan that spends the budget on the questions, each according to its share.

    Args:
        questions: At least one, with distinct names; shares are normalised to sum to 1.
        budget: (ε, δ).
        n: Number of patients, public.
        relation: See `Plan`.
        remarks: Sentences to carry into the statement.

    Returns:
        A plan whose composed cost is at most ε; for a budget of ε = ∞, one without mechanisms.

    Raises:
        BudgetError: If no noise level in reach meets the budget (E404), it would take a noise
            multiplier below 0.5 (E405), or a given one costs more than the budget (E406).
    """
    fixed = {
        "budget": budget, "n": n, "relation": relation,
        "questions": tuple(questions), "remarks": tuple(remarks),
    }  # fmt: skip
    if not budget.private:
        return Plan(mechanisms=(), spent=None, **fixed)  # type: ignore[arg-type]

    def at(mu: float) -> tuple[Mechanism, ...]:
        total = sum(q.share for q in questions)
        return tuple(q.mechanism(mu * sqrt(q.share / total), budget.delta) for q in questions)

    _refuse_given(questions, budget)
    given = any(isinstance(q, Gradients) and q.noise_multiplier is not None for q in questions)
    mu = _largest_mu(at, budget, FINE if given else COARSE)
    mechanisms = at(mu)
    cost = spent(mechanisms, budget.delta)
    while cost.epsilon > budget.epsilon:  # the fine grid may see a hair more than the coarse one
        mu *= 0.9995
        mechanisms = at(mu)
        cost = spent(mechanisms, budget.delta)
    for m in mechanisms:
        if isinstance(m, SampledGaussian) and m.noise_multiplier < SMALLEST_NOISE:
            raise BudgetError(
                Problem(
                    code="E405",
                    what=f"The noise multiplier must be at least {SMALLEST_NOISE}, "
                    f"found {m.noise_multiplier:g} for {m.name!r}.",
                    where="plan",
                    do=("Ask for a smaller epsilon, or for more or larger steps.",),
                )
            )
    return Plan(mechanisms=mechanisms, spent=cost, **fixed)  # type: ignore[arg-type]


def _refuse_given(questions: Sequence[Question], budget: Budget) -> None:
    """Noise that was fixed beforehand must fit into the budget (E406)."""
    given = [q for q in questions if isinstance(q, Gradients) and q.noise_multiplier is not None]
    cost = spent([q.mechanism(1.0, budget.delta) for q in given], budget.delta)
    if cost.epsilon <= budget.epsilon:
        return
    told = "; ".join(
        f"{q.count} steps of {q.name!r} with σ = {q.noise_multiplier:g} and a patient in a step "
        f"with chance {q.sampling_prob:.4g}"
        for q in given
    )
    raise BudgetError(
        Problem(
            code="E406",
            what=f"A given noise multiplier must cost at most ε = {budget.epsilon:g} at "
            f"δ = {budget.delta:g}, and costs {cost.epsilon:.4f}: {told}.",
            where="noise_multiplier",
            do=("Raise epsilon or the noise, or make fewer steps.",
                "Leave noise_multiplier out: it then follows from epsilon."),
        )
    )  # fmt: skip


def _largest_mu(
    at: Callable[[float], tuple[Mechanism, ...]], budget: Budget, interval: float
) -> float:
    """μ of the whole run, by bisection on a geometric scale around the Gaussian's μ."""

    def fits(mu: float) -> bool:
        return roughly(at(mu), budget.delta, interval=interval) <= budget.epsilon

    guess = gaussian_mu(budget)
    low, high = 0.7 * guess, 1.2 * guess
    while not fits(low):
        low, high = low / 3, low
        if low < guess / 100:
            raise BudgetError(
                Problem(
                    code="E404",
                    what=f"No noise level meets ε = {budget.epsilon:g} at δ = {budget.delta:g} "
                    "for this list of questions.",
                    where="plan",
                    do=("Raise epsilon or delta, or ask fewer questions.",),
                )
            )
    while high < 4 * guess and fits(high):
        low, high = high, 1.5 * high
    while high / low > 1.0005:
        middle = sqrt(low * high)
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def gaussian_mu(budget: Budget) -> float:
    """μ of the Gaussian mechanism that is exactly (ε, δ)-private.

    δ = Φ(-ε/μ + μ/2) - e^ε Φ(-ε/μ - μ/2)

    Source: Balle and Wang (2018), arXiv:1805.06530, Theorem 8.
    """
    low, high = 1e-4, 60.0
    for _ in range(60):
        mu = sqrt(low * high)
        a, b = -budget.epsilon / mu + mu / 2, -budget.epsilon / mu - mu / 2
        delta = norm.cdf(a) - float(norm.sf(-b)) * _exp(budget.epsilon)
        low, high = (mu, high) if delta <= budget.delta else (low, mu)
    return low


def _exp(x: float) -> float:
    """e^x, capped where a float ends."""
    return float(2.718281828459045 ** min(x, 700.0))
