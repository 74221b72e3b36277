"""Membership: can a reader of the synthetic table tell who was in the real one?"""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One membership attack on held-in and held-out patients.

    Attributes:
        name: "density_ratio" or "shadow".
        knows: What the attacker is taken to know, in one sentence.
        members: Attacked patients the table was made from.
        others: Attacked patients it was not made from.
        auc: 0.5 is guessing.
        low: Lower end of the 95 % interval of the AUC (DeLong).
        high: Upper end.
        tpr: Share of members found where 1 % of the others are accused.
        tpr_low: Lower end of its 95 % interval (Wilson).
        tpr_high: Upper end.
        fpr_points: ROC: shares of the others accused, increasing from 0 to 1, (k,).
        tpr_points: ROC: shares of members found, (k,).
        limit: What (ε, δ) allows at each of `limit_fpr`, (j,); () where no limit was given.
        limit_fpr: From 1e-4 to 1, evenly in logarithm, (j,).
        limit_tpr: What (ε, δ) allows at 1 % FPR; None where no limit was given.
        limit_auc: The area under the limit; None where no limit was given.
    """

    name: Literal["density_ratio", "shadow"]
    knows: str
    members: int
    others: int
    auc: float
    low: float
    high: float
    tpr: float
    tpr_low: float
    tpr_high: float
    fpr_points: tuple[float, ...]
    tpr_points: tuple[float, ...]
    limit: tuple[float, ...] = ()
    limit_fpr: tuple[float, ...] = ()
    limit_tpr: float | None = None
    limit_auc: float | None = None
