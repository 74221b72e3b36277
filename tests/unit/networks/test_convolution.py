"""table-GAN's networks: sizes as published, rows kept apart, a label that cannot be seen."""

import pytest
import torch
from torch import nn

from wardveil.encode.square import Square
from wardveil.networks.convolution import SquareGenerator, SquareReader, levels

KERNELS = pytest.mark.parametrize("kernel", [4, 5])


@KERNELS
@pytest.mark.parametrize("side", [4, 8, 12, 16, 24, 32, 40])
def test_any_side_goes_through(side, kernel):
    width = side**2 - 3
    square = Square(width, side=side)
    G = SquareGenerator(square, 7, (4, 6, 8), kernel, uniform=False)
    D = SquareReader(square, (4, 6, 8), 2, kernel=kernel)
    x = G(torch.randn(5, 7))
    assert x.shape == (5, width)
    assert x.abs().max() <= 1
    scores, features = D(x)
    L = levels(side, (4, 6, 8))
    assert scores.shape == (5, 2)
    assert features.shape == (5, (4, 6, 8)[L - 1] * (side >> L) ** 2)


def test_the_published_networks():
    """32 × 32: dense to 4·4·256, transposed to 128, 64, 1; and the same inwards, 4,096 features."""
    square = Square(1_024)
    G = SquareGenerator(square, 100, (64, 128, 256), 4, uniform=False)
    D = SquareReader(square, (64, 128, 256), 1)
    turned = [m for m in G.modules() if isinstance(m, nn.ConvTranspose2d)]
    assert [(m.in_channels, m.out_channels) for m in turned] == [(256, 128), (128, 64), (64, 1)]
    assert G.dense[0].out_features == D.last.in_features == 4_096
    assert (
        sum(p.numel() for p in D.parameters())
        == (16 * 64 + 64) + (16 * 64 * 128 + 128) + (16 * 128 * 256 + 256) + 4_097
    )


@pytest.mark.parametrize("group_norm", [False, True])
def test_a_row_knows_nothing_of_its_neighbours(group_norm):
    D = SquareReader(Square(20), (4, 6), 1, group_norm=group_norm)
    x = torch.randn(6, 20)
    alone = torch.cat([D(row[None])[0] for row in x])
    assert torch.allclose(D(x)[0], alone, atol=1e-6)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in D.modules())
    assert any(isinstance(m, nn.GroupNorm) for m in D.modules()) == group_norm


def test_the_classifier_does_not_see_the_label():
    C = SquareReader(Square(20, hidden=(3, 4)), (4,), 2)
    x = torch.randn(2, 20)
    guess = C(x)[0]
    x[:, 3:5] += 5
    assert torch.equal(C(x)[0], guess)
    x[:, 5] += 5
    assert not torch.equal(C(x)[0], guess)


def test_noise_can_be_made_uniform():
    """20,000 numbers; their distribution function is within 0.0115 of the uniform's (α = 0.01)."""
    G = SquareGenerator(Square(4), 2, (2,), 4, uniform=True)
    seen = []
    G.dense.register_forward_hook(lambda _, inputs, __: seen.append(inputs[0]))
    G(torch.randn(10_000, 2, generator=torch.Generator().manual_seed(0)))
    z = seen[0].flatten().sort().values
    assert z.abs().max() < 1
    assert (z / 2 + 0.5 - torch.arange(20_000) / 20_000).abs().max() < 0.0115


def test_dropout_has_coins_of_its_own():
    coins = torch.Generator().manual_seed(3)
    D = SquareReader(Square(20), (4, 6), 1, dropout=0.5, coins=coins).train()
    before, x = torch.get_rng_state(), torch.randn(4, 20)
    state = torch.get_rng_state()
    one, two = D(x)[0], D(x)[0]
    assert not torch.equal(one, two)
    coins.manual_seed(3)
    assert torch.equal(D(x)[0], one)
    assert torch.equal(torch.get_rng_state(), state)
    assert not torch.equal(before, state)
