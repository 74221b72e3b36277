"""Convolutions on squares: table-GAN's three networks.

Source
    Park et al. (2018), arXiv:1806.03384, section 4.1, after Radford et al. (2016),
    arXiv:1511.06434.

Symbols
    x    (B, d)      rows in [-1, 1]; networks square them themselves
    s    side        L levels of halving: s, s/2, …, s/2^L
    C    channels    of the critic from the outside in; the generator goes through them backwards

No layer of the critic and of the classifier mixes rows: where DCGAN has batch norm there is group
norm, or nothing. The generator never sees a patient and keeps its batch norm.
"""

from collections.abc import Sequence
from itertools import pairwise
from math import sqrt

import torch
from torch import Tensor, nn

from wardveil.encode.square import Square
from wardveil.networks.critic import Dropout

SLOPE = 0.2
GROUPS = 8
"""Groups of channels that are normalised together, at most."""


def levels(side: int, channels: Sequence[int]) -> int:
    """L: how often a side can be halved, at most once for each width.

    Example:
        >>> levels(4, (64, 128, 256)), levels(8, (64, 128, 256)), levels(24, (64, 128))
        (2, 3, 2)
    """
    found = 0
    while found < len(channels) and side % 2 == 0:
        side, found = side // 2, found + 1
    return found


class SquareGenerator(nn.Module):
    """z -> linear, batch norm, LeakyReLU; [transposed convolution, batch norm, LeakyReLU]; tanh.

    Attributes:
        square: Where columns stand.
        uniform: Whether z, which is normal, is made uniform on (-1, 1) first.
    """

    def __init__(
        self, square: Square, noise_dim: int, channels: Sequence[int], kernel: int, *, uniform: bool
    ) -> None:
        """Fresh weights from the global generator.

        Args:
            square: Where columns stand.
            noise_dim: Width of z.
            channels: C.
            kernel: 4, or 5 as the authors' code has.
            uniform: See above.
        """
        super().__init__()
        self.square, self.uniform = square, uniform
        L = levels(square.side, channels)
        inner = square.side >> L
        widths = [*channels[:L][::-1], 1]
        self.dense = nn.Sequential(
            nn.Linear(noise_dim, widths[0] * inner**2, bias=False),
            nn.Unflatten(1, (widths[0], inner, inner)),
            nn.BatchNorm2d(widths[0]),
            nn.LeakyReLU(SLOPE),
        )
        layers: list[nn.Module] = []
        for a, b in pairwise(widths):
            layers += [
                nn.ConvTranspose2d(
                    a, b, kernel, stride=2, padding=(kernel - 1) // 2, output_padding=kernel % 2,
                    bias=b == 1,
                ),
                nn.BatchNorm2d(b),
                nn.LeakyReLU(SLOPE),
            ]  # fmt: skip
        self.image = nn.Sequential(*layers[:-2])

    def forward(self, z: Tensor) -> Tensor:
        """(B, noise_dim) -> (B, d) in [-1, 1]."""
        if self.uniform:
            z = torch.erf(z / sqrt(2))
        return self.square.rows(self.image(self.dense(z))).tanh()


class SquareReader(nn.Module):
    """[convolution, group norm, LeakyReLU, dropout] for each width, then linear.

    The body of critic and classifier alike.

    Attributes:
        square: Where columns stand, and which of them are hidden.
    """

    def __init__(
        self,
        square: Square,
        channels: Sequence[int],
        outputs: int,
        *,
        kernel: int = 4,
        group_norm: bool = False,
        dropout: float = 0.0,
        coins: torch.Generator | None = None,
    ) -> None:
        """Fresh weights from the global generator.

        Args:
            square: Where columns stand.
            channels: C.
            outputs: 1 score, or as many as a label has coordinates.
            kernel: 4 or 5.
            group_norm: Whether groups of channels are normalised, each row by itself.
            dropout: Share of units dropped.
            coins: Of the dropout.
        """
        super().__init__()
        self.square = square
        L, inputs = levels(square.side, channels), 1
        layers: list[nn.Module] = []
        for width in channels[:L]:
            layers.append(nn.Conv2d(inputs, width, kernel, stride=2, padding=(kernel - 1) // 2))
            layers += [nn.GroupNorm(_groups(width), width)] if group_norm else []
            layers += [nn.LeakyReLU(SLOPE)]
            layers += [Dropout(dropout, coins)] if dropout else []
            inputs = width
        self.body = nn.Sequential(*layers, nn.Flatten())
        self.last = nn.Linear(inputs * (square.side >> L) ** 2, outputs)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(B, d) -> scores (B, outputs), and the features they are linear in (B, F)."""
        features: Tensor = self.body(self.square.of(x))
        return self.last(features), features


def _groups(width: int) -> int:
    """The largest number of equal groups up to `GROUPS`."""
    return next(g for g in range(min(GROUPS, width), 0, -1) if width % g == 0)
