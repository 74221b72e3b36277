"""Mechanisms: the only ways in which a patient may be read, each with its price.

A mechanism here is a value: it says what is released, how often, with what sensitivity and what
noise. It is made by the plan before any file is opened; the vault performs it; the accountant
prices it. Nothing is typed in by hand in between.

Relation: null replacement (one patient's rows become an all-zero contribution, n public). All
releases are sums over patients, so the curves are those of add/remove-one.

Symbols: σ noise multiplier (noise sd / L2 sensitivity), q chance that a patient is in a batch,
T steps, Δ sensitivity, μ the parameter of Gaussian differential privacy, ρ of zCDP.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import exp, sqrt
from typing import Any

import dp_accounting as dpa
from dp_accounting.pld import privacy_loss_distribution as pld
from scipy.optimize import minimize_scalar
from scipy.stats import binom, norm

Loss = Any  # dp_accounting.pld.privacy_loss_distribution.PrivacyLossDistribution, untyped


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Integer tables with discrete Gaussian noise: histograms and marginals.

    A patient adds at most 1 to one cell in each of at most `tables` tables, so one release is
    `tables` discrete Gaussians of sensitivity 1 in composition.

    Attributes:
        name: What is released, such as "one-way".
        sd: Standard deviation of the noise on each cell, in patients.
        tables: Tables that one patient can touch in one release.
        count: Number of releases.

    Source: Canonne, Kamath and Steinke (2020), arXiv:2004.00010, Theorem 14 (zCDP).
    """

    name: str
    sd: float
    tables: int = 1
    count: int = 1

    @property
    def mu(self) -> float:
        """μ of all releases together."""
        return sqrt(self.tables * self.count) / self.sd

    @property
    def delta(self) -> float:
        """Probability mass outside the noise's guarantee: none."""
        return 0.0

    def loss(self, interval: float) -> Loss:
        """Privacy loss distribution of all releases, pessimistic."""
        k = self.tables * self.count
        if self.sd < 3:
            one = pld.from_discrete_gaussian_mechanism(
                self.sd, value_discretization_interval=interval
            )
            return one.self_compose(k) if k > 1 else one
        # The loss depends on the sum S of the k noises alone: (2S - k) / 2sd². At sd ≥ 3 S is a
        # discrete Gaussian of variance k·sd² up to a factor 1 ± e^(-2π²·9), so the whole is one
        # discrete Gaussian of sensitivity k, rounded to the loss grid once instead of k times.
        return pld.from_discrete_gaussian_mechanism(
            self.sd * sqrt(k), sensitivity=k, value_discretization_interval=interval
        )

    def event(self) -> dpa.DpEvent:
        """The same for the Rényi accountant."""
        return dpa.GaussianDpEvent(1 / self.mu)


@dataclass(frozen=True, kw_only=True)
class Levels:
    """Noisy counts of values that were not declared, kept only above a threshold.

    Each patient contributes one value to each column, and one release is one column. A value held
    by one patient alone shows with probability at most Φ(-(τ - 1.5)/sd): a discrete Gaussian's
    tail from the integer k on is below the continuous one's from k - ½. That is charged to δ.

    Attributes:
        name: What is released.
        sd: Noise on each count, in patients.
        threshold: τ: a value is published if its noisy count exceeds it.
        count: Columns searched.

    Source: stability-based histograms, Bun, Nissim and Stemmer (2016); Gaussian form derived.
    """

    name: str
    sd: float
    threshold: float
    count: int = 1

    @property
    def mu(self) -> float:
        """μ of the counts."""
        return sqrt(self.count) / self.sd

    @property
    def delta(self) -> float:
        """Chance that some value held by one patient alone is published."""
        return float(self.count * norm.sf((self.threshold - 1.5) / self.sd))

    def loss(self, interval: float) -> Loss:
        """Privacy loss distribution of the counts; `delta` comes on top."""
        return pld.from_gaussian_mechanism(1 / self.mu, value_discretization_interval=interval)

    def event(self) -> dpa.DpEvent:
        """The same for the Rényi accountant; `delta` comes on top."""
        return dpa.GaussianDpEvent(1 / self.mu)


