"""Patients drawn from soft rows: their law, what is asked of them, repeatability."""

import numpy as np
import pytest
import torch
from scipy import stats

from wardveil.networks.population import Population, _apart
from wardveil.schema import Schema
from wardveil.schema.where import parse_where

ALPHA = 0.001
SCHEMA = Schema.parse("""
[columns.age]
kind = "count"
low = 0
high = 99
nullable = true

[columns.sex]
kind = "categorical"
levels = ["female", "male"]
""")


def population(rows=40, seed=0):
    rng = np.random.default_rng(seed)
    age = SCHEMA.variables[0]
    group = {"age": np.append(np.arange(100) // 25, 4).astype(np.int32),
             "sex": np.arange(2, dtype=np.int32)}  # fmt: skip
    p = {"age": rng.dirichlet(np.ones(age.size)), "sex": np.array([0.3, 0.7])}
    soft = {"age": rng.dirichlet(np.ones(5), rows), "sex": rng.dirichlet(np.ones(2), rows)}
    return Population(p, group, soft, {})


def test_cells_follow_the_law_of_the_rows_and_not_another():
    made, n = population(), 40_000
    rows = made.draw(SCHEMA, n, {}, np.random.default_rng(1))
    age = SCHEMA.variables[0]
    cell = age.cell(rows["age"])
    inside = (
        made.p["age"] / np.bincount(made.group["age"], weights=made.p["age"])[made.group["age"]]
    )
    law = made.soft["age"].mean(axis=0)[made.group["age"]] * inside
    counts = np.bincount(cell, minlength=age.size)
    assert stats.chisquare(counts, n * law).pvalue > ALPHA
    wrong = n * (0.9 * law + 0.1 * np.roll(law, 1))
    assert stats.chisquare(counts, wrong).pvalue < ALPHA


def test_pairs_follow_the_mixture():
    made, n = population(), 40_000
    rows = made.draw(SCHEMA, n, {}, np.random.default_rng(2))
    bins = made.group["age"][SCHEMA.variables[0].cell(rows["age"])]
    joint = np.zeros((5, 2))
    np.add.at(joint, (bins, rows["sex"]), 1)
    law = made.soft["age"].T @ made.soft["sex"] / len(made.soft["age"])
    assert stats.chisquare(joint.ravel(), n * law.ravel()).pvalue > ALPHA
    apart = n * np.outer(law.sum(axis=1), law.sum(axis=0))
    assert stats.chisquare(joint.ravel(), apart.ravel()).pvalue < ALPHA


def test_soft_rows_are_used_evenly():
    which = population(rows=40)._evenly(1_000, {}, np.random.default_rng(0))
    assert set(np.bincount(which)) <= {24, 25, 26}
    assert (np.diff(which) >= 0).all()


def test_luck_is_uniform_apart_within_a_column_and_unrelated_between_columns():
    draw, n = np.random.default_rng(3), 40_000
    u, v = (_apart(n, draw) for _ in "uv")
    assert stats.kstest(u[::4], "uniform").pvalue > ALPHA
    assert stats.kstest(u[::4] ** 1.1, "uniform").pvalue < ALPHA
    halves = (u > 0.5).reshape(-1, 2)
    assert (halves[:, 0] != halves[:, 1]).all()
    assert (np.sort((4 * u).astype(int).reshape(-1, 4), axis=1) == np.arange(4)).all()
    table = np.zeros((4, 4))
    np.add.at(table, ((4 * u).astype(int), (4 * v).astype(int)), 1)
    of_first = np.zeros((4, 4))  # rows that are drawn independently of one another
    np.add.at(of_first, ((4 * u[::4]).astype(int), (4 * v[::4]).astype(int)), 1)
    assert stats.chisquare(of_first.ravel()).pvalue > ALPHA
    assert table.ravel() == pytest.approx(np.full(16, n / 16), rel=0.1)


def test_shares_err_less_than_with_independent_luck():
    """Two patients a soft row: the variance of a level's share is at most 0.6 of binomial luck."""
    made, n = population(rows=400), 800
    shares = [
        (made.draw(SCHEMA, n, {}, np.random.default_rng(k))["sex"] == 1).mean() for k in range(300)
    ]
    q = made.soft["sex"][:, 1]
    assert np.var(shares) < 0.6 * (q * (1 - q)).mean() / n


@pytest.mark.parametrize("asked", [{"sex": "female"}, {"age": (30, 41)}, {"age": 7, "sex": "male"}])
def test_what_is_asked_holds_in_every_row(asked):
    where = parse_where(asked, SCHEMA)
    rows = population().draw(SCHEMA, 2_000, where, np.random.default_rng(3))
    if "sex" in asked:
        assert (rows["sex"] == ["female", "male"].index(asked["sex"])).all()
    if "age" in asked:
        low, high = asked["age"] if isinstance(asked["age"], tuple) else (asked["age"],) * 2
        assert ((rows["age"] >= low) & (rows["age"] <= high)).all()


def test_threads_change_no_value():
    made, threads = population(), torch.get_num_threads()
    drawn = []
    for k in (1, 4):
        torch.set_num_threads(k)
        drawn.append(made.draw(SCHEMA, 500, {}, np.random.default_rng(4)))
    torch.set_num_threads(threads)
    assert all(np.array_equal(drawn[0][v], drawn[1][v], equal_nan=True) for v in drawn[0])


def test_weights_and_back():
    made = population()
    again = Population.of(made.weights())
    one, two = (m.draw(SCHEMA, 100, {}, np.random.default_rng(5)) for m in (made, again))
    assert all(np.array_equal(one[v], two[v], equal_nan=True) for v in one)
