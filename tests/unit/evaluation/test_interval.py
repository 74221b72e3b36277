import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import roc_auc_score

from wardveil.evaluation.interval import auc_interval, delong, groups, jackknife, wilson


@given(st.integers(1, 500), st.data())
def test_wilson_is_scipys(n, data):
    k = data.draw(st.integers(0, n))
    theirs = binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@given(st.integers(0, 10_000), st.integers(2, 60), st.integers(2, 60))
def test_auc_is_scikit_learns_with_ties_and_lies_in_its_interval(seed, m, n):
    rng = np.random.default_rng(seed)
    positive, negative = rng.integers(0, 6, m) * 1.0, rng.integers(0, 5, n) * 1.0
    auc, low, high = auc_interval(positive, negative)
    truth = np.repeat([1, 0], [m, n])
    assert auc == pytest.approx(roc_auc_score(truth, np.concatenate([positive, negative])))
    assert 0 <= low <= auc <= high <= 1


def test_delongs_error_is_the_spread_over_samples():
    rng = np.random.default_rng(0)
    found = [delong(rng.normal(1, 1, 80), rng.normal(0, 1, 120)) for _ in range(400)]
    # The spread of 400 values is known to 1 / sqrt(800) = 3.5 %; four such errors.
    assert np.mean([e for _, e in found]) == pytest.approx(np.std([a for a, _ in found]), rel=0.15)


def test_the_jackknife_of_a_mean_is_its_standard_error():
    x = np.random.default_rng(1).normal(size=4_000)
    group = groups(len(x))
    assert np.bincount(group).min() == 200
    left = np.array([x[group != g].mean() for g in range(20)])
    # 19 degrees of freedom: four errors of 1 / sqrt(38).
    assert jackknife(left) == pytest.approx(x.std() / np.sqrt(len(x)), rel=0.65)
