"""CTGAN: the game can be stopped and watched, every setting counts, and asked rows come."""

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
from wardveil.audit.examine import audit_plan, couple, replay
from wardveil.errors import UsageError
from wardveil.models import CTGAN, Rng
from wardveil.models.ctgan_page import Page
from wardveil.models.surrogate import opened
from wardveil.schema import Schema

QUICK = replace(SMALL["ctgan"], matching_steps=0)


def hilly(n=200):
    """A cohort whose ages are two hills."""
    frame = cohort(n)
    frame.loc[::2, "age"] = 20 + frame["age"] % 10
    return frame


def rows_of(schema, n=200):
    return table_of(hilly(n), schema).rows


def game_of(schema, model=QUICK):
    return model.game(rows_of(schema), schema, seed=4)


def weights_of(schema, **changes):
    model = replace(QUICK, **changes)
    return model.train(opened(rows_of(schema), schema, model, seed=4), Rng(4), lambda _: None)


# -- one step at a time -------------------------------------------------------------------------


def test_a_step_leaves_its_gradients_and_tells_its_losses(schema):
    game = game_of(schema)
    losses = game.step()
    assert set(losses) == {"critic", "penalty", "generator"}
    assert np.isfinite(list(losses.values())).all()
    for network in (game.generator, game.critic):
        gradients = [p.grad for p in network.parameters()]
        assert all(torch.isfinite(g).all() for g in gradients)
        assert sum(g.abs().sum() > 0 for g in gradients) >= len(gradients) - 1
    assert game.done == 1


def test_a_game_saved_in_the_middle_goes_on_bit_for_bit(schema):
    unbroken, broken = game_of(schema), game_of(schema)
    for _ in range(6):
        unbroken.step()
    for _ in range(3):
        broken.step()
    state = load(save(broken.state()))  # tensors only: no pickle
    again = game_of(schema)
    again.restore(state)
    for _ in range(3):
        again.step()
    one, two = unbroken.state(), again.state()
    assert set(one) == set(two)
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert torch.equal(unbroken.settled().last.weight, again.settled().last.weight)


def test_training_is_the_same_game(schema):
    """What `train` returns is what driving the game by hand gives."""
    model = replace(QUICK, epochs=1, calibrate=False)
    vault = opened(rows_of(schema), schema, model, seed=4)
    weights = model.train(vault, Rng(4), lambda _: None)
    game = game_of(schema, model)
    for _ in range(model.steps(200)):
        game.step()
    assert torch.equal(weights["G/last.weight"], game.settled().last.weight)


def test_a_game_does_not_touch_the_global_generator(schema):
    game = game_of(schema)
    before = torch.get_rng_state()
    game.step()
    assert torch.equal(before, torch.get_rng_state())


# -- settings -----------------------------------------------------------------------------------

CHANGES = {
    "noise_dim": 9, "generator_hidden_dims": (16, 8), "critic_hidden_dims": (16, 8),
    "dropout": 0.1, "learning_rate": 1e-3, "generator_decay": 0.1, "critic_decay": 0.1,
    "batch_size": 40, "epochs": 1, "critic_steps": 2, "pac": 10, "loss": "log-odds",
    "penalty": 1.0, "temperature": 1.0, "condition": False, "by_sampling": False,
    "log_frequency": False, "averaging": 0.0, "modes": 1, "matching_steps": 2,
    "matching_rate": 0.1, "calibrate": False, "bfloat16": True,
}  # fmt: skip
PRIVATE = {
    "max_grad_norm": 0.5, "private_critic_hidden_dims": (9,), "private_batch": 0.5,
    "private_steps": 5, "private_penalty": "rows", "private_penalty_weight": 5.0,
    "most_weight": 1.01, "anchor": True,
}  # fmt: skip
ANCHORED = {
    "anchor_rows": 80, "anchor_epochs": 1, "anchor_matching_rate": 0.1, "learnable": 1e9,
    "rake": False,
}  # fmt: skip


@pytest.fixture(scope="module")
def plain(schema):
    return weights_of(schema)


def test_every_setting_has_a_test():
    known = {f.name for f in fields(CTGAN)}
    assert known == set(CHANGES) | set(PRIVATE) | set(ANCHORED)


