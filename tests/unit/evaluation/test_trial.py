"""What a trial is judged by: transfer, treatment effect, correlations, blinded review, figures."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from wardveil.errors import SchemaError, UsageError
from wardveil.evaluation import blinded, correlation_rank, transfer, treatment_effect
from wardveil.evaluation.prepared import prepare
from wardveil.evaluation.trajectory import trajectories
from wardveil.report.figure import delta_figure, median_figure
from wardveil.schema import Schema

SCHEMA = Schema.parse("""
[columns]
id = { kind = "id" }
arm = { kind = "categorical", levels = ["usual", "new"], condition = true }
p_1 = { kind = "continuous", low = 0, high = 300, decimals = 1, nullable = true }
p_2 = { kind = "continuous", low = 0, high = 300, decimals = 1, nullable = true }
q = { kind = "continuous", low = 0, high = 300, decimals = 1 }
""")


def trial(n: int, seed: int, effect: float = -15.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    new = rng.integers(0, 2, n)
    level = rng.normal(140, 8, n)
    second = level + effect * new + rng.normal(0, 6, n)
    return pd.DataFrame({
        "id": [f"R{i}" for i in range(n)], "arm": np.where(new == 1, "new", "usual"),
        "p_1": level.round(1), "p_2": np.where(rng.random(n) < 0.1, np.nan, second.round(1)),
        "q": rng.normal(100, 5, n).round(1),
    })  # fmt: skip


@pytest.fixture(scope="module")
def real() -> pd.DataFrame:
    return trial(400, 0)


def test_the_effect_is_welchs_and_one_without_it_is_outside(real):
    found = treatment_effect(real, trial(400, 1), arm="arm", measurement="p_2", schema=SCHEMA)
    new, usual = (real[real.arm == a].p_2.dropna() for a in ("new", "usual"))
    difference = new.mean() - usual.mean()
    error = difference / stats.ttest_ind(new, usual, equal_var=False).statistic
    low, high = difference - 1.96 * error, difference + 1.96 * error
    assert found.arms == ("usual", "new")
    assert found.real[1:] == pytest.approx((low, high), abs=1e-3)
    assert found.inside == (low <= found.synthetic[0] <= high)
    assert 0.3 < found.overlap <= 1
    none = treatment_effect(real, trial(400, 1, 0.0), arm="arm", measurement="p_2", schema=SCHEMA)
    assert not none.inside
    assert none.overlap < 0
    same = treatment_effect(real, real, arm="arm", measurement="p_2", schema=SCHEMA)
    assert same.overlap == pytest.approx(1)


def test_an_effect_needs_two_arms_and_a_number(real):
    with pytest.raises(SchemaError, match="E344"):
        treatment_effect(real, real, arm="q", measurement="p_2", schema=SCHEMA)
    with pytest.raises(SchemaError, match="E341"):
        treatment_effect(real, real, arm="arm", measurement="arm", schema=SCHEMA)


def test_real_rows_teach_the_arm_and_shuffled_ones_do_not(real):
    shuffled = real.assign(arm=np.random.default_rng(3).permutation(real.arm))
    found = transfer({"real": real, "again": trial(400, 5), "shuffled": shuffled}, trial(300, 2),
                     target="arm", schema=SCHEMA)  # fmt: skip
    assert len(found) == 12
    by = {(f.taught_by, f.classifier): f for f in found}
    for classifier in ("random_forest", "logistic_regression", "svm"):
        assert by["real", classifier].importance is None
        assert by["real", classifier].accuracy > 0.8
        assert by["again", classifier].importance > 0.5
        assert abs(by["shuffled", classifier].accuracy - 0.5) < 0.15
    assert all(f.low <= f.accuracy <= f.high for f in found)
    assert by["again", "nearest_neighbours"].importance is None


def test_a_table_of_one_arm_teaches_that_arm(real):
    one = real.assign(arm="new")
    held = trial(300, 2)
    found = transfer({"one": one}, held, target="arm", schema=SCHEMA)
    assert {f.accuracy for f in found} == {(held.arm == "new").mean()}


def test_correlations_of_the_same_population_agree_and_of_shuffled_columns_do_not(real):
    assert correlation_rank(real, real, schema=SCHEMA) == pytest.approx(1)
    assert correlation_rank(real, trial(400, 9), schema=SCHEMA) > 0.4
    lone = real[["arm", "q"]].assign(p_1=1.0, p_2=2.0)
    assert np.isnan(correlation_rank(real, lone, schema=SCHEMA))


def test_a_blinded_sheet_shows_everybody_once_and_only_the_key_tells(real):
    fake = trial(400, 7).assign(id="SYNTH")
    sheet, key = blinded(real, fake, each=50, schema=SCHEMA, seed=4)
    assert list(sheet.columns) == ["case", "arm", "p_1", "p_2", "q", "realism"]
    assert (sheet.case == key.case).all()
    assert key.source.value_counts().to_dict() == {"real": 50, "synthetic": 50}
    for source, table in (("real", real), ("synthetic", fake)):
        shown = sheet[(key.source == source).to_numpy()]
        assert shown.merge(table.astype({"q": object}), on=["p_1", "q"]).shape[0] >= 50
    order = (key.source == "real").to_numpy()
    assert 10 < order[:50].sum() < 40  # mixed; the chance of less is below 1e-9
    with pytest.raises(UsageError, match="E133"):
        blinded(real, fake, each=401, schema=SCHEMA, seed=4)


def test_figures_are_written(real, tmp_path):
    table = prepare(real, schema=SCHEMA)[0]
    masks = {a: table.columns["arm"] == a for a in ("usual", "new")}
    tracks = list(trajectories(table, whose="real", measurement="p", visits=("p_1", "p_2"),
                               masks=masks))  # fmt: skip
    median_figure({"A": {"real": tracks, "private": tracks}, "B": {"real": tracks}},
                  tmp_path / "a.svg", unit="mmHg")  # fmt: skip
    delta_figure([1, 2], {"ε = 1": [1e-9, 0.0]}, tmp_path / "b.svg", allowed=1e-5)
    lines = [(tmp_path / name).read_text().count('<g id="line2d_') for name in ("a.svg", "b.svg")]
    assert lines[0] >= 6
    assert lines[1] >= 2
