"""Capture: which layers hold a network's parameters, and what one pass leaves at them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

from torch import Tensor, nn

from wardveil.errors import Problem, VaultError
from wardveil.vault.layers import rule_of

Engine = Literal["exact", "opacus"]


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of one layer.

    Attributes:
        layer: The layer.
        a: Its input, (n, …).
        z: Its output, (n, …), in the graph.
        versions: In-place counters of both at the time.
    """

    layer: nn.Module
    a: Tensor
    z: Tensor
    versions: tuple[int, int]

    @property
    def overwritten(self) -> bool:
        """Whether something has written into the input or the output since."""
        return self.versions != (self.a._version, self.z._version)


def layers_of(network: nn.Module) -> list[nn.Module]:
    """The smallest modules that own trainable parameters, each once.

    A module that holds parameters of its own, and not merely other names for those of a module
    below it, is taken whole, with everything below it.
    """
    own = list(network.parameters(recurse=False))
    if own and not set(own) <= {p for child in network.children() for p in child.parameters()}:
        return [network] if any(p.requires_grad for p in network.parameters()) else []
    below = (layer for child in network.children() for layer in layers_of(child))
    return list(dict.fromkeys(below))


def engine_of(network: nn.Module) -> Engine:
    """How the gradients of single units are measured in this network.

    Returns:
        "exact" when every layer has a rule of ours; "opacus" when the gradients of some layer
        are formed per row by Opacus.
    """
    return "exact" if all(rule_of(layer) for layer in layers_of(network)) else "opacus"


@contextmanager
def captured(network: nn.Module) -> Iterator[list[Call]]:
    """A list that every call of a parametrised layer joins, in order, while the block runs.

    Raises:
        VaultError: E421, a layer takes or gives something other than one tensor.
    """
    calls: list[Call] = []

    def note(layer: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], z: Any) -> None:
        if len(args) != 1 or kwargs or not isinstance(z, Tensor):
            raise VaultError(refusal(f"a {type(layer).__name__} has several inputs or outputs"))
        a = args[0]
        calls.append(Call(layer=layer, a=a, z=z, versions=(a._version, z._version)))

    hooks = [x.register_forward_hook(note, with_kwargs=True) for x in layers_of(network)]
    try:
        yield calls
    finally:
        for hook in hooks:
            hook.remove()


def check_calls(calls: list[Call], rows: int) -> None:
    """Refuse a pass whose calls cannot be told apart by row.

    Raises:
        VaultError: E421.
    """
    found = []
    for call in calls:
        name = type(call.layer).__name__
        if len(call.a) != rows or len(call.z) != rows:
            found.append(f"a {name} is called on {len(call.a)} rows where {rows} came in")
        if call.overwritten:
            found.append(f"what a {name} takes or gives is overwritten in place")
    if found:
        raise VaultError([refusal(what) for what in dict.fromkeys(found)])


def refusal(what: str) -> Problem:
    """E421: a network that may not see real rows."""
    return Problem(
        code="E421",
        what=f"a network that sees real rows must keep them apart, layer by layer, but {what}",
        do=(
            "Normalise with LayerNorm or GroupNorm; leave the row dimension first and alone.",
            "Use no in-place operations, and call every layer as a module, on one tensor.",
        ),
    )
