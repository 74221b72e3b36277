"""Moments: noise is set apart from what it cannot be."""

import numpy as np
import pytest

from wardveil.encode.moments import denoised, factors, wiener


def noisy(true, sd, seed):
    noise = np.triu(sd * np.random.default_rng(seed).standard_normal(true.shape), 1)
    return true + noise + noise.T


def error(found, true):
    apart = ~np.eye(len(true), dtype=bool)
    return float(np.sqrt(((found - true)[apart] ** 2).mean()))


def two_causes(d=40):
    loadings = np.random.default_rng(3).standard_normal((d, 2)) / 3
    return loadings @ loadings.T


def test_moments_are_shrunk_where_noise_explains_them_and_kept_where_not():
    rng, d, sd = np.random.default_rng(0), 40, 0.1
    loading = np.where(np.arange(d) < 10, 1.0, 0.0)
    true = np.outer(loading, loading)
    noise = np.triu(sd * rng.standard_normal((d, d)), 1)
    found = wiener(true + noise + noise.T, sd, np.arange(d), np.ones(d))
    apart = ~np.eye(d, dtype=bool)
    assert np.abs((found - true)[:10, :10][apart[:10, :10]]).mean() < 1.2 * sd
    assert np.abs(found[10:, 10:]).mean() < 0.3 * sd
    assert (np.diag(found) == 0).all()


def test_what_was_told_more_precisely_is_believed_though_all_else_is_noise() -> None:
    """A target's coordinate is multiplied by 3: its pairs stand out, no other pair does."""
    rng = np.random.default_rng(9)
    d, sd = 25, 0.1
    scale = np.where(np.arange(d) == 0, 3.0, 1.0)
    true = np.zeros((d, d))
    true[0, 1:] = true[1:, 0] = 3 * 0.1 * rng.choice([-1, 1], d - 1)
    noise = np.triu(sd * rng.standard_normal((d, d)), 1)
    found = wiener(true + noise + noise.T, sd, np.arange(d), scale)
    assert (found[0, 1:] * true[0, 1:]).sum() > 0.5 * (true[0, 1:] ** 2).sum()
    assert np.abs(found[1:, 1:]).mean() < 0.5 * np.abs(noise + noise.T)[1:, 1:].mean()


def test_without_noise_second_moments_stay_as_they_are() -> None:
    moments = np.arange(9.0).reshape(3, 3)
    moments += moments.T
    found = wiener(moments, 0.0, np.array([0, 0, 1]), np.ones(3))
    assert (found == np.where([[0, 0, 1], [0, 0, 1], [1, 1, 0]], moments, 0.0)).all()


def test_a_few_causes_are_found_whatever_stands_in_the_blocks_of_one_owner():
    true, sd = two_causes(), 0.05
    blocks = np.arange(40) // 2
    found = factors(noisy(true, sd, 1) + 100 * np.kron(np.eye(20), np.ones((2, 2))), sd, blocks)
    assert np.linalg.matrix_rank(found, tol=1e-9) == 2
    apart = blocks[:, None] != blocks[None, :]
    assert np.sqrt(((found - true)[apart] ** 2).mean()) < 0.5 * sd


def test_noise_alone_has_no_causes():
    """Fewer than 1 in 20 of 200 draws pass the edge of what noise reaches."""
    d, sd = 30, 1.0
    draws = [factors(noisy(np.zeros((d, d)), sd, k), sd, np.arange(d)) for k in range(200)]
    assert sum(found.any() for found in draws) < 10


@pytest.mark.parametrize("true", [two_causes(), np.where(
    np.random.default_rng(5).random((40, 40)) < 0.02, 0.5, 0.0)])  # fmt: skip
def test_both_views_together_are_nearer_than_entry_by_entry_or_not_much_farther(true):
    true = (true + true.T) / 2
    np.fill_diagonal(true, 0.0)
    one, owner, sd = np.ones(40), np.arange(40), 0.05
    ours, alone = [], []
    for k in range(20):
        F = noisy(true, sd, k)
        ours.append(error(denoised(F, sd, owner, one), true))
        alone.append(error(wiener(F, sd, owner, one), true))
    assert np.mean(ours) < 1.1 * np.mean(alone)
    assert np.mean(ours) < 0.8 * sd


def test_without_noise_both_views_keep_everything():
    moments = two_causes()
    np.fill_diagonal(moments, 0.0)
    assert (denoised(moments, 0.0, np.arange(40), np.ones(40)) == moments).all()
