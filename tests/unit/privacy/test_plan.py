"""A plan spends what was asked, no more, decided by public facts alone."""

from dataclasses import replace
from math import exp, inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from wardveil.errors import BudgetError, VaultError
from wardveil.privacy import (
    Budget,
    Choices,
    Gradients,
    Histograms,
    Lease,
    Marginals,
    OpenLevels,
    Patients,
    Statement,
    make_plan,
    spent,
)


def ask(n=2000, **kept):
    asked = {
        "one_way": Histograms(tables=20, share=0.2),
        "choice": Choices(count=12, share=0.1),
        "marginal": Marginals(count=12, share=0.4),
        "gradient": Gradients(patients=n, batch=0.1 * n, count=50, clip_norm=1.0,
                              parameters=500, share=0.3),
    }  # fmt: skip
    return [q for name, q in asked.items() if kept.get(name, True)]


@settings(deadline=None, max_examples=8)
@given(epsilon=st.floats(0.2, 6.0), n=st.integers(300, 50_000), one_way=st.booleans())
def test_a_plan_never_spends_more_than_its_budget(epsilon, n, one_way):
    budget = Budget.for_patients(n, epsilon)
    plan = make_plan(ask(n, one_way=one_way), budget=budget, n=n)
    assert 0.95 * epsilon < spent(plan.mechanisms, budget.delta).epsilon <= epsilon
    assert plan.spent.rdp >= plan.spent.pld or plan.spent.accountant == "RDP"


def test_shares_are_shares_of_mu_squared():
    budget = Budget(epsilon=1.0, delta=1e-5)
    plan = make_plan(ask(choice=False), budget=budget, n=2000)
    total = sum(m.mu**2 for m in plan.mechanisms)
    found = [m.mu**2 / total for m in plan.mechanisms]
    assert found == pytest.approx([2 / 9, 4 / 9, 3 / 9], abs=0.01)


def test_an_open_plan_has_questions_and_no_mechanism():
    plan = make_plan(ask(), budget=Budget(epsilon=inf, delta=0.0), n=2000)
    assert plan.spent is None
    assert plan.mechanisms == ()
    assert "no guarantee" in str(plan)


@pytest.mark.parametrize("epsilon", [0.0, -1.0, float("nan")])
def test_epsilon_must_be_positive(epsilon):
    with pytest.raises(BudgetError, match="E401"):
        Budget.for_patients(100, epsilon)


@pytest.mark.parametrize(("n", "delta"), [(1000, 1e-3), (1000, 1.1e-4), (100, 0.5)])
def test_delta_must_stay_below_a_tenth_of_one_over_n(n, delta):
    with pytest.raises(BudgetError, match="E403"):
        Budget.for_patients(n, 1.0, delta)


@given(n=st.integers(100, 10_000_000))
def test_the_default_delta_is_a_power_of_ten_below_n_to_the_minus_three_halves(n):
    delta = Budget.for_patients(n, 1.0).delta
    assert n**-1.5 / 10 < delta <= n**-1.5 * (1 + 1e-9)


def test_reckless_noise_is_refused():
    question = Gradients(
        patients=2_000, batch=100, count=1, clip_norm=1.0, parameters=10, share=1.0
    )
    with pytest.raises(BudgetError, match="E405"):
        make_plan([question], budget=Budget(epsilon=8.0, delta=1e-6), n=2_000)


def test_batches_are_padded_to_a_limit_that_is_never_reached():
    plan = make_plan(ask(), budget=Budget(epsilon=1.0, delta=1e-5), n=2000)
    gradient = plan.mechanism("gradient")
    assert gradient.truncation < 1e-35
    assert gradient.batch_limit < 400  # 14.4 standard deviations above 200


def test_a_lease_refuses_what_is_not_planned():
    plan = make_plan(ask(), budget=Budget(epsilon=1.0, delta=1e-5), n=2000)
    lease = Lease(plan)
    lease.charge("one-way")
    with pytest.raises(VaultError, match="E423"):
        lease.charge("one-way")
    with pytest.raises(VaultError, match="E420"):
        lease.charge("peek")


