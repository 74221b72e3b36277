"""Every model reads patients through priced answers only, and by no more than priced.

Replay: with made-up answers, unrelated tables give the same bytes. Coupling: one hostile patient
more, the same coins, and no mechanism's input moves further than the plan says.
"""

import ast
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import cache
from math import inf
from pathlib import Path
from typing import final

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import wardveil as wv
from conftest import SCHEMA, cohort
from tests_support import SMALL, table_of
from wardveil.audit import RecordingNoise, couple, replay
from wardveil.audit.examine import audit_plan, fingerprint, trained
from wardveil.models import Independent, Model, Moment
from wardveil.schema import Schema
from wardveil.schema.variable import Numeric
from wardveil.vault import SecretNoise, SeededNoise

SLOW = {
    "medical-cgan", "acgan", "ctgan", "medgan", "tablegan",  # fit surrogates first; halves below
    "medgan with a private decoder", "medgan of components",  # as "medgan without anchor" else
}  # fmt: skip
CGAN = replace(SMALL["medical-cgan"], private_batch=0.9)  # or nobody hostile is ever drawn
TABULAR = replace(SMALL["ctgan"], private_batch=0.9)
CODES = replace(SMALL["medgan"], private_batch=0.9)
AC = replace(SMALL["acgan"], private_batch=0.9)
SQUARES = replace(SMALL["tablegan"], private_batch=0.9)
AUDITED: dict[str, Model] = {
    **SMALL,
    "medical-cgan": CGAN,
    "medical-cgan without anchor": replace(CGAN, anchor=False),
    "ctgan": TABULAR,
    "ctgan without anchor": replace(TABULAR, anchor=False, private_penalty="rows"),
    "acgan": AC,
    "acgan without anchor": replace(AC, anchor=False),
    "tablegan": SQUARES,
    "tablegan without anchor": replace(SQUARES, anchor=False, private_penalty="rows"),
    "medgan": CODES,
    "medgan without anchor": replace(CODES, anchor=False, autoencoder="both"),
    "medgan with a private decoder": replace(CODES, anchor=False, autoencoder="decoder"),
    "medgan of components": replace(CODES, anchor=False, autoencoder="components"),
}
NAMES = sorted(AUDITED)
QUICK = [name for name in NAMES if name not in SLOW]
EPSILON = 3.0
SOURCE = Path(wv.__file__).parent
FULL = Schema.parse(
    SCHEMA.replace("max_codes = 2", "max_codes = 2\nnullable = true"), "cohort.toml"
)


@cache
def plan_of(name):
    return audit_plan(AUDITED[name], FULL, 201, EPSILON)


def rows_of(n, seed):
    return dict(table_of(cohort(n, seed), FULL).rows)


def extreme(cell):
    """A patient in the first (0) or last (-1) cell of everything, every code set."""
    found = {}
    for v in FULL.variables:
        if isinstance(v, Numeric):
            found[v.name] = np.array([v.low if cell == 0 else v.high])
        else:
            found[v.name] = np.array([0 if cell == 0 else v.cells - 1], dtype=np.int32)
    return found


def absent():
    """A patient of whom nothing is known that may be unknown."""
    found = extreme(0)
    found["bmi"] = np.array([np.nan])
    return found | {v: np.array([int(v.endswith("?"))], dtype=np.int32)
                    for v in found if v.startswith("drugs")}  # fmt: skip


HOSTILE = {
    "first cells": extreme(0),
    "last cells, all codes": extreme(-1) | {"drugs?": np.zeros(1, dtype=np.int32)},
    "absent": absent(),
    "absent, all codes": extreme(-1) | {"bmi": np.array([np.nan])},
    "duplicate": {k: v[:1] for k, v in rows_of(200, 0).items()},
}


@st.composite
def patients(draw):
    """Any patient the schema allows, and more codes than it allows."""
    found = {}
    for v in FULL.variables:
        if isinstance(v, Numeric):
            point = draw(st.integers(0, v.points - 1))
            value = round(v.low + point * 10.0**-v.decimals, v.decimals)
            known = not v.nullable or draw(st.booleans())
            found[v.name] = np.array([value if known else np.nan])
        else:
            found[v.name] = np.array([draw(st.integers(0, v.cells - 1))], dtype=np.int32)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_with_made_up_answers_unrelated_tables_give_the_same_bytes(name):
    constant = {k: np.repeat(v, 170) for k, v in extreme(-1).items()}
    for other in (rows_of(180, 5), constant):
        one, two = replay(AUDITED[name], rows_of(200, 0), other, FULL, plan=plan_of(name))
        assert one == two


def test_replay_sees_answers():
    """The fingerprint is not a constant: other answers, other bytes."""
    rows, plan = rows_of(200, 0), plan_of("independent")
    one, two = (trained(Independent(), rows, FULL, plan, SeededNoise(k)) for k in (1, 2))
    assert fingerprint(*one) != fingerprint(*two)


def test_replay_sees_what_is_shown_on_the_way():
    """A model that shows a loss of its patients is caught even if its weights are clean."""
    plan = plan_of("independent")
    one, two = replay(Talker(), rows_of(200, 0), rows_of(150, 5), FULL, plan=plan)
    assert one != two


def check_coupling(name, hostile):
    found = couple(AUDITED[name], rows_of(200, 0), hostile, FULL, plan=plan_of(name))
    assert found.calls[0] == found.calls[1]
    assert {"laplace", "counts"} <= set(found.worst)
    assert max(found.worst.values()) <= 1.0
    assert found.worst.get("lattice", 1.0) > 0.0  # the patient was drawn


