"""Noise and coins have their stated law, and another law would be noticed.

Every test here states its level: α = 0.001 for the right law, and the same test applied to the
wrong law must reject at α = 0.001. Seeds are fixed, so nothing flickers.
"""

import numpy as np
import pytest
import torch
from scipy import stats

from wardveil.vault import SecretNoise, SeededNoise

ALPHA = 0.001


def accepted(sample, law) -> bool:
    return stats.kstest(sample, law.cdf).pvalue > ALPHA


def source(grade):
    return SecretNoise() if grade == "release" else SeededNoise(3)


def discrete_gaussian_pvalue(sample, sd):
    """χ² of integers against a discrete Gaussian, tails pooled."""
    edge = int(2.5 * sd)
    support = np.arange(-edge, edge + 1)
    mass = np.exp(-(support**2) / (2 * sd**2))
    mass /= np.exp(-(np.arange(-20 * edge, 20 * edge) ** 2) / (2 * sd**2)).sum()
    observed = np.array([(sample == k).sum() for k in support] + [(abs(sample) > edge).sum()])
    expected = len(sample) * np.append(mass, 1 - mass.sum())
    return stats.chisquare(observed, expected).pvalue


@pytest.mark.parametrize("grade", ["release", "seeded"])
def test_counts_get_discrete_gaussian_noise_and_not_another(grade):
    sd = 4.0
    noise = source(grade).counts(np.full(20_000, 7, dtype=np.int64), sd) - 7
    assert noise.dtype == np.int64
    assert discrete_gaussian_pvalue(noise, sd) > ALPHA / 10  # one in 10⁴ runs of the secret source
    assert discrete_gaussian_pvalue(noise, 1.1 * sd) < ALPHA


def test_each_cell_has_its_own_noise():
    noise = SecretNoise()
    first = noise.counts(np.zeros((60, 60), dtype=np.int64), 30.0)
    second = noise.counts(np.zeros((60, 60), dtype=np.int64), 30.0)
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 5 / 60
    assert abs(np.corrcoef(first[:, :-1].ravel(), first[:, 1:].ravel())[0, 1]) < 5 / 60
    assert len(np.unique(first)) > 50


def test_the_lattice_carries_the_planned_noise_and_not_another():
    total = torch.zeros(40_000, dtype=torch.float64)
    noisy = SeededNoise(1).lattice(total, 3.0).numpy()
    assert accepted(noisy, stats.norm(scale=3.0))
    assert not accepted(noisy, stats.norm(scale=3.3))
    assert abs(noisy.var() / 9 - 1) < 3.3 * (2 / 40_000) ** 0.5  # α = 0.001
    assert abs(noisy.var() / 3.1**2 - 1) > 3.3 * (2 / 40_000) ** 0.5
    assert not accepted(noisy / 3.0, stats.t(df=6))


def test_the_lattice_has_the_same_support_whatever_the_sum():
    g = 3.0 * 2.0**-20
    for value in (0.0, 1 / 3, -1234.567):
        noisy = SeededNoise(1).lattice(torch.full((100,), value, dtype=torch.float64), 3.0).numpy()
        steps = noisy / g
        assert np.abs(steps - np.rint(steps)).max() < 1e-3
        assert abs(np.median(noisy) - value) < 1.5


def test_the_sum_itself_arrives():
    total = torch.linspace(-5, 5, 1000, dtype=torch.float64)
    draws = torch.stack([SeededNoise(k).lattice(total, 0.1) for k in range(200)])
    assert (draws.mean(dim=0) - total).abs().max() < 6 * 0.1 / 200**0.5


def test_uniforms_are_uniform_and_coins_fall_at_their_rate():
    noise = SeededNoise(5)
    assert accepted(noise.uniforms(50_000), stats.uniform())
    sizes = [len(noise.coins(1000, 0.1)) for _ in range(400)]
    assert stats.binomtest(sum(sizes), 400_000, 0.1).pvalue > ALPHA
    assert stats.binomtest(sum(sizes), 400_000, 0.103).pvalue < ALPHA
    assert np.var(sizes) == pytest.approx(90, rel=0.3)  # binomial, not a fixed size


def test_batches_of_different_steps_are_independent():
    noise = SeededNoise(6)
    member = np.zeros((300, 200))
    for step in range(300):
        member[step, noise.coins(200, 0.3)] = 1
    lag = np.mean((member[1:] - 0.3) * (member[:-1] - 0.3)) / 0.21
    assert abs(lag) < 5 / np.sqrt(299 * 200)
    assert stats.chisquare(member.sum(axis=0)).pvalue > ALPHA


def test_one_patient_more_shifts_nobody_elses_coin():
    assert np.array_equal(SeededNoise(8).uniforms(100), SeededNoise(8).uniforms(101)[:100])


@pytest.mark.parametrize("grade", ["release", "seeded"])
def test_selection_follows_the_exponential_mechanism(grade):
    """P(k) ∝ exp(ε·score / 2Δ): χ² on 4,000 choices, and a doubled ε is noticed."""
    noise, scores = source(grade), np.array([0.0, 1.0, 2.0, 4.0])
    picks = np.bincount([noise.select(scores, 2.0, 1.5) for _ in range(4000)], minlength=4)
    law = np.exp(1.5 * scores / 4)
    wrong = np.exp(3.0 * scores / 4)
    assert stats.chisquare(picks, 4000 * law / law.sum()).pvalue > ALPHA / 10
    assert stats.chisquare(picks, 4000 * wrong / wrong.sum()).pvalue < ALPHA


@pytest.mark.parametrize("grade", ["release", "seeded"])
def test_the_size_gets_laplace_noise(grade):
    noise = source(grade)
    drawn = np.array([noise.laplace(100, 0.5) - 100 for _ in range(3000)])
    assert np.abs(drawn).mean() == pytest.approx(2.0, rel=0.15)
    assert stats.kurtosis(drawn) > 1.5  # a Gaussian has 0


def test_secret_noise_cannot_be_repeated():
    assert not np.array_equal(SecretNoise().uniforms(50), SecretNoise().uniforms(50))
    with pytest.raises(TypeError):
        SecretNoise(seed=1)
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    first = SecretNoise().lattice(torch.zeros(50), 1.0)
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002
    assert not torch.equal(first, SecretNoise().lattice(torch.zeros(50), 1.0))
