"""Autoencoder: records through a narrow layer and back.

    x ─► [linear, f] × … ─► embedding ─► [linear, f] × … ─► linear ─► x̂

With f = tanh and x̂ = log-odds of flags; or f = ReLU and x̂ = counts, as Choi et al. (2017),
arXiv:1703.06490, section 3.2, have it. What stands after the last linear layer, σ or ReLU, is
`activated`: losses and calibration want what stands before.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, relu

from wardveil.errors import Problem, VaultError
from wardveil.vault import Part

Output = Literal["odds", "counts"]
"""What the decoder's numbers are: log-odds in [0, 1], or counts from 0."""

INNER: Final[dict[Output, type[nn.Module]]] = {"odds": nn.Tanh, "counts": nn.ReLU}


DAMPED: Final = 0.1
"""What `damp` leaves of the last weights."""


class Autoencoder(nn.Module):
    """Encoder and decoder of one width of records.

    Attributes:
        encoder: (n, width) -> (n, embedding).
        decoder: (n, embedding) -> (n, width), without the last activation.
        output: What the decoder's numbers are.
        saw_rows: Whether it has learnt from rows that no mechanism answered for. Then nothing
            about it is private any more, whatever is done to it later.
    """

    def __init__(
        self,
        width: int,
        *,
        compress: Sequence[int],
        embedding: int,
        decompress: Sequence[int],
        output: Output,
    ) -> None:
        """Fresh weights from the global generator."""
        super().__init__()
        inner = INNER[output]
        layers = _chain([width, *compress, embedding], inner)
        self.encoder = nn.Sequential(*layers)
        self.decoder = nn.Sequential(
            *_chain([embedding, *decompress], inner),
            nn.Linear([embedding, *decompress][-1], width),
        )
        self.output: Output = output
        self.saw_rows = False

    def forward(self, x: Tensor) -> Tensor:
        """(n, width) -> (n, width), without the last activation."""
        y: Tensor = self.decoder(self.encoder(x))
        return y

    def part(self, x: Tensor, *, only_decoder: bool) -> Part:
        """A patient's share of the loss, to be clipped by a vault.

        Args:
            x: (n, width), a patient a row.
            only_decoder: The encoder stays as it is; it must know nothing of any patient.

        Raises:
            VaultError: E425, it has learnt from rows without a mechanism. Noise on one half of an
                autoencoder hides nothing that the other half has told.
        """
        if self.saw_rows:
            raise VaultError(
                Problem(
                    code="E425",
                    what="An autoencoder that is trained privately may not have learnt from "
                    "patients without a mechanism, and this one has.",
                    do=("Begin with a fresh one.",),
                )
            )

        def loss(x_hat: Tensor) -> Tensor:
            return reconstruction(x_hat, x, self.output)

        if not only_decoder:
            return Part(network=self, inputs=(x,), loss=loss)
        with torch.no_grad():
            embedded = self.encoder(x)
        return Part(network=self.decoder, inputs=(embedded,), loss=loss)


def activated(y: Tensor, output: Output) -> Tensor:
    """The decoder's numbers as records: σ of log-odds, or counts from 0."""
    return torch.sigmoid(y) if output == "odds" else relu(y)


def damp(decoder: nn.Module, mean: Tensor, output: Output) -> None:
    """Make a decoder unsure: little but known means is left of what it says, in place.

    What a game has driven to certainty has no slope left for matching to follow, and no more has a
    count whose ReLU has died. The weights keep their directions.

    Args:
        decoder: That of an `Autoencoder`.
        mean: Of each column, after the last activation, (width,).
        output: What its numbers are.
    """
    *_, last = decoder.children()
    assert isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight.mul_(DAMPED)
        last.bias.copy_(torch.logit(mean, eps=1e-6) if output == "odds" else mean)


def reconstruction(y: Tensor, x: Tensor, output: Output) -> Tensor:
    """Cross-entropy, or squared error, summed over a record; (n,)."""
    if output == "odds":
        return binary_cross_entropy_with_logits(y, x, reduction="none").sum(dim=1)
    return (relu(y) - x).square().sum(dim=1)


def _chain(widths: Sequence[int], inner: type[nn.Module]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    for a, b in pairwise(widths):
        layers += [nn.Linear(a, b), inner()]
    return layers
