"""The roundest point of an interval, by brute force, and spikes that stay where they are."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from wardveil.encode.histogram import peaks, probabilities
from wardveil.schema.variable import Numeric
from wardveil.vault import Answer


def roundness(number):
    """More zeros are rounder; then a five before them; 0 is the roundest."""
    if number == 0:
        return (99, 1)
    zeros = 0
    while number % 10 == 0:
        number, zeros = number // 10, zeros + 1
    return (zeros, number % 5 == 0)


@given(st.integers(-3_000, 3_000), st.integers(1, 400), st.data())
def test_the_roundest_point_is_the_roundest(low, width, data):
    v = Numeric(name="x", low=low, high=low + 999, decimals=0, nullable=False)
    first = data.draw(st.integers(0, 999 - 1))
    last = min(first + width, 999)
    found = int(v.roundest(np.array([first]), np.array([last]))[0])
    assert first <= found <= last
    assert roundness(low + found) == max(roundness(low + i) for i in range(first, last + 1))


def test_zeros_of_a_long_range_stay_zeros():
    v = Numeric(name="cost", low=0, high=99_999, decimals=0, nullable=False)
    counts = np.full(v.size, 2.0)
    counts[0] = 9_000.0
    noisy = counts + 20 * np.random.default_rng(0).standard_normal(v.size)
    answer = Answer(counts=noisy, sd=20.0)
    p, peak = probabilities(v, answer, 10_000), peaks(v, answer)
    cell = np.random.default_rng(1).choice(v.size, 5_000, p=p).astype(np.int32)
    values = v.draw(cell, np.random.default_rng(2), peak)
    assert 0.85 < (values == 0).mean() < 0.95
    assert (peak[1:] < 0.5).mean() > 0.99
