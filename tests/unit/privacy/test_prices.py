"""Counts, rates and halves enter the price exactly once."""

from collections import Counter
from dataclasses import replace
from math import sqrt

import pytest

from wardveil.errors import LedgerError, Problem
from wardveil.privacy import (
    Budget,
    Choice,
    Choices,
    Counts,
    Gradients,
    Lease,
    Levels,
    Marginals,
    SampledGaussian,
    Size,
    make_plan,
    spent,
)
from wardveil.privacy.accountant import by_loss
from wardveil.privacy.mechanism import mu_of_choice

STEP = SampledGaussian(name="g", patients=2000, sampling_prob=0.2, batch_limit=700,
                       noise_multiplier=2.0, clip_norm=1.0, count=1)  # fmt: skip
DELTA = 1e-5


@pytest.mark.parametrize(
    "one",
    [STEP, replace(STEP, sampling_prob=1.0, batch_limit=2000), Counts(name="c", sd=9.0),
     Choice(name="h", epsilon=0.4, count=1), Size(name="s", epsilon=0.2)],
    ids=["sampled", "full", "counts", "choice", "size"],
)  # fmt: skip
def test_three_uses_cost_as_much_as_the_use_three_times(one):
    together = spent([replace(one, count=3)], DELTA, interval=1e-3)
    apart = spent([one] * 3, DELTA, interval=1e-3)
    assert together.pld == pytest.approx(apart.pld, abs=0.01)
    assert together.rdp == pytest.approx(apart.rdp, rel=1e-6)
    assert together.pld > 1.2 * spent([one], DELTA, interval=1e-3).pld


def test_a_higher_rate_costs_more_in_both_accounts():
    low, high = spent([STEP], DELTA), spent([replace(STEP, sampling_prob=0.25)], DELTA)
    assert high.pld > low.pld + 0.02
    assert high.rdp > low.rdp + 0.02


def test_a_choice_is_priced_at_its_whole_epsilon():
    choice = Choice(name="c", epsilon=0.8, count=5)
    assert choice.mu == pytest.approx(sqrt(5) * mu_of_choice(0.8))
    assert choice.event().rho == pytest.approx(5 * 0.8**2 / 8)
    asked = Choices(count=5, share=1.0).mechanism(0.6, DELTA)
    assert asked.event().rho == pytest.approx(0.6**2 / 2, rel=1e-3)


def test_tables_and_releases_add_up():
    assert Counts(name="a", sd=10.0, tables=3, count=4).mu == pytest.approx(sqrt(12) / 10)
    one, many = Counts(name="a", sd=10.0), Counts(name="a", sd=10.0, tables=3, count=4)
    assert spent([many], DELTA).pld == pytest.approx(spent([one] * 12, DELTA).pld, rel=0.01)
    assert Marginals(count=4, share=1.0).mechanism(0.5, DELTA).mu <= 0.5


def test_the_chance_that_a_threshold_fails_is_taken_from_delta():
    levels = Levels(name="l", sd=50.0, threshold=1.5 + 4.3 * 50, count=1)
    assert 0.8 * DELTA < levels.delta < 0.9 * DELTA
    cost, free = spent([levels], DELTA), spent([Counts(name="c", sd=50.0)], DELTA)
    assert cost.pld > 1.03 * free.pld
    assert cost.rdp > 1.03 * free.rdp


class Account:
    """Takes charges, or refuses them all."""

    def __init__(self, *, broken=False):
        self.taken, self.broken = Counter(), broken

    def advance(self, question, uses):
        if self.broken:
            raise LedgerError(Problem(code="E499", what="the disk is full"))
        self.taken[question] += uses


@pytest.fixture(scope="module")
def long_plan():
    asked = [Gradients(patients=2000, batch=200, count=120, clip_norm=1.0, parameters=9, share=1.0)]
    return make_plan(asked, budget=Budget(epsilon=1.0, delta=DELTA), n=2000)


def test_the_ledger_is_charged_before_a_use_is_granted(long_plan):
    account = Account()
    lease = Lease(long_plan, account)
    for used in range(1, 121):
        lease.charge("gradient")
        assert used <= account.taken["gradient"] <= 120
    lease = Lease(long_plan, Account(broken=True))
    with pytest.raises(LedgerError):
        lease.charge("gradient")
    assert not lease.used["gradient"]


def test_epsilon_in_progress_covers_the_first_step(long_plan):
    lease = Lease(long_plan)
    lease.charge("gradient")
    (mechanism,) = long_plan.mechanisms
    assert lease.epsilon() >= by_loss([replace(mechanism, count=1)], DELTA, interval=1e-3)
