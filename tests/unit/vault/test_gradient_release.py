"""A gradient release is the mechanism the plan priced: batch, clip, noise, divisor, charge.

Tests of laws use fixed seeds and the level α = 0.001, so nothing flickers.
"""

from collections import Counter

import numpy as np
import pytest
import torch
from scipy import stats
from torch import nn

from conftest import cohort
from tests_support import table_of
from wardveil.audit import RecordingNoise
from wardveil.encode.bins import Bins
from wardveil.encode.histogram import distributions
from wardveil.errors import VaultError, WardveilError
from wardveil.privacy import Budget, Choice, Counts, Lease, Plan, SampledGaussian, Size, Sums
from wardveil.privacy.question import (
    Choices,
    Gradients,
    Histograms,
    Marginals,
    Moments,
    Patients,
)
from wardveil.vault import Part, SeededNoise, Vault

ALPHA = 0.001
N = 40


class Given:
    """Encodes all patients at once as the rows of a matrix that the test made up."""

    def __init__(self, matrix):
        self.matrix = matrix

    def encode(self, rows):
        return self.matrix


def gradient_plan(*, q=0.3, sigma=2.0, C=1.0, T=1, limit=N, relation="null"):
    asked = Gradients(patients=N, batch=q * N, count=T, clip_norm=C, parameters=1, share=1.0)
    priced = SampledGaussian(
        name="gradient", patients=N, sampling_prob=q, batch_limit=limit, noise_multiplier=sigma,
        clip_norm=C, count=T,
    )  # fmt: skip
    return Plan(
        budget=Budget(epsilon=1.0, delta=1e-5), n=N, relation=relation, questions=(asked,),
        mechanisms=(priced,), spent=None,
    )  # fmt: skip


def release(schema, matrix, T=1, seed=1, watch=None, bias=False, **settings):
    """What the noise was asked to hide in T steps on ℓ = Wx, whose gradient is the row itself."""
    noise = RecordingNoise(SeededNoise(seed))
    plan = gradient_plan(T=T, **settings)
    rows = table_of(cohort(N), schema).rows
    vault = Vault(rows, schema=schema, lease=Lease(plan), noise=noise)
    network = nn.Linear(matrix.shape[1], 1, bias=bias)
    encoder = Given(matrix)

    def unit(x):
        if watch is not None:
            watch(x)
        return [Part(network=network, inputs=(x,), loss=lambda out: out.squeeze(1))]

    answers = [vault.gradient(unit, encoder)[0]["weight"].flatten() for _ in range(T)]
    return torch.stack(answers).numpy(), noise.asked


@pytest.mark.parametrize("C", [0.25, 4.0])
def test_everybody_is_clipped_to_c_before_the_sum(schema, C):
    matrix = torch.randn(N, 30, generator=torch.Generator().manual_seed(0))
    _, (asked,) = release(schema, matrix, q=1.0, C=C)
    cut = (0.99 * C / matrix.norm(dim=1, keepdim=True)).clamp(max=1)
    assert np.allclose(asked.value, (matrix * cut).sum(dim=0), atol=1e-4)


@pytest.mark.parametrize("hostile", [1e9, 1e30, float("inf"), float("nan")])
def test_no_patient_moves_the_sum_further_than_c(schema, hostile):
    matrix = torch.ones(N, 5) / 10
    calm = release(schema, matrix, q=1.0, C=0.5)[1][0].value
    matrix[7] = hostile
    moved = release(schema, matrix, q=1.0, C=0.5)[1][0].value - calm
    assert np.linalg.norm(moved) <= 1.0  # from -C to +C


@pytest.mark.parametrize("C", [0.25, 4.0])
def test_noise_is_sigma_times_c_divided_by_the_planned_batch(schema, C):
    q, sigma, p = 0.3, 2.0, 20_000
    answer, (asked,) = release(schema, torch.zeros(N, p), q=q, sigma=sigma, C=C)
    assert asked.scale == sigma * C
    law = stats.norm(scale=sigma * C / (q * N))
    assert stats.kstest(answer[0], law.cdf).pvalue > ALPHA
    wrong = stats.norm(scale=1.07 * sigma * C / (q * N))
    assert stats.kstest(answer[0], wrong.cdf).pvalue < ALPHA


def test_a_sum_is_divided_by_the_planned_batch_whoever_came(schema):
    """Who is in carries 1 in one coordinate of 10: the answer minus noise is 1/(q n)."""
    q, sigma = 0.3, 1e-3
    answer, asked = release(schema, 5 * torch.eye(N), T=5, q=q, sigma=sigma, C=10.0)
    values = np.stack([a.value for a in asked])
    assert len(set((values > 1).sum(axis=1))) > 1  # batches differ in size, the divisor does not
    assert np.allclose(answer, values / (q * N), atol=6 * sigma * 10 / (q * N))


def test_when_nobody_comes_padding_counts_for_nothing_and_noise_is_released(schema):
    answer, (asked,) = release(schema, torch.ones(N, 6), q=1e-9, sigma=2.0, bias=True)
    assert (asked.value == 0).all()
    assert (answer != 0).all()


def test_each_step_draws_a_fresh_poisson_batch(schema):
    q, T = 0.3, 300
    _, asked = release(schema, torch.eye(N), T=T, q=q, C=10.0)
    member = np.stack([a.value for a in asked]) > 0.5  # (T, N): who was in each step
    assert stats.chisquare(member.sum(axis=0), np.full(N, member.sum() / N)).pvalue > ALPHA
    assert stats.binomtest(int(member.sum()), T * N, q).pvalue > ALPHA
    assert np.var(member.sum(axis=1)) == pytest.approx(q * (1 - q) * N, rel=0.3)
    centred = (member - q) / np.sqrt(q * (1 - q))
    for lag in (1, 2, 3, 5, 10):
        assert abs((centred[lag:] * centred[:-lag]).mean()) < 4 / np.sqrt((T - lag) * N)
    pairs = np.corrcoef(member.T)[np.triu_indices(N, k=1)]
    assert abs(pairs.mean()) < 4 / np.sqrt(T * len(pairs))


