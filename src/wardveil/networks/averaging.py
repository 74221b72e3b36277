"""medGAN's discriminator: it sees a record beside the mean of the batch the record came in.

Source: Choi et al. (2017), arXiv:1703.06490, section 3.4, minibatch averaging. Real and generated
batches are averaged apart. A generator that makes one and the same patient is caught by its mean.
"""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn


class AveragingDiscriminator(nn.Module):
    """[linear, ReLU] for each width, then linear to one log-odds; no layer mixes rows.

    Attributes:
        width: Of a record; with averages an input is twice as wide.
        of_record: First layer, on records.
        of_mean: The same on means, without a bias; None without averages.
        rest: All further layers.
    """

    def __init__(self, width: int, hidden: Sequence[int], *, averages: bool) -> None:
        """Fresh weights from the global generator."""
        super().__init__()
        self.width = width
        self.of_record = nn.Linear(width, hidden[0])
        self.of_mean = nn.Linear(width, hidden[0], bias=False) if averages else None
        layers: list[nn.Module] = [nn.ReLU()]
        for a, b in pairwise(hidden):
            layers += [nn.Linear(a, b), nn.ReLU()]
        self.rest = nn.Sequential(*layers, nn.Linear(hidden[-1], 1))

    def forward(self, x: Tensor) -> Tensor:
        """Log-odds of records with a mean each, side by side; (n, 2·width) -> (n, 1)."""
        h = self.of_record(x[:, : self.width])
        if self.of_mean is not None:
            h = h + self.of_mean(x[:, self.width :])
        y: Tensor = self.rest(h)
        return y

    def scores(self, x: Tensor, mean: Tensor | None = None) -> Tensor:
        """Log-odds of records of one batch, (n, width) -> (n, 1).

        The same as `forward` with the mean in every row, but the mean is multiplied once.

        Args:
            x: The batch.
            mean: (width,); the batch's own if not given.
        """
        h = self.of_record(x)
        if self.of_mean is not None:
            h = h + self.of_mean(x.mean(dim=0) if mean is None else mean)
        y: Tensor = self.rest(h)
        return y
