"""Backward: from one network's loss to the pieces of every unit's gradient.

Symbols
    x̂, J    a point of the penalty, and the gradient of the score there
    P       weight · (‖J‖ - target)²
    u       ∂P/∂J = 2 weight (‖J‖ - target) J/‖J‖
    a, z    a layer's input and output;  V, δ  the score's adjoints of a and of z
    t, η    ∂P/∂V, the tangent of a in the direction u; and ∂P/∂z, zero where the network is
            piecewise linear

The loss needs one backward pass, to the layers' outputs and never to a weight. The penalty: J
comes from a backward pass that is itself recorded. P depends on a layer's W through z = f(W, a)
and through V = f_a(W, a)ᵀδ, so its gradient is ∇_W ⟨η, f(W, a)⟩ + ∇_W ⟨δ, f_a(W, a)·t⟩, for a
Linear layer η aᵀ + δ tᵀ. One more backward pass, from J with the seed u, gives every t and η.
"""

from collections.abc import Mapping
from typing import Any, Final

import torch
from torch import Tensor

from wardveil.errors import Problem, VaultError
from wardveil.vault.capture import Call, captured, check_calls
from wardveil.vault.factors import Fold, Pieces
from wardveil.vault.layers import add_per_row, rule_of
from wardveil.vault.part import Part, Penalty


def unit_gradients(part: Part) -> Pieces:
    """The pieces of ∇ℓ_i for every unit i of one part; the network runs under one capture."""
    pieces, penalty = Pieces(), part.penalty
    with torch.enable_grad():
        with captured(part.network) as calls:
            outputs = outputs_of(part, calls)
            on_rows = list(calls)
            calls.clear()
            if penalty is not None:
                x = penalty.points.detach().clone().requires_grad_()
                score = score_of(part.network(x), penalty)
                check_calls(calls, len(x))
        _add_loss(part, outputs, on_rows, pieces)
        if penalty is not None:
            _add_penalty(part, penalty, (x, score), calls, pieces)
    pieces.settle()
    return pieces


def outputs_of(part: Part, calls: list[Call]) -> list[Any]:
    """The network's output for each input, from one pass where shapes agree."""
    n = len(part.inputs[0])
    if len({(x.shape, x.dtype) for x in part.inputs}) > 1:
        outputs = [part.network(x) for x in part.inputs]
        check_calls(calls, n)
        return outputs
    R = len(part.inputs)
    together = part.network(torch.cat(part.inputs) if R > 1 else part.inputs[0])
    check_calls(calls, n * R)
    return [_rows(together, slice(r * n, (r + 1) * n)) for r in range(R)]


def score_of(output: Any, penalty: Penalty) -> Tensor:
    """The scalar that a penalty differentiates, (n,).

    Raises:
        VaultError: E422, the output has several scalars and the penalty does not say which.
    """
    n = len(penalty.points)
    score = output if penalty.score is None else penalty.score(output)
    if not isinstance(score, Tensor) or score.numel() != n:
        what = "a gradient penalty differentiates one number per point, but the network gives more"
        do = ("Set Penalty(score=...) to pick one.",)
        raise VaultError(Problem(code="E422", what=what, do=do))
    return score.reshape(n)


def _rows(output: Any, rows: slice) -> Any:
    """Some rows of an output: a tensor, or a tuple, list or dict of them."""
    if isinstance(output, Tensor):
        return output[rows]
    if isinstance(output, Mapping):
        return {key: _rows(value, rows) for key, value in output.items()}
    return tuple(_rows(value, rows) for value in output)


def _add_loss(part: Part, outputs: list[Any], calls: list[Call], pieces: Pieces) -> None:
    """Add ∇ of the mean loss over each unit's rows."""
    loss = part.loss(*outputs)
    if loss.shape != (len(part.inputs[0]),):
        what = (
            f"a unit loss must have one number per row, ({len(part.inputs[0])},), "
            f"but has shape {tuple(loss.shape)}"
        )
        raise VaultError(Problem(code="E422", what=what, do=("Return the loss unreduced.",)))
    seed = torch.full_like(loss, 1 / part.rows_per_unit)
    deltas = torch.autograd.grad(loss, [c.z for c in calls], seed, allow_unused=True)
    for call, delta in zip(calls, deltas, strict=True):
        if delta is not None:
            _add(call, delta, None, _fold(call, part.units, part.rows_per_unit), pieces)


