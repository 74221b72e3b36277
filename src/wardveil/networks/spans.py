"""Spans: consecutive groups of rows in a tensor that lies features first, as categories do.

Every operation is one for all groups at once. With features first, (D, B), reductions over a
group run along the first axis and the processor works on whole batches; with rows first they
would run along two to forty neighbouring numbers, which measured six times slower (500 × 255).
"""

from collections.abc import Sequence
from typing import Any, Final

import torch
from torch import Tensor

LOWEST: Final = -40.0
"""Exponents are cut here: e⁻⁴⁰ is nothing beside 1, and products with it are still normal numbers.
Subnormal ones made a step three times slower."""
NEAR: Final = 1e-5
"""Relative error of every share at which shifts are found."""
TOGETHER: Final = 2_000
"""Columns worked on at a time where there may be many: bounds memory, and fits the cache."""
TINY: Final = 1e-9
"""Smallest uniform number, so that its logarithm is finite."""


class Spans:
    """Groups of neighbouring features.

    Attributes:
        sizes: Features of each group, (H,).
        starts: First feature of each, (H,).
        owner: Group of each feature, (D,).
    """

    def __init__(self, sizes: Sequence[int]) -> None:
        self.sizes = torch.tensor(list(sizes), dtype=torch.int64)
        self.starts = self.sizes.cumsum(0) - self.sizes
        self.owner = torch.repeat_interleave(torch.arange(len(self.sizes)), self.sizes)
        self.width = len(self.owner)
        steps = torch.arange(int(self.sizes.max()) if len(self.sizes) else 0)
        self._inside = steps[:, None] < self.sizes  # (longest, H)
        self._places = torch.where(self._inside, self.starts + steps[:, None], self.starts)

    def total(self, x: Tensor) -> Tensor:
        """Sum of each group, (D, B) -> (H, B)."""
        return x.new_zeros(len(self.sizes), x.shape[1]).index_add_(0, self.owner, x)

    def spread(self, x: Tensor) -> Tensor:
        """Each group's number for each of its features, (H, B) -> (D, B)."""
        return x.index_select(0, self.owner)

    def normalised(self, x: Tensor) -> Tensor:
        """x with every group's numbers divided by their sum, (D,)."""
        return x / self.spread(self.total(x[:, None]))[:, 0]

    def softmax(self, x: Tensor, temperature: float = 1.0) -> Tensor:
        """Softmax of x / temperature in each group, (D, B), differentiable."""
        y: Tensor = _Softmax.apply(x, self, temperature)  # type: ignore[no-untyped-call]
        return y

    def gumbel_softmax(self, x: Tensor, temperature: float, generator: torch.Generator) -> Tensor:
        """softmax((x + g) / temperature) in each group with fresh Gumbel noise g, (D, B).

        Source: Jang, Gu and Poole (2017), arXiv:1611.01144.
        """
        return self.softmax(x - _minus_gumbel(x, generator), temperature)

    def draw(self, x: Tensor, generator: torch.Generator) -> Tensor:
        """One feature of each group with chance softmax(x), as its place in the group, (H, B)."""
        noisy = x - _minus_gumbel(x, generator)
        place = (torch.arange(self.width) - self.starts[self.owner])[:, None]
        beaten = noisy < self.spread(self._largest(noisy))
        place = torch.where(beaten, self.width, place)  # of equals the first
        first = place.new_full((len(self.sizes), x.shape[1]), self.width)
        return first.scatter_reduce_(0, self.owner[:, None].expand_as(place), place, "amin")

    def shift_to(self, x: Tensor, target: Tensor, rounds: int = 30) -> Tensor:
        """Shifts b with mean softmax(x + b) = target, by proportional fitting; (D, 1).

        Args:
            x: (D, B).
            target: (D,) above 0, sums to 1 in each group.
            rounds: Rounds of fitting.
        """
        shift, wanted = x.new_zeros(self.width, 1), target[:, None].log()
        pieces = torch.split(x, TOGETHER, dim=1)
        for _ in range(rounds):
            mass = torch.stack([self.softmax(piece + shift).sum(dim=1) for piece in pieces])
            mean = mass.sum(dim=0)[:, None] / x.shape[1]
            step = wanted - mean.clamp(min=1e-12).log()
            shift += step
            if float(step.abs().max()) < NEAR:
                break
        return shift

    def cross_entropy(self, x: Tensor, at: Tensor) -> Tensor:
        """-log softmax(x) of one feature a column within its group, (B,).

        Args:
            x: (D, B).
            at: The feature, (B,).
        """
        group = self.owner[at]
        logits = x.gather(0, self._places[:, group])
        logits = logits.masked_fill(~self._inside[:, group], -torch.inf)
        return logits.logsumexp(dim=0) - x.gather(0, at[None])[0]

    def softened(self, x: Tensor) -> Tensor:
        """x, cut to x within reach of the group's largest; the shift that keeps exp finite."""
        return (x - self.spread(self._largest(x))).clamp_(min=LOWEST)

    def _largest(self, x: Tensor) -> Tensor:
        """The largest of each group, (H, B)."""
        low = x.new_full((len(self.sizes), x.shape[1]), -torch.inf)
        return low.scatter_reduce_(0, self.owner[:, None].expand_as(x), x, "amax")


class _Softmax(torch.autograd.Function):
    """Softmax in groups; by hand, because autograd would keep six tensors for it."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, spans: Spans, temperature: float) -> Tensor:
        e = spans.softened(x / temperature).exp_()
        p = e.mul_(spans.spread(spans.total(e).reciprocal_()))
        ctx.save_for_backward(p)
        ctx.spans, ctx.temperature = spans, temperature
        return p

    @staticmethod
    def backward(ctx: Any, *grad: Tensor) -> tuple[Tensor, None, None]:
        (p,) = ctx.saved_tensors
        pd = p * grad[0]
        out = pd.sub_(p * ctx.spans.spread(ctx.spans.total(pd)))
        return out.div_(ctx.temperature), None, None


def _minus_gumbel(like: Tensor, generator: torch.Generator) -> Tensor:
    """-g for Gumbel noise g; torch.exponential_ would be five times slower."""
    u = torch.empty_like(like).uniform_(TINY, 1.0, generator=generator)
    return u.log_().neg_().clamp_(min=TINY).log_()
