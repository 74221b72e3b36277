"""What the synthesizer asks of a model, and nothing more."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from wardveil.errors import Problem, UsageError
from wardveil.privacy import Budget, Question
from wardveil.schema import Schema
from wardveil.schema.where import Where
from wardveil.vault import Rows, Vault

Weights = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A moment of training that may be shown: public quantities only.

    Attributes:
        phase: What is going on, in one or two words.
        step: Steps done in this phase.
        steps: Steps of this phase in all.
        losses: Losses by name; only without a guarantee, for they are functions of the patients.
    """

    phase: str
    step: int
    steps: int
    losses: dict[str, float] | None = None


Watch = Callable[[Moment], None]


class Rng:
    """One seed, two generators of the same streams at every run: weights, latents, draws.

    Never used for privacy noise or for choosing who is in a batch.

    Attributes:
        torch: For weights and latents.
        numpy: For drawing values.
    """

    def __init__(self, seed: int) -> None:
        self.torch = torch.Generator().manual_seed(seed)
        self.numpy = np.random.default_rng(seed)

    def seed(self) -> int:
        """A fresh seed for somebody else, drawn from `numpy`."""
        return int(self.numpy.integers(2**31))


@dataclass(frozen=True, kw_only=True)
class Model(ABC):
    """Settings of one algorithm, how to train it and how to sample from the result.

    Subclasses are final frozen dataclasses: the fields are the hyper-parameters. Nothing is
    remembered between `train` and `sample` except the weights the caller holds.
    """

    name: ClassVar[str]

    @abstractmethod
    def questions(
        self, schema: Schema, n: int, budget: Budget
    ) -> tuple[Sequence[Question], Sequence[str]]:
        """What the model will ask, and remarks for the statement; from public facts alone."""

    @abstractmethod
    def train(self, vault: Vault, rng: Rng, watch: Watch) -> Weights:
        """Ask the vault exactly the questions of the plan; return what sampling needs."""

    @abstractmethod
    def sample(self, weights: Weights, schema: Schema, n: int, where: Where, rng: Rng) -> Rows:
        """n synthetic rows by variable; every asked condition holds in every row.

        Raises:
            UsageError: If the model cannot be asked for such rows (E132).
        """


def positive(**values: float) -> None:
    """Refuse settings that are not above 0, all at once.

    Raises:
        UsageError: Naming each (E124).
    """
    problems = [
        Problem(code="E124", what=f"{name} is too small.", where=name, do=("Raise it.",))
        for name, value in values.items()
        if not value > 0
    ]
    if problems:
        raise UsageError(problems)


def refuse_unasked(where: Where, conditions: Sequence[str]) -> None:
    """Refuse wishes for what a model does not condition on, all at once.

    Raises:
        UsageError: Naming each (E132).
    """
    problems = [
        Problem(
            code="E132",
            what=f"{name!r} was not declared a condition when this run was fitted.",
            where="where",
            do=("Declare condition = true and fit again, or filter the sample.",),
        )
        for name in where
        if name not in conditions
    ]
    if problems:
        raise UsageError(problems)