@pytest.mark.parametrize(
    ("name", "hostile"),
    [
        *((name, who) for name in QUICK for who in HOSTILE),
        *((name, "last cells, all codes") for name in sorted(SLOW)),
    ],
)
def test_a_hostile_patient_moves_no_mechanism_further_than_priced(name, hostile):
    check_coupling(name, HOSTILE[hostile])


@pytest.mark.parametrize("name", QUICK)
def test_no_patient_moves_a_mechanism_further_than_priced(name):
    @settings(max_examples=3)
    @given(hostile=patients())
    def check(hostile):
        check_coupling(name, hostile)

    check()


@pytest.mark.parametrize("name", sorted(SMALL))
def test_all_noise_a_private_run_draws_is_asked_of_the_given_source(name, schema):
    """A fit answers from a private vault: as many mechanism calls as planned, each with noise."""
    noise = RecordingNoise(SeededNoise(1))
    synth = wv.fit(cohort(200), schema=schema, model=AUDITED[name], epsilon=EPSILON, seed=1,
                   noise=noise)  # fmt: skip
    assert len(noise.asked) == sum(m["count"] for m in synth.statement.plan["mechanisms"])


@final
@dataclass(frozen=True, kw_only=True)
class Talker(Model):
    """Independent, but it tells something of the patients on the way."""

    name = "talker"

    def questions(self, schema, n, budget):
        return Independent().questions(schema, n, budget)

    def train(self, vault, rng, watch):
        age = float(vault._rows["age"].mean())
        watch(Moment(phase="talk", step=1, steps=1, losses={"age": age}))
        return Independent().train(vault, rng, watch)

    def sample(self, weights, schema, n, where, rng):
        return Independent().sample(weights, schema, n, where, rng)


def test_a_talkative_model_is_not_written_down(schema):
    private = wv.fit(cohort(200), schema=schema, model=Talker(), epsilon=EPSILON)
    assert private.history is None
    faithful = wv.fit(cohort(200), schema=schema, model=Talker(), epsilon=inf)
    assert list(faithful.history) == ["age"]


def test_a_seed_does_not_repeat_the_noise_of_a_private_run(schema):
    one, two = (
        wv.fit(cohort(200), schema=schema, model="independent", epsilon=EPSILON, seed=4)
        for _ in range(2)
    )
    assert one.statement.epsilon is not None
    assert any(not torch.equal(one.weights[k], two.weights[k]) for k in one.weights)


def test_a_run_whose_noise_can_be_computed_again_claims_nothing(schema):
    synth = wv.fit(cohort(200), schema=schema, model="independent", epsilon=EPSILON,
                   noise=SeededNoise(1))  # fmt: skip
    assert synth.statement.epsilon is None
    assert str(synth.statement).startswith("Seeded: no privacy claim")
    assert SecretNoise().grade == "release"


def test_looked_at_facts_are_the_first_thing_said(schema):
    bare = schema.replace("sex", levels=None, sources={})
    synth = wv.fit(cohort(200), schema=bare, model="independent", epsilon=EPSILON, facts="looked")
    assert synth.statement.epsilon is None
    assert str(synth.statement).startswith("No end-to-end guarantee")


def test_an_impossible_plan_is_refused_before_the_table_is_opened(schema):
    with pytest.raises(wv.WardveilError, match="E401"):
        wv.fit("no_such_table.csv", schema=schema, model="independent", epsilon=-1.0, rows=100)


def test_a_declared_number_of_patients_is_planned_with_whoever_is_in_the_table(schema):
    """Under add/remove the plan may know an upper bound, never the table's own number."""
    found = [
        wv.fit(cohort(n), schema=schema, model="independent", epsilon=EPSILON, rows=500,
               relation="add-remove").statement.plan
        for n in (200, 201)
    ]  # fmt: skip
    assert found[0] == found[1]
    assert found[0]["patients"] == 500


# -- what cannot exist --------------------------------------------------------------------------

FORBIDDEN = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal"}


def test_nothing_under_src_can_store_or_run_objects():
    """No pickle and its kin, no torch.save or torch.load, no loader that mixes or reuses rows."""
    found = []
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [a.name for a in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or "", *(a.name for a in node.names)]
            elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                names = [f"{node.value.id}.{node.attr}"]
            for name in names:
                kin = name.split(".")[0] in FORBIDDEN
                if kin or name in {"torch.save", "torch.load", "np.load"} or "DataLoader" in name:
                    found.append(f"{path.name}: {name}")
    assert found == []


LOADED = """
import sys
import wardveil as wv
import wardveil.models
seen = []
sys.addaudithook(lambda event, args: seen.append(event) if event.startswith(
    ("pickle.", "exec", "marshal.", "subprocess.", "socket.")) else None)
synth = wv.load(sys.argv[1])
assert "pickle.find_class" not in seen, seen
assert not [e for e in seen if e.startswith(("subprocess.", "socket."))], seen
print(len(synth.weights))
"""


def test_loading_a_run_unpickles_nothing(schema, tmp_path):
    synth = wv.fit(cohort(200), schema=schema, model="independent", epsilon=EPSILON)
    synth.save(tmp_path / "run")
    done = subprocess.run(
        [sys.executable, "-c", LOADED, str(tmp_path / "run")],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert int(done.stdout) == len(synth.weights)