def test_a_batch_beyond_the_limit_is_cut_at_random(schema):
    T, limit = 300, 8
    _, asked = release(schema, torch.eye(N), T=T, q=0.5, C=10.0, limit=limit)
    member = np.stack([a.value for a in asked]) > 0.5
    assert (member.sum(axis=1) == limit).mean() > 0.99
    assert stats.chisquare(member.sum(axis=0)).pvalue > ALPHA


def test_places_in_a_batch_say_nothing_of_who_else_is_in_it(schema):
    """By rank, a patient's place, and what is drawn for it, would follow from who came before."""
    seen = []
    release(schema, torch.ones(N, 3), T=200, watch=lambda x: seen.append(x[:, 0] == 1), q=0.3)
    taken = torch.stack(seen).sum(dim=0).numpy()
    assert len({len(x) for x in seen}) == 1
    assert stats.chisquare(taken).pvalue > ALPHA


# -- charging -----------------------------------------------------------------------------------


def every_question(schema, n):
    """A vault with every question planned once, and how to ask each."""
    pairs = [Histograms(tables=8, share=1.0), Marginals(count=1, share=1.0),
             Choices(count=1, share=1.0), Choices(count=1, share=1.0, name="generator"),
             Patients(),
             Moments(name="masses", share=1.0), Moments(name="moments", share=1.0),
             *gradient_plan().questions]  # fmt: skip
    priced = (
        Counts(name="one-way", sd=11.0, tables=8), Counts(name="marginal", sd=5.0),
        Choice(name="choice", epsilon=0.7, count=1),
        Choice(name="generator", epsilon=0.4, count=1), Size(name="size", epsilon=0.3),
        Sums(name="masses", noise_multiplier=4.0), Sums(name="moments", noise_multiplier=6.0),
        *gradient_plan().mechanisms,
    )  # fmt: skip
    plan = Plan(
        budget=Budget(epsilon=1.0, delta=1e-5), n=n, relation="add-remove",
        questions=tuple(pairs), mechanisms=priced, spent=None,
    )  # fmt: skip
    noise = RecordingNoise(SeededNoise(1))
    rows = table_of(cohort(N), schema).rows
    vault = Vault(rows, schema=schema, lease=Lease(plan), noise=noise)
    uniform = {v.name: np.full(v.size, 1 / v.size) for v in schema.variables}
    bins = Bins(schema.variables, uniform, 4)
    K = len(schema.variables)
    expected = np.zeros((bins.width, bins.width))
    network, encoder = nn.Linear(3, 1), Given(torch.ones(N, 3))

    def unit(x):
        return [Part(network=network, inputs=(x,), loss=lambda out: out.squeeze(1))]

    return vault, noise, {
        "one-way": vault.one_way,
        "marginal": lambda: vault.marginal(("age", "died"), bins),
        "choice": lambda: vault.choose(
            expected, binning=bins, weights=2 * np.ones((K, K)), offsets=np.zeros((K, K))
        ),
        "generator": lambda: vault.prefer(
            lambda x: x.repeat(1, 2), encoder, without=[1], name="generator"
        ),
        "size": vault.count,
        "masses": lambda: vault.mean(encoder, name="masses"),
        "moments": lambda: vault.second_moments(encoder, name="moments"),
        "gradient": lambda: vault.gradient(unit, encoder),
    }  # fmt: skip


SCALES = {
    "one-way": 11.0, "marginal": 5.0, "choice": 0.7, "size": 0.3, "gradient": 2.0, "masses": 4.0,
    "moments": 6.0, "generator": 0.4,
}  # fmt: skip


@pytest.mark.parametrize("name", SCALES)
def test_every_answer_is_charged_once_and_hidden_by_the_planned_noise(schema, name):
    vault, noise, ask = every_question(schema, N)
    ask[name]()
    assert vault.lease.used == Counter({name: 1})
    (asked,) = noise.asked
    assert asked.scale == SCALES[name]
    assert asked.sensitivity == pytest.approx(2.0 if name == "choice" else 1.0, rel=1e-5)


@pytest.mark.parametrize("name", SCALES)
def test_what_is_used_up_is_refused_before_anybody_is_looked_at(schema, name):
    vault, noise, ask = every_question(schema, N)
    vault.lease.used[name] = 1
    with pytest.raises(VaultError, match="E423"):
        ask[name]()
    assert noise.asked == []


def test_a_bought_size_is_not_told_by_the_error(schema):
    plan = every_question(schema, N)[0].lease.plan
    rows = table_of(cohort(61), schema).rows
    with pytest.raises(WardveilError, match="E424") as refused:
        Vault(rows, schema=schema, lease=Lease(plan), noise=SeededNoise(1))
    assert "61" not in str(refused.value)


def test_answers_differ_from_what_is_in_the_table(schema):
    _, noise, ask = every_question(schema, N)
    answers = ask["one-way"]()
    exact, told = noise.asked[0].value, np.concatenate([a.counts for a in answers.values()])
    assert (exact != told).mean() > 0.9
    assert (ask["marginal"]().counts != noise.asked[1].value).any()
    assert distributions(schema, answers, N)["age"].sum() == pytest.approx(1)
