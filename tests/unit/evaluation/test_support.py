import numpy as np
import pandas as pd
import pytest

from wardveil.evaluation.prepared import prepare
from wardveil.evaluation.propensity import propensity
from wardveil.evaluation.support import support
from wardveil.evaluation.violation import violations
from wardveil.schema import Column, Schema


def test_a_table_supports_itself(cohorts):
    real = prepare(cohorts[0])[0]
    found = support(real, real)
    assert found.alpha_precision[0] == found.beta_recall[0] == pytest.approx(1, abs=0.01)


def test_outliers_cost_precision_and_a_lost_group_costs_recall(cohorts):
    real, other, _ = cohorts
    usual = support(*prepare(real, other))
    wide = support(*prepare(real, other.assign(x=other["x"] * 4, y=other["y"] * 4)))
    narrow = support(*prepare(real, other.iloc[np.repeat(np.arange(6), 50)]))
    assert wide.alpha_precision[2] < usual.alpha_precision[1]
    assert narrow.beta_recall[2] < usual.beta_recall[1]


def test_the_propensity_ratio_is_1_for_samples_of_one_population():
    rng = np.random.default_rng(0)
    draw = lambda n: pd.DataFrame({  # noqa: E731
        "x": rng.normal(size=n), "y": rng.normal(size=n), "a": rng.choice(["u", "v", "w"], n)
    })  # fmt: skip
    found = [propensity(*prepare(draw(200), draw(300))) for _ in range(200)]
    # χ² with 4 degrees of freedom: the mean of 200 ratios has an error of sqrt(2/4/200) = 0.05.
    assert np.mean([f.ratio for f in found]) == pytest.approx(1, abs=0.2)
    inside = np.mean([f.null_low <= f.ratio <= f.null_high for f in found])
    assert inside == pytest.approx(0.95, abs=0.07)


def test_a_shift_is_beyond_the_chance_of_the_propensity_ratio(cohorts):
    real, other, _ = cohorts
    assert propensity(*prepare(real, other)).ratio < 3
    found = propensity(*prepare(real, other.assign(x=other["x"] + 1)))
    assert found.ratio > 3 * found.null_high


def test_every_kind_of_broken_rule_is_counted_once_a_patient():
    schema = Schema(columns=(
        Column(name="low", kind="continuous", low=0, high=100, decimals=1, nullable=True),
        Column(name="high", kind="count", low=0, high=100),
        Column(name="sex", kind="binary", levels=("f", "m")),
        Column(name="dx", kind="codes", levels=("A", "B", "C"), max_codes=2),
    ))  # fmt: skip
    right = {"low": 1.5, "high": 7, "sex": "f", "dx": "A;B"}
    wrong = [
        {"low": -1.0}, {"low": 101.0}, {"low": 1.55}, {"high": 7.5}, {"high": np.nan},
        {"sex": "x"}, {"sex": None}, {"dx": "A;B;C"}, {"low": 8.0}, {"low": -1.0, "sex": None},
    ]  # fmt: skip
    frame = pd.DataFrame([right, right | {"low": np.nan}, *(right | w for w in wrong)])
    table = prepare(frame, schema=schema)[0]
    found = violations(table, schema, orders=(("low", "high"),))
    assert found.tolist() == [False, False] + [True] * len(wrong)
    assert not violations(table, schema)[2 + 8]


def test_rules_between_columns_are_held_and_ask_nothing_of_missing_values():
    schema = Schema(
        columns=(
            Column(name="low", kind="count", low=0, high=200),
            Column(name="high", kind="count", low=0, high=200, nullable=True),
            Column(name="sex", kind="binary", levels=("f", "m")),
            Column(name="pregnant", kind="binary", levels=("no", "yes")),
            Column(name="half", kind="continuous", low=0, high=100, decimals=1),
        ),
        rules=("low < high", "if sex = m then pregnant = no", "half := low / 2"),
    )
    frame = pd.DataFrame({
        "low": [80, 80, 130, 80, 81], "high": [120, np.nan, 120, 120, 120],
        "sex": ["f", "f", "f", "m", "m"], "pregnant": ["yes", "no", "no", "yes", "no"],
        "half": [40.0, 40.0, 65.0, 40.0, 40.0],
    })  # fmt: skip
    table = prepare(frame, schema=schema)[0]
    assert violations(table, schema).tolist() == [False, False, True, True, True]
