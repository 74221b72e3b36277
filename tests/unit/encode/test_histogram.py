"""Noisy histograms become distributions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wardveil.encode.histogram import haar_shrink, probabilities, restrict, simplex
from wardveil.schema.variable import Levelled, Numeric
from wardveil.vault import Answer

COUNTS = arrays(np.float64, st.integers(1, 70), elements=st.floats(-500, 5000))


@given(counts=COUNTS, total=st.floats(0.5, 1e5))
def test_the_projection_is_a_distribution(counts, total):
    p = simplex(counts, total)
    assert (p >= 0).all()
    assert p.sum() == pytest.approx(total, rel=1e-6)


@given(counts=COUNTS)
def test_the_projection_keeps_the_order_and_distributions_as_they_are(counts):
    p = simplex(counts, 100.0)
    order = np.argsort(counts, kind="stable")
    assert (np.diff(p[order]) >= -1e-9).all()
    assert np.allclose(simplex(p, 100.0), p, atol=1e-6)


@given(counts=COUNTS)
def test_without_noise_nothing_is_shrunk(counts):
    assert np.array_equal(haar_shrink(counts, 0.0), counts)


def test_noise_is_smoothed_away_and_a_spike_stays():
    rng = np.random.default_rng(0)
    truth = 2000 * np.exp(-((np.arange(256) - 90) ** 2) / 800)
    truth[200] += 4000
    sd = 60.0
    noisy = truth + sd * rng.standard_normal(256)
    smooth = haar_shrink(noisy, sd)
    away = np.arange(256) != 200
    assert np.abs(smooth - truth)[away].mean() < 0.6 * np.abs(noisy - truth)[away].mean()
    assert smooth[200] > 3000


def test_an_empty_tail_stays_empty():
    """Clipping negative cells at zero would put 0.4·sd·500 patients into nowhere."""
    variable = Numeric(name="x", low=0, high=511, decimals=0, nullable=False)
    truth = np.zeros(512)
    truth[:20] = 100.0
    noisy = truth + 30 * np.random.default_rng(1).standard_normal(512)
    p = probabilities(variable, Answer(counts=noisy, sd=30.0), 2000)
    clipped = np.maximum(noisy, 0) / np.maximum(noisy, 0).sum()
    assert p[40:].sum() < 0.15 < 0.5 < clipped[40:].sum()


def test_a_flag_needs_only_the_number_set():
    flag = Levelled(name="d=a", levels=("0", "1"), nullable=False)
    assert probabilities(flag, Answer(counts=np.array([25.0]), sd=3.0), 100).tolist() == [
        0.75,
        0.25,
    ]


def test_what_was_never_seen_can_still_be_asked_for():
    sex = Levelled(name="sex", levels=("f", "m"), nullable=True)
    p = restrict(sex, np.array([1.0, 0.0, 0.0]), np.array([False, True, True]))
    assert p.tolist() == [0.0, 1.0, 0.0]
