"""Sums of clipped vectors are the mechanism the plan priced: clip, noise, what is told.

Tests of laws use fixed seeds and the level α = 0.001, so nothing flickers.
"""

from math import sqrt

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from conftest import cohort
from tests_support import table_of
from wardveil.audit import RecordingNoise
from wardveil.privacy import Budget, Lease, Moments, Plan, Sums, make_plan
from wardveil.vault import OpenVault, SeededNoise, Vault
from wardveil.vault import moments as module
from wardveil.vault.moments import clipped_products, clipped_total

ALPHA = 0.001
N = 40
SIGMA = 3.0


class Given:
    """Encodes patients by the number in their only column."""

    def __init__(self, matrix):
        self.matrix = torch.as_tensor(matrix, dtype=torch.float32)

    def encode(self, rows):
        return self.matrix[torch.from_numpy(rows["who"].astype(np.int64))]


def who(n):
    return {"who": np.arange(n, dtype=np.int32)}


def release(schema, matrix, kind, seed=1, sigma=SIGMA):
    """The answer, and what the noise was asked to hide."""
    noise = RecordingNoise(SeededNoise(seed))
    plan = Plan(
        budget=Budget(epsilon=1.0, delta=1e-5), n=N, relation="null",
        questions=(Moments(name="sums", share=1.0),),
        mechanisms=(Sums(name="sums", noise_multiplier=sigma),), spent=None,
    )  # fmt: skip
    rows = table_of(cohort(N), schema).rows | who(N)
    vault = Vault(rows, schema=schema, lease=Lease(plan), noise=noise)
    ask = vault.mean if kind == "mean" else vault.second_moments
    return ask(Given(matrix), name="sums"), noise.asked[0]


@given(
    st.integers(1, 60).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.integers(0, n - 1),
            st.integers(1, 6),
            st.integers(0, 2**31),
            st.sampled_from([1e-3, 0.5, 1.0, 10.0, 1e6, 1e30, np.inf, np.nan]),
        )
    )
)
@settings(max_examples=60, deadline=None)
def test_no_patient_moves_a_sum_further_than_the_limit(case):
    n, hostile, d, seed, length = case
    matrix = np.random.default_rng(seed).standard_normal((n, d)).astype(np.float32)
    matrix[hostile] *= np.float32(length)
    others = {"who": np.delete(np.arange(n, dtype=np.int32), hostile)}
    for clipped in (clipped_total, clipped_products):
        with_, without = (clipped(rows, Given(matrix), 0.99) for rows in (who(n), others))
        assert np.linalg.norm(with_ - without) <= 1.0


def test_chunks_add_up(monkeypatch):
    matrix = np.random.default_rng(0).standard_normal((50, 4))
    whole = clipped_products(who(50), Given(matrix), 1.0)
    monkeypatch.setattr(module, "CHUNK", 7)
    assert np.allclose(clipped_products(who(50), Given(matrix), 1.0), whole)


def test_short_patients_are_added_as_they_are_and_long_ones_cut(schema):
    matrix = np.diag([0.5, 4.0] + [0.0] * 3)[:, :2].repeat(1, axis=0)
    matrix = np.concatenate([matrix, np.zeros((N - 5, 2))])
    _, mean = release(schema, matrix, "mean")
    assert np.allclose(mean.value, [0.5, 0.99])
    _, second = release(schema, matrix, "second")
    assert np.allclose(second.value, [0.25, 0.0, 0.99])


@pytest.mark.parametrize("kind", ["mean", "second"])
def test_noise_is_as_planned_and_not_otherwise(schema, kind):
    d = 20_000 if kind == "mean" else 200
    answer, asked = release(schema, np.zeros((N, d)), kind)
    assert asked.scale == SIGMA
    told = answer.counts if kind == "mean" else answer.counts[np.triu_indices(d, k=1)]
    sd = SIGMA if kind == "mean" else SIGMA / sqrt(2)
    assert answer.sd == pytest.approx(sd)
    assert stats.kstest(told, stats.norm(scale=sd).cdf).pvalue > ALPHA
    assert stats.kstest(told, stats.norm(scale=1.07 * sd).cdf).pvalue < ALPHA


def test_second_moments_are_symmetric_and_told_once(schema):
    answer, asked = release(schema, np.full((N, 3), 0.1), "second")
    assert asked.value.shape == (6,)
    assert (answer.counts == answer.counts.T).all()
    assert np.linalg.norm(asked.value) == pytest.approx(N * 0.03, rel=1e-5)  # ‖x‖² a patient


def test_an_open_vault_clips_nobody(schema):
    budget = Budget(epsilon=float("inf"), delta=0.0)
    plan = make_plan([Moments(name="sums", share=1.0)], budget=budget, n=N)
    rows = table_of(cohort(N), schema).rows | who(N)
    vault = OpenVault(rows, schema=schema, lease=Lease(plan), noise=SeededNoise(1))
    answer = vault.second_moments(Given(np.full((N, 2), 3.0)), name="sums")
    assert np.allclose(answer.counts, 9 * N)
    assert answer.sd == 0
