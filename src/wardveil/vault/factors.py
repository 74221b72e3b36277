"""Factors: what one layer adds to the gradient of every unit, without forming it.

Symbols
    U       units (patients)             R     calls of the network on one unit, in one tensor
    M       rows of one unit             T     positions of a row at which a layer is applied
    K       R·M·T, factors of one unit   o, i  widths of a layer's output and input
    a, δ    a layer's input, and the adjoint of its output
    t       tangent of that input in the direction of a gradient penalty

A Linear layer z = W a + b adds Σ_k δ_k a_kᵀ to the gradient of W: K outer products per unit.
Its squared norm is Σ_kl ⟨δ_k, δ_l⟩⟨a_k, a_l⟩, two K × K Gram matrices, and Σ_u c_u G_u is one
matrix product of K·U rows. A convolution is a Linear at T positions. What is small (biases, the
scales of a normalisation) is kept per unit.

Source: Goodfellow (2015), arXiv:1510.01799 (norms); Bu et al. (2022), arXiv:2210.00038
    (book-keeping, and the mixed rule `2K² < o·i`); the penalty's terms are derived here.
"""

from dataclasses import dataclass, field
from functools import reduce
from math import sqrt
from typing import Final, NamedTuple

import torch
from torch import Tensor, nn
from torch.linalg import vecdot

SLACK: Final = 4.0
"""Rounding allowed for in a Gram sum, in units of √(o+i)·ε of the number format."""


