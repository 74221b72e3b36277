"""Layers: the rule by which each kind of layer adds to a unit's gradient.

A rule is given a call's input a and the adjoint δ of its output, and adds ∇_W ⟨δ, f(W, a)⟩. A
gradient penalty P depends on W twice: through z = f(W, a), and through the backward pass,
where the layer sends δ to f_a(W, a)ᵀδ. With the tangent t of P the second part is
∇_W ⟨δ, f_a(W, a)·t⟩: the same rule with t given. For a Linear layer it is δ tᵀ, and the bias
gets nothing.

Layers without a rule here go to the engine "opacus": per-row gradients of that layer alone.
"""

from collections.abc import Callable
from copy import deepcopy
from typing import Final

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vjp, vmap
from torch.nn.functional import group_norm, layer_norm, pad

from wardveil.vault.factors import Fold, Outer, Pieces

Rule = Callable[[nn.Module, Tensor, Tensor, Tensor | None, Fold, Pieces], None]


def rule_of(layer: nn.Module) -> Rule | None:
    """The exact rule of a layer, or None if it has none."""
    rule = RULES.get(type(layer))
    if rule is None or (isinstance(layer, nn.Conv1d | nn.Conv2d) and not _plain(layer)):
        return None
    own = {name for name, _ in layer.named_parameters(recurse=False)}
    return rule if own <= {"weight", "bias"} else None  # else a normalised weight, for instance


def add_per_row(
    layer: nn.Module, a: Tensor, delta: Tensor, t: Tensor | None, fold: Fold, pieces: Pieces
) -> None:
    """The rule of any other layer: per-row gradients by Opacus, (R·U·M, *shape) each.

    Opacus has no tangents; those terms come from `torch.func` on the same layer.
    """
    per_row = _opacus(layer, a, delta) if t is None else _tangent_gradients(layer, a, delta, t)
    for parameter, gradient in per_row.items():
        pieces.add_rows(parameter, gradient.detach(), fold)


def _linear(
    layer: nn.Module, a: Tensor, delta: Tensor, t: Tensor | None, fold: Fold, pieces: Pieces
) -> None:
    """z = W a + b at every position of a row."""
    assert isinstance(layer, nn.Linear)
    right = a if t is None else t
    left = delta.reshape(-1, layer.out_features)
    pieces.add_outer(layer.weight, Outer(left, right.reshape(-1, layer.in_features), fold))
    if layer.bias is not None and t is None:
        pieces.add_rows(layer.bias, _over_positions(delta), fold)


def _over_positions(delta: Tensor) -> Tensor:
    """(n, …, o) -> (n, o)."""
    return delta if delta.ndim == 2 else delta.flatten(1, -2).sum(1)


def _convolution(
    layer: nn.Module, a: Tensor, delta: Tensor, t: Tensor | None, fold: Fold, pieces: Pieces
) -> None:
    """A Linear at every position of an unfolded image, or of a sequence one pixel high."""
    assert isinstance(layer, nn.Conv1d | nn.Conv2d)
    flat = isinstance(layer, nn.Conv1d)
    image = a if t is None else t
    shape = ((1,), (0,), (1,)) if flat else ((), (), ())
    kernel, padding, stride, dilation = (
        (*head, *size)
        for head, size in (
            (shape[0], layer.kernel_size),
            (shape[1], layer.padding),
            (shape[0], layer.stride),
            (shape[2], layer.dilation),
        )
    )
    windows = pad(image.unsqueeze(2) if flat else image, [w for w in padding[::-1] for _ in (0, 1)])
    for axis in (0, 1):  # views, then one copy: `unfold` of torch.nn.functional takes two
        reach = dilation[axis] * (kernel[axis] - 1) + 1
        windows = windows.unfold(2 + axis, reach, stride[axis])[..., :: dilation[axis]]
    left = delta.flatten(2).mT.reshape(-1, layer.out_channels)
    right = windows.permute(0, 2, 3, 1, 4, 5).reshape(len(left), -1)
    pieces.add_outer(layer.weight, Outer(left, right, fold))
    if layer.bias is not None and t is None:
        pieces.add_rows(layer.bias, delta.flatten(2).sum(2), fold)


