"""Evaluation: everything that was measured of a synthetic table."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass
from typing import Literal

import numpy as np

from wardveil.evaluation.association import Associations
from wardveil.evaluation.c2st import Confusion, told_apart
from wardveil.evaluation.coefficients import Coefficients
from wardveil.evaluation.copies import Copies
from wardveil.evaluation.design import Design
from wardveil.evaluation.dimension import DimensionWise
from wardveil.evaluation.disclosure import Disclosure
from wardveil.evaluation.fidelity import covered, one_way, two_way
from wardveil.evaluation.group import GroupResult
from wardveil.evaluation.measure import Measure
from wardveil.evaluation.membership import Attack
from wardveil.evaluation.prediction import Importance, ModelScore, predicted, task_of
from wardveil.evaluation.prepared import Prepared, Tabular, prepare
from wardveil.evaluation.profile import Profile, profiles
from wardveil.evaluation.seed_figures import SeedFigures
from wardveil.evaluation.summary import Row, summary
from wardveil.evaluation.survival import KaplanMeier
from wardveil.evaluation.trajectory import Trajectory
from wardveil.schema.schema import Schema


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """What was measured, and the ruler: the same figures for real rows.

    Attributes:
        reference: What the synthetic table was compared with: "holdout", real rows that no
            model has seen, or "real", the very rows it was made from.
        rows: Rows of "real", "synthetic" and, if there is one, "holdout".
        columns: Column -> TVD of its distribution.
        pairs: Pair of columns -> TVD of their joint distribution.
        column_rulers: `columns`, for real rows.
        means: "tvd1", "tvd2", "coverage", "c2st", and "tstr_gap" where a target is declared and
            rows are held out. A figure that cannot be had is absent.
        rulers: The same figures for real rows: the training rows against the held-out ones, or
            one random half of the real table against the other.
        aucs: Per target: mean AUC trained on real and on synthetic rows.
        profiles: The distributions behind `columns`.
        table1: Means and shares, real beside synthetic.
        measures: Every figure with its ruler and its interval, in the order of `FAMILIES`.
        associations: Mixed association of all pairs of columns.
        probability: Dimension-wise probability: a dot a level or code.
        prediction: Dimension-wise prediction: a dot a binary level or code.
        confusion: What the real-against-synthetic classifier took for what.
        scores: Every model trained on either table.
        importances: What random forests lean on, one a target.
        coefficients: Regressions fitted to both tables.
        kaplan_meier: Survival curves: the real and the synthetic one of everybody, then by arm.
        trajectories: Measurements over visits, by arm.
        groups: The figures group by group.
        attacks: Membership attacks; () without held-out rows.
        disclosures: Attribute inference, singling out, linkability; () without held-out rows.
        copies: Equal rows, and distances to the closest; None without held-out rows.
        seed_figures: What table comparisons usually begin with.
    """

    reference: Literal["holdout", "real"]
    rows: Mapping[str, int]
    columns: Mapping[str, float]
    pairs: Mapping[tuple[str, str], float]
    column_rulers: Mapping[str, float]
    means: Mapping[str, float]
    rulers: Mapping[str, float]
    aucs: Mapping[str, tuple[float, float]]
    profiles: tuple[Profile, ...]
    table1: tuple[Row, ...]
    measures: tuple[Measure, ...] = ()
    associations: Associations | None = None
    probability: DimensionWise | None = None
    prediction: DimensionWise | None = None
    confusion: Confusion | None = None
    scores: tuple[ModelScore, ...] = ()
    importances: tuple[Importance, ...] = ()
    coefficients: tuple[Coefficients, ...] = ()
    kaplan_meier: tuple[KaplanMeier, ...] = ()
    trajectories: tuple[Trajectory, ...] = ()
    groups: tuple[GroupResult, ...] = ()
    attacks: tuple[Attack, ...] = ()
    disclosures: tuple[Disclosure, ...] = ()
    copies: Copies | None = None
    seed_figures: SeedFigures | None = None

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON, under stable names."""
        return {
            "reference": self.reference,
            "rows": dict(self.rows),
            "means": dict(self.means),
            "rulers": dict(self.rulers),
            "columns": {
                name: {"tvd": tvd, "ruler": self.column_rulers[name]}
                for name, tvd in self.columns.items()
            },
            "pairs": [{"columns": list(p), "tvd": tvd} for p, tvd in self.pairs.items()],
            "targets": {
                name: {"auc_real": a, "auc_synthetic": b} for name, (a, b) in self.aucs.items()
            },
            "table1": [
                {"column": r.column, "level": r.level, "measure": r.measure,
                 "real": _plain(r.value[0]), "synthetic": _plain(r.value[1]),
                 "real_sd": _plain(r.sd[0]), "synthetic_sd": _plain(r.sd[1]),
                 "smd": _plain(r.smd)}
                for r in self.table1
            ],
            **{name: _plain(getattr(self, name)) for name in _STRUCTURED},
        }  # fmt: skip


