"""Group: is the synthetic table as good for every group of patients?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wardveil.errors import Problem, SchemaError
from wardveil.evaluation.fidelity import one_way
from wardveil.evaluation.interval import auc_interval
from wardveil.evaluation.learner import auc
from wardveil.evaluation.membership import Attacked
from wardveil.evaluation.prediction import Predicted
from wardveil.evaluation.prepared import DISTINCT, Flags, Prepared

FEWEST: Final = 10
"""Rows a figure of a group needs."""


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


def groups_of(
    column: str,
    *,
    reference: Prepared,
    synthetic: Prepared,
    ruler: tuple[Prepared, Prepared],
    predicted: Predicted | None = None,
    attacked: Attacked | None = None,
    real: Prepared | None = None,
) -> Iterator[GroupResult]:
    """One result a level, the most frequent first, at most 12. A figure needs 10 rows.

    Args:
        column: The column that makes the groups.
        reference: The real rows that are compared.
        synthetic: Synthetic rows.
        ruler: Two tables of real rows, whose distance is the ruler.
        predicted: What was learnt about a target, tested on `reference`.
        attacked: The membership attacks on `real` and `reference`.
        real: The rows that the synthetic ones were made from.
    """
    for level, rows in masks(reference, column).items():
        theirs = members_of(synthetic, column, level)
        halves = [t.take(np.flatnonzero(members_of(t, column, level))) for t in ruler]
        learnt = _learnt(predicted, rows) if predicted else (None, None)
        attack = _attack(attacked, real, rows, column, level) if attacked and real else [None] * 3
        yield GroupResult(
            column=column, level=level, real=int(rows.sum()), synthetic=int(theirs.sum()),
            tvd1=_tvd(reference.take(np.flatnonzero(rows)), synthetic.take(np.flatnonzero(theirs))),
            tvd1_ruler=_tvd(*halves), auc_real=learnt[0], auc_synthetic=learnt[1],
            attack_auc=attack[0], attack_low=attack[1], attack_high=attack[2],
        )  # fmt: skip


def masks(table: Prepared, column: str) -> dict[str, NDArray[np.bool_]]:
    """Level -> which rows have it; the 12 most frequent levels, in that order.

    Raises:
        SchemaError: E341, there is no such column, or it holds sets of codes.
    """
    values = _texts(table, column)
    known = np.array([v for v in values if v is not None], dtype=object)
    levels, counts = np.unique(known.astype(str), return_counts=True)
    frequent = levels[np.argsort(-counts, kind="stable")[:DISTINCT]]
    return {str(level): values == level for level in frequent}


def members_of(table: Prepared, column: str, level: str) -> NDArray[np.bool_]:
    """Which rows have the level, (n,)."""
    return _texts(table, column) == level


def _texts(table: Prepared, column: str) -> NDArray[np.object_]:
    values = table.columns.get(column)
    if values is None or isinstance(values, Flags):
        raise SchemaError(
            Problem(code="E341", what=f'Column "{column}" is needed for groups and holds none.',
                    where="design", do=("Name a compared column that holds one value.",))
        )  # fmt: skip
    if values.dtype == object:
        return values.astype(object)
    return np.array([None if np.isnan(v) else f"{v:g}" for v in values], dtype=object)


def _tvd(real: Prepared, other: Prepared) -> float | None:
    if min(real.rows, other.rows) < FEWEST:
        return None
    return float(np.mean(list(one_way(real, other).values())))


def _learnt(predicted: Predicted, rows: NDArray[np.bool_]) -> Sequence[float | None]:
    inside = rows[predicted.rows]
    if not predicted.levels or inside.sum() < FEWEST:
        return None, None
    found = [auc(predicted.y[inside], p[inside], predicted.levels)[0] for p in predicted.boosting]
    return [None if np.isnan(v) else v for v in found]


def _attack(
    attacked: Attacked, real: Prepared, rows: NDArray[np.bool_], column: str, level: str
) -> Sequence[float | None]:
    inside = attacked.member_scores[members_of(real, column, level)[attacked.member_rows]]
    outside = attacked.other_scores[rows[attacked.other_rows]]
    if min(len(inside), len(outside)) < FEWEST:
        return [None] * 3
    return auc_interval(inside, outside)
