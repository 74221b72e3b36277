"""Mechanisms + δ → ε, twice: by privacy loss distributions and by Rényi divergences.

Both are upper bounds, so the smaller one may be stated; the statement says which it is. On plans
made of Gaussians alone the Rényi bound can never be below the other: if it is, something is
broken and nothing is stated.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from math import exp, inf, sqrt

from dp_accounting import rdp
from dp_accounting.pld import privacy_loss_distribution as pld

from wardveil.errors import BudgetError, Problem
from wardveil.privacy.mechanism import Choice, Loss, Mechanism, SampledGaussian, Size

FINE = 1e-4
COARSE = 1e-3
LEAST_NOISE = 0.3
"""Noise multipliers below this are not searched: no plan may use them, and their loss
distributions are too wide to compute."""
KEPT = 1e-3
"""Share of δ kept for batches that may be cut; what it costs is far below the fine grid."""
ORDERS = (*range(2, 64), *range(64, 513, 16))
"""Whole Rényi orders: their subsampling bound is a finite sum; fractional ones may diverge."""


@dataclass(frozen=True, kw_only=True)
class Spent:
    """ε at one δ, by two accountants.

    Attributes:
        epsilon: The smaller of the two.
        accountant: Which one: "PLD" or "RDP".
        pld: ε by privacy loss distributions.
        rdp: ε by Rényi divergences.
    """

    epsilon: float
    accountant: str
    pld: float
    rdp: float


def spent(mechanisms: Sequence[Mechanism], delta: float, *, interval: float = FINE) -> Spent:
    """ε that a list of mechanisms costs together at δ.

    Args:
        mechanisms: All of them; an empty list costs nothing.
        delta: δ in (0, 1).
        interval: Grid of the privacy loss distributions; rounding is always upwards.

    Raises:
        BudgetError: If the two accountants disagree in order (E409).
    """
    if not mechanisms:
        return Spent(epsilon=0.0, accountant="PLD", pld=0.0, rdp=0.0)
    left = delta - sum(m.delta for m in mechanisms)
    by_pld = by_loss(mechanisms, delta, interval=interval)
    if left <= 0:
        return Spent(epsilon=inf, accountant="PLD", pld=inf, rdp=inf)
    by_rdp = _renyi(mechanisms, left)
    gaussian_only = not any(isinstance(m, Choice | Size) for m in mechanisms)
    if gaussian_only and by_rdp < by_pld - 50 * interval:
        raise BudgetError(
            Problem(
                code="E409",
                what=f"The accountants disagree: RDP {by_rdp:.4f} is below PLD {by_pld:.4f}.",
                do=("Nothing was spent. Report this: it is a fault in the program.",),
            )
        )
    smaller = "RDP" if by_rdp < by_pld else "PLD"
    return Spent(epsilon=min(by_pld, by_rdp), accountant=smaller, pld=by_pld, rdp=by_rdp)


def by_loss(mechanisms: Sequence[Mechanism], delta: float, *, interval: float = FINE) -> float:
    """ε by privacy loss distributions alone.

    Where cut batches are too unlikely to matter they cost a thousandth of δ, and the simpler law
    is priced; otherwise the truncated law itself is.
    """
    left = delta - sum(m.delta for m in mechanisms)
    if left <= 0:
        return inf
    epsilon = _read([m.loss(interval) for m in mechanisms], (1 - KEPT) * left)
    if _uncut(mechanisms, epsilon, left):
        return epsilon
    cut = [
        m.cut_loss(interval) if isinstance(m, SampledGaussian) else m.loss(interval)
        for m in mechanisms
    ]
    return _read(cut, left)


def _read(losses: Sequence[Loss], delta: float) -> float:
    """ε of composed losses at δ."""
    total = reduce(lambda a, b: a.compose(b), losses)
    return float(total.get_epsilon_for_delta(delta))


def _uncut(mechanisms: Sequence[Mechanism], epsilon: float, delta: float) -> bool:
    """Whether what was kept of δ pays for pricing batches as if they had no limit.

    If a mechanism is within total variation η of one that is (ε, δ')-private, it is
    (ε, δ' + (1 + e^ε) η)-private.
    """
    cut = sum(m.truncation for m in mechanisms if isinstance(m, SampledGaussian))
    return (1 + exp(min(epsilon, 700.0))) * cut <= KEPT * delta


def roughly(mechanisms: Sequence[Mechanism], delta: float, *, interval: float = COARSE) -> float:
    """ε to three digits, quickly: everything unsampled as one Gaussian, batches never cut.

    For searching only; what is stated comes from `spent`. Millions of steps need a finer grid.
    """
    left = delta - sum(m.delta for m in mechanisms)
    if left <= 0:
        return inf
    sampled = [m for m in mechanisms if isinstance(m, SampledGaussian)]
    if any(m.noise_multiplier < LEAST_NOISE for m in sampled):
        return inf
    mu = sqrt(sum(m.mu**2 for m in mechanisms if not isinstance(m, SampledGaussian)))
    losses = [m.loss(interval) for m in sampled]
    if mu > 0:
        losses.append(pld.from_gaussian_mechanism(1 / mu, value_discretization_interval=interval))
    return _read(losses, left)


def _renyi(mechanisms: Sequence[Mechanism], delta: float) -> float:
    """ε by Rényi divergences; ∞ where cut batches are too likely for the bound to stand."""
    accountant = rdp.RdpAccountant(orders=ORDERS)
    for m in mechanisms:
        accountant.compose(m.event())
    epsilon = float(accountant.get_epsilon((1 - KEPT) * delta))
    return epsilon if _uncut(mechanisms, epsilon, delta) else inf