@dataclass(frozen=True, kw_only=True)
class SampledGaussian:
    """T noisy sums of clipped per-patient vectors over fresh secret truncated Poisson batches.

    Attributes:
        name: Which networks are trained.
        patients: n, at least the number of patients in the table.
        sampling_prob: q in (0, 1].
        batch_limit: Most patients in a batch; of a larger one, a uniform subset is kept.
        noise_multiplier: σ; the noise on each coordinate has standard deviation σ·C.
        clip_norm: C, the L2 norm one patient's vector may have.
        count: T.

    Source: Abadi et al. (2016), arXiv:1607.00133, Algorithm 1; truncation: Chua et al. (2024),
        arXiv:2411.04205.
    """

    name: str
    patients: int
    sampling_prob: float
    batch_limit: int
    noise_multiplier: float
    clip_norm: float
    count: int

    @property
    def mu(self) -> float:
        """μ ≈ q√T/σ, the central-limit approximation: a guide, never a claim."""
        return self.sampling_prob * sqrt(self.count) / self.noise_multiplier

    @property
    def delta(self) -> float:
        """Probability mass outside the noise's guarantee: none."""
        return 0.0

    @property
    def truncation(self) -> float:
        """Chance that any batch is cut: the distance to the law of batches without a limit."""
        return float(self.count * binom.sf(self.batch_limit, self.patients, self.sampling_prob))

    def loss(self, interval: float) -> Loss:
        """Privacy loss distribution of T steps whose batches have no limit, pessimistic."""
        if self.sampling_prob == 1.0:
            return pld.from_gaussian_mechanism(
                self.noise_multiplier / sqrt(self.count), value_discretization_interval=interval
            )
        one = pld.from_gaussian_mechanism(
            self.noise_multiplier,
            value_discretization_interval=interval,
            sampling_prob=self.sampling_prob,
        )
        return one.self_compose(self.count)

    def cut_loss(self, interval: float) -> Loss:
        """Privacy loss distribution of all T steps, truncation included, pessimistic."""
        if self.sampling_prob == 1.0:
            assert self.batch_limit >= self.patients, "a full batch cannot be cut"
            return self.loss(interval)
        one = pld.from_truncated_subsampled_gaussian_mechanism(
            dataset_size=self.patients,
            sampling_probability=self.sampling_prob,
            truncated_batch_size=self.batch_limit,
            noise_multiplier=self.noise_multiplier,
            value_discretization_interval=interval,
        )
        return one.self_compose(self.count)

    def event(self) -> dpa.DpEvent:
        """The same without truncation for the Rényi accountant."""
        step = dpa.PoissonSampledDpEvent(
            self.sampling_prob, dpa.GaussianDpEvent(self.noise_multiplier)
        )
        return dpa.SelfComposedDpEvent(step, self.count)