def _plain(layer: nn.Conv1d | nn.Conv2d) -> bool:
    """Whether unfolding describes the convolution."""
    return (
        layer.groups == 1 and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)
    )


def _layer_norm(
    layer: nn.Module, a: Tensor, delta: Tensor, t: Tensor | None, fold: Fold, pieces: Pieces
) -> None:
    """z = w ∘ n(a) + b, with w and b of the normalised shape."""
    assert isinstance(layer, nn.LayerNorm)
    shape = layer.normalized_shape

    def per_row(x: Tensor) -> Tensor:
        return x.reshape(len(x), -1, *shape).sum(1)

    normal = _moved(lambda x: layer_norm(x, shape, eps=layer.eps), a, t)
    pieces.add_rows(layer.weight, per_row(delta * normal), fold)
    if layer.bias is not None and t is None:
        pieces.add_rows(layer.bias, per_row(delta), fold)


def _group_norm(
    layer: nn.Module, a: Tensor, delta: Tensor, t: Tensor | None, fold: Fold, pieces: Pieces
) -> None:
    """z = w ∘ n(a) + b, with w and b per channel."""
    assert isinstance(layer, nn.GroupNorm)

    def per_row(x: Tensor) -> Tensor:
        return x.reshape(*x.shape[:2], -1).sum(2)

    normal = _moved(lambda x: group_norm(x, layer.num_groups, eps=layer.eps), a, t)
    pieces.add_rows(layer.weight, per_row(delta * normal), fold)
    if t is None:
        pieces.add_rows(layer.bias, per_row(delta), fold)


def _moved(f: Callable[[Tensor], Tensor], a: Tensor, t: Tensor | None) -> Tensor:
    """f(a), or its directional derivative f'(a)·t."""
    if t is None:
        return f(a)
    with torch.enable_grad():  # f'(a)·t is the adjoint, seeded with t, of v ↦ f'(a)ᵀv
        x = a.clone().requires_grad_()
        y = f(x)
        v = torch.zeros_like(y, requires_grad=True)
        (back,) = torch.autograd.grad(y, x, v, create_graph=True)
    (forth,) = torch.autograd.grad(back, v, t)
    return forth


def _opacus(layer: nn.Module, a: Tensor, delta: Tensor) -> dict[nn.Parameter, Tensor]:
    """Per-row gradients of one layer: Opacus' own rule, else its functorch path."""
    from opacus.grad_sample import GradSampleModule  # slow to import, rarely needed
    from opacus.grad_sample.functorch import ft_compute_per_sample_gradient

    sampler = GradSampleModule.GRAD_SAMPLERS.get(type(layer))
    if sampler is not None:
        return dict(sampler(layer, [a], delta))
    try:
        return dict(ft_compute_per_sample_gradient(layer, [a], delta))
    finally:
        del layer.ft_compute_sample_grad  # Opacus leaves a closure on the module


def _tangent_gradients(
    layer: nn.Module, a: Tensor, delta: Tensor, t: Tensor
) -> dict[nn.Parameter, Tensor]:
    """∇_W ⟨δ, f_a(W, a)·t⟩ = ∇_W ⟨f_a(W, a)ᵀδ, t⟩ of each row."""
    parameters = {name: p.detach() for name, p in layer.named_parameters()}

    alone = deepcopy(layer)  # functional_call spoils a module that holds another one twice

    def moved(p: dict[str, Tensor], a: Tensor, delta: Tensor, t: Tensor) -> Tensor:
        back: Callable[..., tuple[Tensor]] = vjp(
            lambda x: functional_call(alone, p, (x[None],))[0], a
        )[1]
        return (back(delta)[0] * t).sum()

    per_row = vmap(grad(moved), in_dims=(None, 0, 0, 0))(parameters, a, delta, t)
    return {p: per_row[name] for name, p in layer.named_parameters()}


RULES: Final[dict[type[nn.Module], Rule]] = {
    nn.Linear: _linear,
    nn.Conv1d: _convolution,
    nn.Conv2d: _convolution,
    nn.LayerNorm: _layer_norm,
    nn.GroupNorm: _group_norm,
}
