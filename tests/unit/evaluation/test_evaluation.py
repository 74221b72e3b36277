import json

import numpy as np
import pandas as pd
import pytest

from wardveil.errors import SchemaError
from wardveil.evaluation import c2st, evaluation, tstr_gap
from wardveil.schema import Column, Schema

SCHEMA = Schema(columns=(
    Column(name="x", kind="continuous", low=-9, high=9, decimals=3, nullable=True),
    Column(name="arm", kind="categorical", levels=("b", "a")),
    Column(name="seen", kind="date", low=0, high=4000),
    Column(name="dead", kind="binary", levels=("0", "1"), target=True),
))  # fmt: skip


def patients(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    frame = pd.DataFrame({
        "x": x,
        "arm": rng.choice(["a", "b"], n),
        "seen": pd.Timestamp("1975-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
        "dead": (x + rng.normal(size=n) > 0).astype(int),
    })  # fmt: skip
    frame.loc[rng.random(n) < 0.1, "x"] = np.nan
    return frame


@pytest.fixture(scope="module")
def tables() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    return patients(400, 0), patients(400, 1), patients(300, 2)


def test_more_patients_of_the_same_kind_are_as_good_as_the_ruler(tables):
    real, synthetic, holdout = tables
    found = evaluation(real, synthetic, holdout=holdout, schema=SCHEMA)
    assert found.reference == "holdout"
    assert set(found.means) == set(found.rulers) == {"tvd1", "tvd2", "coverage", "c2st", "tstr_gap"}
    assert found.means["tvd1"] == pytest.approx(found.rulers["tvd1"], abs=0.05)
    assert found.means["c2st"] == pytest.approx(0.5, abs=0.08)
    assert found.means["tstr_gap"] == pytest.approx(0, abs=0.08)


def test_a_table_without_the_dependence_is_found_out(tables):
    real, synthetic, holdout = tables
    shuffled = synthetic.assign(dead=np.random.default_rng(0).permutation(synthetic["dead"]))
    assert tstr_gap(real, shuffled, holdout, target="dead", schema=SCHEMA) > 0.15
    assert c2st(real, shuffled.assign(x=shuffled["x"] + 2), schema=SCHEMA) > 0.8


def test_a_synthetic_target_of_one_level_teaches_nothing_and_is_no_fault(tables):
    real, synthetic, holdout = tables
    gap = tstr_gap(real, synthetic.assign(dead=1), holdout, target="dead", schema=SCHEMA)
    assert 0.1 < gap <= 0.5


def test_what_cannot_be_a_target_is_refused(tables):
    real, synthetic, holdout = tables
    for target in ("x", "absent"):
        with pytest.raises(SchemaError, match="E344"):
            tstr_gap(real, synthetic, holdout, target=target, schema=SCHEMA)


def test_without_holdout_the_ruler_is_one_half_against_the_other(tables):
    found = evaluation(tables[0], tables[1], schema=SCHEMA)
    assert found.reference == "real"
    assert 0 < found.rulers["tvd1"] < 0.3
    assert "tstr_gap" not in found.means


def test_profiles_hold_every_row_once(tables):
    found = evaluation(tables[0], tables[1], schema=SCHEMA)
    for profile in found.profiles:
        assert sum(profile.real) + profile.missing[0] == pytest.approx(1)
        assert sum(profile.synthetic) + profile.missing[1] == pytest.approx(1)
    by_name = {p.column: p for p in found.profiles}
    assert by_name["arm"].labels == ("b", "a")  # declared order
    assert by_name["seen"].ticks[0].startswith("1975-01")


def test_table_1_has_the_textbook_numbers(tables):
    real, synthetic, _ = tables
    rows = {(r.column, r.level): r for r in evaluation(real, synthetic, schema=SCHEMA).table1}
    x = rows["x", ""]
    assert x.value == pytest.approx((real["x"].mean(), synthetic["x"].mean()))
    pooled = np.sqrt((real["x"].var() + synthetic["x"].var()) / 2)
    assert x.smd == pytest.approx((x.value[1] - x.value[0]) / pooled)
    assert rows["dead", "1"].lone
    assert rows["x", "missing"].value[0] == pytest.approx(real["x"].isna().mean())


def test_an_evaluation_is_plain_json(tables):
    found = evaluation(tables[0], tables[1].assign(x=np.nan), schema=SCHEMA)
    again = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert again["means"]["tvd1"] == found.means["tvd1"]
    assert again["columns"]["x"]["tvd"] == found.columns["x"]


def test_a_single_row_on_each_side_can_be_compared():
    found = evaluation(patients(1, 0), patients(1, 1), schema=SCHEMA)
    assert 0 <= found.means["tvd1"] <= 1
    assert "c2st" not in found.means
