"""Matching: a generator's second moments are moved onto those of given rows."""

from collections.abc import Callable
from math import cos, pi

import torch
from torch import Tensor, nn

MATCHED_ROWS = 1_000
"""Rows of a generated batch whose second moments are matched."""
WARM = 200
"""Steps in which the rate may rise. Without, the first ten drove the outcome of adult to certainty
in seven seeds of eight of table-GAN, of which five had not found it again after 300 steps."""
WITHIN = 0.1
"""Weight of moments of one variable with itself. Of chances they say how sure a row is of its
category, which drawing makes up for; at weight 1 they hold back what ties variables together
(adult at ε = 3: `tvd2` 0.041 with 1, 0.036 with 0.1, 0.035 with 0; but rows that are not sure are
independent in more than two variables)."""


def match_moments(  # noqa: PLR0913 -- an optimiser has three numbers of its own
    network: nn.Module,
    produced: Callable[[], Tensor],
    wanted: Tensor,
    *,
    owner: Tensor,
    steps: int,
    lr: float,
    watch: Callable[[int], None],
    warm: int = 0,
) -> None:
    """Adam on ‖mean - mean*‖² + Σ_ij W_ij (Cov - Cov*)²_ij, over a fresh batch each step.

    W is 1 between two variables and `WITHIN` inside one. What a batch of n rows adds to the
    squares by being few, tr Cov / n and Σ_ij W_ij (E y_i² y_j² - Cov²_ij) / n with y = x - mean,
    is taken off again: rows would otherwise be drawn towards each other, away from what is
    wanted, to lessen it.

    The network stands in evaluation mode, so that what is matched is what will be sampled: no
    dropout, and batch-norm as it is.

    Args:
        network: Whose parameters are trained; put back into the mode it had.
        produced: A fresh batch of rows that follow from the network, (n, d), differentiable.
        wanted: Rows to be like, (m, d).
        owner: Number of the variable that each coordinate tells of, (d,).
        steps: Optimiser steps.
        lr: Learning rate at the start; falls to 0 along a cosine.
        watch: Told after every step.
        warm: Steps in which the rate rises to that first. Adam's first steps are as long as its
            rate whatever the slope; where many coordinates hang on few weights they can drive
            categories to certainty, from which no slope leads back.
    """
    was = network.training
    network.eval()
    adam = torch.optim.Adam(network.parameters(), lr=lr)

    def rate(step: int) -> float:
        return min(1.0, (step + 1) / max(warm, 1)) * (1 + cos(pi * step / max(steps, 1))) / 2

    schedule = torch.optim.lr_scheduler.LambdaLR(adam, rate)
    W = torch.where(owner[:, None] == owner, WITHIN, 1.0)
    mean, covariance, _ = _moments(wanted)
    for step in range(steps):
        found_mean, found, centred = _moments(produced())
        squared = centred.square()
        n = len(squared)
        of_mean = (found_mean - mean).square().sum() - squared.sum() / n**2
        spread = squared.T @ squared / n - found.square()
        loss = of_mean + (W * ((found - covariance).square() - spread / n)).sum()
        adam.zero_grad()
        torch.autograd.backward(loss)
        adam.step()
        schedule.step()
        watch(step + 1)
    network.train(mode=was)


def _moments(x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Mean (d,) and covariance (d, d) of rows, and the rows less their mean."""
    mean = x.mean(dim=0)
    centred = x - mean
    return mean, centred.T @ centred / len(x), centred
