"""CTGAN's critic, and its gradient in closed form, gradient penalty included.

Symbols
    h, z, s    a layer's input and output; slope of LeakyReLU and dropout, fixed at this point
    δ          adjoint of z for the score:  δ_l = s_l ∘ (W_{l+1}ᵀ δ_{l+1})
    J          gradient of the score where it is penalised:  W_1ᵀ δ_1
    P, u       λ (‖J‖ - 1)², and ∂P/∂J
    t          tangent of h in the direction u:  t_0 = u,  t_l = s_l ∘ (W_l t_{l-1})

The critic is piecewise linear, so J is a product of the weights and ∂P/∂W_l = δ_l t_{l-1}ᵀ: the
penalty is three more rows for the products that the loss needs anyway. Autograd's double backward
took twice as long, most of it adding up gradients of the wide first layer.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

Loss = Literal["wasserstein", "log-odds"]
SLOPE = 0.2


class Dropout(nn.Module):
    """Dropout whose coins come from one generator, so that a step can be repeated."""

    def __init__(self, rate: float, generator: torch.Generator | None) -> None:
        """Drop with chance `rate`; without a generator, coins are the global one's."""
        super().__init__()
        self.rate, self.generator = rate, generator

    def forward(self, x: Tensor) -> Tensor:
        """(B, d) -> (B, d); each number is 0 or divided by 1 - rate."""
        return x * self.mask(x) if self.training and self.rate else x

    def mask(self, like: Tensor) -> Tensor:
        """Fresh factors of `like`'s shape."""
        kept = torch.empty_like(like).uniform_(generator=self.generator) >= self.rate
        return kept.to(like.dtype).div_(1 - self.rate)


def critic_mlp(
    inputs: int, hidden: Sequence[int], dropout: float, generator: torch.Generator | None
) -> nn.Sequential:
    """[linear, LeakyReLU 0.2, dropout] for each width, then linear to one score."""
    layers: list[nn.Module] = []
    for width in hidden:
        layers += [nn.Linear(inputs, width), nn.LeakyReLU(SLOPE), Dropout(dropout, generator)]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, 1))


class Descent(NamedTuple):
    """What `critic_gradient` returns.

    Attributes:
        gradient: Of loss and penalty, in the order of the critic's parameters.
        loss: Mean loss, without the penalty.
        penalty: Mean penalty.
    """

    gradient: list[Tensor]
    loss: Tensor
    penalty: Tensor


@torch.no_grad()
def critic_gradient(
    critic: nn.Sequential,
    fake: Tensor,
    real: Tensor,
    mixed: Tensor,
    *,
    loss: Loss,
    weight: float,
    free: int,
) -> Descent:
    """Gradient of the mean loss of P fakes and P real rows, and of the penalty at P points.

    Args:
        critic: As `critic_mlp` makes it.
        fake: (P, d).
        real: (P, d).
        mixed: (P, d), where the slope is penalised; not looked at where `weight` is 0.
        loss: Wasserstein, fake minus real; or log-odds, the original game's.
        weight: λ.
        free: The slope counts in the first `free` coordinates; the others are conditions.
    """
    linears = [layer for layer in critic if isinstance(layer, nn.Linear)]
    drops = [layer for layer in critic if isinstance(layer, Dropout)]
    P = len(fake)
    inputs, slopes = [torch.cat([fake, real, mixed] if weight else [fake, real])], []
    for linear, drop in zip(linears[:-1], drops, strict=True):
        z = linear(inputs[-1])
        s = (z > 0).to(z.dtype).mul_(1 - SLOPE).add_(SLOPE)
        slopes.append(s.mul_(drop.mask(z)) if drop.training and drop.rate else s)
        inputs.append(z.mul_(slopes[-1]))
    score = linears[-1](inputs[-1])
    of_fake, of_real = score[:P], score[P : 2 * P]
    delta = torch.ones_like(score)
    if loss == "wasserstein":
        value = of_fake.mean() - of_real.mean()
        delta[:P], delta[P : 2 * P] = 1 / P, -1 / P
    else:
        value = softplus(of_fake).mean() + softplus(-of_real).mean()
        delta[:P], delta[P : 2 * P] = of_fake.sigmoid() / P, -(-of_real).sigmoid() / P
    deltas = [delta]
    for linear, s in zip(linears[:0:-1], slopes[::-1], strict=True):
        deltas.insert(0, (deltas[0] @ linear.weight).mul_(s))
    penalty = score.new_zeros(())
    if weight:
        J = deltas[0][2 * P :] @ linears[0].weight[:, :free]
        norm = J.norm(dim=1, keepdim=True)
        penalty = weight * (norm - 1).square().mean()
        t = inputs[0].new_zeros(P, inputs[0].shape[1])
        t[:, :free] = J * (2 * weight / P * (norm - 1) / norm.clamp(min=1e-12))
        inputs[0][2 * P :] = t
        for k, (linear, s) in enumerate(zip(linears[:-1], slopes, strict=True)):
            inputs[k + 1][2 * P :] = t = (t @ linear.weight.T).mul_(s[2 * P :])
    gradient = []
    for left, right in zip(deltas, inputs, strict=True):
        gradient += [left.T @ right, left[: 2 * P].sum(dim=0)]
    return Descent(gradient, value, penalty)
