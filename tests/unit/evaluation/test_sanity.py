"""Tables whose figures are known beforehand: the real one, a shuffled one, a copy, noise."""

import json

import numpy as np
import pandas as pd
import pytest

from wardveil.errors import SchemaError
from wardveil.evaluation import Design, Evaluation, evaluation
from wardveil.evaluation.measure import FAMILIES
from wardveil.schema import Column, Schema

N = 400
LIMIT = (1.0, 1e-5)
SCHEMA = Schema(columns=(
    Column(name="age", kind="count", low=0, high=120),
    Column(name="marker", kind="continuous", low=-20, high=20, decimals=3),
    Column(name="v0", kind="continuous", low=-20, high=20, decimals=3),
    Column(name="v1", kind="continuous", low=-20, high=20, decimals=3, nullable=True),
    Column(name="arm", kind="categorical", levels=("control", "drug"), condition=True),
    Column(name="dx", kind="codes", levels=("A", "B", "C"), max_codes=3),
    Column(name="dead", kind="binary", levels=("0", "1"), target=True),
    Column(name="days", kind="time", low=0, high=2000, pair="event", unit="days"),
    Column(name="event", kind="event", levels=("0", "1")),
))  # fmt: skip
DESIGN = Design(arm="arm", visits={"v": ("v0", "v1")})


def trial(n: int, seed: int) -> pd.DataFrame:
    """Patients of a trial whose columns hang together."""
    rng = np.random.default_rng(seed)
    age = np.clip(rng.normal(60, 12, n).round(), 0, 120)
    risk = (age - 60) / 12
    marker = risk + 0.6 * rng.normal(size=n)
    drug = rng.random(n) < 0.5
    v0 = 2 * risk + 0.3 * rng.normal(size=n)
    v1 = v0 - 2 * drug + 0.3 * rng.normal(size=n)
    v1[rng.random(n) < 0.1] = np.nan
    days = rng.exponential(400 * np.exp(-0.8 * risk + 0.7 * drug))
    censored = rng.uniform(100, 1500, n)
    held = np.column_stack([risk > 0, marker > 0, rng.random(n) < 0.3])
    return pd.DataFrame({
        "age": age, "marker": np.clip(marker, -20, 20).round(3), "v0": v0.round(3),
        "v1": v1.round(3), "arm": np.where(drug, "drug", "control"),
        "dx": [";".join(np.array(["A", "B", "C"])[h]) for h in held],
        "dead": (risk + marker + rng.normal(size=n) > 0).astype(int),
        "days": np.clip(np.minimum(days, censored).round(), 0, 2000),
        "event": (days <= censored).astype(int),
    })  # fmt: skip


def judged(synthetic: pd.DataFrame) -> Evaluation:
    return evaluation(trial(N, 0), synthetic, holdout=trial(N, 1), schema=SCHEMA, limit=LIMIT,
                      design=DESIGN)  # fmt: skip


def by_name(found: Evaluation) -> dict:
    return {(m.name, m.of): m for m in found.measures}


@pytest.fixture(scope="module")
def fresh() -> Evaluation:
    """Other patients of the same population: a perfect synthetic table."""
    return judged(trial(N, 2))


@pytest.fixture(scope="module")
def copied() -> Evaluation:
    return judged(trial(N, 0))


@pytest.fixture(scope="module")
def shuffled() -> Evaluation:
    """Every column by itself as it was, nothing else."""
    rng = np.random.default_rng(0)
    table = trial(N, 2)
    return judged(table.apply(lambda column: rng.permutation(column)))


@pytest.fixture(scope="module")
def noise() -> Evaluation:
    """Values that the schema admits, evenly."""
    rng = np.random.default_rng(0)
    table = trial(N, 2)
    for name, low, high in (("age", 0, 121), ("days", 0, 2001)):
        table[name] = rng.integers(low, high, N)
    for name in ("marker", "v0", "v1"):
        table[name] = rng.uniform(-20, 20, N).round(3)
    for name in ("arm", "dx", "dead", "event"):
        table[name] = rng.permutation(table[name])
    return judged(table)


