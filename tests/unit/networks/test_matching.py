"""Matching moves second moments, in the mode in which rows are sampled."""

import numpy as np
import pytest
import torch
from torch import nn

from wardveil.encode.matrix import Matrix
from wardveil.networks.matching import match_moments
from wardveil.schema.variable import Levelled, Numeric


def test_covariances_come_near_and_the_mode_is_put_back():
    torch.manual_seed(0)
    draw = torch.Generator().manual_seed(1)
    mix = torch.tensor([[1.0, 0.8], [0.0, 0.6]])
    wanted = torch.randn(4_000, 2, generator=draw) @ mix + 0.5
    network = nn.Sequential(nn.Linear(2, 16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2)).train()
    seen = []
    match_moments(
        network, lambda: network(torch.randn(1_000, 2, generator=draw)), wanted,
        owner=torch.zeros(2), steps=400, lr=1e-2, watch=seen.append,
    )  # fmt: skip
    assert seen[-1] == 400
    assert network.training
    with torch.no_grad():
        made = network.eval()(torch.randn(4_000, 2, generator=draw))
    assert torch.allclose(torch.cov(made.T), torch.cov(wanted.T), atol=0.1)
    assert torch.allclose(made.mean(dim=0), wanted.mean(dim=0), atol=0.1)


def test_rows_are_not_drawn_towards_each_other_by_a_small_batch():
    """Of batches of 50 in 50 directions the plain squares are least at a scale of about 0.7."""
    torch.manual_seed(0)
    draw = torch.Generator().manual_seed(1)
    network = nn.Linear(1, 1, bias=False)
    match_moments(
        network, lambda: network.weight * torch.randn(50, 50, generator=draw),
        torch.randn(20_000, 50, generator=draw), owner=torch.zeros(50),
        steps=300, lr=3e-2, watch=lambda _: None,
    )  # fmt: skip
    assert abs(network.weight.item()) == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("warm", [0, 50])
def test_a_warm_start_moves_little_at_first_and_arrives(warm):
    network, places = nn.Linear(1, 1, bias=False), []
    nn.init.zeros_(network.weight)
    match_moments(
        network, lambda: network.weight * torch.ones(50, 1), torch.ones(100, 1),
        owner=torch.zeros(1), steps=400, lr=0.1, warm=warm,
        watch=lambda _: places.append(network.weight.item()),
    )  # fmt: skip
    assert places[0] == pytest.approx(0.1 / max(warm, 1), rel=0.01)
    assert places[-1] == pytest.approx(1.0, abs=0.02)


def test_softened_rows_have_the_second_moments_of_decoded_ones():
    variables = (
        Numeric(name="age", low=0, high=99, decimals=0, nullable=True),
        Levelled(name="sex", levels=("f", "m"), nullable=False),
        Levelled(name="stage", levels=("a", "b", "c"), nullable=False),
    )
    p = {v.name: np.full(v.size, 1 / v.size) for v in variables}
    matrix = Matrix(variables, p)
    rng = np.random.default_rng(0)
    x = torch.from_numpy(0.3 * rng.standard_normal((1, matrix.width))).clamp(-1, 1).float()
    rows = matrix.decode(x.repeat(40_000, 1), rng)
    hard = matrix.softened(matrix.encode(rows)).mean(dim=0)
    soft = matrix.softened(x)[0]
    assert soft.tolist() == pytest.approx(hard.tolist(), abs=0.02)
