"""Canaries: how much of a patient is in the noisy gradients, measured on a real release.

m canaries stand in a table of m places, each in (its own direction v_j) or out (null) by a fair
coin. The critic is ℓ = ⟨w, x⟩, so a canary's clipped gradient is C·v_j, the most a patient can do.
The vault runs as ever: its batches, clip, noise and divisor, T times.

    s_j = Σ_t ⟨g̃_t, v_j⟩ · q n / (σ C √T)      out: N(0, 1);  in: mean μ = q√T / σ
    μ̂   = (mean of s in - mean of s out) / (sd of s out)

Source: Nasr et al. (2023), arXiv:2302.07956, for auditing with gradients in sight; Steinke et al.
    (2023), arXiv:2305.08846, for many canaries in one run; the statistic is derived.
"""

from dataclasses import dataclass
from math import sqrt
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from wardveil.privacy import Budget, Gradients, Lease, SampledGaussian, gaussian_mu, make_plan
from wardveil.schema import Schema
from wardveil.vault import Noise, Part, Rows, SecretNoise, Vault

SCHEMA: Final = '[columns.present]\nkind = "binary"\nlevels = ["0", "1"]\n'
STEPS: Final = 50
BATCH: Final = 0.2
"""q, share of the places in a step."""
LOUD: Final = 10.0
"""Norm of a canary before the clip, in units of C."""
ERRORS: Final = 3.0
"""Standard errors by which a measurement may exceed the claim."""


@dataclass(frozen=True, kw_only=True)
class CanaryAudit:
    """What one audit measured, beside what was claimed.

    Attributes:
        epsilon: ε of the plan.
        delta: δ of the plan.
        canaries: m.
        steps: T.
        sampling_prob: q.
        noise_multiplier: σ.
        claimed: μ = q√T/σ, what the mechanism promises.
        found: μ̂.
        error: Standard error of μ̂, about √(4/m).
    """

    epsilon: float
    delta: float
    canaries: int
    steps: int
    sampling_prob: float
    noise_multiplier: float
    claimed: float
    found: float
    error: float

    @property
    def epsilon_shown(self) -> float:
        """ε that μ̂ proves at δ, three standard errors allowed for; must stay below ε."""
        return epsilon_of(self.found - ERRORS * self.error, self.delta)

    @property
    def private(self) -> bool:
        """Whether no more shows than was claimed."""
        return (
            self.found <= self.claimed + ERRORS * self.error and self.epsilon_shown <= self.epsilon
        )

    @property
    def sighted(self) -> bool:
        """Whether the audit saw its canaries: one that measures far too little proves nothing."""
        return self.found >= self.claimed - ERRORS * self.error - 0.02 * self.claimed

    @property
    def passed(self) -> bool:
        """Private, by an audit that could have seen otherwise."""
        return self.private and self.sighted

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        derived = ("epsilon_shown", "private", "sighted", "passed")
        return {**vars(self), **{name: getattr(self, name) for name in derived}}


def audit_canaries(
    *, epsilon: float, canaries: int = 1000, noise: Noise | None = None
) -> CanaryAudit:
    """Train nothing, release T gradients, and see how far canaries show in them.

    Args:
        epsilon: ε of the whole release.
        canaries: m, at least 20; the standard error is about √(4/m).
        noise: Another source than release grade, for tests.
    """
    noise = SecretNoise() if noise is None else noise
    m = canaries
    question = Gradients(
        patients=m, batch=BATCH * m, count=STEPS, clip_norm=1.0, parameters=m, share=1.0
    )
    plan = make_plan([question], budget=Budget.for_patients(m, epsilon), n=m)
    (mechanism,) = plan.mechanisms
    assert isinstance(mechanism, SampledGaussian)
    present = (noise.uniforms(m) < 0.5).astype(np.int32)
    with torch.random.fork_rng(devices=[]):
        scores = _scores(present, Lease(plan), mechanism, noise)
    found, error = _separation(scores[present == 1], scores[present == 0])
    return CanaryAudit(
        epsilon=epsilon, delta=plan.budget.delta, canaries=m, steps=mechanism.count,
        sampling_prob=mechanism.sampling_prob, noise_multiplier=mechanism.noise_multiplier,
        claimed=mechanism.mu, found=found, error=error,
    )  # fmt: skip


def epsilon_of(mu: float, delta: float) -> float:
    """ε at δ of the Gaussian mechanism with parameter μ; 0 for μ too small to show."""
    low, high = 1e-3, 200.0
    if mu <= gaussian_mu(Budget(epsilon=low, delta=delta)):
        return 0.0
    for _ in range(40):
        middle = sqrt(low * high)
        below = gaussian_mu(Budget(epsilon=middle, delta=delta)) < mu
        low, high = (middle, high) if below else (low, middle)
    return low


class _Directions:
    """Encodes who is present as a direction of their own, and who is not as null."""

    def encode(self, rows: Rows) -> Tensor:
        present = torch.from_numpy(np.asarray(rows["present"], dtype=np.float32))
        return LOUD * torch.diag(present)


def _scores(
    present: NDArray[np.int32], lease: Lease, mechanism: SampledGaussian, noise: Noise
) -> NDArray[np.float64]:
    """s_j of every canary, (m,)."""
    m, T = len(present), mechanism.count
    schema = Schema.parse(SCHEMA, "canaries")
    vault = Vault({"present": present}, schema=schema, lease=lease, noise=noise)
    encoder, critic = _Directions(), nn.Linear(m, 1, bias=False)

    def unit(rows: Tensor) -> list[Part]:
        return [Part(network=critic, inputs=(rows,), loss=lambda score: score.squeeze(1))]

    total = np.zeros(m)
    for _ in range(T):
        total += vault.gradient(unit, encoder)[0]["weight"].numpy().ravel()
    sd = mechanism.noise_multiplier * mechanism.clip_norm
    return total * mechanism.sampling_prob * mechanism.patients / (sd * sqrt(T))


def _separation(inside: NDArray[np.float64], outside: NDArray[np.float64]) -> tuple[float, float]:
    """μ̂ and its standard error."""
    spread = float(outside.std(ddof=1))
    found = float(inside.mean() - outside.mean()) / spread
    a, b = len(inside), len(outside)
    mean = float(inside.var(ddof=1)) / spread**2 / a + 1 / b
    return found, sqrt(mean + found**2 / (2 * b))  # the second term: sd is estimated too
