"""Multilayer perceptrons of the medical conditional GAN."""

from collections.abc import Sequence
from itertools import pairwise

from torch import nn

SLOPE = 0.2


def generator_mlp(
    inputs: int, hidden: Sequence[int], outputs: int, dropout: float
) -> nn.Sequential:
    """[linear, batch-norm, LeakyReLU 0.2, dropout] for each width, then linear, tanh."""
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [
            nn.Linear(inputs, width),
            nn.BatchNorm1d(width),
            nn.LeakyReLU(SLOPE),
            nn.Dropout(dropout),
        ]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs), nn.Tanh())


def discriminator_mlp(inputs: int, hidden: Sequence[int], dropout: float) -> nn.Sequential:
    """[linear, LeakyReLU 0.2, dropout] for each width, then linear to one log-odds.

    The paper's sigmoid stands in the loss, where it is stable. No layer mixes rows.
    """
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Linear(inputs, width), nn.LeakyReLU(SLOPE), nn.Dropout(dropout)]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, 1))


def parameters_of(inputs: int, hidden: Sequence[int], outputs: int) -> int:
    """Weights and biases of a chain of linear layers.

    Example:
        >>> parameters_of(27 + 4, (256, 512, 256), 1)
        271361
    """
    widths = [inputs, *hidden, outputs]
    return sum(a * b + b for a, b in pairwise(widths))
