"""table-GAN: the game can be stopped and watched, every setting counts, and values come right."""

from dataclasses import fields, replace
from math import inf

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load, save

import wardveil as wv
from conftest import cohort
from tests_support import SMALL, private_weights, table_of, unlike
from wardveil.audit.examine import audit_plan, couple
from wardveil.encode.label import Label
from wardveil.errors import UsageError
from wardveil.models import Rng, TableGAN
from wardveil.models.surrogate import opened
from wardveil.models.tablegan_game import Game
from wardveil.networks.information import statistics_of
from wardveil.schema import Schema
from wardveil.vault.clipping import clipped_sum

QUICK = replace(SMALL["tablegan"], matching_steps=0)


def rows_of(schema, n=200):
    return table_of(cohort(n), schema).rows


def game_of(schema, model=QUICK):
    return model.game(rows_of(schema), schema, seed=4)


def weights_of(schema, **changes):
    model = replace(QUICK, **changes)
    return model.train(opened(rows_of(schema), schema, model, seed=4), Rng(4), lambda _: None)


# -- one step at a time -------------------------------------------------------------------------


def test_a_step_leaves_its_gradients_and_tells_its_losses(schema):
    game = game_of(schema)
    losses = game.step()
    assert set(losses) == {
        "critic", "classifier", "generator", "consistency", "information",
    }  # fmt: skip
    assert np.isfinite(list(losses.values())).all()
    for network in (game.generator, game.critic, game.classifier):
        gradients = [p.grad for p in network.parameters()]
        assert all(torch.isfinite(g).all() for g in gradients)
        assert sum(g.abs().sum() > 0 for g in gradients) >= len(gradients) - 1
    assert game.done == 1


def test_with_known_columns_the_information_loss_is_theirs(schema):
    """A game on surrogates: it grows with how far columns are from what is known of them."""
    x, label = game_of(schema)._rows, game_of(schema).label
    d = x.shape[1]
    near = statistics_of(x.mean(dim=0), x.square().mean(dim=0))
    far = near._replace(mean=near.mean + 5)
    told = [Game(QUICK, d, label, 4, x, known=k).step()["information"] for k in (near, far)]
    assert 0 < told[0] < 3 * np.sqrt(d)  # columns lie in [-1, 1]
    assert told[1] > 3 * np.sqrt(d)
    wide = replace(QUICK, delta_mean=9 * np.sqrt(d), delta_sd=9 * np.sqrt(d))
    assert Game(wide, d, label, 4, x, known=far).step()["information"] == 0


def test_a_game_saved_in_the_middle_goes_on_bit_for_bit(schema):
    model = replace(QUICK, dropout=0.2)
    unbroken, broken, again = (game_of(schema, model) for _ in range(3))
    for _ in range(6):
        unbroken.step()
    for _ in range(3):
        broken.step()
    again.restore(load(save(broken.state())))  # tensors only: no pickle
    for _ in range(3):
        again.step()
    one, two = unbroken.state(), again.state()
    assert set(one) == set(two)
    assert all(torch.equal(one[k], two[k]) for k in one)
    image, other = unbroken.settled().image, again.settled().image
    assert torch.equal(image[0].weight, other[0].weight)


def test_training_is_the_same_game(schema):
    """What `train` returns is what driving the game by hand gives."""
    model = replace(QUICK, epochs=1, calibrate=False)
    weights = weights_of(schema, epochs=1, calibrate=False)
    game = game_of(schema, model)
    for _ in range(model.steps(200)):
        game.step()
    assert torch.equal(weights["G/image.0.weight"], game.settled().image[0].weight)


def test_a_game_does_not_touch_the_global_generator(schema):
    game = game_of(schema, replace(QUICK, dropout=0.5))
    before = torch.get_rng_state()
    game.step()
    assert torch.equal(before, torch.get_rng_state())


def test_classifier_and_critic_step_before_the_generator(schema, monkeypatch):
    game, order = game_of(schema), []
    for name, adam in game._adams.items():
        monkeypatch.setattr(adam, "step", lambda name=name: order.append(name))
    game.step()
    assert order == ["D", "C", "G"]


# -- settings -----------------------------------------------------------------------------------

CHANGES = {
    "noise_dim": 9, "noise": "uniform", "side": 16, "fill": "copies", "channels": (4, 6),
    "kernel_size": 5, "group_norm": True, "dropout": 0.3, "loss": "log-odds", "penalty": 1.0,
    "match_rows": False, "class_weight": 0.1, "class_hinge": False, "averaging": 0.0,
    "classify_fakes": True, "information_weight": 0.1, "preset": "high",
    "delta_mean": 0.3, "delta_sd": 0.3, "information_decay": 0.5,
    "generator_adam": (1e-3, 0.5, 0.9), "critic_adam": (2e-4, 0.9, 0.9),
    "classifier_adam": (2e-4, 0.5, 0.99), "batch_size": 40, "epochs": 1, "critic_steps": 2,
    "generator_steps": 2, "calibrate": False,
}  # fmt: skip
PRIVATE = {
    "max_grad_norm": 0.5, "classifier_scale": 0.1, "private_channels": (3,),
    "private_group_norm": False, "private_batch": 0.5, "private_steps": 5,
    "private_penalty": "rows", "private_penalty_weight": 5.0, "anchor": True,
}  # fmt: skip
ANCHORED = {
    "matching_steps": 2,
    "matching_rate": 0.1,
    "rake": False,
    "anchor_rows": 80,
    "anchor_epochs": 1,
    "anchor_matching": 1,
    "learnable": 1e9,
}


