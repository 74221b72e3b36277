"""Replay and coupling of models by name, on made-up patients, at settings that take seconds."""

from dataclasses import dataclass, fields, replace
from typing import Any, Final

import numpy as np

from wardveil.audit.cohort import audit_schema, crowd, nuisances
from wardveil.audit.examine import audit_plan, couple, replay
from wardveil.models import MODELS, Model, settings

PATIENTS: Final = 200
EPSILON: Final = 3.0
SEEDS: Final = (1, 2)
QUICK: Final[dict[str, Any]] = {
    "generator_hidden_dims": (16,), "discriminator_hidden_dims": (16,),
    "private_discriminator_hidden_dims": (8,), "private_steps": 6, "private_batch": 0.9,
    "learnable": 0.0, "epochs": 2, "batch_size": 50, "anchor_rows": 64, "matching_steps": 3,
    "critic_hidden_dims": (16,), "private_critic_hidden_dims": (8,), "anchor_epochs": 2,
    "random_dim": 8, "embedding_dim": 8, "generator_dims": (8,), "discriminator_dims": (16,),
    "private_discriminator_dims": (8,), "pretrain_epochs": 2,
    "anchor_pretrain_epochs": 1, "channels": (4, 8), "private_channels": (2, 4),
    "rows": 50, "steps": 3, "final_steps": 5, "checkpoints": 2, "judged_rows": 40,
}  # fmt: skip
"""Sizes that cost time and change no path. 0.9 of the patients a step, so that the hostile one
is drawn; the critic is trained whatever the signal law says."""


@dataclass(frozen=True, kw_only=True)
class Examined:
    """What replay and coupling found of one model.

    Attributes:
        model: Its name.
        replayed: Whether unrelated patients gave the same bytes under the same made-up answers.
        aligned: Whether one patient more left the number of mechanism calls alone.
        worst: Kind of call -> largest move over declared sensitivity, over all hostile patients.
    """

    model: str
    replayed: bool
    aligned: bool
    worst: dict[str, float]

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return self.replayed and self.aligned and max(self.worst.values()) <= 1.0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values; a move without bound is null."""
        worst = {k: float(w) if np.isfinite(w) else None for k, w in self.worst.items()}
        return {**vars(self), "worst": worst, "passed": self.passed}


def quick(name: str) -> Model:
    """A model at small sizes.

    Raises:
        UsageError: E120, there is no such model.
    """
    model = settings(name, {})
    small = {f.name: QUICK[f.name] for f in fields(model) if f.name in QUICK}
    return replace(model, **small)


def examine(name: str) -> Examined:
    """Replay and couple one model.

    Raises:
        UsageError: E120, there is no such model.
    """
    model, schema = quick(name), audit_schema()
    first = crowd(schema, PATIENTS, SEEDS[0])
    second = crowd(schema, PATIENTS - 20, SEEDS[1])
    plan = audit_plan(model, schema, PATIENTS + 1, EPSILON)
    one, two = replay(model, first, second, schema, plan=plan)
    found = [
        couple(model, first, hostile, schema, plan=plan)
        for hostile in nuisances(schema, first).values()
    ]
    worst: dict[str, float] = {}
    for coupling in found:
        for kind, move in coupling.worst.items():
            worst[kind] = max(worst.get(kind, 0.0), move)
    aligned = all(c.calls[0] == c.calls[1] for c in found)
    return Examined(model=name, replayed=one == two, aligned=aligned, worst=worst)


def names() -> list[str]:
    """Every model there is."""
    return list(MODELS)
