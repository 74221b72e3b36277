"""medGAN: both phases, every setting, the mistakes of the published code, what is refused."""

from dataclasses import fields, replace
from math import inf

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load, save

import wardveil as wv
from conftest import cohort
from tests_support import SMALL, planned, private_weights, table_of, unlike
from wardveil.audit.examine import audit_plan
from wardveil.errors import UsageError, VaultError
from wardveil.models import MedGAN, Rng
from wardveil.privacy import Lease
from wardveil.schema import Column, Schema
from wardveil.vault import OpenVault, SeededNoise, Vault

QUICK = replace(SMALL["medgan"], matching_steps=0)
CODES = 30


def codes_schema(kind="binary", high=6.0):
    facts = {"levels": ("0", "1")} if kind == "binary" else {"low": 0.0, "high": high}
    return Schema(columns=tuple(Column(name=f"c{k}", kind=kind, **facts) for k in range(CODES)))


def codes(n, seed=0):
    """Counts of codes of two kinds of patients, who share none of their codes."""
    rng = np.random.default_rng(seed)
    rate = np.geomspace(1.0, 0.02, CODES // 2)
    kind = rng.random(n) < 0.4
    half = rng.poisson(rate, (n, CODES // 2))
    counts = np.hstack([half * kind[:, None], half * ~kind[:, None]])
    return pd.DataFrame(np.minimum(counts, 6), columns=[f"c{k}" for k in range(CODES)])


def flags(n, seed=0):
    return (codes(n, seed) > 0).astype(int)


def opened(frame, schema, model=QUICK):
    table = table_of(frame, schema)
    questions, _ = model.questions(schema, table.n, planned((), table.n, inf).budget)
    lease = Lease(planned(questions, table.n, inf))
    return OpenVault(table.rows, schema=schema, lease=lease, noise=SeededNoise(1))


def game_of(model=QUICK, n=200):
    return model.game(opened(flags(n), codes_schema(), model), Rng(4))


def weights_of(schema, **changes):
    model = replace(QUICK, **changes)
    return model.train(opened(cohort(200), schema, model), Rng(4), lambda _: None)


# -- the two phases -----------------------------------------------------------------------------


def same(one, two):
    return all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def copies(network):
    return [p.detach().clone() for p in network.parameters()]


def test_the_pretrained_decoder_starts_the_game_and_goes_on_learning_in_it():
    game = game_of()
    fresh = copies(game.autoencoder.decoder)
    for _ in range(5):
        game.pretrain_step()
    pretrained, encoder = copies(game.autoencoder.decoder), copies(game.autoencoder.encoder)
    assert not same(fresh, pretrained)
    network = game.settled()
    assert same(network[1].parameters(), pretrained)  # it is in the generator's path
    game.step()
    assert not same(game.autoencoder.decoder.parameters(), pretrained)
    assert same(game.autoencoder.encoder.parameters(), encoder)


def test_pretraining_learns_to_give_rows_back_and_says_so():
    """Twenty epochs halve the loss of rows that are not trained on; it is told once an epoch."""
    game = game_of(replace(QUICK, learning_rate=1e-2), n=400)
    first, _ = game.steps
    told = [game.pretrain_step() for _ in range(20 * first)]
    shown = [x["validation"] for x in told if "validation" in x]
    assert len(shown) == 20
    assert [k for k, x in enumerate(told, 1) if "validation" in x] == list(
        range(first, 20 * first + 1, first)
    )
    assert shown[-1] < 0.5 * shown[0]
    assert shown[-1] == pytest.approx(game.validation_loss())


def test_history_shows_both_phases():
    synth = wv.fit(flags(200), schema=codes_schema(), model=QUICK, epsilon=inf, seed=1)
    assert len(synth.history["validation"]) == QUICK.pretrain_epochs
    assert len(synth.history["auc"]) == len(synth.history["accuracy"]) == QUICK.epochs
    assert len(synth.history["discriminator"]) == len(synth.history["generator"])


def test_a_step_trains_the_discriminator_so_often_and_the_generator_once():
    for times in (1, 3):
        game = game_of(replace(QUICK, discriminator_steps=times))
        game.step()
        counted = [a.state_dict()["state"][0]["step"].item() for a in (game._adam_d, game._adam_g)]
        assert counted == [times, 1]


def test_each_side_is_averaged_by_itself():
    game = game_of()
    D = game.discriminator
    x, fake = game.some_rows(40), game.fakes(30)
    beside = torch.cat([x, x.mean(dim=0).expand(40, -1)], dim=1)
    torch.testing.assert_close(D.scores(x), D(beside))
    game.begin(0)
    expected = torch.nn.functional.softplus
    loss = expected(-D(beside)).mean() + expected(D.scores(fake)).mean()
    torch.testing.assert_close(game._discriminator_loss(x, fake), loss)
    assert not torch.allclose(D.scores(x, fake.mean(dim=0)), D.scores(x))


def test_auc_is_that_of_all_pairs():
    game = game_of(n=300)
    for _ in range(4):
        game.step()
    state = game._random.get_state()
    told = game.discrimination()
    game._random.set_state(state)
    D, n = game.discriminator, len(game.held)
    real = D.scores(game.records.dense(game._rows[game.held])).detach()
    fake = D.scores(game.fakes(n)).detach().squeeze(1)
    pairs = (real > fake).double().mean() + 0.5 * (real == fake).double().mean()
    assert told["auc"] == pytest.approx(float(pairs))


def test_a_game_saved_in_the_middle_goes_on_bit_for_bit():
    unbroken, broken = game_of(), game_of()
    for game, steps in ((unbroken, 5), (broken, 3)):
        for _ in range(steps):
            game.pretrain_step()
    state = load(save(broken.state()))  # tensors only: no pickle
    broken = game_of()
    broken.restore(state)
    for _ in range(2):
        broken.pretrain_step()
    for game, steps in ((unbroken, 6), (broken, 2)):
        for _ in range(steps):
            game.step()
    state = load(save(broken.state()))
    again = game_of()
    again.restore(state)
    for _ in range(4):
        again.step()
    one, two = unbroken.state(), again.state()
    assert set(one) == set(two)
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert same(unbroken.settled().parameters(), again.settled().parameters())


def test_training_is_the_same_game():
    """What `train` returns is what driving the game by hand gives."""
    model = replace(QUICK, calibrate=False)
    weights = model.train(opened(flags(200), codes_schema()), Rng(4), lambda _: None)
    game = game_of(model)
    for step, number in zip((game.pretrain_step, game.step), game.steps, strict=True):
        for _ in range(2 * number):
            step()
    last = game.settled()[1][-1].weight
    assert torch.equal(weights["G/1.0.weight"], last)


# -- the published code's mistakes ----------------------------------------------------------------


def test_every_epoch_draws_from_all_training_rows():
    """The published index was overwritten: from epoch 2 on only the validation rows were drawn."""
    schema = Schema(columns=(Column(name="who", kind="count", low=0.0, high=200.0),))
    frame = pd.DataFrame({"who": np.arange(200)})
    model = replace(QUICK, validation=0.1, batch_size=64)
    game = model.game(opened(frame, schema, model), Rng(4))
    held = set(game._rows[game.held].squeeze(1).tolist())
    assert len(held) == 20
    seen = []
    dense = game.records.dense
    game.records.dense = lambda compact: seen.append(compact) or dense(compact)
    steps = game.steps[1]
    for epoch in range(3):
        seen.clear()
        for _ in range(steps):
            game.step()
        batches = [set(x.squeeze(1).tolist()) for x in seen[: 2 * steps]]
        assert not held & set.union(*batches), epoch
        for half in (batches[:steps], batches[steps:]):  # D's two passes of an epoch
            assert sum(map(len, half)) == 180, epoch
            assert len(set.union(*half)) == 180, epoch
            assert max(map(len, half)) <= 64


@pytest.mark.parametrize("n", [2, 3, 40, 150])
def test_a_table_smaller_than_a_batch_is_trained_on(n):
    """The published code crashed below 10,000 rows: batches of 1,000 were drawn of a tenth."""
    model = replace(QUICK, batch_size=1_000, pretrain_batch_size=100)
    synth = wv.fit(flags(n), schema=codes_schema(), model=model, epsilon=inf, seed=1)
    assert len(synth.sample(11, seed=1)) == 11
    assert len(synth.history["generator"]) == model.epochs


# -- settings -----------------------------------------------------------------------------------

CHANGES = {
    "data_type": "mixed", "random_dim": 9, "embedding_dim": 9, "generator_dims": (8, 6),
    "discriminator_dims": (16, 4), "compress_dims": (9,), "decompress_dims": (9,),
    "bn_decay": 0.5, "l2_scale": 0.1, "learning_rate": 1e-2, "pretrain_epochs": 1,
    "pretrain_batch_size": 20, "epochs": 1, "batch_size": 40, "discriminator_steps": 1,
    "averaging": False, "batch_norm": False, "shortcuts": False, "validation": 0.3,
    "matching_steps": 2, "calibrate": False,
}  # fmt: skip
PRIVATE = {
    "max_grad_norm": 0.5, "private_batch": 0.5, "autoencoder_steps": 4, "private_steps": 5,
    "private_discriminator_dims": (9,), "autoencoder": "decoder", "anchor": True,
}  # fmt: skip
ANCHORED = {"anchor_rows": 80, "anchor_epochs": 1, "anchor_pretrain_epochs": 2, "learnable": 1e9}
SAMPLING = {"nearest": True}


def test_every_setting_has_a_test():
    known = {f.name for f in fields(MedGAN)}
    assert known == set(CHANGES) | set(PRIVATE) | set(ANCHORED) | set(SAMPLING)


@pytest.fixture(scope="module")
def plain():
    return QUICK.train(opened(flags(200), codes_schema()), Rng(4), lambda _: None)


@pytest.mark.parametrize("name", CHANGES)
def test_every_setting_counts(name, plain):
    model = replace(QUICK, **{name: CHANGES[name]})
    vault = opened(flags(200), codes_schema(), model)
    assert unlike(plain, model.train(vault, Rng(4), lambda _: None))


def private(schema, model):
    return private_weights(schema, model, table_of(cohort(200), schema).rows)


BARE = replace(QUICK, anchor=False, autoencoder="both")


@pytest.fixture(scope="module")
def hidden(schema):
    return private(schema, BARE)


@pytest.mark.parametrize("name", PRIVATE)
def test_every_private_setting_counts(name, schema, hidden):
    assert unlike(hidden, private(schema, replace(BARE, **{name: PRIVATE[name]})))


def test_every_setting_of_the_anchored_game_counts(schema):
    first = private(schema, QUICK)
    for name, value in ANCHORED.items():
        assert unlike(first, private(schema, replace(QUICK, **{name: value}))), name


def test_senseless_settings_are_refused_all_at_once():
    with pytest.raises(UsageError) as caught:
        MedGAN(batch_size=0, epochs=0, discriminator_dims=())
    assert {p.where for p in caught.value.problems} == {
        "batch_size",
        "epochs",
        "discriminator_dims",
    }
    with pytest.raises(UsageError, match="E127") as caught:
        MedGAN(validation=1.0, bn_decay=1.5, anchor=False)
    assert len(caught.value.problems) == 3


# -- what comes out -----------------------------------------------------------------------------


@pytest.mark.parametrize("nearest", [True, False])
@pytest.mark.parametrize("kind", ["binary", "count"])
def test_codes_come_back_as_often_as_they_are(kind, nearest):
    """Within 5 standard deviations of 4,000 rows, for each of 30 codes (alpha below 2e-5)."""
    frame = flags(1_000) if kind == "binary" else codes(1_000)
    model = replace(QUICK, nearest=nearest, epochs=20, learning_rate=1e-2)
    synth = wv.fit(frame, schema=codes_schema(kind), model=model, epsilon=inf, seed=1)
    fake = synth.sample(4_000, seed=2)
    assert (fake.dtypes == "int64").all()
    assert fake.min().min() == 0
    assert fake.max().max() <= (1 if kind == "binary" else 6)
    mean, sd = frame.mean(), frame.std()
    assert ((fake.mean() - mean).abs() < 5 * sd / np.sqrt(4_000) + 1e-3).all()


def test_codes_that_exclude_each_other_hardly_meet():
    """Two kinds of patients, mixed in a third of independent draws, and in a sixth at most here."""
    model = MedGAN(
        random_dim=16, embedding_dim=16, generator_dims=(16, 16), discriminator_dims=(32, 16),
        pretrain_epochs=30, epochs=100, batch_size=100, learning_rate=5e-3, pretrain_batch_size=50,
    )  # fmt: skip
    synth = wv.fit(flags(1_000), schema=codes_schema(), model=model, epsilon=inf, seed=1)
    fake = synth.sample(2_000, seed=2).to_numpy()
    mixed = fake[:, :15].any(axis=1) & fake[:, 15:].any(axis=1)
    apart = np.random.default_rng(0).permuted(flags(1_000).to_numpy(), axis=0)
    independent = apart[:, :15].any(axis=1) & apart[:, 15:].any(axis=1)
    assert independent.mean() > 1 / 3
    assert mixed.mean() < 1 / 6


@pytest.mark.parametrize("kind", ["binary", "count"])
def test_matching_moves_second_moments_and_sampling_keeps_them(kind):
    """A game of two epochs leaves covariances that 400 steps bring clearly nearer."""
    frame = flags(1_000) if kind == "binary" else codes(1_000)
    wanted = np.cov(frame.to_numpy().T)
    apart = []
    for steps in (0, 400):
        model = replace(QUICK, matching_steps=steps, calibrate=False)
        synth = wv.fit(frame, schema=codes_schema(kind), model=model, epsilon=inf, seed=1)
        found = np.cov(synth.sample(8_000, seed=2).to_numpy().T)
        np.fill_diagonal(found, np.diag(wanted))
        apart.append(np.linalg.norm(found - wanted))
    assert apart[1] < 0.85 * apart[0]


def test_rare_codes_that_go_together_count_as_much_as_frequent_ones():
    """One patient in twenty has an illness of eight codes. Moments that are not divided by sds
    leave their correlations at 0.05 to 0.07 (two seeds), divided ones at 0.15 to 0.21."""
    rng = np.random.default_rng(0)
    x = (rng.random((1_000, CODES)) < 0.3).astype(int)
    x[:, 22:] = (rng.random(1_000) < 0.05)[:, None] & (rng.random((1_000, 8)) < 0.8)
    frame = pd.DataFrame(x, columns=[f"c{k}" for k in range(CODES)])
    model = replace(QUICK, matching_steps=1_000)
    synth = wv.fit(frame, schema=codes_schema(), model=model, epsilon=inf, seed=1)
    found = np.corrcoef(synth.sample(8_000, seed=2).to_numpy().T)[22:, 22:]
    assert found[np.triu_indices(8, 1)].mean() > 0.1


def test_the_declared_type_must_fit_the_schema(schema):
    for wrong in ("binary", "count"):
        with pytest.raises(UsageError, match="E126"):
            wv.plan(schema, rows=100, epsilon=inf, model=MedGAN(data_type=wrong))
    wv.plan(codes_schema("count"), rows=100, epsilon=inf, model=MedGAN(data_type="count"))


@pytest.mark.parametrize("where", [{"c14": 1}, {"c0": 1, "c29": 1}])
def test_what_is_rare_or_never_seen_can_be_asked_for(where):
    synth = wv.fit(flags(300), schema=codes_schema(), model=QUICK, epsilon=inf, seed=1)
    fake = synth.sample(30, where=where, seed=1)
    assert len(fake) == 30
    for name, value in where.items():
        assert (fake[name] == value).all()


def test_an_asked_code_is_not_cut_off_by_others(schema):
    synth = wv.fit(cohort(300), schema=schema, model=QUICK, epsilon=inf, seed=1)
    for code in ("aspirin", "metformin"):
        fake = synth.sample(100, where={"drugs": code}, seed=1)
        assert fake.drugs.str.contains(code).all()


# -- privacy ------------------------------------------------------------------------------------


def test_a_private_step_on_a_plainly_trained_autoencoder_is_refused():
    """Noise on the decoder hides nothing that a plainly trained encoder has told."""
    game = game_of()
    game.autoencoder.part(game.some_rows(4), only_decoder=True)
    game.pretrain_step()
    for only_decoder in (True, False):
        with pytest.raises(VaultError, match="E425"):
            game.autoencoder.part(game.some_rows(4), only_decoder=only_decoder)
    model = replace(QUICK, anchor=False, autoencoder="decoder")
    plan = audit_plan(model, codes_schema(), 200, 3.0)
    table = table_of(flags(200), codes_schema())
    vault = Vault(table.rows, schema=codes_schema(), lease=Lease(plan), noise=SeededNoise(1))
    with pytest.raises(VaultError, match="E425"):
        model._pretrain_on_patients(game, vault, 200, lambda _: None)
    again = game_of()
    again.restore(load(save(game.state())))  # what it has seen is part of what is saved
    with pytest.raises(VaultError, match="E425"):
        again.autoencoder.part(game.some_rows(4), only_decoder=True)


def test_a_private_decoder_leaves_the_encoder_as_it_began(schema):
    game = game_of()
    encoder = copies(game.autoencoder.encoder)
    part = game.autoencoder.part(game.some_rows(9), only_decoder=True)
    names = [name for name, _ in game.autoencoder.decoder.named_parameters()]
    assert list(part.parameters()) == names
    game.descend_autoencoder(
        {name: torch.ones_like(p) for name, p in part.parameters().items()}, only_decoder=True
    )
    assert same(game.autoencoder.encoder.parameters(), encoder)


@pytest.mark.parametrize("epsilon", [1.0, inf])
def test_a_code_of_one_patient_that_was_not_declared_is_in_no_output(epsilon, schema, tmp_path):
    declared = schema.replace("drugs", levels=("aspirin", "insulin", "other"), unknown="other")
    frame = cohort(300).replace(
        {"drugs": {"metformin": "aspirin", "insulin; metformin": "insulin"}}
    )
    frame.loc[7, "drugs"] = "insulin; zq-unique"
    synth = wv.fit(frame, schema=declared, model=SMALL["medgan"], epsilon=epsilon, seed=1)
    synth.save(tmp_path / "run")
    for file in (tmp_path / "run").iterdir():
        assert b"zq-unique" not in file.read_bytes()
    held = set("; ".join(synth.sample(2_000, seed=1).drugs.dropna()).split("; "))
    assert held <= {"", "aspirin", "insulin", "other"}


def test_under_privacy_a_declared_code_of_one_patient_is_as_likely_as_one_of_nobody():
    """200 runs' one-way answers: how often a code appears says nothing of its one patient.

    The share set by noise alone, with and without the patient, differs by at most what ε = 1
    allows; a two-sided test of proportions at alpha = 0.001 does not see it in 400 codes.
    """
    from scipy.stats import fisher_exact

    n = 200
    frame = flags(n)
    frame.loc[:, [f"c{k}" for k in range(10, 30)]] = 0
    planted = [f"c{k}" for k in range(10, 20)]  # one patient each; the next ten have none
    for k, name in enumerate(planted):
        frame.loc[k, name] = 1
    rows = dict(table_of(frame, codes_schema()).rows)
    model = replace(QUICK, anchor=False, autoencoder="none", learnable=inf)
    plan = audit_plan(model, codes_schema(), n, 1.0)
    found = {True: 0, False: 0}
    for seed in range(40):
        vault = Vault(rows, schema=codes_schema(), lease=Lease(plan), noise=SeededNoise(seed))
        p = model._records(vault, n).p
        for name in (f"c{k}" for k in range(10, 30)):
            found[name in planted] += p[name][1] > 0
    table = [[found[True], 400 - found[True]], [found[False], 400 - found[False]]]
    assert fisher_exact(table).pvalue > 1e-3
    assert 0 < found[True] < 400
