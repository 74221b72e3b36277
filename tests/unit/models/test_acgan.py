"""The AC-GAN: its arms, its networks, its noise and its choices."""

from dataclasses import replace
from math import inf

import numpy as np
import pandas as pd
import pytest

import wardveil as wv
from tests_support import SMALL
from wardveil.errors import BudgetError, UsageError
from wardveil.schema import Schema

SMALL_ACGAN = SMALL["acgan"]
VISITS = ("0", "1", "2")
TRIAL = f"""
[trial]
visits = {list(VISITS)}
measures = ["SBP", "pain"]
arm = "arm"

[columns]
arm = {{ kind = "binary", levels = [0, 1], target = true }}
age = {{ kind = "count", low = 40, high = 90 }}
""" + "".join(
    f'SBP_{v} = {{ kind = "count", low = 80, high = 220, nullable = true }}\n'
    f'pain_{v} = {{ kind = "binary", levels = [0, 1] }}\n'
    for v in VISITS
)


@pytest.fixture(scope="module")
def trial() -> Schema:
    return Schema.parse(TRIAL, "trial.toml")


@pytest.fixture(scope="module")
def participants() -> pd.DataFrame:
    """The arm lowers pressure by 20 after the first visit; some visits are missed."""
    rng = np.random.default_rng(0)
    n = 400
    arm = rng.integers(0, 2, n)
    level = rng.normal(140, 10, n)
    found = {"arm": arm, "age": rng.integers(40, 91, n)}
    for v in VISITS:
        sbp = level - 20 * arm * (v != "0") + rng.normal(0, 5, n)
        found[f"SBP_{v}"] = np.where(rng.random(n) < 0.1, np.nan, np.clip(sbp.round(), 80, 220))
        found[f"pain_{v}"] = rng.integers(0, 2, n)
    return pd.DataFrame(found)


@pytest.mark.parametrize("network", ["dense", "convolutional"])
def test_a_trial_can_be_asked_for_by_arm_though_no_condition_is_declared(
    network, trial, participants
):
    model = replace(SMALL_ACGAN, network=network, epochs=1, checkpoints=1)
    synth = wv.fit(participants, schema=trial, model=model, epsilon=inf, seed=1)
    fake = synth.sample(50, where={"arm": 1}, seed=1)
    assert (fake.arm == 1).all()
    assert fake.SBP_1.isna().any()
    with pytest.raises(UsageError, match="E132"):
        synth.sample(5, where={"age": 60})


def test_the_game_learns_what_the_arm_does(trial, participants):
    """20 mmHg apart in the data, but for the first visit; at least 10 of that in either way."""
    model = replace(SMALL_ACGAN, generator_hidden_dims=(64,), discriminator_hidden_dims=(64,),
                    epochs=60, learning_rate=1e-3, checkpoints=1, learnable=1e9, anchor_rows=500,
                    anchor_epochs=5, matching_steps=300)  # fmt: skip
    for epsilon in (inf, 20.0):
        fake = wv.fit(participants, schema=trial, model=model, epsilon=epsilon, seed=1).sample(
            2_000, seed=1
        )
        apart = fake[fake.arm == 0].mean() - fake[fake.arm == 1].mean()
        assert apart.SBP_2 - apart.SBP_0 > 10


def test_pictures_need_a_trial(schema):
    with pytest.raises(UsageError, match="E129"):
        wv.plan(schema, rows=600, epsilon=1.0, model=wv.ACGAN(network="convolutional"))


def test_a_given_noise_is_planned_as_given_and_the_anchor_has_the_rest(schema):
    model = wv.ACGAN(noise_multiplier=1.0, epochs=500, batch_size=1, clip_norm=1e-4)
    plan = wv.plan(schema, rows=6_000, epsilon=3.0, delta=1e-5, model=model)
    mechanism = plan.mechanism("discriminator")
    assert (mechanism.noise_multiplier, mechanism.count) == (1.0, 3_000_000)
    assert mechanism.sampling_prob == 1 / 6_000
    assert mechanism.batch_limit < 60  # one patient a step, and room for chance
    assert 2.9 < plan.spent.epsilon <= 3.0
    with pytest.raises(BudgetError, match=r"E406.*costs 1\.49"):  # the Rényi bound is 1.60
        wv.plan(schema, rows=6_000, epsilon=1.4, delta=1e-5, model=model)


def test_every_restart_and_every_choice_is_paid_for(schema):
    once = wv.plan(schema, rows=600, epsilon=1.0, model=replace(SMALL_ACGAN, checkpoints=1))
    again = wv.plan(schema, rows=600, epsilon=1.0,
                    model=replace(SMALL_ACGAN, restarts=3, checkpoints=4, chosen=2))  # fmt: skip
    assert again.mechanism("discriminator").count == 3 * once.mechanism("discriminator").count
    assert again.mechanism("generator").count == 2
    assert "generator" not in {m.name for m in once.mechanisms}


def test_chosen_states_are_different_ones_and_all_are_sampled(schema, frame):
    model = replace(SMALL_ACGAN, checkpoints=3, chosen=2)
    synth = wv.fit(frame, schema=schema, model=model, epsilon=inf, seed=1)
    one, two = (synth.weights[f"G{k}/layers.0.weight"] for k in (0, 1))
    assert "calibration2/knots" not in synth.weights
    assert not (one == two).all()
    assert len(synth.sample(11, seed=1)) == 11


def test_a_choice_needs_a_class_to_judge_by_and_enough_states():
    bare = Schema.parse("[columns]\na = { kind = 'count', low = 0, high = 9 }\n"
                        "b = { kind = 'count', low = 0, high = 9 }\n")  # fmt: skip
    with pytest.raises(UsageError, match="E128"):
        wv.plan(bare, rows=600, epsilon=1.0, model=SMALL_ACGAN)
    with pytest.raises(UsageError, match="E128"):
        wv.ACGAN(checkpoints=2, chosen=3)


def test_a_table_without_numbers_and_without_classes_is_modelled_too():
    flags = Schema.parse("[columns]\n" + "".join(
        f'{k} = {{ kind = "binary", levels = [0, 1] }}\n' for k in "abc"
    ))  # fmt: skip
    coins = np.random.default_rng(0).integers(0, 2, (100, 3))
    frame = pd.DataFrame(coins, columns=list("abc"))
    model = replace(SMALL_ACGAN, checkpoints=1)
    for epsilon in (inf, 3.0):
        assert len(wv.fit(frame, schema=flags, model=model, epsilon=epsilon).sample(9)) == 9
