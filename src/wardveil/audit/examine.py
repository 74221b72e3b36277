"""Two mechanical examinations of any model: replay and coupling.

Source: Cebere et al. (2026), arXiv:2602.17454 ("Re:cord-play"), for the idea.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import torch

from wardveil.audit.noise import Asked, RecordingNoise, TapeNoise
from wardveil.models import Model, Moment, Rng, Weights
from wardveil.privacy import (
    Budget,
    Choice,
    Counts,
    Lease,
    Patients,
    Plan,
    SampledGaussian,
    Size,
    Sums,
    gaussian_mu,
)
from wardveil.schema import Schema
from wardveil.vault import Noise, Rows, Vault


def audit_plan(model: Model, schema: Schema, n: int, epsilon: float) -> Plan:
    """The plan of a model for at most n patients under add/remove, where tables differ in size.

    An audit compares what mechanisms are given with what they declare, so their joint price is
    not composed: each gets noise by its share of μ², about that of a run.

    Args:
        model: The model.
        schema: Complete.
        n: Most patients.
        epsilon: ε; large enough that every part of the model is trained.
    """
    budget = Budget.for_patients(n, epsilon)
    asked, _ = model.questions(schema, n, budget)
    questions = (Patients(), *asked)
    mu, total = gaussian_mu(budget), sum(q.share for q in questions)
    priced = tuple(q.mechanism(mu * sqrt(q.share / total), budget.delta) for q in questions)
    return Plan(
        budget=budget, n=n, relation="add-remove", questions=questions, mechanisms=priced,
        spent=None,
    )  # fmt: skip


def trained(
    model: Model, rows: Rows, schema: Schema, plan: Plan, noise: Noise
) -> tuple[Weights, list[Moment]]:
    """What a model learns from some rows with a given source of noise, and what it shows."""
    vault = Vault(rows, schema=schema, lease=Lease(plan), noise=noise)
    shown: list[Moment] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(7)
        return model.train(vault, Rng(7), shown.append), shown


def fingerprint(weights: Weights, shown: Sequence[Moment]) -> str:
    """SHA-256 of all weights, by name, and of all moments of training, in order."""
    total = hashlib.sha256(repr(list(shown)).encode())
    for name in sorted(weights):
        total.update(name.encode())
        total.update(weights[name].contiguous().numpy().tobytes())
    return total.hexdigest()


def replay(
    model: Model, first: Rows, second: Rows, schema: Schema, *, plan: Plan
) -> tuple[str, str]:
    """Fingerprints of a model trained on two unrelated tables with the same made-up answers.

    They must be equal: then every bit of the model, and everything shown while it trained, is a
    function of the mechanisms' answers.

    Args:
        model: The model.
        first: Patients by variable.
        second: Others, of another number if you like.
        schema: Complete.
        plan: `audit_plan` of the model, for at least as many patients as either table holds.
    """
    return (
        fingerprint(*trained(model, first, schema, plan, TapeNoise(11))),
        fingerprint(*trained(model, second, schema, plan, TapeNoise(11))),
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


def couple(model: Model, rows: Rows, hostile: Rows, schema: Schema, *, plan: Plan) -> Coupling:
    """Add one hostile patient at the end of a table, keep all coins, measure every input.

    Both runs get the same made-up answers, or they would part ways for good reasons.

    Args:
        model: The model.
        rows: Patients by variable.
        hostile: One patient more.
        schema: Complete.
        plan: `audit_plan` of the model, for one patient more than `rows` holds at least.
    """
    more = {k: np.concatenate([v, hostile[k]]) for k, v in rows.items()}
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
    l2, most = float(np.sqrt((move**2).sum())), float(move.max(initial=0.0))
    for m in plan.mechanisms:
        match few.kind, m:
            case "counts", Counts(sd=few.scale):
                return max(most, l2 / m.tables**0.5)
            case "lattice", SampledGaussian() if m.noise_multiplier * m.clip_norm == few.scale:
                return l2 / m.clip_norm
            case "lattice", Sums(noise_multiplier=few.scale):
                return l2
            case "select", Choice(epsilon=few.scale):
                return most / few.sensitivity
            case "laplace", Size(epsilon=few.scale):
                return l2
    return float("inf")  # noise at a scale that the plan does not contain
