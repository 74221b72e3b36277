import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from wardveil.evaluation.membership import _attack, allowed, attacked, membership
from wardveil.evaluation.prepared import prepare


@given(st.floats(0, 6), st.floats(0, 0.1), st.floats(0, 1))
def test_the_limit_is_that_of_both_sides_and_no_tighter(epsilon, delta, fpr):
    tpr = float(allowed(np.array([fpr]), epsilon, delta)[0])
    assert fpr - 1e-9 <= tpr <= 1
    # (Kairouz et al. 2015) both kinds of error keep to the trade-off, and one of them exactly.
    slack = (np.exp(epsilon) * fpr + delta - tpr, np.exp(epsilon) * (1 - tpr) + delta - (1 - fpr))
    assert min(slack) >= -1e-9
    assert tpr == 1 or min(slack[0], slack[1] / np.exp(epsilon)) <= 1e-9


def test_randomised_response_reaches_the_limit_exactly():
    # Says the truth with probability e/(1 + e): the mechanism that (1, 0) just allows.
    honest = np.e / (1 + np.e)
    assert allowed(np.array([1 - honest]), 1.0, 0.0)[0] == pytest.approx(honest)


def test_copies_are_found_and_other_patients_are_not(cohorts):
    real, other, holdout = prepare(*cohorts)
    for attack in attacked(real, real, holdout, limit=(1.0, 1e-5)).attacks:
        assert attack.low > max(0.95, attack.limit_auc)
        assert attack.tpr > 0.9
    for attack in attacked(real, other, holdout, limit=(1.0, 1e-5)).attacks:
        # 300 against 150: four standard errors of an AUC without any signal.
        assert attack.auc == pytest.approx(0.5, abs=0.12)
        assert attack.tpr_low < attack.limit_tpr


def test_shadow_tables_teach_what_members_look_like(cohorts):
    real, other, holdout = cohorts
    noisy = [t.assign(x=t["x"] + 0.02, y=t["y"] - 0.02) for t in (real, other)]
    shadows = [(other, real, noisy[1])]
    found = {a.name: a for a in membership(real, noisy[0], holdout, shadows=shadows)}
    assert found["shadow"].auc > 0.9
    assert "1 tables" in found["shadow"].knows
    assert found["shadow"].limit_tpr is None


def test_without_enough_patients_there_is_no_attack(cohorts):
    real, other, holdout = prepare(*cohorts)
    assert attacked(real, other, holdout.take(np.arange(5))) is None


def test_the_roc_runs_from_corner_to_corner_and_never_falls(cohorts):
    real, other, holdout = prepare(*cohorts)
    for attack in attacked(real, other, holdout).attacks:
        assert attack.fpr_points[0] == attack.tpr_points[0] == 0
        assert attack.fpr_points[-1] == attack.tpr_points[-1] == 1
        assert min(np.diff(attack.fpr_points).min(), np.diff(attack.tpr_points).min()) >= 0


def test_the_interval_at_1_percent_false_alarms_needs_enough_others_to_see_them():
    rng = np.random.default_rng(0)
    few = _attack("shadow", "", rng.normal(3, 1, 400), rng.normal(0, 1, 300), None)
    many = _attack("shadow", "", rng.normal(3, 1, 400), rng.normal(0, 1, 2_000), None)
    truth = norm.sf(norm.isf(0.01) - 3)
    assert few.tpr_low == 0
    assert many.tpr_low < truth < many.tpr_high
    assert many.tpr_low > 0.5


def test_the_interval_at_1_percent_false_alarms_holds_the_truth():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(200):
        found = _attack("shadow", "", rng.normal(0, 1, 200), rng.normal(0, 1, 500), None)
        held += found.tpr_low <= 0.01 <= found.tpr_high
    # At least 95 %; four standard errors of a binomial share of 200 are 6 %.
    assert held >= 178
