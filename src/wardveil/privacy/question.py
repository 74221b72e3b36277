"""Questions: what a model wants to know of the patients, before any noise is chosen.

A model lists its questions from public facts alone. Each states the share of the budget it
should get; the plan turns the whole list into mechanisms. Shares are of μ² (equivalently of ρ),
because independent Gaussian releases add in μ²: 15 % for histograms costs training 8 % more noise.
"""

from bisect import bisect_left
from dataclasses import dataclass
from math import exp, floor, log10, sqrt

from scipy.stats import binom, norm

from wardveil.privacy.mechanism import (
    Choice,
    Counts,
    Levels,
    Mechanism,
    SampledGaussian,
    Size,
    Sums,
)

MOST_EPSILON = 50.0
"""ε up to which a cut batch, which weighs e^ε, costs next to nothing."""


def round_up(x: float, digits: int = 4) -> float:
    """x rounded up to a number of significant digits, so that noise never shrinks."""
    unit = 10.0 ** (floor(log10(x)) - digits + 1)
    return float(-(-x // unit) * unit) if x > 0 else x


def round_down(x: float, digits: int = 4) -> float:
    """x rounded down to a number of significant digits, so that a price never grows."""
    unit = 10.0 ** (floor(log10(x)) - digits + 1)
    return float(x // unit * unit)


@dataclass(frozen=True, kw_only=True)
class Histograms:
    """All one-way histograms at once.

    Attributes:
        tables: Histograms one patient can touch.
        share: Share of μ².
        name: The question's name.
    """

    tables: int
    share: float
    name: str = "one-way"
    count: int = 1

    def mechanism(self, mu: float, delta: float) -> Mechanism:  # noqa: ARG002
        """The mechanism that answers at μ."""
        return Counts(name=self.name, sd=round_up(sqrt(self.tables) / mu), tables=self.tables)


@dataclass(frozen=True, kw_only=True)
class Moments:
    """First or second moments of a vector that stands for each patient.

    Attributes:
        share: Share of μ².
        name: The question's name.
    """

    share: float
    name: str
    count: int = 1

    def mechanism(self, mu: float, delta: float) -> Mechanism:  # noqa: ARG002
        """The mechanism that answers at μ."""
        return Sums(name=self.name, noise_multiplier=round_up(1 / mu))


@dataclass(frozen=True, kw_only=True)
class Marginals:
    """`count` joint tables of a few variables each.

    Attributes:
        count: Number of tables.
        share: Share of μ² of all of them together.
        name: The question's name.
    """

    count: int
    share: float
    name: str = "marginal"

    def mechanism(self, mu: float, delta: float) -> Mechanism:  # noqa: ARG002
        """The mechanism that answers at μ."""
        return Counts(name=self.name, sd=round_up(sqrt(self.count) / mu), count=self.count)


@dataclass(frozen=True, kw_only=True)
class Choices:
    """`count` selections of the table a model knows worst.

    Attributes:
        count: Number of selections.
        share: Share of ρ = μ²/2 of all of them together.
        name: The question's name.
    """

    count: int
    share: float
    name: str = "choice"

    def mechanism(self, mu: float, delta: float) -> Mechanism:  # noqa: ARG002
        """The mechanism that answers at μ: ε²/8 a choice equals μ²/2 in all."""
        return Choice(
            name=self.name, epsilon=round_down(2 * mu / sqrt(self.count)), count=self.count
        )


@dataclass(frozen=True, kw_only=True)
class Gradients:
    """T noisy gradients of networks that see patients.

    Attributes:
        patients: n, public.
        batch: q·n, expected patients in a step's batch, at most n.
        count: T.
        clip_norm: C.
        parameters: p, how many numbers are trained; for the signal law.
        share: Share of μ²; without meaning where the noise is given.
        name: The question's name.
        noise_multiplier: σ, if it was fixed beforehand; the others share what is left of the
            budget.
    """

    patients: int
    batch: float
    count: int
    clip_norm: float
    parameters: int
    share: float
    name: str = "gradient"
    noise_multiplier: float | None = None

    @property
    def sampling_prob(self) -> float:
        """q, the chance of each patient to be in a step's batch."""
        return min(1.0, self.batch / self.patients)

    def mechanism(self, mu: float, delta: float) -> Mechanism:
        """The mechanism that answers at μ ≈ q√T/σ, or with the given noise.

        The batch limit is the smallest at which the chance that any of the T batches is cut
        stays below 10⁻⁹ δ e^-50: fixed shapes at no cost, in accounts of ε up to 50 as well.
        """
        q = self.sampling_prob
        sigma = self.noise_multiplier or round_up(q * sqrt(self.count) / mu)
        tail = min(0.5, 1e-9 * delta / self.count * exp(-MOST_EPSILON))
        # binom.isf answers n for tails below 10⁻¹⁶; binom.sf is exact there.
        limit = 1 + bisect_left(
            range(self.patients), -tail, key=lambda k: -float(binom.sf(k, self.patients, q))
        )
        return SampledGaussian(
            name=self.name,
            patients=self.patients,
            sampling_prob=q,
            batch_limit=min(limit, self.patients),
            noise_multiplier=sigma,
            clip_norm=self.clip_norm,
            count=self.count,
        )

    def signal(self, n: int, mu: float) -> float:
        """The signal law: a step's gradient over its noise is at most n·μ/√(p·T)."""
        return n * mu / sqrt(self.parameters * self.count)


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Histograms on a public logarithmic grid, to find bounds that were not declared.

    Attributes:
        tables: Columns whose bounds are bought.
        share: Share of μ².
        name: The question's name.
    """

    tables: int
    share: float
    name: str = "bounds"
    count: int = 1

    def mechanism(self, mu: float, delta: float) -> Mechanism:  # noqa: ARG002
        """The mechanism that answers at μ."""
        return Counts(name=self.name, sd=round_up(sqrt(self.tables) / mu), tables=self.tables)


@dataclass(frozen=True, kw_only=True)
class OpenLevels:
    """Values of columns whose levels were not declared, kept where enough patients share them.

    Attributes:
        count: Columns whose levels are bought, one at a time.
        share: Share of μ².
        name: The question's name.
    """

    count: int
    share: float
    name: str = "levels"

    def mechanism(self, mu: float, delta: float) -> Mechanism:
        """The mechanism that answers at μ; a tenth of δ pays for the threshold."""
        sd = round_up(sqrt(self.count) / mu)
        threshold = round_up(1.5 + sd * float(norm.isf(delta / 10 / self.count)))
        return Levels(name=self.name, sd=sd, threshold=threshold, count=self.count)


@dataclass(frozen=True, kw_only=True)
class Patients:
    """The number of patients, bought when it is not public.

    Attributes:
        share: Share of μ².
        name: The question's name.
    """

    share: float = 0.01
    name: str = "size"
    count: int = 1

    def mechanism(self, mu: float, delta: float) -> Mechanism:  # noqa: ARG002
        """The mechanism that answers at about μ."""
        return Size(name=self.name, epsilon=round_down(mu * 1.5))


Question = Histograms | Moments | Marginals | Choices | Gradients | Bounds | OpenLevels | Patients