@pytest.fixture(scope="module")
def plain(schema):
    return weights_of(schema)


def test_every_setting_has_a_test():
    known = {f.name for f in fields(TableGAN)}
    assert known == set(CHANGES) | set(PRIVATE) | set(ANCHORED)


@pytest.mark.parametrize("name", CHANGES)
def test_every_setting_counts(name, schema, plain):
    if name == "match_rows":
        plain = weights_of(schema, matching_steps=2)
        assert unlike(plain, weights_of(schema, matching_steps=2, match_rows=False))
    elif name == "fill":  # two copies of 13 columns need a larger square
        plain = weights_of(schema, side=8)
        assert unlike(plain, weights_of(schema, side=8, fill="copies"))
    elif name.startswith("class"):  # once the classifier can tell generated labels
        eager = {"epochs": 30, "generator_adam": (1e-2, 0.5, 0.9)}
        plain = weights_of(schema, **eager)
        assert unlike(plain, weights_of(schema, **eager, **{name: CHANGES[name]}))
    else:
        assert unlike(plain, weights_of(schema, **{name: CHANGES[name]}))


def private(schema, model):
    return private_weights(schema, model, table_of(cohort(200), schema).rows)


@pytest.fixture(scope="module")
def hidden(schema):
    return private(schema, replace(QUICK, anchor=False))


@pytest.mark.parametrize("name", PRIVATE)
def test_every_private_setting_counts(name, schema, hidden):
    model = replace(QUICK, **({"anchor": False} | {name: PRIVATE[name]}))
    assert unlike(hidden, private(schema, model))


def test_every_setting_of_the_anchored_game_counts(schema):
    model = SMALL["tablegan"]
    first = private(schema, model)
    for name, value in ANCHORED.items():
        assert unlike(first, private(schema, replace(model, **{name: value}))), name


def test_under_privacy_margins_count_too(schema, hidden):
    """The information loss of columns against the one-ways."""
    assert unlike(hidden, private(schema, replace(QUICK, anchor=False, delta_mean=9, delta_sd=9)))


def test_presets_are_margins(schema):
    one, two = (
        weights_of(schema, **k) for k in ({"preset": "mid"}, {"delta_mean": 0.1, "delta_sd": 0.1})
    )
    assert not unlike(one, two)


def test_critic_and_classifier_are_one_unit(schema):
    """Cut together: a loud classifier leaves less of the critic's gradient."""
    game, totals = game_of(schema), []
    critic, classifier = game.unit(torch.randn(4, game.generator.square.width))
    for scale in (1.0, 1e-4):
        parts = [critic, replace(classifier, scale=scale)]
        first, second = clipped_sum(parts, clip_norm=1e-3).gradients
        totals.append(first["last.weight"].norm())
        assert second["last.weight"].norm() > 0
    assert totals[1] < 0.01 * totals[0]
    plan = audit_plan(replace(QUICK, anchor=False), schema, 200, 3.0)
    assert [m.name for m in plan.mechanisms] == ["size", "one-way", "critic"]


def test_among_a_dozen_one_more_patient_moves_nobody_elses_gradient(schema):
    """Where shared statistics would show most; the newcomer's own move is at most C."""
    model = replace(QUICK, anchor=False, private_batch=0.9, private_steps=12, max_grad_norm=0.1)
    rows = dict(table_of(cohort(13, 3), schema).rows)
    few, last = ({k: v[part] for k, v in rows.items()} for part in (slice(12), slice(12, 13)))
    found = couple(model, few, last, schema, plan=audit_plan(model, schema, 13, 3.0))
    assert 0.9 < found.worst["lattice"] <= 1.0


def test_senseless_settings_are_refused_all_at_once():
    with pytest.raises(UsageError) as caught:
        TableGAN(batch_size=0, epochs=0)
    assert {p.where for p in caught.value.problems} == {"batch_size", "epochs"}
    with pytest.raises(UsageError) as caught:
        TableGAN(critic_adam=(1e-4,), dropout=1.0, channels=())
    assert {p.where for p in caught.value.problems} == {
        "tablegan.critic_adam", "tablegan.dropout", "tablegan.channels",
    }  # fmt: skip