@dataclass(frozen=True, kw_only=True)
class Fold:
    """How the rows of one call belong to units: rows lie as (R, U, M).

    Attributes:
        copies: R.
        units: U.
        rows: M.
    """

    copies: int
    units: int
    rows: int

    def by_unit(self, flat: Tensor) -> Tensor:
        """(R·U·M·T, f) -> (U, K, f), a view where R = 1 or M·T = 1."""
        R, U, f = self.copies, self.units, flat.shape[-1]
        x = flat.view(R, U, -1, f)
        if R == 1:
            return x[0]
        if x.shape[2] == 1:
            return x[:, :, 0].transpose(0, 1)
        return x.transpose(0, 1).reshape(U, -1, f)

    def spread(self, per_unit: Tensor, flat: Tensor) -> Tensor:
        """(U,) -> (R·U·M·T, 1), each unit's number beside each of its factors in `flat`."""
        R, U = self.copies, self.units
        wide = per_unit.view(1, U, 1).expand(R, U, len(flat) // (R * U))
        return wide.reshape(-1, 1)

    def sum(self, per_row: Tensor) -> Tensor:
        """(R·U·M, *shape) -> (U, *shape)."""
        total = reduce(torch.add, per_row.chunk(self.copies))
        if self.rows == 1:
            return total
        return total.view(self.units, self.rows, *total.shape[1:]).sum(1)


class Outer(NamedTuple):
    """Outer products: Σ_k left_k right_kᵀ for each unit.

    Attributes:
        left: Adjoints, (R·U·M·T, o).
        right: Inputs or tangents, (R·U·M·T, i).
        fold: Which factor belongs to which unit.
    """

    left: Tensor
    right: Tensor
    fold: Fold

    def by_copy(self) -> list[tuple[Tensor, Tensor]]:
        """For each of R calls the factors of all units, (U, M·T, o) and (U, M·T, i), as views."""
        shape = self.fold.copies, self.fold.units, -1
        left, right = (x.view(*shape, x.shape[1]) for x in (self.left, self.right))
        return list(zip(left, right, strict=True))


@dataclass(frozen=True, kw_only=True)
class Pieces:
    """Per parameter, the pieces whose sum is the gradient of each unit.

    Attributes:
        outer: Outer products, as they came; one piece for each parameter after `settle`.
        dense: Per-unit gradients, (U, *parameter's shape), summed as they came.
    """

    outer: dict[nn.Parameter, list[Outer]] = field(default_factory=dict)
    dense: dict[nn.Parameter, Tensor] = field(default_factory=dict)

    def add_outer(self, parameter: Tensor, piece: Outer) -> None:
        """Add outer products to a parameter's gradient."""
        if isinstance(parameter, nn.Parameter) and parameter.requires_grad:
            self.outer.setdefault(parameter, []).append(piece)

    def add_rows(self, parameter: Tensor, per_row: Tensor, fold: Fold) -> None:
        """Add per-row gradients, (R·U·M, *shape)."""
        if isinstance(parameter, nn.Parameter) and parameter.requires_grad:
            new = fold.sum(per_row)
            old = self.dense.get(parameter)
            self.dense[parameter] = new if old is None else old + new

    def settle(self) -> None:
        """Join the pieces of each parameter, and form the gradients that are smaller formed."""
        for parameter, blocks in list(self.outer.items()):
            K = sum(len(block.left) // block.fold.units for block in blocks)
            if parameter.numel() > 2 * K**2 and parameter not in self.dense:
                self.outer[parameter] = [_joined(blocks)]
                continue
            del self.outer[parameter]
            formed = _formed(blocks).view(-1, *parameter.shape)
            old = self.dense.get(parameter)
            self.dense[parameter] = formed if old is None else old + formed

    def squared_norms(self) -> tuple[Tensor, Tensor]:
        """‖gradient‖² of each unit and a bound of its rounding error, (U,) float64."""
        pairs = [_gram_norms(*blocks) for blocks in self.outer.values()]
        flat = [g.flatten(1) for g in self.dense.values()]
        square = [s for s, _ in pairs] + [vecdot(g, g).double() for g in flat]
        slack = [e for _, e in pairs]
        none = torch.zeros((), dtype=torch.float64)
        return sum(square, start=none), sum(slack, start=none)

    def weighted_sum(self, weight: Tensor, dropped: Tensor) -> dict[nn.Parameter, Tensor]:
        """Σ_u weight_u · gradient_u for every parameter.

        Args:
            weight: (U,).
            dropped: Units that must not be multiplied at all, (U,) bool: 0·NaN is NaN.
        """
        sums: dict[nn.Parameter, Tensor] = {}
        any_dropped = bool(dropped.any())
        for parameter, per_unit in self.dense.items():
            g = per_unit.flatten(1)
            if any_dropped:
                g = g.masked_fill(dropped[:, None], 0.0)
            sums[parameter] = (weight.to(g.dtype) @ g).view(parameter.shape)
        for parameter, ((left, right, fold),) in self.outer.items():
            if any_dropped:
                left = left.masked_fill(fold.spread(dropped, left), 0.0)
                right = right.masked_fill(fold.spread(dropped, right), 0.0)
            c = fold.spread(weight.to(left.dtype), left)
            narrow = left.shape[1] <= right.shape[1]  # the cheaper side to multiply
            total = (left * c).mT @ right if narrow else left.mT @ (right * c)
            sums[parameter] = total.view(parameter.shape)
        return sums


def _formed(blocks: list[Outer]) -> Tensor:
    """The gradient of each unit, (U, o, i); factors are multiplied where they lie."""
    pairs = [pair for block in blocks for pair in block.by_copy()]
    (left, right), *more = pairs
    formed = left.mT @ right
    for left, right in more:
        formed.baddbmm_(left.mT, right)
    return formed


def _joined(blocks: list[Outer]) -> Outer:
    """All outer products of a parameter in one piece."""
    if len(blocks) == 1:
        return blocks[0]
    folds = [block.fold for block in blocks]
    units = folds[0].units
    lefts, rights = [b.left for b in blocks], [b.right for b in blocks]
    if all(len(b.left) == b.fold.copies * units for b in blocks):
        fold = Fold(copies=sum(f.copies for f in folds), units=units, rows=1)
        return Outer(torch.cat(lefts), torch.cat(rights), fold)
    left, right = (
        torch.cat([f.by_unit(x) for f, x in zip(folds, side, strict=True)], 1)
        for side in (lefts, rights)
    )
    fold = Fold(copies=1, units=units, rows=left.shape[1])
    return Outer(left.flatten(0, 1), right.flatten(0, 1), fold)


def _gram_norms(whole: Outer) -> tuple[Tensor, Tensor]:
    """‖Σ_k l_k r_kᵀ‖² and its rounding bound from Gram matrices, each (U,) float64.

    With T = Σ_k ‖l_k‖‖r_k‖ no rounding error exceeds a multiple of T², however much the terms
    cancel; so a unit whose real and fake terms nearly cancel is not mistaken for a small one.
    """
    left, right = whole.fold.by_unit(whole.left), whole.fold.by_unit(whole.right)
    product = (left @ left.mT).double() * (right @ right.mT)
    reach = product.diagonal(dim1=1, dim2=2).sqrt().sum(1)
    width = left.shape[2] + right.shape[2]
    rounding = SLACK * sqrt(width) * torch.finfo(left.dtype).eps
    return product.sum((1, 2)), rounding * reach.square()