def test_a_table_against_itself_is_perfect():
    real = trial(N, 0)
    found = evaluation(real, real, schema=SCHEMA, design=DESIGN)
    measures = {m.name: m for m in found.measures}
    for name in ("tvd1", "tvd2", "ks", "jensen_shannon", "probability_rmse", "pearson_gap",
                 "spearman_gap", "cramers_v_gap", "correlation_ratio_gap", "km_distance",
                 "rmst_gap", "trajectory_gap", "lag1_gap", "violations"):  # fmt: skip
        assert measures[name].value == pytest.approx(0, abs=1e-9), name
        assert measures[name].perfect == 0
    for name in ("coverage", "probability_rank", "alpha_precision", "beta_recall",
                 "coefficient_overlap", "hazard_overlap", "similarity"):  # fmt: skip
        assert measures[name].value == pytest.approx(1, abs=0.01), name
        assert measures[name].perfect == 1
    # Every row has its twin among the others, so that a classifier cannot do better than guess.
    assert measures["c2st"].value <= 0.5
    assert measures["pmse"].value == pytest.approx(0, abs=1e-9)
    # Without held-out patients nothing is guessed about risk or prediction.
    assert not {m.family for m in found.measures} & {"risk"}
    assert found.attacks == found.disclosures == found.scores == ()
    assert found.copies is found.prediction is None


def test_other_patients_are_as_good_as_the_ruler(fresh):
    for m in fresh.measures:
        if m.ruler is None or m.low is None:
            continue
        assert m.low <= m.value <= m.high, m.name
        # The ruler is a sample as well: twice the half width and something for small figures.
        assert abs(m.value - m.ruler) <= 2 * (m.high - m.low) + 0.02, m.name


def test_shuffled_columns_pass_by_themselves_and_fail_in_pairs(fresh, shuffled):
    usual, found = by_name(fresh), by_name(shuffled)
    for name in ("tvd1", "ks", "jensen_shannon"):
        assert found[name, ""].value == pytest.approx(usual[name, ""].value, abs=1e-9), name
    for name in ("tvd2", "pearson_gap", "spearman_gap", "correlation_ratio_gap"):
        assert found[name, ""].low > usual[name, ""].high, name
    assert found["c2st", ""].low > usual["c2st", ""].high
    assert found["prediction_gap", ""].value > usual["prediction_gap", ""].value + 0.05
    assert found["lag1_gap", "v"].value > usual["lag1_gap", "v"].value + 0.2


def test_a_copy_of_the_training_rows_lights_up_every_attack(fresh, copied):
    for attack in copied.attacks:
        assert attack.low > max(0.9, attack.limit_auc), attack.name
        assert attack.tpr > 0.5, attack.name
    for guess in copied.disclosures:
        assert guess.low > guess.control_high, (guess.name, guess.secret)
    assert copied.copies is not None
    assert copied.copies.synthetic == 1
    lit = {m.name for m in copied.measures if m.family == "risk" and m.value > m.perfect + 0.05}
    assert lit == {m.name for m in copied.measures if m.family == "risk"}
    for attack in fresh.attacks:
        assert attack.tpr_low < attack.limit_tpr, attack.name
        assert attack.low < 0.5 + 0.1, attack.name


def test_noise_teaches_nothing(fresh, noise):
    usual, found = by_name(fresh), by_name(noise)
    assert usual["tstr_gap", "dead"].low < 0.03
    assert found["tstr_gap", "dead"].low > 0.15
    assert found["coefficient_overlap", "dead"].value < usual["coefficient_overlap", "dead"].value
    assert found["hazard_overlap", "days"].value < usual["hazard_overlap", "days"].value
    assert found["km_distance", "days"].low > usual["km_distance", "days"].high
    assert found["trajectory_gap", "v"].value > usual["trajectory_gap", "v"].high
    assert found["alpha_precision", ""].high < usual["alpha_precision", ""].low
    assert found["pmse_ratio", ""].value > found["pmse_ratio", ""].chance[1]
    assert usual["violations", ""].value == 0


