"""Mixtures from histograms, and rows to categories and scalars and back."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from wardveil.encode.mixture import mixtures
from wardveil.encode.modes import FEW, Modes, split, taken_apart
from wardveil.schema.variable import Levelled, Numeric


def histogram(values, cells):
    return np.bincount(np.clip(np.rint(values), 0, cells - 1).astype(int), minlength=cells)


def codec(variables, rows, most=4, peak=None):
    n = len(next(iter(rows.values())))
    p = {v.name: np.bincount(v.cell(rows[v.name]), minlength=v.size) / n for v in variables}
    _, numbers = split(variables)
    return Modes(variables, taken_apart(numbers, p, peak or {}, n=n, most=most)), p


@st.composite
def tables(draw):
    """A number with gaps and spikes, a number of few values, a level; rows of them."""
    n = draw(st.integers(2, 60))
    low, decimals = draw(st.integers(-50, 50)), draw(st.integers(0, 2))
    points = draw(st.integers(FEW + 1, 3000))
    number = Numeric(name="x", low=float(low), high=low + (points - 1) * 10.0**-decimals,
                     decimals=decimals, nullable=draw(st.booleans()))  # fmt: skip
    few = Numeric(name="few", low=0, high=draw(st.integers(1, FEW - 1)), decimals=0, nullable=True)
    level = Levelled(name="k", levels=("a", "b", "c"), nullable=draw(st.booleans()))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    x = np.round(low + rng.integers(0, points, n) * 10.0**-decimals, decimals)
    x[rng.random(n) < draw(st.sampled_from([0.0, 0.5]))] = number.low
    x[rng.random(n) < 0.3 * number.nullable] = np.nan
    y = rng.integers(0, int(few.high) + 1, n).astype(float)
    y[rng.random(n) < 0.2] = np.nan
    k = rng.integers(-int(level.nullable), 3, n).astype(np.int32)
    return (number, few, level), {"x": x, "few": y, "k": k}


@given(case=tables())
def test_decode_undoes_encode_where_the_scalar_was_not_cut(case):
    variables, rows = case
    modes, _ = codec(variables, rows)
    compact = modes.encode(rows)
    heads = modes.heads
    back = modes.decode(compact[:, :heads].numpy().T.astype(np.int32),
                        compact[:, heads:].double().numpy().T)  # fmt: skip
    assert np.array_equal(back["k"], rows["k"])
    assert np.array_equal(back["few"], rows["few"], equal_nan=True)
    assert np.array_equal(np.isnan(back["x"]), np.isnan(rows["x"]))
    whole = np.abs(compact[:, -1].numpy()) < 0.98
    there = ~np.isnan(rows["x"]) & whole
    rounding = 1e-4 * variables[0].points * 10.0 ** -variables[0].decimals
    assert np.abs(back["x"] - rows["x"])[there].max(initial=0) <= rounding


@given(case=tables())
def test_a_row_is_encoded_by_itself(case):
    variables, rows = case
    modes, _ = codec(variables, rows)
    whole = modes.encode(rows)
    for i in (0, len(whole) - 1):
        alone = modes.encode({name: values[i : i + 1] for name, values in rows.items()})
        assert torch.equal(alone[0], whole[i])


@given(case=tables())
def test_every_head_has_one_one_and_masses_are_shares(case):
    variables, rows = case
    modes, p = codec(variables, rows)
    hot = modes.hot(modes.encode(rows))
    assert hot.shape[1] == modes.width == sum(modes.sizes) + len(modes.numbers)
    assert hot[:, modes.hot_width :].abs().max() <= 0.99
    for part in torch.split(hot[:, : modes.hot_width], modes.sizes, dim=1):
        assert torch.equal(part.sum(dim=1), torch.ones(len(hot)))
    share = modes.numbers[0].masses(p["x"])
    assert share.sum() == pytest.approx(1.0)
    coded = torch.bincount(modes.encode(rows)[:, -2].long(), minlength=len(share)) / len(hot)
    beyond = modes.numbers[0].normals
    assert coded[beyond:].tolist() == pytest.approx(share[beyond:].tolist(), abs=1e-6)


@given(case=tables())
def test_saved_modes_are_the_same_modes(case):
    variables, rows = case
    modes, _ = codec(variables, rows)
    again = Modes.restored(variables, modes.tensors())
    assert torch.equal(again.encode(rows), modes.encode(rows))
    assert again.sizes == modes.sizes


def test_five_hills_are_five_normals():
    rng = np.random.default_rng(1)
    x = rng.choice([50.0, 150, 250, 350, 450], 20_000) + 11 * rng.standard_normal(20_000)
    (found,) = mixtures(histogram(x, 512)[None].astype(float), 20_000, 10)
    assert found.mean.tolist() == pytest.approx([50, 150, 250, 350, 450], abs=2)
    assert found.sd.tolist() == pytest.approx([11] * 5, abs=1)
    assert found.weight.tolist() == pytest.approx([0.2] * 5, abs=0.02)


def test_one_hill_is_one_normal_and_no_patients_are_no_error():
    x = 200 + 40 * np.random.default_rng(2).standard_normal(5_000)
    one, none = mixtures(np.stack([histogram(x, 512), np.zeros(512)]).astype(float), 5_000, 6)
    assert len(one.mean) == 1
    assert np.isfinite(np.concatenate(none)).all()


def test_a_mode_is_drawn_from_its_posterior_if_asked_to():
    """Between two equal hills both modes come, about as often; alpha 1e-6 by Hoeffding."""
    v = Numeric(name="x", low=0, high=511, decimals=0, nullable=False)
    rng = np.random.default_rng(3)
    rows = {"x": np.clip(np.rint(rng.choice([200, 312], 20_000) + 30 * rng.standard_normal(20_000)),
                         0, 511)}  # fmt: skip
    modes, _ = codec((v,), rows, most=2)
    assert modes.numbers[0].normals == 2
    middle = {"x": np.full(4_000, np.rint(modes.numbers[0].mixture.mean.mean()))}
    drawn = modes.encode(middle, np.random.default_rng(4))[:, 0].numpy()
    chance = modes.numbers[0].mixture.posterior(middle["x"][:1])[0, 1]
    assert drawn.mean() == pytest.approx(chance, abs=0.043)
    assert len(set(modes.encode(middle)[:, 0].tolist())) == 1


def test_a_value_written_again_and_again_is_a_mode_of_its_own():
    v = Numeric(name="cost", low=0, high=100_000, decimals=0, nullable=False)
    rng = np.random.default_rng(5)
    x = np.where(rng.random(4_000) < 0.3, 0.0, rng.integers(1, 100_000, 4_000).astype(float))
    p = np.bincount(v.cell(x), minlength=v.size) / 4_000
    peak = np.zeros(v.size)
    peak[0] = 0.97
    (number,) = taken_apart([v], {"cost": p}, {"cost": peak}, n=4_000, most=3)
    assert number.spikes.tolist() == [0]
    code = Modes((v,), [number]).encode({"cost": x})
    assert torch.equal(code[:, 0] == number.normals, torch.from_numpy(x == 0))
    assert (code[x == 0, 1] == 0).all()


def test_knots_move_a_number_onto_the_known_distribution():
    """Whatever a generator makes of a number, its ranks survive and its values are the table's."""
    v = Numeric(name="x", low=0, high=300, decimals=0, nullable=False)
    rng = np.random.default_rng(6)
    rows = {"x": np.rint(rng.gamma(4, 20, 6_000)).clip(0, 300)}
    modes, _ = codec((v,), rows, most=1)
    scalar = np.tanh(0.6 * rng.standard_normal(6_000))
    mode = np.zeros(6_000, dtype=np.int32)
    number = modes.numbers[0]
    knots = np.quantile(number.placed(mode, scalar), np.linspace(0, 1, 1025))
    made = modes.decode(mode[None], scalar[None], {"x": knots})["x"]
    gap = np.sort(made) - np.sort(rows["x"])
    assert np.abs(gap).mean() < 1.5
    assert (np.diff(made[np.argsort(scalar)]) >= 0).all()
