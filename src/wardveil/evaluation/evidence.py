"""Evidence: every measure of one family, computed from the compared tables."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Final, TypeVar

import numpy as np

from wardveil.evaluation import trajectory
from wardveil.evaluation.association import gaps
from wardveil.evaluation.c2st import Discriminated
from wardveil.evaluation.coefficients import Coefficients, coefficients
from wardveil.evaluation.compared import Compared
from wardveil.evaluation.copies import Copies
from wardveil.evaluation.dimension import DimensionWise
from wardveil.evaluation.disclosure import Disclosure
from wardveil.evaluation.fidelity import (
    Replicates,
    covered,
    jensen_shannon,
    kolmogorov_smirnov,
    mean_interval,
    one_way_replicates,
    probability,
)
from wardveil.evaluation.glossary import measured
from wardveil.evaluation.interval import DELONG, JACKKNIFE, WILSON, Z, wilson
from wardveil.evaluation.learner import spearman
from wardveil.evaluation.measure import Measure
from wardveil.evaluation.membership import Attack
from wardveil.evaluation.prediction import Importance, Predicted
from wardveil.evaluation.prepared import Prepared
from wardveil.evaluation.propensity import propensity
from wardveil.evaluation.support import support
from wardveil.evaluation.survival import (
    KaplanMeier,
    distance,
    drawn,
    followed,
    horizon,
    kaplan_meier,
    pairs,
    restricted_mean,
)
from wardveil.evaluation.trajectory import Trajectory
from wardveil.evaluation.violation import violations

Measures = tuple[Measure, ...]
Key = TypeVar("Key")

HELD_OUT: Final = "jackknife over 20 random groups of the held-out rows"
SYNTHETIC: Final = "jackknife over 20 random groups of the synthetic rows (β: of the real ones)"
BOTH: Final = "Wilson's intervals of the shares found and accused"
DIFFERENCE: Final = "normal approximation of the difference of two shares"
GREENWOOD: Final = "Greenwood's variances of both restricted means"


def fidelity(
    c: Compared,
    tvd1: dict[str, Replicates],
    tvd2: dict[tuple[str, str], Replicates],
    rulers: dict[str, float],
    told: tuple[Discriminated | None, Discriminated | None],
) -> Measures:
    """Do synthetic patients look like real ones?

    Args:
        c: The tables.
        tvd1: Of each column.
        tvd2: Of each pair.
        rulers: "tvd1", "tvd2" and "coverage" of real rows.
        told: The classifier's answers for the tables, and for the ruler's.
    """
    a, b = c.reference, c.synthetic

    def distances(name: str, found: dict[Key, Replicates], ruler: float) -> Measures:
        value, low, high = mean_interval(found, a.rows)
        return measured(name, value, (low, high), how=JACKKNIFE, ruler=ruler)

    def mean(found: dict[str, Replicates]) -> float:
        return mean_interval(found, c.ruler[0].rows)[0]

    return (
        *distances("tvd1", tvd1, rulers.get("tvd1", np.nan)),
        *distances("tvd2", tvd2, rulers.get("tvd2", np.nan)),
        *distances("ks", kolmogorov_smirnov(a, b), mean(kolmogorov_smirnov(*c.ruler))),
        *distances("jensen_shannon", one_way_replicates(a, b, jensen_shannon),
                   mean(one_way_replicates(*c.ruler, jensen_shannon))),
        *measured("coverage", covered(a, b), ruler=rulers["coverage"]),
        *_probabilities(probability(a, b), probability(*c.ruler)),
        *_associated(c),
        *_told_apart(told),
        *_propensities(c),
        *_supported(c),
        *_violated(c),
    )  # fmt: skip


def _probabilities(found: DimensionWise | None, ruler: DimensionWise | None) -> Measures:
    if found is None:
        return ()
    error, rank = _dots(found)
    ruler_error, ruler_rank = _dots(ruler) if ruler else (np.nan, np.nan)
    return (
        *measured("probability_rmse", error, ruler=ruler_error),
        *measured("probability_rank", rank, ruler=ruler_rank),
    )


def _dots(found: DimensionWise) -> tuple[float, float]:
    a, b = np.array(found.real), np.array(found.synthetic)
    return float(np.sqrt(((a - b) ** 2).mean())), spearman(a, b)


def _associated(c: Compared) -> Iterator[Measure]:
    ruler = gaps(*c.ruler)
    for name, (value, low, high) in gaps(c.reference, c.synthetic).items():
        usual = ruler[name][0] if name in ruler else None
        yield from measured(f"{name}_gap", value, (low, high), how=JACKKNIFE, ruler=usual)


def _told_apart(told: tuple[Discriminated | None, Discriminated | None]) -> Measures:
    found, usual = told
    if found is None:
        return ()
    ends = None if found.low is None or found.high is None else (found.low, found.high)
    return measured("c2st", found.auc, ends, how=DELONG, ruler=usual.auc if usual else 0.5)


def _propensities(c: Compared) -> Measures:
    found, usual = propensity(c.reference, c.synthetic), propensity(*c.ruler)
    if found is None:
        return ()
    return (
        *measured("pmse", found.pmse, ruler=usual.pmse if usual else None),
        *measured("pmse_ratio", found.ratio, chance=(found.null_low, found.null_high),
                  ruler=usual.ratio if usual else None),
    )  # fmt: skip


def _supported(c: Compared) -> Measures:
    found, usual = support(c.reference, c.synthetic), support(*c.ruler)
    alpha, beta = found.alpha_precision, found.beta_recall
    return (
        *measured("alpha_precision", alpha[0], alpha[1:], how=SYNTHETIC,
                  ruler=usual.alpha_precision[0]),
        *measured("beta_recall", beta[0], beta[1:], how=SYNTHETIC, ruler=usual.beta_recall[0]),
    )  # fmt: skip


def _violated(c: Compared) -> Measures:
    if c.schema is None:
        return ()
    broken, usual = (violations(t, c.schema, c.design.orders) for t in (c.synthetic, c.real))
    return measured("violations", float(broken.mean()), wilson(int(broken.sum()), len(broken)),
                    how=WILSON, ruler=float(usual.mean()))  # fmt: skip


def utility(
    predicted: Sequence[Predicted],
    importances: Sequence[Importance],
    fitted: Sequence[tuple[Coefficients, Coefficients | None]],
    dimensions: DimensionWise | None,
) -> Measures:
    """Do synthetic patients teach what real ones teach?"""
    names = {"classification": "tstr_gap", "regression": "tstr_r2_gap"}
    lost = [] if dimensions is None else np.subtract(dimensions.real, dimensions.synthetic)
    return (
        *chain.from_iterable(
            measured(names[p.task], p.gap[0], p.gap[1:], how=HELD_OUT, ruler=0.0, of=p.target)
            for p in predicted
        ),
        *chain.from_iterable(
            measured("importance_agreement", i.agreement, of=i.target) for i in importances
        ),
        *chain.from_iterable(_overlap("coefficient_overlap", *pair) for pair in fitted),
        *(measured("prediction_gap", float(np.mean(lost)), ruler=0.0) if len(lost) else ()),
    )


def _overlap(name: str, found: Coefficients, ruler: Coefficients | None) -> Measures:
    return measured(name, float(np.mean(found.overlap)), of=found.target,
                    ruler=float(np.mean(ruler.overlap)) if ruler else None)  # fmt: skip


def fitted(c: Compared, target: str) -> tuple[Coefficients, Coefficients | None] | None:
    """A regression of a target on both tables, and on real and held-out rows for the ruler.

    Two levels make it logistic, where the later one counts; a number linear; several levels none.
    """
    column = c.schema.by_name[target] if c.schema else None
    if column is None or (column.levels and len(column.levels) != 2):
        return None
    first = [c.design.arm] if c.design.arm else []

    def fit(other: Prepared) -> Coefficients | None:
        if column.levels:
            return coefficients(c.real, other, target=target, model="logistic", first=first,
                                event=("", column.levels[1]))  # fmt: skip
        return coefficients(c.real, other, target=target, model="linear", first=first)

    found = fit(c.synthetic)
    return None if found is None else (found, fit(c.holdout) if c.holdout else None)


def survival(
    c: Compared,
) -> tuple[Measures, tuple[KaplanMeier, ...], tuple[Coefficients, ...]]:
    """Do synthetic patients live as long, and for the same reasons?"""
    measures: list[Measure] = []
    curves: list[KaplanMeier] = []
    ratios: list[Coefficients] = []
    for time, event, level in pairs(c.schema) if c.schema else ():
        measures += _lived(c, time, event, level)
        curves += _curves(c, time, event, level)
        first = [c.design.arm] if c.design.arm else []

        def fit(other: Prepared, time: str = time, cause: tuple[str, str] = (event, level),
                first: Sequence[str] = first) -> Coefficients | None:  # fmt: skip
            return coefficients(c.real, other, target=time, model="cox", event=cause, first=first)

        found = fit(c.synthetic)
        if found is not None:
            ratios.append(found)
            measures += _overlap("hazard_overlap", found, fit(c.holdout) if c.holdout else None)
    return tuple(measures), tuple(curves), tuple(ratios)


def _lived(c: Compared, time: str, event: str, level: str) -> Measures:
    ours, theirs, a, b = (
        followed(t, time, event, level) for t in (c.reference, c.synthetic, *c.ruler)
    )
    if min(len(t.time) for t in (ours, theirs, a, b)) == 0:
        return ()
    far, low, high = distance(ours, theirs)

    def gap(real: Prepared, other: Prepared) -> tuple[float, float]:
        pair = [followed(t, time, event, level) for t in (real, other)]
        until = horizon(*pair)
        (m1, e1), (m2, e2) = (restricted_mean(kaplan_meier(t.time, t.event), until) for t in pair)
        return m2 - m1, Z * float(np.hypot(e1, e2))

    longer, error = gap(c.reference, c.synthetic)
    return (
        *measured("km_distance", far, (low, high), how=JACKKNIFE, ruler=distance(a, b)[0], of=time),
        *measured("rmst_gap", longer, (longer - error, longer + error), how=GREENWOOD,
                  ruler=gap(*c.ruler)[0], of=time),
    )  # fmt: skip


def _curves(c: Compared, time: str, event: str, level: str) -> Iterator[KaplanMeier]:
    unit = c.reference.units.get(time, "")
    sides = [("real", c.reference), ("synthetic", c.synthetic)]
    for arm in c.arms(c.reference):
        for whose, table in sides:
            part = table.take(np.flatnonzero(c.arms(table)[arm]))
            found = followed(part, time, event, level)
            if len(found.time):
                yield drawn(found, time=time, event=event, arm=arm, unit=unit,
                            whose="real" if whose == "real" else "synthetic")  # fmt: skip


def trajectories(c: Compared) -> tuple[Measures, tuple[Trajectory, ...]]:
    """Do measurements run over the visits as they do in real patients?"""
    measures: list[Measure] = []
    found: list[Trajectory] = []
    a, b = c.reference, c.synthetic
    for name, visits in c.design.visits.items():
        found += trajectory.trajectories(a, whose="real", measurement=name, visits=visits,
                                         masks=c.arms(a))  # fmt: skip
        found += trajectory.trajectories(b, whose="synthetic", measurement=name, visits=visits,
                                         masks=c.arms(b))  # fmt: skip
        V, W, *ruler = (trajectory.values(t, visits) for t in (a, b, *c.ruler))
        value, low, high = trajectory.gap(V, W, c.arms(a), c.arms(b))
        usual = trajectory.gap(ruler[0], ruler[1], *(c.arms(t) for t in c.ruler))[0]
        measures += measured("trajectory_gap", value, (low, high), how=JACKKNIFE, ruler=usual,
                             of=name)  # fmt: skip
        measures += measured("lag1_gap", trajectory.lag1_gap(V, W),
                             ruler=trajectory.lag1_gap(*ruler), of=name)  # fmt: skip
    return tuple(measures), tuple(found)


def risk(
    attacks: Sequence[Attack], guesses: Sequence[Disclosure], copied: Copies | None
) -> Measures:
    """What could a reader of the synthetic table learn about a patient?"""
    found: list[Measure] = []
    for a in attacks:
        found += measured("membership_auc", a.auc, (a.low, a.high), how=DELONG, ruler=0.5,
                          of=a.name)  # fmt: skip
        found += measured("membership_tpr", a.tpr, (a.tpr_low, a.tpr_high), how=BOTH,
                          ruler=0.01, of=a.name)  # fmt: skip
    for g in guesses:
        excess = g.rate - g.control
        shares = np.array([g.rate, g.control])
        error = Z * float(np.sqrt((shares * (1 - shares)).sum() / g.guesses))
        found += measured(g.name, excess, (excess - error, excess + error), how=DIFFERENCE,
                          ruler=0.0, of=g.secret)  # fmt: skip
    if copied is not None:
        found += measured("copies", copied.synthetic, ruler=copied.holdout)
        found += measured("closer", copied.closer, ruler=0.5)
    return tuple(found)