def test_a_hazard_ratio_of_the_trial_is_in_both_tables(fresh):
    cox = next(c for c in fresh.coefficients if c.model == "cox")
    drug = cox.terms.index("arm=drug") if "arm=drug" in cox.terms else None
    sign = -1 if drug is not None else 1
    i = drug if drug is not None else cox.terms.index("arm=control")
    for low, high in ((cox.real_low, cox.real_high), (cox.synthetic_low, cox.synthetic_high)):
        # The truth is log 0.5 ≈ -0.7; 99.99 % of intervals twice as wide hold it.
        assert low[i] - (high[i] - low[i]) / 2 < sign * 0.7 < high[i] + (high[i] - low[i]) / 2


def test_curves_trajectories_and_groups_come_by_arm(fresh):
    assert [(k.table, k.arm) for k in fresh.kaplan_meier][:2] == [("real", ""), ("synthetic", "")]
    assert {k.arm for k in fresh.kaplan_meier} == {"", "control", "drug"}
    paths = {(t.table, t.arm): t for t in fresh.trajectories}
    assert len(paths) == 6
    holdout = trial(N, 1)
    drug = holdout[holdout["arm"] == "drug"]
    shown = paths["real", "drug"]
    assert shown.median == pytest.approx((drug["v0"].median(), drug["v1"].median()))
    assert shown.n[1] == drug["v1"].notna().sum()
    assert shown.lag1[0] == pytest.approx(drug["v0"].corr(drug["v1"]))
    groups = {g.level: g for g in fresh.groups}
    assert set(groups) == {"control", "drug"}
    assert groups["drug"].real == len(drug)
    assert groups["drug"].auc_real > 0.7
    assert groups["drug"].attack_low < 0.6


def test_a_group_of_few_patients_has_no_figures():
    real, synthetic, holdout = (trial(120, s) for s in range(3))
    for table in (real, synthetic, holdout):
        table.loc[4:, "arm"] = "control"
        table.loc[:3, "arm"] = "drug"
    found = evaluation(real, synthetic, holdout=holdout, schema=SCHEMA, design=DESIGN)
    few = next(g for g in found.groups if g.level == "drug")
    assert (few.real, few.tvd1, few.auc_real, few.attack_auc) == (4, None, None, None)


def test_everything_is_json_with_stable_names_and_repr_shows_no_patient(fresh):
    plain = json.loads(json.dumps(fresh.to_dict(), allow_nan=False))
    assert {m["family"] for m in plain["measures"]} == set(FAMILIES)
    keys = [(m["name"], m["of"]) for m in plain["measures"]]
    assert len(keys) == len(set(keys))
    assert all(m["note"].endswith(".") for m in plain["measures"])
    order = [FAMILIES.index(m["family"]) for m in plain["measures"]]
    assert order == sorted(order)
    assert plain["attacks"][0]["limit_tpr"] == pytest.approx(np.e * 0.01 + 1e-5)
    assert plain["seed_figures"]["cumulative"][0]["real"][-1] == 1
    assert len(plain["kaplan_meier"][0]["times"]) > 10
    assert "times=" not in repr(fresh.kaplan_meier)
    assert "pca_real" not in repr(fresh.seed_figures)


def test_a_design_that_names_no_column_is_refused():
    real = trial(60, 0)
    for design in (Design(arm="absent"), Design(visits={"v": ("absent",)}), Design(groups=("dx",)),
                   Design(orders=(("arm", "age"),))):  # fmt: skip
        with pytest.raises(SchemaError, match="E341"):
            evaluation(real, real, schema=SCHEMA, design=design)
