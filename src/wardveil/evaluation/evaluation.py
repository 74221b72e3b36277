"""Evaluation: everything that was measured of a synthetic table."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, is_dataclass, replace
from typing import Literal

import numpy as np

from wardveil.evaluation.association import Associations, associations
from wardveil.evaluation.c2st import MOST_ROWS, Confusion, Discriminated, discriminate
from wardveil.evaluation.coefficients import Coefficients
from wardveil.evaluation.compared import Compared
from wardveil.evaluation.copies import Copies, copies
from wardveil.evaluation.design import Design
from wardveil.evaluation.dimension import DimensionWise, dimension_prediction
from wardveil.evaluation.disclosure import Disclosure, disclosures
from wardveil.evaluation.evidence import fidelity, fitted, risk, survival, trajectories, utility
from wardveil.evaluation.fidelity import (
    covered,
    one_way,
    one_way_replicates,
    probability,
    tvd,
    two_way,
    two_way_replicates,
)
from wardveil.evaluation.glossary import measured
from wardveil.evaluation.group import GroupResult, groups_of
from wardveil.evaluation.measure import Measure
from wardveil.evaluation.membership import Attack, Attacked, attacked
from wardveil.evaluation.prediction import Importance, ModelScore, Predicted, predicted, task_of
from wardveil.evaluation.prepared import Prepared, Tabular, prepare
from wardveil.evaluation.profile import Profile, profiles
from wardveil.evaluation.seed_figures import SeedFigures, seed_figures
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
    limit: tuple[float, float] | None = None,
    design: Design | None = None,
) -> Evaluation:
    """Measure a synthetic table.

    Distances, curves and groups are taken against the held-out rows; regressions are compared
    with those of the rows the table was made from, because those are what would be published.
    Models, attacks and neighbours see a sample of long tables, drawn with a fixed seed; each
    says how many rows.

    Args:
        real: The rows the synthetic ones were made from.
        synthetic: Synthetic rows.
        holdout: Real rows kept apart. With them every figure is taken against them; without
            them against `real`, which flatters a model that copies, and what needs them
            (prediction, risk) is absent.
        schema: What is declared; without it kinds are inferred from `real`.
        limit: (ε, δ) that the synthetic table is promised under; attacks are held against it.
        design: Arms, visits and groups of the study.

    Raises:
        SchemaError: E341 to E344, the tables cannot be compared, or the design names a column
            that they lack.
    """
    given = [real, synthetic] if holdout is None else [real, synthetic, holdout]
    ours, theirs, *kept = prepare(*given, schema=schema)
    c = Compared(
        real=ours, synthetic=theirs, holdout=kept[0] if kept else None, schema=schema,
        ruler=(kept[0], ours) if kept else _halves(ours), design=design or Design(),
    )  # fmt: skip
    return _whole(c, limit)


def _whole(c: Compared, limit: tuple[float, float] | None) -> Evaluation:
    """Everything: what the tables look like, what they teach, what they give away."""
    learnt = _learnt(c)
    gaps = [p.gap[0] for p in learnt if p.task == "classification"]
    scores = tuple(s for p in learnt for s in p.scores)
    importances = tuple(p.importance for p in learnt if p.importance)
    fits = [f for f in (fitted(c, t) for t in c.targets) if f is not None]
    dimensions = dimension_prediction(c.real, c.synthetic, c.holdout) if c.holdout else None
    lived, curves, hazards = survival(c)
    walked, paths = trajectories(c)
    attack = attacked(c.real, c.synthetic, c.holdout, limit=limit) if c.holdout else None
    attacks = attack.attacks if attack else ()
    guesses = disclosures(c.real, c.synthetic, c.holdout, secrets=c.secrets) if c.holdout else ()
    copied = copies(c.real, c.synthetic, c.holdout) if c.holdout else None
    found = _alike(c, scores)
    lost = {"tstr_gap": float(np.mean(gaps))} if gaps else {}
    return replace(
        found,
        means={**found.means, **lost}, rulers={**found.rulers, **dict.fromkeys(lost, 0.0)},
        aucs={p.target: p.means for p in learnt if p.task == "classification"},
        measures=(*found.measures, *utility(learnt, importances, fits, dimensions), *lived,
                  *walked, *risk(attacks, guesses, copied)),
        prediction=dimensions, scores=scores, importances=importances,
        coefficients=(*(f for f, _ in fits), *hazards), kaplan_meier=curves, trajectories=paths,
        groups=_grouped(c, learnt, attack), attacks=attacks, disclosures=guesses, copies=copied,
    )  # fmt: skip


def _alike(c: Compared, scores: tuple[ModelScore, ...]) -> Evaluation:
    """What needs no target and no attacker; the scores are a part of the similarity."""
    a, b = c.reference, c.synthetic
    one, two = one_way_replicates(a, b, tvd), two_way_replicates(a, b)
    ruler_one, ruler_two = one_way(*c.ruler), two_way(*c.ruler)
    rulers = {"tvd1": _mean(ruler_one), "tvd2": _mean(ruler_two), "coverage": covered(*c.ruler)}
    told = discriminate(a, b), discriminate(*c.ruler) if c.holdout else None
    columns = {name: float(r[0]) for name, r in one.items()}
    pairs = {pair: float(r[0]) for pair, r in two.items()}
    matrix, drawn = associations(a, b), profiles(a, b)
    seeds = seed_figures(a, b, matrix, scores)
    means = {
        "tvd1": _mean(columns), "tvd2": _mean(pairs), "coverage": covered(a, b),
        "c2st": told[0].auc if told[0] else math.nan,
    }  # fmt: skip
    return Evaluation(
        reference="holdout" if c.holdout else "real",
        rows={"real": c.real.rows, "synthetic": b.rows}
        | ({"holdout": c.holdout.rows} if c.holdout else {}),
        columns=columns, pairs=pairs, column_rulers=ruler_one, aucs={}, means=_known(means),
        rulers=_known(rulers | {"c2st": _usual_auc(c, told[1])}),
        profiles=drawn, table1=summary(a, b, drawn),
        measures=(*fidelity(c, one, two, rulers, told), *measured("similarity", seeds.score)),
        associations=matrix, probability=probability(a, b), seed_figures=seeds,
        confusion=told[0].confusion if told[0] else None,
    )  # fmt: skip


def _learnt(c: Compared) -> tuple[Predicted, ...]:
    """What models learnt about every target that can be predicted; needs held-out rows."""
    if c.holdout is None:
        return ()
    targets = [t for t in c.targets if task_of(c.holdout, t)]
    most = MOST_ROWS // max(1, len(targets))
    return tuple(
        predicted(c.real, c.synthetic, c.holdout, target=t, most_rows=most) for t in targets
    )


def _grouped(
    c: Compared, learnt: tuple[Predicted, ...], attack: Attacked | None
) -> tuple[GroupResult, ...]:
    classified = [p for p in learnt if p.task == "classification"]
    return tuple(
        result
        for column in c.grouped
        for result in groups_of(
            column, reference=c.reference, synthetic=c.synthetic, ruler=c.ruler, real=c.real,
            predicted=classified[0] if classified else None, attacked=attack,
        )
    )  # fmt: skip


def _usual_auc(c: Compared, ruler: Discriminated | None) -> float:
    """The ruler of `c2st`: two halves of one table cannot be told apart."""
    if c.holdout is None:
        return 0.5
    return ruler.auc if ruler else math.nan


def _halves(table: Prepared) -> tuple[Prepared, Prepared]:
    """Two random halves; a single row is both."""
    order = np.random.default_rng(0).permutation(table.rows)
    half = max(1, table.rows // 2)
    return table.take(order[:half]), table.take(order[-half:])


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
