"""The AC-GAN's networks: the published sizes, any grid, and gradients that clipping can trust."""

import pytest
import torch
from torch.func import functional_call, grad, vmap

from wardveil.encode.grid import Grid
from wardveil.encode.matrix import blocks_of
from wardveil.networks.trial import (
    ConvolutionalDiscriminator,
    ConvolutionalGenerator,
    DenseGenerator,
    dense_discriminator,
)
from wardveil.schema.trial import Trial
from wardveil.schema.variable import Numeric
from wardveil.vault import Part
from wardveil.vault.clipping import clipped_sum, engine_of


def grid_of(measures: int, visits: int, beside: int = 0) -> tuple[Grid, int]:
    trial = Trial(visits=tuple(map(str, range(visits))), measures=tuple("PQRST"[:measures]))
    names = [*trial.grid, *(f"b{k}" for k in range(beside))]
    blocks = blocks_of([Numeric(name=n, low=0, high=9, decimals=0, nullable=False) for n in names])
    return Grid(trial, blocks), blocks[-1].stop


def parameters(network) -> int:
    return sum(p.numel() for p in network.parameters())


def test_three_measures_at_twelve_visits_give_the_published_sizes():
    grid, _ = grid_of(3, 12)
    assert parameters(ConvolutionalGenerator(100, 2, grid)) == 333_897
    assert parameters(ConvolutionalDiscriminator(grid, 1 + 2)) == 1_858_947


@pytest.mark.parametrize(("measures", "visits", "beside"), [(1, 1, 0), (2, 5, 3), (3, 12, 1)])
def test_the_networks_take_any_grid_and_what_stands_beside_it(measures, visits, beside):
    grid, d = grid_of(measures, visits, beside)
    for G in (ConvolutionalGenerator(8, 2, grid), DenseGenerator(8, 2, (16,), d)):
        x = G.eval()(torch.rand(4, 8), torch.eye(2)[[0, 1, 0, 1]])
        assert x.shape == (4, d)
        assert x.abs().max() <= 1
    assert ConvolutionalDiscriminator(grid, 3)(x).shape == (4, 3)


@pytest.mark.parametrize("convolutional", [True, False])
def test_a_patient_and_its_fake_are_clipped_exactly_both_heads_together(convolutional):
    torch.manual_seed(0)
    grid, d = grid_of(2, 3, 1)
    D = ConvolutionalDiscriminator(grid, 3) if convolutional else dense_discriminator(d, (7,), 3)
    D.double().eval()
    assert engine_of(D) == "exact"
    real, fake = torch.randn(5, d).double(), torch.randn(5, d).double()

    def loss(a, b):
        return (a[:, 0] - 2 * b[:, 0] + a[:, 1:].square().sum(1) + b[:, 1:].logsumexp(1)) * 9

    found = clipped_sum([Part(network=D, inputs=(real, fake), loss=loss)], clip_norm=1.0)
    named = {k: p.detach() for k, p in D.named_parameters()}

    def one(p, x, y):
        return loss(functional_call(D, p, (x[None],)), functional_call(D, p, (y[None],)))[0]

    each = vmap(grad(one), in_dims=(None, 0, 0))(named, real, fake)
    norms = sum(g.flatten(1).square().sum(1) for g in each.values()).sqrt()
    assert torch.allclose(found.norms, norms)
    for name, g in each.items():
        weight = (1 / norms).clamp(max=1).view(-1, *[1] * (g.ndim - 1))
        assert torch.allclose(found.gradients[0][name], (weight * g).sum(0), atol=1e-9)
