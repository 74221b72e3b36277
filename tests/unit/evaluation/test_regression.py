import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress
from sklearn.linear_model import LogisticRegression

from wardveil.evaluation.coefficients import coefficients, overlap
from wardveil.evaluation.prepared import prepare
from wardveil.evaluation.regression import linear, logistic


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_logistic_estimates_are_scikit_learns_without_penalty(seed):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(300, 3))
    y = (X @ [0.8, -0.5, 0.0] + rng.logistic(size=300) > 0.3).astype(float)
    ours = logistic(X, y)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1_000).fit(X, y)
    assert ours.estimate == pytest.approx(theirs.coef_[0], abs=1e-3)
    A = np.column_stack([np.ones(300), X])
    p = theirs.predict_proba(X)[:, 1]
    error = np.sqrt(np.diag(np.linalg.inv((A * (p * (1 - p))[:, None]).T @ A)))
    assert ours.error == pytest.approx(error[1:], rel=1e-3)


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_a_linear_slope_and_its_error_are_scipys(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=80)
    y = 2 * x + rng.normal(size=80)
    ours, theirs = linear(x[:, None], y), linregress(x, y)
    assert ours.estimate[0] == pytest.approx(theirs.slope, rel=1e-4)
    assert ours.error[0] == pytest.approx(theirs.stderr, rel=1e-4)


def test_a_term_that_separates_the_outcomes_stays_finite():
    x = np.linspace(-1, 1, 50)
    found = logistic(x[:, None], (x > 0).astype(float))
    assert np.isfinite(found.estimate).all()
    assert np.isfinite(found.error).all()


def test_overlap_is_1_for_the_same_interval_0_for_touching_ones_and_below_for_others():
    low, high = np.array([0.0, 0.0, 0.0, 0.0]), np.array([1.0, 1.0, 1.0, 1.0])
    other = np.array([0.0, 1.0, 3.0, 0.5]), np.array([1.0, 2.0, 4.0, 1.5])
    assert overlap((low, high), other) == pytest.approx([1.0, 0.0, -2.0, 0.5])


def test_the_same_table_has_the_same_coefficients_and_rare_levels_are_no_terms(frame, schema):
    tables = prepare(frame, frame.assign(sex=frame["sex"].to_numpy()[::-1]), schema=schema)
    same = coefficients(tables[0], tables[0], target="died", model="logistic", event=("", "1"))
    assert same is not None
    assert same.overlap == pytest.approx([1.0] * len(same.terms))
    assert "age" in same.terms
    assert not any(term.startswith("died") or term.endswith("?") for term in same.terms)
    other = coefficients(tables[0], tables[1], target="died", model="logistic", event=("", "1"))
    assert other is not None
    assert min(other.overlap) < 1
