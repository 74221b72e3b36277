"""The judge knows a perfect table, a broken rule and an outcome of several levels."""

from dataclasses import replace
from pathlib import Path

import pytest
from judge import Judge
from tables import Benchmark, benchmark

from wardveil.schema import Schema

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def judge():
    return Judge(benchmark=benchmark("nhefs", Path()))


def test_two_thirds_are_seen_and_no_patient_is_on_both_sides(judge):
    train, held = judge.parts
    assert train.n == judge.train.n
    assert train.n + held.n == judge.benchmark.table.n
    assert held.n == round(judge.benchmark.table.n / 3)


def test_held_out_rows_themselves_are_perfect_and_the_ruler_is_not(judge):
    perfect, ruler = judge.figures(judge.parts[1].to_frame()), judge.ruler()
    assert perfect["tvd1"] == perfect["tvd2"] == 0
    assert perfect["coverage"] == 1
    assert ruler["tstr_gap"] == 0
    assert 0 < ruler["tvd1"] < ruler["tvd2"] < 0.2
    assert ruler["violations"] == 0


def test_rows_that_break_any_rule_are_counted_once(judge):
    frame = judge.train.to_frame()
    frame.loc[:9, ["diastolic_bp_1982", "systolic_bp_1982"]] = [130, 120]
    frame.loc[5:14, "smoking_years"] = 200
    assert judge.benchmark.violations(frame) == pytest.approx(15 / len(frame))
    frame.loc[:14, ["diastolic_bp_1982"]] = None
    assert judge.benchmark.violations(frame) == pytest.approx(10 / len(frame))
    assert replace(judge.benchmark, rules=()).violations(frame) is None


def test_an_outcome_of_several_levels_is_judged_as_yes_or_no(judge):
    grades = Benchmark(table=judge.benchmark.table, target="income", positive=(5, 6))
    levels = judge.benchmark.table.schema.by_name["education"].levels
    judged = replace(grades, target="education", positive=levels[:2])
    frame = judged.table.to_frame()
    share = frame["education"].isin(levels[:2]).mean()
    assert judged.judged(frame)["education"].mean() == pytest.approx(share)
    assert judged.judged_schema.by_name["education"].levels == ("0", "1")


@pytest.mark.parametrize("path", sorted((ROOT / "examples" / "schemas").glob("*.toml")), ids=str)
def test_every_schema_of_the_examples_is_complete(path):
    schema = Schema.read(path)
    assert not schema.gaps
    assert schema.rows
