"""Probe: is this network one that per-unit clipping can be trusted with?

Asked once per network, mode, input shape and loss, with made-up rows. Types cannot tell: a
module's `forward` may do anything. So it is tried: changing some rows must leave the outputs
and losses of the others alone, and the pieces found at the layers must add up to the ordinary
gradient, or parameters are used where no layer's hook sees them.
"""

import logging
from dataclasses import replace
from typing import Any, Final
from weakref import WeakKeyDictionary

import torch
from torch import Tensor, nn

from wardveil.errors import Problem, VaultError
from wardveil.vault.backward import outputs_of, unit_gradients
from wardveil.vault.capture import engine_of, layers_of, refusal
from wardveil.vault.layers import rule_of
from wardveil.vault.part import Part

LOG: Final = logging.getLogger("wardveil")
ROWS: Final = 4
TOLERANCE: Final = {torch.float64: 1e-9, torch.float32: 1e-3}

_admitted: WeakKeyDictionary[nn.Module, set[Any]] = WeakKeyDictionary()


def admit(part: Part) -> None:
    """Let a part pass, or refuse it.

    Raises:
        VaultError: E421, the network mixes rows, or uses parameters out of the hooks' sight.
    """
    shapes = tuple((x.shape[1:], x.dtype) for x in part.inputs)
    code = getattr(part.loss, "__code__", None)
    key = (part.network.training, shapes, code, len(part.inputs[0]) > 1)
    known = _admitted.setdefault(part.network, set())
    if key in known:
        return
    _refuse_types(part.network)
    with torch.random.fork_rng(devices=[]):
        problems = [*_mixed_outputs(part), *_mixed_losses(part), *_unseen_parameters(part)]
    if problems:
        raise VaultError(problems)
    known.add(key)
    _announce(part.network)


def _refuse_types(network: nn.Module) -> None:
    """Layers that are known to mix rows."""
    norm = nn.modules.batchnorm._NormBase
    found = [
        refusal(f"{name or 'it'} is a {type(module).__name__}, which mixes them")
        for name, module in network.named_modules()
        if isinstance(module, norm)
        and (isinstance(module, nn.modules.batchnorm._BatchNorm) or module.track_running_stats)
    ]
    if found:
        raise VaultError(found)


def _made_up(like: Tensor) -> Tensor:
    """Random rows of an input's shape; integers are zeros and ones."""
    shape = (ROWS, *like.shape[1:])
    if like.is_floating_point():
        return torch.randn(shape, dtype=like.dtype, device=like.device)
    return torch.randint(2, shape, device=like.device).to(like.dtype)


def _mixed_outputs(part: Part) -> list[Problem]:
    """Change the second half of the rows and look at the first half."""
    before = [_made_up(x) for x in part.inputs]
    after = [torch.cat([b[: ROWS // 2], _made_up(b)[ROWS // 2 :]]) for b in before]
    seen = []
    with torch.no_grad():
        for inputs in (before, after):
            torch.manual_seed(0)  # the same dropout mask
            seen.append([_flat(part.network(x)) for x in inputs])
    for old, new in zip(*seen, strict=True):
        if len(old) != len(new) or any(len(y) != ROWS for y in (*old, *new)):
            return [refusal("its outputs are not one per row")]
        for y, z in zip(old, new, strict=True):
            half = slice(0, ROWS // 2)
            if not torch.allclose(y[half], z[half], rtol=1e-4, atol=1e-6, equal_nan=True):
                return [refusal("a row's output changes when another row does")]
    return []


def _mixed_losses(part: Part) -> list[Problem]:
    """The same of the loss, on the part's own rows, for it may hold their labels."""
    n = len(part.inputs[0])
    half = n // 2
    with torch.no_grad():
        before = [part.network(x) for x in part.inputs]
        after = [_changed(y, half) for y in before]
        seen = []
        for outputs in (before, after):
            torch.manual_seed(0)  # a loss may draw, for instance smoothed labels
            seen.append(part.loss(*outputs))
    if seen[0].shape != (n,) or torch.allclose(
        seen[0][:half], seen[1][:half], rtol=1e-4, atol=1e-6, equal_nan=True
    ):
        return []  # a wrong shape is refused where the loss is used
    return [refusal("a row's loss changes when another row's output does")]


def _changed(output: Any, start: int) -> Any:
    """An output with other numbers from row `start` on."""
    if isinstance(output, Tensor):
        return torch.cat([output[:start], 0.5 - 0.7 * output[start:]])
    if isinstance(output, dict):
        return {key: _changed(value, start) for key, value in output.items()}
    return tuple(_changed(value, start) for value in output)


def _unseen_parameters(part: Part) -> list[Problem]:
    """Compare the sum of the pieces with the ordinary gradient."""
    inputs = tuple(_made_up(x) for x in part.inputs)
    trial = replace(part, inputs=inputs, loss=_some_loss, penalty=None, rows_per_unit=1)
    torch.manual_seed(0)
    pieces = unit_gradients(trial)
    ours = pieces.weighted_sum(torch.ones(ROWS), torch.zeros(ROWS, dtype=torch.bool))
    torch.manual_seed(0)
    named = part.parameters()
    with torch.enable_grad():
        loss = _some_loss(*outputs_of(trial, [])).sum()
    theirs = torch.autograd.grad(loss, list(named.values()), materialize_grads=True)
    wrong = []
    for (name, p), g in zip(named.items(), theirs, strict=True):
        error = (ours.get(p, torch.zeros_like(p)) - g).abs().max()
        if error > TOLERANCE.get(p.dtype, 1e-2) * (1 + g.abs().max()):
            wrong.append(refusal(f"{name} is used outside the module that owns it"))
    return wrong


def _some_loss(*outputs: Any) -> Tensor:
    """A loss that every output moves, in every coordinate by another amount; (n,)."""
    flat = [y.flatten(1) for output in outputs for y in _flat(output)]
    wide = torch.cat(flat, 1)
    return (wide * torch.linspace(0.5, 1.5, wide.shape[1], dtype=wide.dtype)).sum(1)


def _flat(output: Any) -> list[Tensor]:
    """The tensors of an output; each (n, …)."""
    if isinstance(output, Tensor):
        return [output]
    values = output.values() if isinstance(output, dict) else output
    return [tensor for value in values for tensor in _flat(value)]


def _announce(network: nn.Module) -> None:
    """Say which engine measures this network."""
    foreign = sorted({type(x).__name__ for x in layers_of(network) if rule_of(x) is None})
    why = f", because of {', '.join(foreign)}" if foreign else ""
    LOG.info("%s: clipped by the engine %r%s", type(network).__name__, engine_of(network), why)
