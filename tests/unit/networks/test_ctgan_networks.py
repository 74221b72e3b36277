"""Gradients written out are those of autograd; the generator concatenates."""

import pytest
import torch
from torch.nn.functional import batch_norm, softplus

from wardveil.networks.critic import critic_gradient, critic_mlp
from wardveil.networks.residual import EPS, ResidualGenerator


@pytest.mark.parametrize("loss", ["wasserstein", "log-odds"])
@pytest.mark.parametrize("weight", [0.0, 10.0])
@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_the_critics_gradient_is_that_of_autograd(loss, weight, dropout):
    torch.manual_seed(0)
    random = torch.Generator()
    critic = critic_mlp(9, (12, 8), dropout, random).double()
    fake, real, mixed = (torch.randn(5, 9, dtype=torch.float64) for _ in range(3))
    random.manual_seed(1)
    seen = torch.stack([fake, real, mixed])
    free = torch.tensor([1.0] * 6 + [0.0] * 3, dtype=torch.float64)
    found = critic_gradient(critic, seen, loss=loss, weight=weight, free=free)

    random.manual_seed(1)  # the same dropout, for the same rows in the same order
    x = mixed[:, :6].clone().requires_grad_()
    points = [torch.cat([x, mixed[:, 6:]], 1)] if weight else []
    score = critic(torch.cat([fake, real, *points]))
    if loss == "wasserstein":
        value = score[:5].mean() - score[5:10].mean()
    else:
        value = softplus(score[:5]).mean() + softplus(-score[5:10]).mean()
    penalty = torch.zeros((), dtype=torch.float64)
    if weight:
        (J,) = torch.autograd.grad(score[10:].sum(), x, create_graph=True)
        penalty = weight * (J.norm(dim=1) - 1).square().mean()
    wanted = torch.autograd.grad(value + penalty, list(critic.parameters()))
    assert torch.allclose(found.loss, value)
    assert torch.allclose(found.penalty, penalty)
    for ours, theirs in zip(found.gradient, wanted, strict=True):
        assert torch.allclose(ours, theirs, atol=1e-10)


def concatenating(G, h):
    """The generator as the paper writes it, by autograd."""
    for W, scale, shift in zip(G.weights, G.scales, G.shifts, strict=True):
        normal = batch_norm((W @ h).T, None, None, scale, shift, training=True, eps=EPS)
        h = torch.cat([normal.T.relu(), h])
    return G.last(h.T).T


def test_the_generator_and_its_gradient_are_those_of_autograd():
    torch.manual_seed(0)
    G = ResidualGenerator(7, (6, 5, 4), 9).double().train()
    for p in G.parameters():
        p.data += 0.3 * torch.randn_like(p)
    x, weight = torch.randn(7, 20, dtype=torch.float64), torch.randn(9, 20, dtype=torch.float64)
    ours, theirs = G(x), concatenating(G, x)
    assert torch.allclose(ours, theirs)
    parameters = list(G.parameters())
    found = torch.autograd.grad((ours * weight).sum(), parameters)
    wanted = torch.autograd.grad((theirs * weight).sum(), parameters)
    for a, b in zip(found, wanted, strict=True):
        assert torch.allclose(a, b, atol=1e-10)


def test_in_evaluation_a_row_does_not_depend_on_its_batch():
    torch.manual_seed(0)
    G = ResidualGenerator(7, (6, 5), 3)
    G.train()(torch.randn(7, 50))
    x = torch.randn(7, 10)
    whole = G.eval()(x)
    assert torch.allclose(G(x[:, 3:4]), whole[:, 3:4], atol=1e-6)


def test_statistics_of_one_batch_give_the_same_rows_in_evaluation():
    torch.manual_seed(0)
    G = ResidualGenerator(7, (6, 5), 3).train()
    x = torch.randn(7, 4_000)
    G.momentum = 1.0
    assert torch.allclose(G(x), G.eval()(x), atol=1e-2)


def test_rough_products_move_a_row_little_and_leave_numbers_their_digits():
    torch.manual_seed(0)
    G = ResidualGenerator(30, (64, 64), 20).train()
    with torch.no_grad():
        G(torch.randn(30, 500))
        x = torch.randn(30, 2_000)
        whole, rough = G.eval()(x), G.rough(x, exact=5)
    assert (rough - whole).abs().max() < 0.02 * whole.std()
    values = [len(torch.unique(row)) for row in rough]
    assert min(values[15:]) > 1_900  # nearly every row its own
    assert max(values[:15]) < 1_500
