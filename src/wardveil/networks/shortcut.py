"""medGAN's generator: blocks whose input is added to their output.

    h ← f(BN(W h)) + h

Source: Choi et al. (2017), arXiv:1703.06490, section 3.4. Where a block changes the width, the
shortcut is a linear map, as in He et al. (2016), arXiv:1512.03385, equation 2; with the paper's
widths there is none.
"""

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor, nn

EPS: Final = 1e-3
"""The batch norm of the original has a thousandth; torch's own is smaller."""
SETTLING: Final = 100
"""Batches whose statistics are averaged when a generator is taken out."""


class ShortcutGenerator(nn.Sequential):
    """Noise -> an embedding that a decoder reads."""

    def __init__(
        self,
        inputs: int,
        hidden: Sequence[int],
        outputs: int,
        *,
        last: type[nn.Module],
        decay: float,
        batch_norm: bool = True,
        shortcuts: bool = True,
    ) -> None:
        """Fresh weights from the global generator.

        Args:
            inputs: Width of the noise.
            hidden: Widths of the ReLU blocks.
            outputs: Width of the embedding.
            last: f of the last block.
            decay: What a running mean keeps of itself at each batch, in [0, 1).
            batch_norm: Whether blocks are normalised; without, they have a bias.
            shortcuts: Whether a block's input is added.
        """
        widths = [inputs, *hidden, outputs]
        functions = [nn.ReLU] * len(hidden) + [last]
        super().__init__(
            *(
                _Block(a, b, f(), decay, batch_norm=batch_norm, shortcut=shortcuts)
                for a, b, f in zip(widths, widths[1:], functions, strict=False)
            )
        )


class _Block(nn.Module):
    def __init__(
        self, inputs: int, outputs: int, function: nn.Module, decay: float,
        *, batch_norm: bool, shortcut: bool,
    ) -> None:  # fmt: skip
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=not batch_norm)
        # torch's momentum is the weight of the new batch: one minus what is kept.
        self.norm = nn.BatchNorm1d(outputs, eps=EPS, momentum=1 - decay) if batch_norm else None
        self.function, self.added = function, shortcut
        widens = shortcut and inputs != outputs
        self.shortcut = nn.Linear(inputs, outputs, bias=False) if widens else None

    def forward(self, h: Tensor) -> Tensor:
        y = self.linear(h)
        y = self.function(y if self.norm is None else self.norm(y))
        if not self.added:
            return y
        return y + (h if self.shortcut is None else self.shortcut(h))


def settle(network: nn.Module, inputs: int, rows: int, generator: torch.Generator) -> None:
    """Give the batch norms the plain mean of many batches' statistics, then evaluation mode.

    The paper burns in its running means; a plain mean of fresh ones forgets the game's past.

    Args:
        network: (n, inputs) of noise -> anything.
        inputs: Width of the noise.
        rows: Rows of a batch.
        generator: Draws the noise.
    """
    norms = [m for m in network.modules() if isinstance(m, nn.BatchNorm1d | nn.BatchNorm2d)]
    kept = [m.momentum for m in norms]
    for m in norms:
        m.reset_running_stats()
        m.momentum = None
    network.train()
    with torch.no_grad():
        for _ in range(SETTLING if norms else 0):
            network(torch.randn(rows, inputs, generator=generator))
    for m, momentum in zip(norms, kept, strict=True):
        m.momentum = momentum
    network.eval()
