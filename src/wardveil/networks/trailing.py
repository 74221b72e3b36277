"""Trailing: the running mean of a generator's weights, which wanders less than they do."""

import torch
from torch import nn


def trail(mean: nn.Module, now: nn.Module, *, decay: float, done: int) -> None:
    """Move a mean towards the weights; early weights are forgotten faster.

    Args:
        mean: What is moved.
        now: The same network as it is.
        decay: What the mean keeps of itself at each step, in the end; 0 takes the last weights.
        done: Steps done, with this one.
    """
    weight = 1 - min(decay, (1 + done) / (10 + done)) if decay else 1.0
    with torch.no_grad():
        for old, new in zip(mean.parameters(), now.parameters(), strict=True):
            old.lerp_(new, weight)
