"""Matching: a generator's second moments are moved onto those of given rows."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

MATCHED_ROWS = 1_000
"""Rows of a generated batch whose second moments are matched."""


def match_moments(
    network: nn.Module,
    produced: Callable[[], Tensor],
    wanted: Tensor,
    *,
    steps: int,
    lr: float,
    mean_weight: float = 1.0,
    watch: Callable[[int], None],
) -> None:
    """Adam on w ‖mean - mean*‖² + ‖Cov - Cov*‖², over a fresh batch each step.

    What a batch of n rows adds to the squares by being few, tr Cov / n and
    (E‖x - mean‖⁴ - ‖Cov‖²) / n, is taken off again: rows would otherwise be drawn towards each
    other, away from what is wanted, to lessen it.

    The network stands in evaluation mode, so that what is matched is what will be sampled: no
    dropout, and batch-norm as it is.

    Args:
        network: Whose parameters are trained; put back into the mode it had.
        produced: A fresh batch of rows that follow from the network, (n, d), differentiable.
        wanted: Rows to be like, (m, d).
        steps: Optimiser steps.
        lr: Learning rate at the start; falls to 0 along a cosine.
        mean_weight: w; more than 1 where calibration mends means by moving rows between
            categories, which bends the covariances.
        watch: Told after every step.
    """
    was = network.training
    network.eval()
    adam = torch.optim.Adam(network.parameters(), lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, max(steps, 1))
    mean, covariance = _moments(wanted)
    for step in range(steps):
        x = produced()
        found_mean, found = _moments(x)
        length = (x - found_mean).square().sum(dim=1)  # ‖x - mean‖² of each row
        of_mean = (found_mean - mean).square().sum() - length.mean() / len(x)
        noise = (length.square().mean() - found.square().sum()) / len(x)
        loss = mean_weight * of_mean + (found - covariance).square().sum() - noise
        adam.zero_grad()
        torch.autograd.backward(loss)
        adam.step()
        schedule.step()
        watch(step + 1)
    network.train(mode=was)


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (d,) and covariance (d, d) of rows."""
    mean = x.mean(dim=0)
    centred = x - mean
    return mean, centred.T @ centred / len(x)