def test_the_running_epsilon_never_lags_and_ends_at_the_plan():
    plan = make_plan(ask(), budget=Budget(epsilon=1.0, delta=1e-5), n=2000)
    lease, seen = Lease(plan), []
    for name in ("one-way", *["choice"] * 12, *["marginal"] * 12, *["gradient"] * 50):
        lease.charge(name)
        seen.append(lease.epsilon())
    assert seen == sorted(seen)
    assert seen[0] >= spent([plan.mechanism("one-way")], 1e-5).epsilon - 1e-3
    assert seen[-1] == pytest.approx(plan.spent.epsilon, rel=0.01)


def statement(plan, **changes):
    given = {"model": "m", "unit": "patient", "facts": {"declared": 3}, "looked": (),
             "noise": "release", "versions": {}}  # fmt: skip
    return Statement.of(plan, **{**given, **changes})


def test_the_statement_prints_the_accountants_number():
    plan = make_plan(ask(), budget=Budget(epsilon=1.0, delta=1e-5), n=2000)
    made = statement(plan)
    assert f"{plan.spent.epsilon:.4f}" in made.claim
    assert made.epsilon == plan.spent.epsilon
    assert Statement.from_dict(made.to_dict()) == made


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"looked": ("bmi",)}, "No end-to-end guarantee"),
        ({"noise": "seeded"}, "Seeded: no privacy"),
    ],
)
def test_a_broken_promise_is_the_first_sentence(changes, first):
    plan = make_plan(ask(), budget=Budget(epsilon=1.0, delta=1e-5), n=2000)
    made = statement(plan, **changes)
    assert made.claim.startswith(first)
    assert made.epsilon is None
    assert "Meaning" not in str(made)


def test_no_epsilon_is_printed_without_a_guarantee():
    made = statement(make_plan(ask(), budget=Budget(epsilon=inf, delta=0.0), n=2000))
    assert str(made).startswith("No privacy guarantee")
    assert made.to_dict()["epsilon"] is None


def test_bought_levels_pay_for_their_threshold():
    budget = Budget(epsilon=1.0, delta=1e-5)
    plan = make_plan([*ask(), OpenLevels(count=3, share=0.1)], budget=budget, n=2000)
    levels = plan.mechanism("levels")
    assert 0 < levels.delta <= budget.delta / 10 * 1.001
    assert replace(levels, threshold=levels.threshold / 2).delta > levels.delta


def test_under_add_remove_the_size_is_bought():
    plan = make_plan([Patients(), *ask()], budget=Budget(epsilon=1.0, delta=1e-5), n=2000,
                     relation="add-remove")  # fmt: skip
    assert plan.mechanism("size").epsilon > 0
    assert plan.spent.epsilon <= 1.0


@settings(max_examples=30)
@given(n=st.integers(50, 50_000), q=st.floats(1e-4, 0.5), steps=st.integers(1, 10**6),
       delta=st.sampled_from([1e-5, 1e-7]))  # fmt: skip
def test_a_batch_limit_is_the_smallest_that_is_as_good_as_none(n, q, steps, delta):
    question = Gradients(
        patients=n, batch=q * n, count=steps, clip_norm=1.0, parameters=9, share=1.0
    )
    m = question.mechanism(1.0, delta)
    tail = 1e-9 * delta * exp(-50)
    assert m.truncation <= tail
    assert m.batch_limit <= q * n + 17 * (q * n) ** 0.5 + 90  # not the whole table
    assert steps * binom.sf(m.batch_limit - 2, n, m.sampling_prob) > tail


def test_given_noise_is_kept_and_the_others_share_what_is_left():
    budget = Budget(epsilon=2.0, delta=1e-5)
    given = replace(ask()[3], noise_multiplier=3.0)
    plan = make_plan([ask()[0], given], budget=budget, n=2000)
    assert plan.mechanism("gradient").noise_multiplier == 3.0
    assert 1.9 < plan.spent.epsilon <= 2.0
    alone = spent([plan.mechanism("gradient")], budget.delta).epsilon
    assert alone < plan.spent.epsilon
    with pytest.raises(BudgetError, match="E406"):
        make_plan([ask()[0], given], budget=Budget(epsilon=0.9 * alone, delta=1e-5), n=2000)