@pytest.mark.parametrize("name", CHANGES)
def test_every_setting_counts(name, schema, plain):
    if name == "matching_rate":
        plain = weights_of(schema, matching_steps=2)
        assert unlike(plain, weights_of(schema, matching_steps=2, matching_rate=CHANGES[name]))
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
    model = replace(QUICK, matching_steps=2)
    first = private(schema, model)
    for name, value in ANCHORED.items():
        assert unlike(first, private(schema, replace(model, **{name: value}))), name


def test_among_a_dozen_one_more_patient_moves_nobody_elses_gradient(schema):
    """Where shared statistics would show most; the newcomer's own move is at most C."""
    model = replace(QUICK, anchor=False, private_batch=0.9, private_steps=12)
    rows = dict(table_of(cohort(13, 3), schema).rows)
    few, last = ({k: v[part] for k, v in rows.items()} for part in (slice(12), slice(12, 13)))
    found = couple(model, few, last, schema, plan=audit_plan(model, schema, 13, 3.0))
    assert 0.9 < found.worst["lattice"] <= 1.0


def test_weights_of_rare_categories_follow_answers_alone(schema, monkeypatch):
    """Unrelated patients, the same made-up answers: the weights of the clipped unit are the same.

    Fingerprints do not show it, for the gradient is made up too; coupling does not, where every
    patient's gradient is longer than C.
    """
    seen, rarity = [], Page.rarity

    def told(page, most):
        seen.append(rarity(page, most))
        return seen[-1]

    monkeypatch.setattr(Page, "rarity", told)
    model = replace(QUICK, anchor=False)
    plan = audit_plan(model, schema, 200, 3.0)
    replay(model, rows_of(schema), table_of(cohort(150, 5), schema).rows, schema, plan=plan)
    assert len(seen) == 2
    assert torch.equal(*seen)


def test_senseless_settings_are_refused_all_at_once():
    with pytest.raises(UsageError) as caught:
        CTGAN(pac=0, batch_size=0, epochs=0)
    assert {p.where for p in caught.value.problems} == {"pac", "batch_size", "epochs"}


# -- what comes out -----------------------------------------------------------------------------


def schema_of(text):
    return Schema.parse(text, "t.toml")


LEVELS = 'kind = "categorical"\nlevels = ["a", "b", "c"]\n'
NUMBER = 'kind = "continuous"\nlow = -4\nhigh = 9\ndecimals = 2\nnullable = true\n'


def test_rare_categories_come_back_as_often_as_they_are(schema):
    """0.99 / 0.01 within 0.005: seven standard deviations of 20,000 rows."""
    rng = np.random.default_rng(0)
    rare = schema_of(
        '[columns.x]\nkind = "categorical"\nlevels = ["a", "b"]\n[columns.y]\n' + NUMBER
    )
    frame = pd.DataFrame({"x": np.where(rng.random(2_000) < 0.01, "b", "a"),
                          "y": rng.normal(2, 1, 2_000).round(2)})  # fmt: skip
    frame.loc[frame.x == "b", "y"] += 3
    share = (frame.x == "b").mean()
    model = replace(QUICK, epochs=10)
    fake = wv.fit(frame, schema=rare, model=model, epsilon=inf, seed=1).sample(20_000, seed=2)
    assert (fake.x == "b").mean() == pytest.approx(share, abs=0.005)
    assert fake.y.quantile(0.5) == pytest.approx(frame.y.quantile(0.5), abs=0.1)


def test_columns_keep_their_law_though_rows_that_break_a_rule_are_drawn_again():
    """A game of one epoch breaks the rule often; 0.03 is five standard deviations of 6,000 rows."""
    text = "".join(f"[columns.{c}]\n{LEVELS}" for c in "xy")
    ruled = schema_of('[table]\nrules = ["if x = a then y = a"]\n' + text)
    rng = np.random.default_rng(0)
    x = rng.choice(list("abc"), 1_000, p=[0.5, 0.3, 0.2])
    y = np.where(x == "a", "a", rng.choice(list("abc"), 1_000))
    frame = pd.DataFrame({"x": x, "y": y})
    model = replace(QUICK, epochs=1)
    fake = wv.fit(frame, schema=ruled, model=model, epsilon=inf, seed=1).sample(6_000, seed=2)
    for name in "xy":
        shares = (f[name].value_counts(normalize=True) for f in (frame, fake))
        assert np.abs(np.subtract(*(s.reindex(list("abc")) for s in shares))).max() < 0.03


