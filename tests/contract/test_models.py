"""What every model in MODELS promises."""

from math import inf

import numpy as np
import pandas as pd
import pytest
import torch

import wardveil as wv
from conftest import cohort
from tests_support import SMALL
from wardveil.errors import RunError, UsageError
from wardveil.models import MODELS
from wardveil.privacy import Lease, spent
from wardveil.vault import SeededNoise, Vault

NAMES = sorted(MODELS)


def test_every_model_has_small_settings_here():
    assert set(SMALL) == set(MODELS)


@pytest.fixture(scope="module", params=[(n, e) for n in NAMES for e in (1.0, inf)],
                ids=lambda p: f"{p[0]}-{p[1]}")  # fmt: skip
def run(request, schema, frame):
    name, epsilon = request.param
    synth = wv.fit(frame, schema=schema, model=SMALL[name], epsilon=epsilon, seed=3)
    return synth, epsilon


def test_the_budget_is_spent_and_not_exceeded(run):
    synth, epsilon = run
    if epsilon == inf:
        assert synth.statement.epsilon is None
        assert "No privacy guarantee" in str(synth.statement)
    else:
        assert 0.95 < synth.statement.epsilon <= 1.0
        accountants = synth.statement.plan["accountants"]
        assert accountants["RDP"] >= accountants["PLD"] or synth.statement.plan["stated"] == "RDP"


def test_synthetic_rows_obey_the_schema(run, schema):
    synth, _ = run
    fake = synth.sample(400, seed=1)
    again = wv.read_table(fake, schema)  # every rule of the schema is checked
    assert again.n == 400
    assert list(fake.columns) == [c.name for c in schema.columns]
    assert fake.id.tolist()[:2] == ["SYNTH-0000", "SYNTH-0001"]
    assert fake.dtypes["age"] == np.int64
    assert fake.drugs.str.count(";").max() <= 1  # max_codes = 2


def test_a_seed_repeats_rows_and_none_does_not(run):
    synth, _ = run
    pd.testing.assert_frame_equal(synth.sample(50, seed=9), synth.sample(50, seed=9))
    assert not synth.sample(50).equals(synth.sample(50))


def test_asked_conditions_hold_in_every_row(run):
    synth, _ = run
    fake = synth.sample(200, where={"sex": "male", "diabetes": 1}, seed=1)
    assert (fake.sex == "male").all()
    assert (fake.diabetes == 1).all()


def test_an_undeclared_wish_is_refused_without_naming_values(run):
    synth, _ = run
    with pytest.raises(UsageError, match="E131"):
        synth.sample(5, where={"sex": "CANARY"})
    with pytest.raises(UsageError, match="E130"):
        synth.sample(5, where={"height": 3})


def test_saved_is_loaded(run, tmp_path):
    synth, _ = run
    synth.save(tmp_path / "run")
    again = wv.load(tmp_path / "run")
    pd.testing.assert_frame_equal(again.sample(60, seed=4), synth.sample(60, seed=4))
    assert again.statement == synth.statement
    assert again.model == synth.model
    with pytest.raises(RunError, match="E502"):
        synth.save(tmp_path / "run")


def test_losses_are_kept_only_without_a_guarantee(run):
    synth, epsilon = run
    if epsilon != inf:
        assert synth.history is None


@pytest.mark.parametrize("name", NAMES)
def test_exactly_the_planned_questions_are_asked(name, schema, frame):
    held = wv.read_table(frame, schema)
    plan = wv.plan(schema, rows=held.n, epsilon=1.0, model=SMALL[name])
    lease = Lease(plan)
    vault = Vault(held.rows, schema=schema, lease=lease, noise=SeededNoise(1))
    from wardveil.models import Rng

    with torch.random.fork_rng(devices=[]):
        SMALL[name].train(vault, Rng(1), lambda _: None)
    assert dict(lease.used) == {m.name: m.count for m in plan.mechanisms}
    assert spent(plan.mechanisms, plan.budget.delta).epsilon == plan.spent.epsilon


@pytest.mark.parametrize("name", NAMES)
def test_the_plan_does_not_depend_on_the_table(name, schema):
    plans = []
    for seed in (1, 2):
        synth = wv.fit(cohort(300, seed), schema=schema, model=SMALL[name], epsilon=1.0, seed=1)
        plans.append(synth.statement.plan)
    assert plans[0] == plans[1]


@pytest.mark.parametrize("epsilon", [1.0, inf])
@pytest.mark.parametrize("name", NAMES)
def test_a_saved_run_holds_no_training_row(name, epsilon, schema, tmp_path):
    """Canary ids, numbers and an odd spelling of a level, searched in every byte."""
    frame = cohort(300).astype({"age": object})
    frame["id"] = [f"CANARY{i:04d}" for i in range(300)]
    frame["bmi"] = 43.7
    frame.loc[0, "sex"] = "FeMaLe"
    synth = wv.fit(frame, schema=schema, model=SMALL[name], epsilon=epsilon, seed=1)
    synth.save(tmp_path / "run")
    held = wv.read_table(frame, schema)
    needles = [
        b"CANARY",
        b"FeMaLe",
        b"43.7",
        np.float64(43.7).tobytes(),
        np.float32(43.7).tobytes(),
    ]
    needles += [held.rows["age"][:8].tobytes(), held.rows["age"][:8].astype(np.float32).tobytes()]
    files = [f for f in (tmp_path / "run").rglob("*") if f.is_file()]
    assert {f.suffix for f in files} == {".json", ".safetensors"}
    for f in files:
        for needle in needles:
            assert needle not in f.read_bytes(), f.name


@pytest.mark.parametrize("name", NAMES)
def test_the_faithful_way_repeats_with_a_seed(name, schema, frame):
    a, b = (
        wv.fit(frame, schema=schema, model=SMALL[name], epsilon=inf, seed=5).sample(20, seed=1)
        for _ in range(2)
    )
    pd.testing.assert_frame_equal(a, b)


@pytest.mark.parametrize("name", NAMES)
def test_missing_facts_are_bought_or_looked_at_and_said(name, schema, frame):
    open_schema = schema.replace("bmi", low=None, high=None, sources={})
    open_schema = open_schema.replace("sex", levels=None, sources={})
    with pytest.raises(wv.WardveilError, match="E214"):
        wv.fit(frame, schema=open_schema, model=SMALL[name], epsilon=1.0)
    bought = wv.fit(cohort(3000), schema=open_schema, model=SMALL[name], epsilon=3.0,
                    facts="private")  # fmt: skip
    assert bought.statement.epsilon is not None
    assert bought.statement.facts["private"] == 3
    assert set(bought.schema.by_name["sex"].levels) == {"female", "male", "other"}
    assert bought.schema.by_name["bmi"].low <= 20
    assert 30 <= bought.schema.by_name["bmi"].high <= 60
    looked = wv.fit(frame, schema=open_schema, model=SMALL[name], epsilon=1.0, facts="looked")
    assert looked.statement.epsilon is None
    assert str(looked.statement).startswith("No end-to-end guarantee")
