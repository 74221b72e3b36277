"""What mechanisms cost in a ledger: Rényi divergence at one order, in whole numbers.

An account sums divergences at one order α that is fixed when it is opened. Such a sum may be
compared with a cap even when later runs are chosen after the answers of earlier ones were seen;
sums of ε, or the best of many orders afterwards, may not.

    ε(R) = R + ln(1 - 1/α) - ln(α δ') / (α - 1),   δ' = 0.8 δ

The other fifth of δ pays for what lies outside the divergence: thresholds of bought levels, and
batches that were cut. Prices are whole numbers, rounded up, so that sums are exact and do not
depend on their order.

Source: Feldman and Zrnic (2021), arXiv:2008.11193, Theorem 4.3 (filter at a fixed order);
    Canonne, Kamath and Steinke (2020), arXiv:2004.00010, Proposition 12 (conversion).
"""

from dataclasses import dataclass, replace
from math import ceil, exp, floor, log, log1p
from typing import Final

from dp_accounting import rdp

from wardveil.errors import LedgerError, Problem
from wardveil.privacy.mechanism import Mechanism, SampledGaussian

PER_NAT: Final = 10**12
"""Units in one nat of divergence."""
PER_ONE: Final = 10**24
"""Units in a probability of 1."""
FINER: Final = 10**24
"""Units of the distance `cut` in one of those: it weighs e^ε."""
CONVERTED: Final = 0.8
"""Share of δ that the conversion from divergence to ε uses."""
ORDERS: Final = (*range(2, 64), *range(64, 513, 16), 1024, 2048)


@dataclass(frozen=True, kw_only=True)
class Price:
    """What was or may be taken from an account; whole numbers ≥ 0.

    Attributes:
        divergence: Rényi divergence at the account's order, in 10⁻¹² nats.
        outside: Probability that a mechanism's promise does not hold, in 10⁻²⁴.
        cut: Distance to the sampling law that was priced, in 10⁻⁴⁸; weighs 1 + e^ε.
    """

    divergence: int = 0
    outside: int = 0
    cut: int = 0

    def __add__(self, other: "Price") -> "Price":
        return Price(
            divergence=self.divergence + other.divergence,
            outside=self.outside + other.outside,
            cut=self.cut + other.cut,
        )

    def times(self, uses: int) -> "Price":
        """The price of several uses."""
        return Price(
            divergence=self.divergence * uses, outside=self.outside * uses, cut=self.cut * uses
        )


@dataclass(frozen=True, kw_only=True)
class Cap:
    """The most an account may carry.

    Attributes:
        epsilon: ε > 0 of everything together.
        delta: δ in (0, 1) of everything together.
        order: α ≥ 2, fixed when the account was opened.
    """

    epsilon: float
    delta: float
    order: int

    @property
    def divergence(self) -> int:
        """The largest divergence whose ε(R) is at most the cap's; 0 if there is none."""
        return max(0, floor((self.epsilon - _offset(self.order, self.delta)) * PER_NAT))

    def carries(self, total: Price) -> bool:
        """Whether everything together stays within (ε, δ)."""
        return total.divergence <= self.divergence and self._outside(total) <= self._spare

    def share(self, total: Price) -> float:
        """The part of the cap that is taken, 1 when full."""
        return max(
            total.divergence / max(1, self.divergence), self._outside(total) / max(1, self._spare)
        )

    @property
    def _spare(self) -> int:
        return floor((1 - CONVERTED) * self.delta * PER_ONE)

    def _outside(self, total: Price) -> int:
        weighed = ceil(1 + exp(min(self.epsilon, 700.0))) * total.cut
        return total.outside - (-weighed // FINER)


def cap_of(epsilon: float, delta: float) -> Cap:
    """The cap with the order at which it carries the most Gaussian releases.

    Args:
        epsilon: ε > 0, finite.
        delta: δ in (0, 1).

    Raises:
        LedgerError: No order makes anything of it, or a figure is out of range (E412).

    Example:
        >>> cap_of(1.0, 1e-5).order
        18
    """
    usable = 0 < epsilon < float("inf") and 0 < delta < 1
    best = max(ORDERS, key=lambda a: (epsilon - _offset(a, delta)) / a) if usable else 2
    cap = Cap(epsilon=epsilon, delta=delta, order=best)
    if not usable or cap.divergence <= 0:
        raise LedgerError(
            Problem(
                code="E412",
                what=f"A cap needs a finite ε above 0 and δ between 0 and 1 that leave room for "
                f"a run, found ε = {epsilon:g}, δ = {delta:g}.",
                where="cap",
                do=("Choose a larger ε, such as 3, or a larger δ.",),
            )
        )
    return cap


def price(mechanism: Mechanism, order: int) -> Price:
    """What one use of a mechanism costs at an order, rounded up."""
    one = replace(mechanism, count=1)
    accountant = rdp.RdpAccountant(orders=[order])
    accountant.compose(one.event())
    cut = one.truncation if isinstance(one, SampledGaussian) else 0.0
    return Price(
        divergence=ceil(float(accountant.rdp[0]) * PER_NAT),
        outside=ceil(one.delta * PER_ONE),
        cut=ceil(cut * PER_ONE * FINER),
    )


def _offset(order: int, delta: float) -> float:
    """ε(R) - R."""
    return log1p(-1 / order) - log(order * CONVERTED * delta) / (order - 1)