_STRUCTURED = (
    "measures", "associations", "probability", "prediction", "confusion", "scores",
    "importances", "coefficients", "kaplan_meier", "trajectories", "groups", "attacks",
    "disclosures", "copies", "seed_figures",
)  # fmt: skip


def evaluation(
    real: Tabular,
    synthetic: Tabular,
    *,
    holdout: Tabular | None = None,
    schema: Schema | None = None,
    limit: tuple[float, float] | None = None,  # noqa: ARG001
    design: Design | None = None,  # noqa: ARG001
) -> Evaluation:
    """Measure a synthetic table as `measures.md` defines it.

    Args:
        real: The rows the synthetic ones were made from.
        synthetic: Synthetic rows.
        holdout: Real rows kept apart. With them every figure is taken against them; without
            them against `real`, which flatters a model that copies.
        schema: What is declared; without it kinds are inferred from `real`.
        limit: (ε, δ) that the synthetic table is promised under; attacks are held against it.
        design: Arms, visits and groups of the study.

    Raises:
        SchemaError: E341 to E344, the tables cannot be compared.
    """
    given = [real, synthetic] if holdout is None else [real, synthetic, holdout]
    ours, theirs, *kept = prepare(*given, schema=schema)
    reference = kept[0] if kept else ours
    ruler = (kept[0], ours) if kept else _halves(ours)
    columns, pairs = one_way(reference, theirs), two_way(reference, theirs)
    column_rulers, pair_rulers = one_way(*ruler), two_way(*ruler)
    aucs = _aucs(ours, theirs, kept[0], schema) if kept and schema else {}
    gaps = [a - b for a, b in aucs.values()]
    drawn = profiles(reference, theirs)
    return Evaluation(
        reference="holdout" if kept else "real",
        rows={"real": ours.rows, "synthetic": theirs.rows}
        | ({"holdout": kept[0].rows} if kept else {}),
        columns=columns, pairs=pairs, column_rulers=column_rulers, aucs=aucs,
        means=_known({
            "tvd1": _mean(columns),
            "tvd2": _mean(pairs),
            "coverage": covered(reference, theirs),
            "c2st": told_apart(reference, theirs),
            "tstr_gap": float(np.mean(gaps)) if gaps else math.nan,
        }),
        rulers=_known({
            "tvd1": _mean(column_rulers),
            "tvd2": _mean(pair_rulers),
            "coverage": covered(*ruler),
            "c2st": told_apart(*ruler) if kept else 0.5,
            "tstr_gap": 0.0 if gaps else math.nan,
        }),
        profiles=drawn,
        table1=summary(reference, theirs, drawn),
    )  # fmt: skip


def _halves(table: Prepared) -> tuple[Prepared, Prepared]:
    """Two random halves; a single row is both."""
    order = np.random.default_rng(0).permutation(table.rows)
    half = max(1, table.rows // 2)
    return table.take(order[:half]), table.take(order[-half:])


def _aucs(
    real: Prepared, synthetic: Prepared, holdout: Prepared, schema: Schema
) -> dict[str, tuple[float, float]]:
    """AUCs for every declared target that can be predicted as levels."""
    return {
        c.name: predicted(real, synthetic, holdout, target=c.name).means
        for c in schema.modelled
        if c.target and c.kind != "codes" and task_of(holdout, c.name) == "classification"
    }


def _mean(values: Mapping[str, float] | Mapping[tuple[str, str], float]) -> float:
    return float(np.mean(list(values.values()))) if values else math.nan


def _known(figures: Mapping[str, float]) -> dict[str, float]:
    return {name: value for name, value in figures.items() if not math.isnan(value)}


def _plain(value: object) -> object:
    """A value as JSON's types; NaN and infinities, which JSON lacks, are None."""
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value
