"""medGAN's networks: shortcuts, batch norm's memory, averages, autoencoder, components."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from wardveil.encode.records import Records
from wardveil.networks.autoencoder import Autoencoder, activated, damp, reconstruction
from wardveil.networks.averaging import AveragingDiscriminator
from wardveil.networks.components import Centred, linear_autoencoder
from wardveil.networks.mlp import parameters_of
from wardveil.networks.shortcut import ShortcutGenerator, settle
from wardveil.schema.variable import Levelled


def generator(**facts):
    torch.manual_seed(0)
    return ShortcutGenerator(4, (4, 4), 4, **({"last": nn.Tanh, "decay": 0.99} | facts))


def test_the_input_of_every_block_is_added():
    G = generator()
    for block in G:
        nn.init.zeros_(block.linear.weight)
    z = torch.randn(7, 4)
    torch.testing.assert_close(G.eval()(z), z)  # f(BN(0)) = 0
    torch.testing.assert_close(generator(shortcuts=False).eval()(0 * z), 0 * z)
    assert not [n for n, _ in G.named_parameters() if "bias" in n and "norm" not in n]


def test_blocks_of_other_widths_have_a_linear_shortcut():
    G = ShortcutGenerator(4, (6,), 3, last=nn.ReLU, decay=0.9)
    assert [b.shortcut.weight.shape for b in G] == [(6, 4), (3, 6)]
    assert G(torch.randn(5, 4)).shape == (5, 3)


@given(st.floats(0, 0.999))
def test_decay_is_what_running_means_keep(decay):
    G = generator(decay=decay)
    z = torch.randn(50, 4)
    h = G[0].linear(z)
    G.train()(z)
    torch.testing.assert_close(G[0].norm.running_mean, (1 - decay) * h.mean(dim=0))


def test_a_settled_generator_has_the_mean_of_many_batches():
    """Of 100 × 500 rows: the first layer's mean is 0 within 6 standard deviations."""
    G = generator()
    G.train()(torch.randn(50, 4) + 3)
    settle(G, 4, 500, torch.Generator().manual_seed(1))
    assert not G.training
    norm = G[0].norm
    sd = (G[0].linear.weight.square().sum(dim=1) / 50_000).sqrt()
    assert (norm.running_mean.abs() < 6 * sd).all()
    assert norm.momentum == pytest.approx(0.01)
    plain = generator(batch_norm=False)
    settle(plain, 4, 500, torch.Generator())  # nothing to settle
    assert not plain.training


@pytest.mark.parametrize("averages", [True, False])
def test_a_discriminator_has_as_many_weights_as_are_planned_for(averages):
    D = AveragingDiscriminator(11, (5, 3), averages=averages)
    inputs = 22 if averages else 11
    assert sum(p.numel() for p in D.parameters()) == parameters_of(inputs, (5, 3), 1)
    assert (D.of_mean is not None) == averages


@pytest.mark.parametrize("output", ["odds", "counts"])
def test_the_loss_is_summed_over_a_record(output):
    y = torch.tensor([[0.3, -2.0, 1.5]], dtype=torch.float64)
    x = torch.tensor([[1.0, 0.0, 1.0]], dtype=torch.float64)
    p = activated(y, output)
    if output == "odds":
        expected = -(x * p.log() + (1 - x) * (1 - p).log()).sum(dim=1)
    else:
        expected = ((x - p) ** 2).sum(dim=1)
        assert p.tolist() == [[0.3, 0.0, 1.5]]
    torch.testing.assert_close(reconstruction(y, x, output), expected)


def test_inner_layers_are_tanh_for_flags_and_relu_for_counts():
    for output, inner in (("odds", nn.Tanh), ("counts", nn.ReLU)):
        A = Autoencoder(9, compress=(7,), embedding=3, decompress=(5, 6), output=output)
        linear = [m for m in A.modules() if isinstance(m, nn.Linear)]
        assert [m.out_features for m in linear] == [7, 3, 5, 6, 9]
        assert sum(isinstance(m, inner) for m in A.modules()) == 4


def test_components_give_back_what_lies_along_them():
    """Two groups of codes that are all there or all not: two components tell all of it."""
    rng = np.random.default_rng(0)
    group = rng.random((2_000, 2)) < [0.4, 0.3]
    x = np.repeat(group, 5, axis=1).astype(np.int32)
    variables = [Levelled(name=f"c{k}", levels=("0", "1"), nullable=False) for k in range(10)]
    p = {v.name: np.array([1 - x[:, k].mean(), x[:, k].mean()]) for k, v in enumerate(variables)}
    rows = Centred(Records(variables, "binary", p))
    encoded = rows.encode({v.name: x[:, k] for k, v in enumerate(variables)}).double().numpy()
    A = Autoencoder(10, compress=(), embedding=3, decompress=(), output="odds")
    linear_autoencoder(A, rows, encoded.T @ encoded / len(x))
    dense = torch.from_numpy(x).float()
    with torch.no_grad():
        y = A(dense)
    assert ((y > 0) == (dense > 0)).double().mean() > 0.999
    assert reconstruction(y, dense, "odds").mean() < 0.5 * float(
        reconstruction(torch.logit(rows.mean).expand_as(y), dense, "odds").mean()
    )


@pytest.mark.parametrize("output", ["odds", "counts"])
def test_a_damped_decoder_says_little_but_the_means(output):
    """However sure it was: what is left of a slope is a tenth, and what is not rare has one.

    A rare count may still lie below zero for everybody; it is then drawn from its law.
    """
    torch.manual_seed(0)
    a = Autoencoder(5, compress=(4,), embedding=3, decompress=(4,), output=output)
    x = torch.randn(2_000, 3)
    last = a.decoder[-1]
    with torch.no_grad():
        last.weight.mul_(3)
        last.bias.fill_(-60.0)  # no patient has any code, and no slope leads back
        before = a.decoder(x) - last.bias
        mean = torch.tensor([0.01, 0.1, 0.3, 0.5, 0.9])
        damp(a.decoder, mean, output)
        y = a.decoder(x)
        level = torch.logit(mean) if output == "odds" else mean
        torch.testing.assert_close(y, level + 0.1 * before, rtol=1e-4, atol=1e-5)
    rows = activated(a.decoder(x), output)
    rows.sum().backward()
    assert (last.bias.grad[mean > 0.05] > 0).all()
