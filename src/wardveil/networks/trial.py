r"""Networks of the AC-GAN: a patient is an image of measures × visits, or a plain vector.

Source
    Beaulieu-Jones et al. (2019), doi:10.1161/CIRCOUTCOMES.118.005122: the two convolutional
    networks, for 3 measures and 12 visits; here for any number of either, which gives the
    published sizes for those (333,897 and 1,858,947 parameters).

Symbols
    x   (B, d)       a patient as a row of the matrix
    M, V             measures and visits of the trial
    z   (B, noise)   latents
    c   (B, classes) one coordinate per level of each class, 1 for the one it is
    E   the embedding of c
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from wardveil.encode.grid import Grid
from wardveil.networks.mlp import generator_mlp

Kind = Literal["dense", "convolutional"]

SLOPE = 0.3
DROPOUT = 0.3


class DenseGenerator(nn.Module):
    """z and c side by side, through the generator of `wardveil.networks.mlp`."""

    def __init__(self, noise_dim: int, classes: int, hidden: Sequence[int], d: int) -> None:
        super().__init__()
        self.layers = generator_mlp(noise_dim + classes, hidden, d, dropout=0.0)

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        """(B, noise_dim), (B, classes) -> (B, d) in [-1, 1]."""
        x: Tensor = self.layers(torch.cat([z, c], dim=1))
        return x


def dense_discriminator(d: int, hidden: Sequence[int], outputs: int) -> nn.Sequential:
    """[linear, LeakyReLU 0.3, dropout 0.3] for each width, then linear: source and classes."""
    layers: list[nn.Module] = []
    for a, b in pairwise([d, *hidden]):
        layers += [nn.Linear(a, b), nn.LeakyReLU(SLOPE), nn.Dropout(DROPOUT)]
    return nn.Sequential(*layers, nn.Linear((d, *hidden)[-1], outputs))


class ConvolutionalGenerator(nn.Module):
    """z ∘ E c; linear 256 and 384, an image of 32 × M × V/3, enlarged 2 × 6, convolved, halved.

    What is not in the grid comes from the last but one linear layer.
    """

    def __init__(self, noise_dim: int, classes: int, grid: Grid) -> None:
        super().__init__()
        self.embedding = nn.Linear(classes, noise_dim, bias=False) if classes else None
        if self.embedding is not None:
            nn.init.normal_(self.embedding.weight)
        channels, self.measures, self.visits = grid.shape
        self.grid, self.columns = grid, -(-self.visits // 3)
        width = 32 * self.measures * self.columns
        self.dense = nn.Sequential(
            nn.Linear(noise_dim, 256), nn.ReLU(), nn.Linear(256, width), nn.ReLU()
        )
        self.image = nn.Sequential(
            nn.Upsample(scale_factor=(2, 6), mode="nearest"),
            nn.Conv2d(32, 256, 5, padding=2),
            nn.ReLU(),
            nn.Conv2d(256, channels, 4, stride=2, padding=1),
        )
        self.rest = nn.Linear(width, grid.rest) if grid.rest else None

    def forward(self, z: Tensor, c: Tensor) -> Tensor:
        """(B, noise_dim), (B, classes) -> (B, d) in [-1, 1]."""
        h = self.dense(z if self.embedding is None else z * self.embedding(c))
        image = self.image(h.unflatten(1, (32, self.measures, self.columns)))
        rest = h[:, :0] if self.rest is None else self.rest(h)
        return torch.tanh(self.grid.rows(image[..., : self.visits], rest))


class ConvolutionalDiscriminator(nn.Module):
    """Convolutions of 32 (stride 2) and 64 channels, linear 1024 twice; then source and classes.

    What is not in the grid joins where the image becomes a vector.
    """

    def __init__(self, grid: Grid, outputs: int) -> None:
        super().__init__()
        channels, measures, visits = grid.shape
        self.grid = grid
        self.image = nn.Sequential(
            nn.Conv2d(channels, 32, 3, stride=2, padding=1), nn.LeakyReLU(SLOPE),
            nn.Dropout(DROPOUT),
            nn.Conv2d(32, 64, 3, padding=1), nn.LeakyReLU(SLOPE), nn.Dropout(DROPOUT),
        )  # fmt: skip
        width = 64 * -(-measures // 2) * -(-visits // 2) + grid.rest
        self.dense = nn.Sequential(
            nn.Linear(width, 1024), nn.ReLU(), nn.Dropout(DROPOUT),
            nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, outputs),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """(B, d) -> (B, 1 + classes)."""
        image, rest = self.grid.split(x)
        h: Tensor = self.dense(torch.cat([self.image(image).flatten(1), rest], dim=1))
        return h


Generator = DenseGenerator | ConvolutionalGenerator
