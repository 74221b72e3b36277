"""Part: one network's share of the unit loss, as a model states it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

Score = Callable[[Any], Tensor]


@dataclass(frozen=True, kw_only=True)
class Penalty:
    """weight · (‖∇_x score(x̂)‖₂ - target)², averaged over the points of a unit.

    Attributes:
        points: x̂, (U·k, …), unit by unit; k is 1 or more.
        weight: λ.
        target: The norm that costs nothing.
        score: Which scalar of the output is differentiated, output -> (U·k,); by default the
            network's only output.
    """

    points: Tensor
    weight: float
    target: float = 1.0
    score: Score | None = None


@dataclass(frozen=True, kw_only=True)
class Part:
    """One network's share of the unit loss.

    Attributes:
        network: Any module that treats each row by itself.
        inputs: What it is called on, (U·M, …) each: for instance real and fake rows.
        loss: The network's outputs, one per input, -> the loss of each row, (U·M,); averaged
            over the rows of a unit. It may not mix rows. An output may be a tensor, or a tuple
            or dict of them.
        penalty: A gradient penalty on the same network.
        scale: This network's gradient is divided by it inside the unit.
        rows_per_unit: M. The rows of a unit stand together.
    """

    network: nn.Module
    inputs: tuple[Tensor, ...]
    loss: Callable[..., Tensor]
    penalty: Penalty | None = None
    scale: float = 1.0
    rows_per_unit: int = 1

    @property
    def units(self) -> int:
        """U."""
        return len(self.inputs[0]) // self.rows_per_unit

    def parameters(self) -> dict[str, nn.Parameter]:
        """The parameters that get a gradient, by name."""
        named = self.network.named_parameters()
        return {name: p for name, p in named if p.requires_grad}
