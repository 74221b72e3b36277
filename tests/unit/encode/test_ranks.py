"""Ranks: what calibration will make of a number, while a generator is still trained."""

import numpy as np
import torch

from wardveil.encode.calibrate import BATCHES, EVERY, Ranks, calibrated, calibration
from wardveil.encode.matrix import Matrix
from wardveil.schema.variable import Levelled, Numeric

VARIABLES = (Numeric(name="sbp", low=80.0, high=209.0, decimals=0, nullable=False),
             Levelled(name="sex", levels=("f", "m"), nullable=False))  # fmt: skip
MATRIX = Matrix(VARIABLES, {"sbp": np.full(130, 1 / 130), "sex": np.array([0.5, 0.5])})


def batch(seed, n=1_000, spread=0.2):
    """Numbers of a narrow bell, as an untrained generator draws them."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.rand(n, 2, generator=generator)
    x[:, 0] = torch.tanh(spread * torch.randn(n, generator=generator))
    return x


def test_numbers_come_out_as_calibration_will_draw_them_and_levels_stay():
    ranks = Ranks(MATRIX)
    for seed in range(BATCHES):
        out = ranks(batch(seed))
    fitted = calibration(MATRIX, torch.cat([batch(seed) for seed in range(50, 56)]))
    last = batch(BATCHES - 1)
    wanted = calibrated(MATRIX, last, fitted)[:, 0]
    assert (out[:, 0] - wanted).abs().max() < 0.12  # a share of 1,000 is known within 0.05
    assert torch.equal(out[:, 1], last[:, 1])
    assert abs(float(out[:, 0].var()) - 1 / 3) < 0.03  # uniform, though the batch is not


def test_a_moved_generator_is_looked_at_anew():
    ranks = Ranks(MATRIX)
    ranks(batch(0))
    for seed in range(1, EVERY):
        stale = ranks(batch(seed) + torch.tensor([0.5, 0.0]))
    assert stale[:, 0].mean() > 0.8
    fresh = ranks(batch(99) + torch.tensor([0.5, 0.0]))
    assert abs(float(fresh[:, 0].mean())) < 0.1


def test_ranks_pass_gradients_on_and_larger_numbers_rank_higher():
    x = batch(1).requires_grad_()
    out = Ranks(MATRIX)(x)
    out[:, 0].sum().backward()
    assert x.grad is not None
    inside = out[:, 0].abs() < 1
    assert (x.grad[inside, 0] > 0).all()
    order = x.detach()[:, 0].argsort()
    assert (out.detach()[order, 0].diff() >= 0).all()


def test_columns_without_numbers_are_left_alone():
    levels = Matrix(VARIABLES[1:], {"sex": np.array([0.5, 0.5])})
    x = batch(3)[:, 1:]
    assert Ranks(levels)(x) is x
