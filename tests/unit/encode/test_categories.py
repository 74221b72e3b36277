"""Training-by-sampling: the law of conditions, and rows that keep them."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from wardveil.encode.categories import Conditions, Index

ALPHA = 1e-6


def test_conditions_follow_their_chances_variable_by_variable():
    mass = [torch.tensor([1.0, 3.0]), torch.tensor([0.0, 2.0, 5.0]), torch.tensor([1.0])]
    found = Conditions(mass).draw(60_000, torch.Generator().manual_seed(1))
    counts = torch.bincount(found, minlength=6).numpy()
    wanted = 20_000 * np.array([0.25, 0.75, 0.0, 2 / 7, 5 / 7, 1.0])
    assert counts[2] == 0
    there = wanted > 0
    assert chisquare(counts[there], wanted[there] * counts.sum() / 60_000).pvalue > ALPHA


def test_a_row_of_a_category_is_drawn_uniformly():
    codes = torch.tensor([[0], [1], [0], [0], [1]])
    index = Index(codes, [2])
    rows = index.rows(torch.zeros(30_000, dtype=torch.int64), torch.Generator().manual_seed(2))
    counts = torch.bincount(rows, minlength=5).numpy()
    assert counts[[1, 4]].sum() == 0
    assert chisquare(counts[[0, 2, 3]]).pvalue > ALPHA


@given(n=st.integers(1, 50), sizes=st.lists(st.integers(1, 5), min_size=1, max_size=4),
       seed=st.integers(0, 1000))  # fmt: skip
def test_every_row_has_the_category_it_was_drawn_for(n, sizes, seed):
    random = torch.Generator().manual_seed(seed)
    codes = torch.stack([torch.randint(s, (n,), generator=random) for s in sizes], dim=1)
    index = Index(codes, sizes)
    assert index.counts.sum() == n * len(sizes)
    asked = Conditions(list(torch.split(index.counts.double(), sizes))).draw(200, random)
    rows = index.rows(asked, random)
    starts = np.cumsum([0, *sizes])
    variable = np.searchsorted(starts, asked.numpy(), side="right") - 1
    has = codes[rows, torch.from_numpy(variable)].numpy() + starts[variable]
    assert np.array_equal(has, asked.numpy())
