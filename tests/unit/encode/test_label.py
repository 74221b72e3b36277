"""Labels: what a guess costs is the cross-entropy of levels, and the distance of numbers."""

import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from wardveil.encode.label import Label
from wardveil.encode.matrix import KAPPA, blocks_of
from wardveil.schema.variable import Levelled, Numeric

BLOCKS = blocks_of([
    Levelled(name="two", levels=("a", "b"), nullable=False),
    Numeric(name="number", low=0, high=9, decimals=0, nullable=True),
    Levelled(name="three", levels=("a", "b", "c"), nullable=False),
])  # fmt: skip


def row(*values):
    return torch.tensor([values], dtype=torch.float32)


X = row(1.0, 0.5, -1.0, -1.0, 1.0, -1.0)


def test_columns_are_those_of_the_targets_in_order():
    assert Label(BLOCKS, ["three", "two"]).columns == (0, 3, 4, 5)
    assert Label(BLOCKS, ["number"]).columns == (1, 2)
    assert Label(BLOCKS, []).columns == ()


def test_levels_cost_their_cross_entropy():
    label = Label(BLOCKS, ["three"])
    guess = row(0.3, -1.2, 2.0)
    wanted = cross_entropy(guess, torch.tensor([1]), reduction="none")
    assert torch.allclose(label.loss(guess, X), wanted, atol=1e-2)  # 1 means odds of e^10
    two = Label(BLOCKS, ["two"])
    assert float(two.loss(row(3.0), X)) == pytest.approx(math.log1p(math.exp(-3)), abs=1e-3)


def test_a_number_costs_its_distance_where_it_is_known():
    label = Label(BLOCKS, ["number"])
    known, missing = X, row(1.0, 0.5, 1.0, -1.0, 1.0, -1.0)
    sure = row(0.1, -20.0), row(0.1, 20.0)
    assert label.loss(sure[0], known) == pytest.approx(0.16, abs=1e-2)
    assert label.loss(sure[1], missing) == pytest.approx(0.0, abs=1e-2)
    assert label.loss(sure[1], known) > 10


def test_an_undecided_row_counts_with_its_chances_and_has_a_gradient():
    label = Label(BLOCKS, ["two"])
    x = row(0.02, 0, 0, 0, 0, 0).requires_grad_()
    guess = row(2.0)
    loss = label.loss(guess, x)
    p = torch.sigmoid(torch.tensor(2 * KAPPA * 0.02))
    q = torch.sigmoid(torch.tensor(2.0))
    wanted = -(p * q.log() + (1 - p) * (1 - q).log())
    assert float(loss.detach()) == pytest.approx(float(wanted), rel=1e-4)
    torch.autograd.backward(loss)
    assert x.grad[0, 0] < 0  # towards the level that is guessed
