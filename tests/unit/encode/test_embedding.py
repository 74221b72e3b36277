"""Embeddings are centred, short for most patients, and put back what they are asked."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardveil.encode.bins import Bins, corrected
from wardveil.encode.embedding import ROOM, correlates, masses
from wardveil.schema.variable import Levelled, Numeric

VARIABLES = (
    Numeric(name="age", low=0, high=99, decimals=0, nullable=True),
    Levelled(name="sex", levels=("f", "m"), nullable=False),
    Levelled(name="stage", levels=tuple("abcdef"), nullable=True, ordered=True),
    Levelled(name="site", levels=tuple("abcdefghijkl"), nullable=False),
)


def known(seed):
    rng = np.random.default_rng(seed)
    return {v.name: rng.dirichlet(np.ones(v.size)) for v in VARIABLES}


def patients(p, n, seed):
    rng = np.random.default_rng(seed)
    return {v.name: v.draw(rng.choice(v.size, n, p=p[v.name]).astype(np.int32), rng)
            for v in VARIABLES}  # fmt: skip


EVEN = dict.fromkeys([v.name for v in VARIABLES], 1.0)


@given(st.integers(0, 10_000), st.sampled_from(["masses", "straight", "curved"]))
@settings(max_examples=30, deadline=None)
def test_vectors_are_centred_and_of_the_stated_mean_length(seed, kind):
    p = known(seed)
    made = (
        masses(Bins(VARIABLES, p, 8), noise=np.inf) if kind == "masses"
        else correlates(VARIABLES, p, EVEN, curved=kind == "curved", noise=np.inf)
    )  # fmt: skip
    length = 0.0
    for v in VARIABLES:
        x = made.unit * made.vectors[v.name]
        assert np.abs(p[v.name] @ x).max(initial=0) < 1e-9
        length += p[v.name] @ (x**2).sum(axis=1)
    assert length == pytest.approx(1 / ROOM)


@pytest.mark.parametrize("power", [1, 2])
def test_less_noise_leaves_more_room_up_to_the_longest(power):
    p = {v.name: np.full(v.size, 0.03 / (v.size - 1)) for v in VARIABLES}
    for v in VARIABLES:
        p[v.name][0] = 0.97
    made = [
        masses(Bins(VARIABLES, p, 8), noise=noise) if power == 1
        else correlates(VARIABLES, p, EVEN, curved=True, noise=noise)
        for noise in (np.inf, 3e-2, 1e-3, 0.0)
    ]  # fmt: skip
    rooms = [1 / x.unit for x in made]
    assert rooms == sorted(rooms)
    assert rooms[0] < rooms[2] <= rooms[3]
    longest = made[-1].encode(patients(p, 1_000, 1)).norm(dim=1).max()
    assert longest == pytest.approx(1, abs=0.3)
    assert made[0].encode(patients(p, 1_000, 1)).norm(dim=1).max() > 2


def test_a_patient_is_encoded_alone_and_as_the_table_of_vectors_says():
    p = known(0)
    made = correlates(VARIABLES, p, EVEN, curved=True, noise=np.inf)
    rows = patients(p, 50, 1)
    whole = made.encode(rows).numpy()
    one = made.encode({k: v[7:8] for k, v in rows.items()}).numpy()
    assert (whole[7] == one[0]).all()
    assert whole.shape == (50, made.width)
    parts = made.split(whole[7].astype(float))
    for v in VARIABLES:
        cell = v.cell(rows[v.name][7:8])[0]
        assert np.allclose(parts[v.name], made.vectors[v.name][cell], atol=1e-5)


@given(st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_without_noise_a_second_look_finds_the_masses_that_are_there(seed):
    p, rows, n = known(seed), patients(known(seed + 1), 400, seed), 400
    bins = Bins(VARIABLES, p, 6)
    embedding = masses(bins, noise=np.inf)
    total = embedding.encode(rows).double().numpy().sum(axis=0)
    found = corrected(bins, embedding.split(total), dict.fromkeys(bins.sizes, 0.0), n)
    cells = bins.cells(rows)
    for v in VARIABLES:
        assert found[v.name].min() >= 0
        mass = np.bincount(bins.group[v.name], weights=found[v.name])
        true = np.bincount(cells[v.name], minlength=len(mass)) / n
        assert np.allclose(mass, true, atol=1e-4)


def test_a_gap_that_noise_explains_is_not_believed():
    p = known(3)
    bins = Bins(VARIABLES, p, 6)
    rng = np.random.default_rng(0)
    widths = {name: x.shape[1] for name, x in masses(bins, noise=np.inf).vectors.items()}
    gaps = {name: 5 * rng.standard_normal(width) for name, width in widths.items()}
    found = corrected(bins, gaps, dict.fromkeys(bins.sizes, 50.0), 400)
    assert all(np.allclose(found[v.name], p[v.name]) for v in VARIABLES)


def test_joined_bins_are_unions_of_the_finer_ones():
    fine = Bins(VARIABLES, known(1), 12)
    coarse = Bins(VARIABLES, known(1), 4, finer=fine)
    for v in VARIABLES:
        pairs = set(zip(fine.group[v.name].tolist(), coarse.group[v.name].tolist(), strict=True))
        assert len(pairs) == fine.sizes[v.name]
        assert coarse.sizes[v.name] <= 4 + v.nullable