@pytest.fixture(scope="module")
def asked(schema):
    return wv.fit(cohort(600), schema=schema, model=replace(QUICK, epochs=20), epsilon=inf, seed=1)


@pytest.mark.parametrize(
    "where",
    [{"stage": "III"}, {"died": 1}, {"sex": ["female"]}, {"age": (30, 40)}, {"bmi": (20.5, 21.0)},
     {"drugs": "insulin"}, {"stage": ["I", "IV"], "died": 0, "age": (60, 70)}],
    ids=lambda where: "+".join(where),
)  # fmt: skip
def test_what_is_asked_of_any_column_holds_in_every_row(where, asked):
    fake = asked.sample(300, where=where, seed=1)
    for name, wish in where.items():
        if isinstance(wish, tuple):
            assert fake[name].between(*wish).all()
        elif name == "drugs":
            assert fake[name].str.contains(wish).all()
        else:
            assert fake[name].isin(wish if isinstance(wish, list) else [wish]).all()


def test_a_condition_lights_its_own_category(schema):
    """In the second discrete column, not in the first: after a short game it is obeyed."""
    model = replace(QUICK, epochs=80, noise_dim=32, generator_hidden_dims=(64, 64),
                    learning_rate=2e-3)  # fmt: skip
    game = game_of(schema, model)
    for _ in range(model.steps(200)):
        game.step()
    G, modes = game.settled(), game.modes
    names = [v.name for v in modes.discrete]
    for name in ("stage", "diabetes"):
        k = names.index(name)
        for code in range(modes.sizes[k]):
            at = modes.starts[k] + code
            cond = game.hot(at.repeat(200))
            z = torch.randn(model.noise_dim, 200, generator=torch.Generator().manual_seed(code))
            with torch.no_grad():
                raw = G(torch.cat([z, cond.T]))
            part = raw[int(modes.starts[k]) :][: modes.sizes[k]]
            assert (part.argmax(dim=0) == code).float().mean() > 0.9, (name, code)


TABLES = {
    "no discrete column": "[columns.x]\n" + NUMBER + "[columns.y]\n" + NUMBER,
    "no number": "[columns.x]\n" + LEVELS + "[columns.y]\n" + LEVELS,
    "one column": "[columns.x]\n" + NUMBER,
}


@pytest.mark.parametrize("epsilon", [1.0, inf])
@pytest.mark.parametrize("kind", TABLES)
def test_tables_without_numbers_or_without_categories(kind, epsilon):
    schema = schema_of(TABLES[kind])
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({
        c.name: np.where(rng.random(120) < 0.3, np.nan, rng.normal(2, 1, 120).round(2))
        if c.kind == "continuous" else rng.choice(["a", "b", "c"], 120) for c in schema.columns
    })  # fmt: skip
    synth = wv.fit(frame, schema=schema, model=QUICK, epsilon=epsilon, seed=1)
    fake = synth.sample(200, seed=1)
    assert wv.read_table(fake, schema).n == 200
    if epsilon == inf:
        assert fake.isna().mean().tolist() == pytest.approx(frame.isna().mean().tolist(), abs=0.15)


@pytest.mark.parametrize(("n", "batch"), [(3, 500), (40, 7), (61, 1), (90, 33)])
def test_any_batch_and_tables_smaller_than_one(n, batch, schema):
    model = replace(QUICK, batch_size=batch)
    assert model.rows % model.pac == 0
    synth = wv.fit(cohort(n), schema=schema, model=model, epsilon=inf, seed=1)
    assert len(synth.sample(11, seed=1)) == 11
    assert len(synth.history["generator"]) == model.steps(n)


def test_more_rows_than_are_drawn_together(asked, monkeypatch):
    monkeypatch.setattr("wardveil.models.ctgan.TOGETHER", 64)
    assert len(asked.sample(200, seed=1)) == 200
    assert len(asked.sample(100, where={"died": 1}, seed=1)) == 100