def _add_penalty(
    part: Part,
    penalty: Penalty,
    scored: tuple[Tensor, Tensor],
    calls: list[Call],
    pieces: Pieces,
) -> None:
    """Add ∇P, averaged over the points of a unit; `scored` are the points and their scores."""
    x, score = scored
    k = len(x) // part.units
    calls = [call for call in calls if call.a.requires_grad]  # the others do not move J
    inner = [x, *(c.a for c in calls), *(c.z for c in calls)]
    seed = torch.ones_like(score, requires_grad=True)  # so that every V is recorded
    J, *adjoints = torch.autograd.grad(score, inner, seed, create_graph=True, allow_unused=True)
    V, delta = adjoints[: len(calls)], adjoints[len(calls) :]

    r = J.detach().flatten(1).norm(dim=1)
    slope = torch.where(r == 0, 0.0, 2 * penalty.weight / k * (r - penalty.target) / r)
    u = slope.view(-1, *[1] * (J.ndim - 1)) * J.detach()

    reached = [n for n, d in enumerate(delta) if d is not None]
    wanted = [V[n] for n in reached]
    if not _straight(score, x):
        wanted += [calls[n].z for n in reached]
    outer = torch.autograd.grad(J, wanted, u, allow_unused=True)
    for n, t in zip(reached, outer, strict=False):
        if t is not None:
            _add(calls[n], delta[n], t, _fold(calls[n], part.units, k), pieces)
    for n, eta in zip(reached, outer[len(reached) :], strict=False):
        if eta is not None:
            _add(calls[n], eta, None, _fold(calls[n], part.units, k), pieces)


def _fold(call: Call, units: int, rows: int) -> Fold:
    return Fold(copies=len(call.a) // (units * rows), units=units, rows=rows)


def _add(call: Call, delta: Tensor, t: Tensor | None, fold: Fold, pieces: Pieces) -> None:
    """Add what one call contributes, by the layer's rule or else by Opacus."""
    rule = rule_of(call.layer) or add_per_row
    rule(call.layer, call.a.detach(), delta.detach(), t, fold, pieces)


PRODUCTS: Final = frozenset(
    {"AddmmBackward0", "MmBackward0", "BmmBackward0", "MulBackward0", "ConvolutionBackward0"}
)
"""Operations that are linear in an argument as long as only one argument depends on x."""

STRAIGHT: Final = PRODUCTS | {
    "AccumulateGrad",
    "AddBackward0",
    "CatBackward0",
    "CloneBackward0",
    "LeakyReluBackward0",
    "NegBackward0",
    "PermuteBackward0",
    "ReluBackward0",
    "ReshapeAliasBackward0",
    "SelectBackward0",
    "SliceBackward0",
    "SqueezeBackward0",
    "SqueezeBackward1",
    "SubBackward0",
    "SumBackward0",
    "SumBackward1",
    "TBackward0",
    "TransposeBackward0",
    "UnsafeViewBackward0",
    "UnsqueezeBackward0",
    "ViewBackward0",
}
"""Operations whose second derivative is zero almost everywhere."""


def _straight(score: Tensor, x: Tensor) -> bool:
    """Whether the recorded graph proves that the score is piecewise linear in x.

    A False costs time only: η is then computed, and is zero if it is straight after all.
    """
    moves: dict[Any, bool] = {None: False}  # node -> whether it depends on x
    stack = [score.grad_fn]
    while stack:
        node = stack[-1]
        below = [] if node is None else [n for n, _ in node.next_functions]
        waiting = [n for n in below if n not in moves]
        if waiting:
            stack.extend(waiting)
            continue
        stack.pop()
        if node is None or node in moves:
            continue
        through = sum(moves[n] for n in below)
        moves[node] = through > 0 or getattr(node, "variable", None) is x
        name = node.name()
        if through and (name not in STRAIGHT or (name in PRODUCTS and through > 1)):
            return False
    return True
