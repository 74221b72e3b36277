"""A linear autoencoder from second moments: principal components instead of training.

Source: Baldi and Hornik (1989): the best linear autoencoder of a width is the projection onto the
principal components. The moments may be noisy; what is made of them is post-processing.
"""

from math import sqrt
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wardveil.encode.embedding import ROOM
from wardveil.encode.records import Records
from wardveil.networks.autoencoder import Autoencoder
from wardveil.vault import Rows

LEAST: Final = 0.01
"""Chance, or variance, below which a column's slope in log-odds is not made steeper."""


class Centred:
    """Patients as records minus the known mean, scaled so that few are longer than 1.

    Attributes:
        records: How rows are written.
        mean: What is subtracted, (width,).
        unit: What is multiplied with.
    """

    def __init__(self, records: Records) -> None:
        self.records = records
        self.mean, variance = records.moments
        self.unit = 1 / sqrt(ROOM * max(float(variance.sum()), 1e-6))

    def encode(self, rows: Rows) -> Tensor:
        """(n, width) float32, each row by itself."""
        return self.unit * (self.records.dense(self.records.encode(rows)) - self.mean)


def linear_autoencoder(A: Autoencoder, rows: Centred, moments: NDArray[np.float64]) -> None:
    """Set the weights of an autoencoder without hidden layers to principal components.

    Components are scaled so that two standard deviations reach 1, where tanh begins to bend;
    before a ReLU they are shifted by 1. The decoder's slopes in log-odds are those at the mean.

    Args:
        A: Is changed.
        rows: What the moments are of.
        moments: Mean second moments, (width, width), noisy or not.
    """
    first, last = A.encoder[0], A.decoder[-1]
    assert isinstance(first, nn.Linear)
    assert isinstance(last, nn.Linear)
    values, vectors = torch.linalg.eigh(torch.from_numpy(moments / rows.unit**2))
    k = min(first.out_features, first.in_features)
    V = vectors[:, -k:].flip(1).float()
    scale = 0.5 / values[-k:].flip(0).clamp(min=1e-6).sqrt().float()
    shift = 1.0 if A.output == "counts" else 0.0
    centre, slope = rows.mean, torch.ones_like(rows.mean)
    if A.output == "odds":
        p = rows.mean.clamp(LEAST, 1 - LEAST)
        slope = 1 / (p * (1 - p))
        centre = torch.logit(rows.mean.clamp(1e-4, 1 - 1e-4))
    with torch.no_grad():
        for parameter in A.parameters():
            parameter.zero_()
        first.weight[:k] = (V * scale).T
        first.bias[:k] = shift - scale * (rows.mean @ V)
        last.weight[:, :k] = slope[:, None] * V / scale
        last.bias.copy_(centre - last.weight[:, :k].sum(dim=1) * shift)
