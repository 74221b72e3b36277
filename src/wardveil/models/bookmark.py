"""Bookmark: where a game stopped, as named tensors, so that it goes on as if it had not."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn


def written(
    networks: Mapping[str, nn.Module], adams: Mapping[str, torch.optim.Adam]
) -> dict[str, Tensor]:
    """Weights and moments by `name/…`: copies, fit for safetensors."""
    found = {
        f"{name}/{k}": w.detach().clone()
        for name, network in networks.items()
        for k, w in network.state_dict().items()
    }
    for name, adam in adams.items():
        for i, slots in adam.state_dict()["state"].items():
            found |= {f"{name}/{i}/{k}": w.clone() for k, w in slots.items()}
    return found


def read(
    state: Mapping[str, Tensor],
    networks: Mapping[str, nn.Module],
    adams: Mapping[str, torch.optim.Adam],
) -> None:
    """Put back what `written` gave."""
    for name, network in networks.items():
        network.load_state_dict(below(state, name))
    for name, adam in adams.items():
        slots: dict[int, dict[str, Tensor]] = {}
        for key, value in below(state, name).items():
            i, _, k = key.partition("/")
            slots.setdefault(int(i), {})[k] = value.clone()
        adam.load_state_dict(adam.state_dict() | {"state": slots})


def below(state: Mapping[str, Tensor], name: str) -> dict[str, Tensor]:
    """The entries whose name begins with `name/`, without that."""
    return {k.removeprefix(f"{name}/"): w for k, w in state.items() if k.startswith(f"{name}/")}


def mixed(*numbers: int) -> int:
    """One seed of several numbers."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)