def test_a_side_that_does_not_fit_is_refused_before_the_table_is_opened(schema):
    with pytest.raises(UsageError, match="E125"):
        wv.plan(schema, rows=600, epsilon=1.0, model=TableGAN(side=10))


# -- what comes out -----------------------------------------------------------------------------


def schema_of(text):
    return Schema.parse(text, "t.toml")


PAIR = """
[columns.x]
kind = "continuous"
low = -4
high = 9
decimals = 2
nullable = true
[columns.y]
kind = "binary"
levels = ["0", "1"]
target = true
[columns.z]
kind = "count"
low = 0
high = 20
"""


def pairs(n):
    """y = 1 where x is above 2; z is x's whole part, cut; a tenth of x is missing."""
    rng = np.random.default_rng(0)
    x = rng.normal(2, 1.5, n).clip(-4, 9).round(2)
    frame = pd.DataFrame({"x": x, "y": (x > 2).astype(int), "z": x.clip(0).astype(int)})
    frame.loc[rng.random(n) < 0.1, "x"] = np.nan
    return frame


@pytest.fixture(scope="module")
def learnt():
    rate = (1e-3, 0.5, 0.9)
    model = replace(QUICK, channels=(16, 32), noise_dim=16, epochs=50, averaging=0.98,
                    generator_adam=rate, critic_adam=rate, classifier_adam=rate)  # fmt: skip
    frame = pairs(600)
    return frame, wv.fit(frame, schema=schema_of(PAIR), model=model, epsilon=inf, seed=2)


def test_numbers_whole_numbers_levels_and_missing_come_back(learnt):
    frame, synth = learnt
    fake = synth.sample(2_000, seed=1)
    assert fake.x.isna().mean() == pytest.approx(frame.x.isna().mean(), abs=0.03)
    assert fake.y.mean() == pytest.approx(frame.y.mean(), abs=0.05)
    assert fake.dtypes["z"] == np.int64
    for q in (0.1, 0.5, 0.9):
        assert fake.x.quantile(q) == pytest.approx(frame.x.quantile(q), abs=0.5)  # sd / 3


def test_values_are_not_copied_from_patients(learnt):
    """600 rows hold about 450 of the 1,301 admissible values; synthetic ones are others as well."""
    frame, synth = learnt
    x = synth.sample(2_000, seed=1).x.dropna()
    assert (~x.isin(frame.x)).mean() > 0.1


def test_the_label_goes_with_the_features(learnt):
    """In the table y tells where x is; three standard errors of a share are 0.03.

    So small a game alone gives 0.84 to 0.96 (six seeds, mean 0.92); unrelated would be 0.5.
    """
    fake = learnt[1].sample(2_000, seed=1).dropna()
    assert ((fake.x > 2) == (fake.y == 1)).mean() > 0.85


@pytest.mark.parametrize("where", [{"y": 1}, {"x": (1.5, 1.75)}, {"y": 0, "z": (3, 20)}])
def test_what_is_asked_of_any_column_holds_in_every_row(where, learnt):
    fake = learnt[1].sample(100, where=where, seed=1)
    for name, wish in where.items():
        if isinstance(wish, tuple):
            assert fake[name].between(*wish).all()
        else:
            assert (fake[name] == wish).all()


@pytest.mark.parametrize("epsilon", [1.0, inf])
def test_without_a_target_there_is_no_classifier_and_it_is_said(epsilon):
    schema = schema_of(PAIR.replace("target = true\n", ""))
    synth = wv.fit(pairs(120), schema=schema, model=QUICK, epsilon=epsilon, seed=1)
    assert len(synth.sample(50, seed=1)) == 50
    assert "no classifier" in " ".join(synth.statement.plan["remarks"])
    if epsilon == inf:
        assert "consistency" not in synth.history


@pytest.mark.parametrize("target", ["x", "z"])
def test_a_number_can_be_the_target(target):
    schema = schema_of(PAIR.replace("target = true\n", ""))
    schema = schema.replace(target, target=True)
    synth = wv.fit(pairs(120), schema=schema, model=QUICK, epsilon=inf, seed=1)
    assert np.isfinite(synth.history["consistency"]).all()


def test_more_columns_than_the_largest_published_square():
    x = torch.rand(60, 1_030).mul(2).sub(1)
    game = Game(QUICK, 1_030, Label((), []), 3, x)
    assert game.generator.square.side == 40
    assert np.isfinite(list(game.step().values())).all()
    assert game.fakes(2).shape == (2, 1_030)


@pytest.mark.parametrize(("n", "batch"), [(3, 500), (61, 1), (90, 33)])
def test_any_batch_and_tables_smaller_than_one(n, batch, schema):
    model = replace(QUICK, batch_size=batch)
    synth = wv.fit(cohort(n), schema=schema, model=model, epsilon=inf, seed=1)
    assert len(synth.sample(11, seed=1)) == 11
    assert len(synth.history["generator"]) == model.steps(n)
