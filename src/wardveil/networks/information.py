"""Information loss: the mean and the spread of features, real against generated, up to a margin.

    max(0, ‖mean - mean'‖ - δ_mean) + max(0, ‖sd - sd'‖ - δ_sd)

Source: Park et al. (2018), arXiv:1806.03384, section 4.3; statistics are running means of batches.
In the authors' code the gradient comes through the running mean and is a hundred times too small;
here it is that of the batch, at the value of the running mean.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.linalg import vector_norm


class Statistics(NamedTuple):
    """Of features.

    Attributes:
        mean: (F,).
        sd: (F,).
    """

    mean: Tensor
    sd: Tensor


class Running(nn.Module):
    """Running means of features and of their squares, started from nothing without a bias."""

    def __init__(self, width: int, decay: float) -> None:
        """F features; a batch moves a mean by 1 - decay."""
        super().__init__()
        self.decay = decay
        self.mean: Tensor
        self.square: Tensor
        self.weight: Tensor
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("square", torch.zeros(width))
        self.register_buffer("weight", torch.zeros(()))

    def forward(self, features: Tensor) -> Statistics:
        """Take in a batch, (B, F); the statistics after it, with the batch's own gradient."""
        mean, square = features.mean(dim=0), features.square().mean(dim=0)
        with torch.no_grad():
            self.mean.lerp_(mean, 1 - self.decay)
            self.square.lerp_(square, 1 - self.decay)
            self.weight.lerp_(torch.ones(()), 1 - self.decay)
        mean = self.mean / self.weight + (mean - mean.detach())
        square = self.square / self.weight + (square - square.detach())
        return statistics_of(mean, square)

    def now(self) -> Statistics:
        """The statistics of what was taken in so far."""
        return statistics_of(self.mean / self.weight, self.square / self.weight)


def statistics_of(mean: Tensor, square: Tensor) -> Statistics:
    """From the means of features and of their squares."""
    return Statistics(mean, (square - mean.square()).clamp(min=1e-8).sqrt())


def information_loss(
    real: Statistics, fake: Statistics, *, delta_mean: float, delta_sd: float
) -> Tensor:
    """The loss, (); below a margin it has no gradient.

    The margins keep a generator from following its table more closely. They are no guarantee of
    anything to anybody.
    """
    of_mean = vector_norm(fake.mean - real.mean) - delta_mean
    of_sd = vector_norm(fake.sd - real.sd) - delta_sd
    return of_mean.relu() + of_sd.relu()
