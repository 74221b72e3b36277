"""Clipping: the sum of per-unit gradients, each first cut to norm C.

    ū = Σ_i u_i · min(1, C/‖u_i‖),   u_i = (∇ℓ_i of network 1 / scale 1, ∇ℓ_i of network 2 / …)

A unit is a patient. All networks together make one vector with one norm and one cut. Norms are
exact, gradient penalty included, and no gradient of a single unit is formed for a Linear layer.
`backward` says where the pieces come from, `layers` has the rule of each kind of layer,
`factors` the arithmetic, and `probe` refuses networks that this cannot be right for.

Privacy
    A unit changes the sum by at most C, up to the rounding of the sum itself: clip a little
    below the C that the noise is made for. The norm that decides is taken above its own
    rounding error. The sum is never divided by the number of units.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from wardveil.errors import Problem, VaultError
from wardveil.vault.backward import score_of, unit_gradients
from wardveil.vault.capture import engine_of
from wardveil.vault.part import Part, Penalty
from wardveil.vault.probe import admit

__all__ = ["Clipped", "Part", "Penalty", "clipped_sum", "engine_of", "mean_gradient"]

Gradients = list[dict[str, Tensor]]


@dataclass(frozen=True, kw_only=True)
class Clipped:
    """What `clipped_sum` returns.

    Attributes:
        gradients: Per part, Σ_i u_i min(1, C/‖u_i‖) by parameter name, still divided by
            `scale`: add noise first, then multiply.
        norms: ‖u_i‖, (U,) float64. A function of the patients: for tests only.
    """

    gradients: Gradients
    norms: Tensor


def clipped_sum(parts: Sequence[Part], *, clip_norm: float, keep: Tensor | None = None) -> Clipped:
    """Σ_i u_i · min(1, C/‖u_i‖) over the units.

    Args:
        parts: The networks and their shares of the unit loss; all have the same units.
        clip_norm: C > 0, in the unit of the loss; may be infinite.
        keep: (U,) bool, False for padding.

    Raises:
        VaultError: E421, a network may not see real rows; E422, the parts do not fit together.

    Guarantees:
        A unit changes the sum by at most C, up to the rounding of the sum itself.
        Padding contributes nothing, and neither does a unit whose gradient is not finite.
        No units give zeros.
    """
    _check(parts, clip_norm, keep)
    units = parts[0].units
    if units == 0:
        zeros = [{n: torch.zeros_like(p) for n, p in part.parameters().items()} for part in parts]
        return Clipped(gradients=zeros, norms=torch.zeros(0, dtype=torch.float64))
    _keep_memory()
    pieces = []
    square = slack = torch.zeros(units, dtype=torch.float64)
    for part in parts:
        admit(part)
        pieces.append(unit_gradients(part))
        s, e = pieces[-1].squared_norms()
        square, slack = square + s / part.scale**2, slack + e / part.scale**2
    square = square.clamp(min=0)
    finite = square.isfinite()
    kept = finite if keep is None else finite & keep
    weight = torch.where(kept, (clip_norm / (square + slack).sqrt()).clamp(max=1.0), 0.0)
    sums: Gradients = []
    for part, piece in zip(parts, pieces, strict=True):
        total = piece.weighted_sum(weight / part.scale, ~finite)
        named = part.parameters().items()
        sums.append({n: total[p] if p in total else torch.zeros_like(p) for n, p in named})
    return Clipped(gradients=sums, norms=square.sqrt())


def mean_gradient(parts: Sequence[Part], *, keep: Tensor | None = None) -> Gradients:
    """The ordinary gradient of the mean loss, by part and parameter name: no clip, no `scale`.

    The network is called once per input, as the papers do, so batch normalisation is allowed;
    and a loss may have fewer entries than rows, then without `keep`.

    Args:
        parts: As for `clipped_sum`.
        keep: (U,) bool, False for padding.
    """
    gradients: Gradients = []
    for part in parts:
        named = part.parameters()
        with torch.enable_grad():
            total = _mean(part.loss(*(part.network(x) for x in part.inputs)), keep)
            if part.penalty is not None:
                total = total + _mean(_penalty(part, part.penalty), keep)
        found = torch.autograd.grad(total, list(named.values()), materialize_grads=True)
        gradients.append(dict(zip(named, found, strict=True)))
    return gradients


@cache
def _keep_memory() -> None:
    """Let the C library keep what a step frees for the next step.

    glibc hands freed memory above a threshold back to the system, and every step then pays to
    have it cleared and mapped again, up to a third of its time. Freeing one large block raises
    the threshold. Elsewhere this does nothing.
    """
    torch.empty(32_000_000, dtype=torch.uint8)


def _penalty(part: Part, penalty: Penalty) -> Tensor:
    """weight · (‖J‖ - target)² of each point, recorded."""
    x = penalty.points.detach().clone().requires_grad_()
    score = score_of(part.network(x), penalty)
    (J,) = torch.autograd.grad(score.sum(), x, create_graph=True)
    excess: Tensor = J.flatten(1).norm(dim=1) - penalty.target
    return penalty.weight * excess.square()


def _mean(loss: Tensor, keep: Tensor | None) -> Tensor:
    """Mean over the rows of the kept units."""
    if keep is None:
        return loss.mean()
    kept = keep.repeat_interleave(len(loss) // len(keep))
    return torch.where(kept, loss, 0.0).sum() / kept.sum().clamp(min=1)


def _check(parts: Sequence[Part], clip_norm: float, keep: Tensor | None) -> None:
    """Raise E422 with everything about the parts that does not fit."""
    found = [] if clip_norm > 0 else ["clip_norm must be above 0"]
    units = parts[0].units
    for part in parts:
        M = part.rows_per_unit
        if M < 1 or any(len(x) != units * M for x in part.inputs):
            found.append(f"every input must have {M} rows for each of {units} units")
        if part.scale <= 0:
            found.append("a part's scale must be above 0")
        points = units if part.penalty is None else len(part.penalty.points)
        if points % max(units, 1) or points < units:
            found.append(f"a penalty needs the same number of points for each of {units} units")
    if torch.get_float32_matmul_precision() != "highest":
        found.append("matrix products must have full precision, not TF32 or bfloat16")
    if keep is not None and (keep.shape != (units,) or keep.dtype != torch.bool):
        found.append(f"keep must be {units} booleans")
    owned = [p for part in parts for p in part.parameters().values()]
    if len(set(owned)) < len(owned):
        found.append("two parts may not share parameters: one part may have many inputs")
    if found:
        raise VaultError([Problem(code="E422", what=what) for what in found])
