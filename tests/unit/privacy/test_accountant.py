"""Two accountants against closed forms, against each other, and against independent libraries."""

from math import exp, inf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from opacus.accountants import PRVAccountant, RDPAccountant
from scipy.stats import norm

from wardveil.privacy import Choice, Counts, Levels, SampledGaussian, Size, spent
from wardveil.privacy.accountant import ORDERS
from wardveil.privacy.mechanism import describe, mu_of_choice, restore


def gaussian_delta(mu: float, epsilon: float) -> float:
    """Balle and Wang (2018), Theorem 8."""
    return float(norm.cdf(-epsilon / mu + mu / 2) - exp(epsilon) * norm.cdf(-epsilon / mu - mu / 2))


@pytest.mark.parametrize(("sd", "tables"), [(50.0, 24), (8.0, 1), (2.5, 2), (120.0, 300)])
def test_counts_cost_what_the_gaussian_closed_form_says(sd, tables):
    cost = spent([Counts(name="a", sd=sd, tables=tables)], 1e-5)
    at = gaussian_delta(sqrt(tables) / sd, cost.pld)
    above = gaussian_delta(sqrt(tables) / sd, cost.pld * 1.02)
    assert above < 1e-5  # 2 % more ε would be too much to pay
    assert at == pytest.approx(1e-5, rel=0.05)
    assert cost.rdp >= cost.pld


def sampled(q: float, sigma: float, steps: int, n: int = 100_000) -> SampledGaussian:
    return SampledGaussian(
        name="g", patients=n, sampling_prob=q, batch_limit=n, noise_multiplier=sigma,
        clip_norm=1.0, count=steps,
    )  # fmt: skip


@pytest.mark.filterwarnings("ignore:Optimal order is the largest alpha")  # Opacus' own grid
@pytest.mark.parametrize(("q", "sigma", "steps"), [(0.01, 1.0, 500), (0.1, 6.0, 300)])
def test_sampled_gaussian_agrees_with_an_independent_accountant(q, sigma, steps):
    other = PRVAccountant()
    other.history = [(sigma, q, steps)]
    expected = other.get_epsilon(delta=1e-5, eps_error=0.005)
    assert spent([sampled(q, sigma, steps)], 1e-5).pld == pytest.approx(expected, abs=0.015)


@pytest.mark.parametrize(("q", "sigma", "steps"), [(0.01, 1.0, 500), (0.1, 6.0, 300)])
def test_the_renyi_bound_is_that_of_an_independent_accountant(q, sigma, steps):
    other = RDPAccountant()
    other.history = [(sigma, q, steps)]
    expected = other.get_epsilon(delta=0.999e-5, alphas=list(ORDERS))
    assert spent([sampled(q, sigma, steps)], 1e-5).rdp == pytest.approx(expected, rel=0.01)


def test_full_batches_are_a_plain_gaussian():
    one = spent([sampled(1.0, 20.0, 4)], 1e-5).pld
    assert gaussian_delta(2 / 20.0, one) == pytest.approx(1e-5, rel=0.05)


def test_a_batch_limit_that_bites_costs_more():
    loose = SampledGaussian(name="g", patients=1000, sampling_prob=0.1, batch_limit=300,
                            noise_multiplier=8.0, clip_norm=1.0, count=100)  # fmt: skip
    tight = SampledGaussian(**{**vars(loose), "batch_limit": 100})
    assert spent([tight], 1e-5).pld > 1.05 * spent([loose], 1e-5).pld
    assert spent([tight], 1e-5).rdp == inf  # the Rényi bound is for untruncated batches


@given(epsilon=st.floats(0.001, 8.0), t=st.floats(0.001, 0.999))
def test_a_choice_is_dominated_by_its_gaussian(epsilon, t):
    """Every two-point mechanism of bounded range ε has its corner above the Gaussian curve."""
    t, mu = t * epsilon, mu_of_choice(epsilon)
    alpha = (1 - exp(t - epsilon)) / (exp(t) - exp(t - epsilon))
    beta = 1 - exp(t) * alpha
    assert norm.cdf(norm.isf(alpha) - mu) <= beta + 1e-9


def test_the_price_of_a_choice_is_not_padded():
    assert mu_of_choice(1.0) < 0.63  # √(2·ε²/8) = 0.5 is the zCDP price; pure ε would be 1.0


def test_a_choice_costs_less_than_its_pure_epsilon():
    cost = spent([Choice(name="c", epsilon=0.1, count=50)], 1e-5)
    assert cost.epsilon < 5.0 / 2
    assert cost.epsilon == min(cost.pld, cost.rdp)


def test_the_threshold_is_charged_to_delta():
    safe = Levels(name="l", sd=50.0, threshold=400.0, count=2)
    rash = Levels(name="l", sd=50.0, threshold=100.0, count=2)
    assert safe.delta < 1e-11
    assert rash.delta == pytest.approx(2 * norm.sf(98.5 / 50))
    assert spent([rash], 1e-5).epsilon == inf


def test_size_costs_its_epsilon():
    assert spent([Size(name="n", epsilon=0.1)], 1e-9).pld == pytest.approx(0.1, abs=0.002)


def test_composition_is_less_than_the_sum():
    parts = [Counts(name="a", sd=40.0, tables=20), sampled(0.1, 12.0, 500)]
    together = spent(parts, 1e-5).epsilon
    apart = sum(spent([p], 1e-5).epsilon for p in parts)
    assert together < 0.9 * apart
    assert together > max(spent([p], 1e-5).epsilon for p in parts)


@pytest.mark.parametrize(
    "mechanism",
    [
        Counts(name="a", sd=3.0, tables=2, count=5), Choice(name="c", epsilon=0.1, count=2),
        Levels(name="l", sd=5.0, threshold=9.0, count=1), Size(name="n", epsilon=0.5),
        sampled(0.1, 3.0, 7),
    ],
)  # fmt: skip
def test_a_mechanism_survives_storage(mechanism):
    assert restore(describe(mechanism)) == mechanism


def test_noise_buys_privacy_monotonically():
    costs = [spent([Counts(name="a", sd=s)], 1e-5).pld for s in np.geomspace(2, 200, 8)]
    assert costs == sorted(costs, reverse=True)
