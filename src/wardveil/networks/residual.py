"""CTGAN's generator: residual blocks that concatenate.

    h ← ReLU(BN(W h)) ⊕ h  for each width, then W h + b

Everything lies features first (see `networks.spans`), so the growing h is one tensor whose upper
rows are written block by block, and nothing is ever copied to be concatenated. In training the
gradient is written out: what autograd would hand back to the input is nobody's, and took a fifth
of the time.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import torch
from torch import Tensor, nn

EPS: Final = 1e-5
MOMENTUM: Final = 0.1


class ResidualGenerator(nn.Module):
    """Noise and condition -> a row before its last activations.

    Attributes:
        weights: W of each block, (width, inputs so far); the newest block's outputs come first.
        scales: γ of each batch norm, (width,).
        shifts: β of each.
        last: The linear layer at the end.
    """

    def __init__(self, inputs: int, hidden: Sequence[int], outputs: int) -> None:
        """Fresh weights from the global generator.

        Args:
            inputs: Width of z and c together.
            hidden: Width of each block.
            outputs: Width of a row.
        """
        super().__init__()
        self.inputs, self.hidden = inputs, tuple(hidden)
        self.weights, self.scales, self.shifts = (nn.ParameterList() for _ in range(3))
        for k, width in enumerate(hidden):
            block = nn.Linear(inputs, width, bias=False)  # batch norm has a shift of its own
            self.weights.append(block.weight)
            self.scales.append(nn.Parameter(torch.ones(width)))
            self.shifts.append(nn.Parameter(torch.zeros(width)))
            self.register_buffer(f"mean{k}", torch.zeros(width))
            self.register_buffer(f"var{k}", torch.ones(width))
            inputs += width
        self.last = nn.Linear(inputs, outputs)
        self.momentum = MOMENTUM

    def forward(self, h: Tensor) -> Tensor:
        """(inputs, B) -> (outputs, B); in training the input gets no gradient."""
        if self.training:
            y: Tensor = _Training.apply(self, h, *self.parameters())  # type: ignore[no-untyped-call]
            return y
        for W, shift in self._folded():
            h = torch.cat([torch.addmm(shift, W, h).relu(), h])
        return torch.addmm(self.last.bias[:, None], self.last.weight, h)

    def rough(self, h: Tensor, exact: int) -> Tensor:
        """`forward` in evaluation with products in bfloat16.

        Log-odds bear eight bits: what is drawn from them is a category. The last `exact` outputs
        are summed in full precision, or the digits of numbers would show the steps.

        Args:
            h: (inputs, B).
            exact: Outputs at the end that values are read off.
        """
        rough, last = h.bfloat16(), self.last
        for W, shift in self._folded():
            a = torch.addmm(shift.bfloat16(), W.bfloat16(), rough).relu_()
            rough = torch.cat([a, rough])
        y = h.new_empty(len(last.bias), h.shape[1])
        odds = len(y) - exact
        y[:odds] = last.weight[:odds].bfloat16() @ rough
        y[:odds] += last.bias[:odds, None]
        torch.addmm(last.bias[odds:, None], last.weight[odds:], rough.float(), out=y[odds:])
        return y

    def _folded(self) -> Iterator[tuple[Tensor, Tensor]]:
        """W and shift of each block with its batch norm inside, in evaluation."""
        blocks = zip(self.weights, self.scales, self.shifts, strict=True)
        for k, (W, scale, shift) in enumerate(blocks):
            mean, var = self.get_buffer(f"mean{k}"), self.get_buffer(f"var{k}")
            slope = scale * (var + EPS).rsqrt()
            yield W * slope[:, None], (shift - mean * slope)[:, None]

    def noted(self, k: int, mean: Tensor, var: Tensor) -> None:
        """Move the running statistics of block k towards a batch's."""
        self.get_buffer(f"mean{k}").lerp_(mean, self.momentum)
        self.get_buffer(f"var{k}").lerp_(var, self.momentum)


class _Training(torch.autograd.Function):
    """The generator on a batch, with the batch's own statistics."""

    @staticmethod
    def forward(ctx: Any, G: ResidualGenerator, x: Tensor, *_: Tensor) -> Tensor:
        B, width = x.shape[1], sum(G.hidden)
        h = x.new_empty(width + G.inputs, B)
        h[width:] = x
        kept, top = [], width
        for k, W in enumerate(G.weights):
            z = W @ h[top:]
            mean = z.mean(dim=1)
            z.sub_(mean[:, None])
            var = z.square().mean(dim=1)
            G.noted(k, mean, var * (B / max(B - 1, 1)))
            rate = (var + EPS).rsqrt_()
            z.mul_(rate[:, None])
            new = slice(top - len(W), top)
            torch.addcmul(G.shifts[k][:, None], z, G.scales[k][:, None], out=h[new])
            h[new].relu_()
            kept.append((z, rate))
            top -= len(W)
        ctx.G, ctx.h, ctx.kept = G, h, kept
        return torch.addmm(G.last.bias[:, None], G.last.weight, h)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        G, h, g, (of_h, width) = ctx.G, ctx.h, grads[0], (None, sum(ctx.G.hidden))
        of_h = G.last.weight[:, :width].T @ g
        found = {G.last.weight: g @ h.T, G.last.bias: g.sum(dim=1)}
        top = 0
        for k in reversed(range(len(G.hidden))):
            (z, rate), W = ctx.kept[k], G.weights[k]
            new, top = slice(top, top + len(W)), top + len(W)
            g = of_h[new] * (h[new] > 0)
            found[G.shifts[k]] = shift = g.sum(dim=1)
            found[G.scales[k]] = scale = (g * z).sum(dim=1)
            B = h.shape[1]
            g.sub_(z * (scale / B)[:, None]).sub_((shift / B)[:, None])
            g.mul_((G.scales[k] * rate)[:, None])
            found[W] = g @ h[top:].T
            if top < width:
                of_h[top:].addmm_(W[:, : width - top].T, g)
        return None, None, *(found[p] for p in G.parameters())
