"""Group: is the synthetic table as good for every group of patients?"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class GroupResult:
    """One group, in real and synthetic rows. Figures that cannot be had are None.

    Attributes:
        column: The column that makes the groups.
        level: The group's level.
        real: Rows of the reference in the group.
        synthetic: Synthetic rows in it.
        tvd1: `tvd1` within the group.
        tvd1_ruler: The same for real rows.
        auc_real: AUC, in the group's held-out rows, of gradient boosting trained on all real
            rows; of the first declared target.
        auc_synthetic: The same, trained on all synthetic rows.
        attack_auc: AUC of the density-ratio attack against the group's members.
        attack_low: Lower end of its 95 % interval.
        attack_high: Upper end.
    """

    column: str
    level: str
    real: int
    synthetic: int
    tvd1: float | None
    tvd1_ruler: float | None
    auc_real: float | None = None
    auc_synthetic: float | None = None
    attack_auc: float | None = None
    attack_low: float | None = None
    attack_high: float | None = None
