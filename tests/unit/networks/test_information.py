"""Information loss: a gradient outside the margins and none inside, as large as the batch says."""

import pytest
import torch

from wardveil.networks.information import Running, Statistics, information_loss, statistics_of

REAL = Statistics(torch.zeros(3), torch.ones(3))


def fakes():
    x = torch.randn(50, 3, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = (x - x.mean(dim=0)) / x.std(dim=0, correction=0)
    return (1.5 * x + 0.3).float().requires_grad_()


def taken(x, decay=0.0):
    return Running(3, decay)(x)


@pytest.mark.parametrize("margins", [(0.0, 10.0), (10.0, 0.0), (0.5, 10.0), (10.0, 0.8)])
def test_outside_a_margin_there_is_a_gradient(margins):
    """‖mean - mean'‖ = 0.3 √3 = 0.52 and ‖sd - sd'‖ = 0.5 √3 = 0.87."""
    x = fakes()
    loss = information_loss(REAL, taken(x), delta_mean=margins[0], delta_sd=margins[1])
    torch.autograd.backward(loss)
    assert float(loss.detach()) > 0
    assert x.grad.abs().max() > 0


@pytest.mark.parametrize("margins", [(0.53, 0.88), (10.0, 10.0)])
def test_inside_the_margins_there_is_none(margins):
    x = fakes()
    loss = information_loss(REAL, taken(x), delta_mean=margins[0], delta_sd=margins[1])
    torch.autograd.backward(loss)
    assert float(loss.detach()) == 0
    assert not x.grad.any()


def test_each_margin_is_taken_off_once():
    found = taken(fakes())
    wide = information_loss(REAL, found, delta_mean=0.2, delta_sd=0.1)
    none = information_loss(REAL, found, delta_mean=0.0, delta_sd=0.0)
    assert float((none - wide).detach()) == pytest.approx(0.3, abs=1e-5)


def test_the_gradient_is_that_of_the_batch_however_slowly_means_run():
    """After many batches a running mean moves by a hundredth; the gradient does not."""
    running, gradients = Running(3, 0.99), []
    for _ in range(100):
        running(fakes().detach())
    for where in (running, Running(3, 0.0)):
        x = fakes()
        torch.autograd.backward(information_loss(REAL, where(x), delta_mean=0, delta_sd=0))
        gradients.append(x.grad)
    assert torch.allclose(gradients[0], gradients[1], rtol=1e-3, atol=1e-6)


def test_running_means_forget_at_their_rate_and_begin_without_a_bias():
    running = Running(1, 0.9)
    first = running(torch.tensor([[1.0], [3.0]]))
    assert (float(first.mean), float(first.sd)) == pytest.approx((2.0, 1.0))
    running(torch.tensor([[6.0], [6.0]]))
    weights = 0.9 * 0.1, 0.1
    mean = (weights[0] * 2 + weights[1] * 6) / sum(weights)
    square = (weights[0] * 5 + weights[1] * 36) / sum(weights)
    wanted = statistics_of(torch.tensor([mean]), torch.tensor([square]))
    assert torch.allclose(running.now().mean, wanted.mean)
    assert torch.allclose(running.now().sd, wanted.sd)
