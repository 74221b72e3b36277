"""Bounds and levels that were not declared are bought, and one patient alone shows in none."""

import numpy as np
import pytest

from conftest import cohort
from tests_support import table_of
from wardveil.audit import RecordingNoise
from wardveil.privacy import Bounds, Budget, Lease, OpenLevels, make_plan
from wardveil.vault import SeededNoise
from wardveil.vault.facts import buy_facts

N = 1000


@pytest.fixture(scope="module")
def open_schema(schema):
    bare = schema.replace("bmi", low=None, high=None, decimals=None, nullable=False, sources={})
    return bare.replace("stage", levels=None, sources={})


@pytest.fixture(scope="module")
def plan():
    return make_plan(
        [Bounds(tables=1, share=0.5), OpenLevels(count=1, share=0.5)],
        budget=Budget(epsilon=1.0, delta=1e-6), n=N,
    )  # fmt: skip


def bought(schema, plan, frame, seed=0):
    noise = RecordingNoise(SeededNoise(seed))
    lease = Lease(plan)
    return buy_facts(table_of(frame, schema), lease, noise), noise, lease


def everyday():
    frame = cohort(N)
    frame["bmi"] = frame.bmi.fillna(26.0)
    return frame


def test_a_level_of_one_patient_is_never_shown(open_schema, plan):
    frame = everyday()
    frame.loc[3, "stage"] = "RARE"
    for seed in range(40):
        found, _, lease = bought(open_schema, plan, frame, seed)
        assert set(found.by_name["stage"].levels) == {"I", "II", "III", "IV", "other"}
        assert dict(lease.used) == {"bounds": 1, "levels": 1}


def test_a_bound_does_not_follow_one_patient(open_schema, plan):
    frame = everyday()
    calm = bought(open_schema, plan, frame)[0].by_name["bmi"]
    frame.loc[3, "bmi"] = 7e6
    loud = bought(open_schema, plan, frame)[0].by_name["bmi"]
    assert (calm.low, calm.high) == (loud.low, loud.high)
    assert calm.high <= 60


def test_whether_anybody_is_missing_does_not_show(open_schema, plan):
    assert bought(open_schema, plan, everyday())[0].by_name["bmi"].nullable
    assert bought(open_schema, plan, everyday())[0].by_name["stage"].nullable


def test_counts_are_hidden_by_the_planned_noise_and_move_by_one(open_schema, plan):
    frame = everyday()
    _, few, _ = bought(open_schema, plan, frame.iloc[:-1])
    _, many, _ = bought(open_schema, plan, frame)
    scales = [plan.mechanism(name).sd for name in ("bounds", "levels")]
    assert [a.scale for a in many.asked] == scales
    for a, b in zip(few.asked, many.asked, strict=True):
        assert np.abs(b.value - a.value).sum() == 1