@dataclass(frozen=True, kw_only=True)
class Sums:
    """Sums over all patients of a vector clipped to L2 norm 1, with Gaussian noise.

    Attributes:
        name: What is summed.
        noise_multiplier: σ: the noise on each coordinate, in units of the most that one patient
            can move the sum.
        count: Number of releases.
    """

    name: str
    noise_multiplier: float
    count: int = 1

    @property
    def mu(self) -> float:
        """μ of all releases together."""
        return sqrt(self.count) / self.noise_multiplier

    @property
    def delta(self) -> float:
        """Probability mass outside the noise's guarantee: none."""
        return 0.0

    def loss(self, interval: float) -> Loss:
        """Privacy loss distribution of all releases, pessimistic."""
        return pld.from_gaussian_mechanism(1 / self.mu, value_discretization_interval=interval)

    def event(self) -> dpa.DpEvent:
        """The same for the Rényi accountant."""
        return dpa.GaussianDpEvent(1 / self.mu)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The exponential mechanism over a public list, scores of sensitivity Δ, Gumbel noise 2Δ/ε.

    It is ε-bounded-range: the log-likelihood ratio lies in some interval of length ε. Hence it is
    ε²/8-zCDP, and its trade-off curve lies above that of a Gaussian with `mu_of_choice(ε)`.

    Attributes:
        name: What is chosen.
        epsilon: ε of one choice.
        count: Number of choices.

    Source: Dong, Durfee and Rogers (2020), arXiv:1909.13830; Cesar and Rogers (2021), Lemma 3.2.
    """

    name: str
    epsilon: float
    count: int

    @property
    def mu(self) -> float:
        """μ of a Gaussian that dominates all choices together."""
        return sqrt(self.count) * mu_of_choice(self.epsilon)

    @property
    def delta(self) -> float:
        """Probability mass outside the guarantee: none."""
        return 0.0

    def loss(self, interval: float) -> Loss:
        """Privacy loss distribution of a Gaussian that dominates all choices."""
        return pld.from_gaussian_mechanism(1 / self.mu, value_discretization_interval=interval)

    def event(self) -> dpa.DpEvent:
        """The same for the Rényi accountant, as zCDP."""
        return dpa.ZCDpEvent(self.count * self.epsilon**2 / 8)


@dataclass(frozen=True, kw_only=True)
class Size:
    """The number of patients with discrete Laplace noise of scale 1/ε (relation add/remove).

    Attributes:
        name: "size".
        epsilon: ε.
        count: Number of releases.
    """

    name: str
    epsilon: float
    count: int = 1

    @property
    def mu(self) -> float:
        """μ of a Gaussian that dominates a pure ε mechanism (bounded range 2ε)."""
        return sqrt(self.count) * mu_of_choice(2 * self.epsilon)

    @property
    def delta(self) -> float:
        """Probability mass outside the guarantee: none."""
        return 0.0

    def loss(self, interval: float) -> Loss:
        """Privacy loss distribution, exact."""
        one = pld.from_discrete_laplace_mechanism(
            self.epsilon, value_discretization_interval=interval
        )
        return one.self_compose(self.count) if self.count > 1 else one

    def event(self) -> dpa.DpEvent:
        """The same for the Rényi accountant."""
        return dpa.SelfComposedDpEvent(dpa.LaplaceDpEvent(1 / self.epsilon), self.count)


Mechanism = Counts | Levels | SampledGaussian | Sums | Choice | Size


@lru_cache(maxsize=256)
def mu_of_choice(epsilon: float) -> float:
    """Smallest μ whose Gaussian trade-off curve lies below every ε-bounded-range mechanism's.

    A log-likelihood ratio in [t - ε, t] forces the trade-off curve above two lines that meet at
    α = (1 - e^(t-ε)) / (e^t - e^(t-ε)), β = 1 - e^t·α. The Gaussian curve passes below that
    corner iff μ ≥ Φ⁻¹(1 - α) - Φ⁻¹(β); the maximum over t in (0, ε) is at t = ε/2.

    Example:
        >>> round(mu_of_choice(1.0), 4)
        0.6239
    """

    def needed(t: float) -> float:
        alpha = (1 - exp(t - epsilon)) / (exp(t) - exp(t - epsilon))
        beta = 1 - exp(t) * alpha
        return float(norm.isf(alpha) - norm.ppf(beta))

    found = minimize_scalar(
        lambda t: -needed(t), bounds=(1e-3 * epsilon, (1 - 1e-3) * epsilon), method="bounded"
    )
    return max(needed(epsilon / 2), -float(found.fun))


def describe(mechanism: Mechanism) -> dict[str, Any]:
    """A mechanism as plain JSON values, with its kind."""
    return {"kind": type(mechanism).__name__, **vars(mechanism)}


KINDS: dict[str, type[Mechanism]] = {
    c.__name__: c for c in (Counts, Levels, SampledGaussian, Sums, Choice, Size)
}


def restore(stored: dict[str, Any]) -> Mechanism:
    """The inverse of `describe`."""
    fields = dict(stored)
    return KINDS[fields.pop("kind")](**fields)
