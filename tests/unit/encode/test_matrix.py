"""Rows to matrix and back, bins, calibration, conditions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from wardveil.encode.bins import Bins
from wardveil.encode.calibrate import calibrated, calibration
from wardveil.encode.condition import Conditions, joint_size
from wardveil.encode.matrix import Matrix
from wardveil.encode.pairs import bins_for, shrunk
from wardveil.schema.variable import Levelled, Numeric
from wardveil.schema.where import Interval, OneOf
from wardveil.vault import Answer


@st.composite
def tables(draw):
    """Variables of every kind, rows of them, and their exact distributions."""
    n = draw(st.integers(2, 40))
    low, decimals = draw(st.integers(-50, 50)), draw(st.integers(0, 3))
    points = draw(st.integers(2, 3000))
    number = Numeric(name="x", low=float(low), high=low + (points - 1) * 10.0**-decimals,
                     decimals=decimals, nullable=draw(st.booleans()))  # fmt: skip
    level = Levelled(name="k", levels=tuple("abcde"[: draw(st.integers(2, 5))]),
                     nullable=draw(st.booleans()))  # fmt: skip
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    x = np.round(low + rng.integers(0, points, n) * 10.0**-decimals, decimals)
    x[rng.random(n) < 0.3 * number.nullable] = np.nan
    k = rng.integers(-int(level.nullable), len(level.levels), n).astype(np.int32)
    rows = {"x": x, "k": k}
    p = {v.name: np.bincount(v.cell(rows[v.name]), minlength=v.size) / n for v in (number, level)}
    return (number, level), rows, p


@given(case=tables())
def test_decode_undoes_encode_to_within_a_cell(case):
    (number, level), rows, p = case
    matrix = Matrix((number, level), p)
    encoded = matrix.encode(rows)
    assert encoded.abs().max() <= 1
    back = matrix.decode(encoded, np.random.default_rng(0))
    assert np.array_equal(np.isnan(back["x"]), np.isnan(rows["x"]))
    assert np.array_equal(back["k"], rows["k"])
    there = ~np.isnan(rows["x"])
    assert np.array_equal(number.cell(back["x"][there]), number.cell(rows["x"][there]))
    gap = np.abs(back["x"][there] - rows["x"][there])
    assert (gap <= number.stride * 10.0**-number.decimals).all()


def test_a_value_that_many_share_is_spread_over_its_positions_and_comes_back():
    """Six patients of ten have a 5. Kolmogorov and Smirnov at alpha = 1e-4, one seed."""
    rng = np.random.default_rng(0)
    x = np.where(rng.random(5_000) < 0.6, 5.0, rng.integers(0, 10, 5_000))
    x[rng.random(5_000) < 0.1] = np.nan
    number = Numeric(name="x", low=0, high=9, decimals=0, nullable=True)
    p = np.bincount(number.cell(x), minlength=number.size) / 5_000
    matrix, there = Matrix((number,), {"x": p}), ~np.isnan(x)
    middle, spread = (matrix.encode({"x": x}, r)[:, 0].numpy() for r in (None, rng))
    assert stats.kstest(spread[there], "uniform", (-1, 2)).pvalue > 1e-4
    assert stats.kstest(middle[there], "uniform", (-1, 2)).pvalue < 1e-4
    assert (spread[~there] == 0).all()
    assert np.array_equal(matrix.number(number, (spread[there] + 1) / 2), x[there])


@given(case=tables(), few=st.integers(0, 60))
def test_a_number_of_few_values_is_written_as_levels_and_comes_back(case, few):
    (number, level), rows, p = case
    matrix = Matrix((number, level), p, few=few)
    block = matrix.blocks[0]
    assert block.number == (number.points > few)
    if not block.number:
        assert block.choices == (1 if number.size == 2 else number.size)
        sure = 4 * matrix.encode(rows)  # a level is else missed once in 22,000 draws for each other
        back = matrix.decode(sure, np.random.default_rng(0))
        assert np.array_equal(back["x"], rows["x"], equal_nan=True)


@given(case=tables(), u=st.floats(-1, 1))
def test_every_position_decodes_to_an_admissible_value(case, u):
    (number, level), _, p = case
    matrix = Matrix((number, level), p)
    x = torch.full((5, matrix.width), u)
    values = matrix.decode(x, np.random.default_rng(0))["x"]
    known = values[~np.isnan(values)]
    assert ((known >= number.low) & (known <= number.high + 1e-9)).all()
    assert np.allclose(np.round(known, number.decimals), known)


@given(case=tables(), most=st.integers(2, 12))
def test_bins_partition_the_cells(case, most):
    variables, _, p = case
    bins = Bins(variables, p, most)
    for v in variables:
        group = bins.group[v.name]
        assert len(group) == v.size
        assert sorted(set(group.tolist())) == list(range(bins.sizes[v.name]))
        assert bins.sizes[v.name] <= most + v.nullable
        assert bins.mass(v.name).sum() == pytest.approx(1.0)


def test_bins_of_a_smooth_number_have_equal_mass():
    v = Numeric(name="x", low=0, high=999, decimals=0, nullable=False)
    p = np.ones(v.size) / v.size
    assert Bins([v], {"x": p}, 8).mass("x") == pytest.approx(np.full(8, 1 / 8), abs=0.01)


def test_calibration_moves_columns_onto_their_distributions_and_keeps_ranks():
    number = Numeric(name="x", low=0, high=99, decimals=0, nullable=True)
    level = Levelled(name="k", levels=("a", "b", "c"), nullable=False)
    p = {"x": np.append(np.full(100, 0.007), 0.3), "k": np.array([0.7, 0.2, 0.1])}
    matrix = Matrix((number, level), p)
    drawn = torch.tanh(
        0.3 * torch.randn(6000, matrix.width, generator=torch.Generator().manual_seed(0))
    )
    x = calibrated(matrix, drawn, calibration(matrix, drawn))
    known = x[:, 1] < 0  # where it rather is missing nobody reads the number
    assert torch.equal(x[known, 0].argsort(), drawn[known, 0].double().argsort())
    rows = matrix.decode(x, np.random.default_rng(0))
    assert np.isnan(rows["x"]).mean() == pytest.approx(0.3, abs=0.03)
    assert np.bincount(rows["k"], minlength=3) / 6000 == pytest.approx(p["k"], abs=0.03)
    known = rows["x"][~np.isnan(rows["x"])]
    assert np.histogram(known, 10, (0, 100))[0] / len(known) == pytest.approx(0.1, abs=0.02)


def conditions(joint=None):
    sex = Levelled(name="sex", levels=("f", "m"), nullable=False)
    age = Numeric(name="age", low=18, high=90, decimals=0, nullable=False)
    p = {"sex": np.array([0.6, 0.4]), "age": np.ones(age.size) / age.size}
    return Conditions([sex, age], p, joint)


@given(low=st.integers(18, 90), width=st.integers(0, 30), male=st.booleans())
def test_what_is_asked_comes_back_in_every_row(low, width, male):
    high = min(90, low + width)
    asked = {"age": Interval(low=low, high=high), "sex": OneOf(levels=frozenset({int(male)}))}
    cells, rows = conditions().draw(50, asked, np.random.default_rng(0))
    assert ((rows["age"] >= low) & (rows["age"] <= high)).all()
    assert (rows["sex"] == male).all()
    assert conditions().encode(cells).shape == (50, conditions().width)


def test_conditions_follow_their_joint_distribution():
    joint = np.zeros((2, 5))
    joint[0, 0], joint[1, 4] = 0.6, 0.4  # women young, men old
    cells, _ = conditions(joint).draw(2000, {}, np.random.default_rng(0))
    assert ((cells["sex"] == 0) == (cells["age"] == 0)).all()
    asked = {"sex": OneOf(levels=frozenset({1}))}
    cells, rows = conditions(joint).draw(100, asked, np.random.default_rng(0))
    assert (cells["age"] == 4).all()
    assert (rows["age"] > 70).all()


def test_the_joint_table_is_counted_with_missing():
    sex = Levelled(name="sex", levels=("f", "m"), nullable=True)
    assert joint_size([sex, sex]) == 9
    assert joint_size([]) == 0


def test_a_table_that_noise_explains_becomes_independent():
    independent = np.outer([0.5, 0.5], [0.3, 0.7])
    rng = np.random.default_rng(0)
    noisy = Answer(counts=1000 * independent + 40 * rng.standard_normal((2, 2)), sd=60.0)
    assert shrunk(noisy, independent, 1000) == pytest.approx(independent)
    dependent = np.array([[0.3, 0.2], [0.0, 0.5]])
    sharp = Answer(counts=1000 * dependent, sd=1.0)
    assert shrunk(sharp, independent, 1000) == pytest.approx(dependent, abs=0.01)


def test_bins_get_coarser_with_noise():
    assert bins_for(6000, 25.0) > bins_for(1000, 25.0) >= 3
    assert bins_for(1000, 0.0) >= bins_for(6000, 25.0)


def test_a_value_written_again_and_again_comes_back_and_its_neighbours_do_not():
    """Nine of ten are 0, in a cell of 196 points; three standard errors of 5,000 are 0.013."""
    cost = Numeric(name="x", low=0, high=99_999, decimals=0, nullable=False)
    rng = np.random.default_rng(0)
    x = np.where(rng.random(5_000) < 0.9, 0.0, rng.integers(5_000, 60_000, 5_000))
    p = {"x": np.bincount(cost.cell(x), minlength=cost.size) / 5_000}
    peak = {"x": np.eye(cost.size)[0]}
    for heaped, share in ((peak, (x == 0).mean()), (None, 0.9 / cost.stride)):
        matrix = Matrix([cost], p, heaped)
        back = matrix.decode(
            2 * torch.rand(5_000, 1, generator=torch.Generator().manual_seed(0)) - 1, rng
        )
        assert (back["x"] == 0).mean() == pytest.approx(share, abs=0.013)
