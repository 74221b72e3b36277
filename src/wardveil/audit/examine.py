"""Two mechanical examinations of any model: replay and coupling.

Source: Cebere et al. (2026), arXiv:2602.17454 ("Re:cord-play"), for the idea.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
import torch

from wardveil.audit.noise import Asked, RecordingNoise, TapeNoise
from wardveil.models import Model, Rng, Weights
from wardveil.privacy import Budget, Counts, Lease, Patients, Plan, SampledGaussian, make_plan
from wardveil.schema import Schema
from wardveil.vault import Noise, Rows, Vault


def audit_plan(model: Model, schema: Schema, n: int, epsilon: float) -> Plan:
    """The plan of a model for at most n patients under add/remove, where tables differ in size."""
    budget = Budget.for_patients(n, epsilon)
    questions, _ = model.questions(schema, n, budget)
    return make_plan([Patients(), *questions], budget=budget, n=n, relation="add-remove")


def trained(model: Model, rows: Rows, schema: Schema, plan: Plan, noise: Noise) -> Weights:
    """A model trained on some rows with a given source of noise."""
    vault = Vault(rows, schema=schema, lease=Lease(plan), noise=noise)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return model.train(vault, Rng(7), lambda _: None)


def fingerprint(weights: Weights) -> str:
    """SHA-256 of all weights, by name."""
    total = hashlib.sha256()
    for name in sorted(weights):
        total.update(name.encode())
        total.update(weights[name].contiguous().numpy().tobytes())
    return total.hexdigest()


def replay(
    model: Model, first: Rows, second: Rows, schema: Schema, *, n: int, epsilon: float = 1.0
) -> tuple[str, str]:
    """Fingerprints of a model trained on two unrelated tables with the same made-up answers.

    They must be equal: then every bit of the model is a function of the mechanisms' answers.

    Args:
        model: The model.
        first: Patients by variable.
        second: Others, of another number if you like.
        schema: Complete.
        n: At least as many as either table holds.
        epsilon: ε of the plan; large enough that every part of the model is trained.
    """
    plan = audit_plan(model, schema, n, epsilon)
    return (
        fingerprint(trained(model, first, schema, plan, TapeNoise(11))),
        fingerprint(trained(model, second, schema, plan, TapeNoise(11))),
    )


@dataclass(frozen=True, kw_only=True)
class Coupling:
    """How far one patient moved the inputs of the mechanisms.

    Attributes:
        calls: Number of mechanism calls in either run.
        worst: Kind of call -> largest move over declared sensitivity; at most 1 is right.
    """

    calls: tuple[int, int]
    worst: dict[str, float]


def couple(
    model: Model, rows: Rows, hostile: Rows, schema: Schema, *, epsilon: float = 1.0
) -> Coupling:
    """Add one hostile patient at the end of a table, keep all coins, measure every input.

    Both runs get the same made-up answers, or they would part ways for good reasons.

    Args:
        model: The model.
        rows: Patients by variable.
        hostile: One patient more.
        schema: Complete.
        epsilon: ε of the plan; large enough that every part of the model is trained.
    """
    more = {k: np.concatenate([v, hostile[k]]) for k, v in rows.items()}
    plan = audit_plan(model, schema, len(next(iter(more.values()))), epsilon)
    few, many = RecordingNoise(TapeNoise(13)), RecordingNoise(TapeNoise(13))
    trained(model, rows, schema, plan, few)
    trained(model, more, schema, plan, many)
    worst: dict[str, float] = {}
    for a, b in zip(few.asked, many.asked, strict=False):
        worst[a.kind] = max(worst.get(a.kind, 0.0), _moved(a, b, plan))
    return Coupling(calls=(len(few.asked), len(many.asked)), worst=worst)


def _moved(few: Asked, many: Asked, plan: Plan) -> float:
    """How far an input moved, in units of the sensitivity the plan prices it at."""
    move = np.abs(many.value.astype(np.float64) - few.value)
    l2 = float(np.sqrt((move**2).sum()))
    if few.kind == "select":
        return float(move.max(initial=0.0)) / few.sensitivity
    if few.kind == "laplace":
        return l2
    for m in plan.mechanisms:
        if few.kind == "counts" and isinstance(m, Counts) and m.sd == few.scale:
            return max(float(move.max()), l2 / m.tables**0.5)
        if few.kind == "lattice" and isinstance(m, SampledGaussian):
            return l2 / m.clip_norm
    return float("inf")  # noise at a scale that the plan does not contain
