"""Glossary: what every measure is called and means, in one place."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from wardveil.evaluation.measure import Better, Family, Measure

Interval = tuple[float, float] | None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """The words of one measure. See `Measure`."""

    family: Family
    label: str
    perfect: float
    better: Better
    note: str


def _entry(family: Family, label: str, perfect: float, better: Better, note: str) -> Entry:
    return Entry(family=family, label=label, perfect=perfect, better=better, note=note)


GLOSSARY: Final[Mapping[str, Entry]] = {
    "tvd1": _entry("fidelity", "one column (total variation)", 0, "lower",
        "Share of patients who would have to move for a column to match, mean over columns."),
    "tvd2": _entry("fidelity", "two columns together (total variation)", 0, "lower",
        "Share of patients who would have to move for a pair of columns to match, mean over "
        "pairs."),
    "ks": _entry("fidelity", "numbers (Kolmogorov-Smirnov)", 0, "lower",
        "The largest gap between the cumulative shares of a number, mean over numbers."),
    "jensen_shannon": _entry("fidelity", "one column (Jensen-Shannon)", 0, "lower",
        "Distance of a column's distribution on a scale where rare values weigh more, mean over "
        "columns."),
    "coverage": _entry("fidelity", "levels that appear", 1, "higher",
        "Share of the levels that at least 1 % of real patients have and a synthetic one has "
        "too."),
    "probability_rmse": _entry("fidelity", "shares of levels (error)", 0, "lower",
        "How far the share of patients with a level or code is off, root mean square."),
    "probability_rank": _entry("fidelity", "shares of levels (order)", 1, "higher",
        "Whether frequent levels and codes are frequent in both tables: rank correlation."),
    "pearson_gap": _entry("fidelity", "correlation of numbers", 0, "lower",
        "How far the correlation of two numbers is off, mean over pairs."),
    "spearman_gap": _entry("fidelity", "rank correlation of numbers", 0, "lower",
        "How far the rank correlation of two numbers is off, mean over pairs."),
    "cramers_v_gap": _entry("fidelity", "association of levels", 0, "lower",
        "How far the association (Cramér's V) of two columns of levels is off, mean over pairs."),
    "correlation_ratio_gap": _entry("fidelity", "association of number and level", 0, "lower",
        "How far the share of a number's spread that a level explains is off (as η), mean over "
        "pairs."),
    "c2st": _entry("fidelity", "told apart (AUC)", 0.5, "lower",
        "How often a classifier, shown one real and one synthetic patient, knows which is which."),
    "pmse": _entry("fidelity", "propensity score (pMSE)", 0, "lower",
        "How far a logistic model's probability of being synthetic is from knowing nothing."),
    "pmse_ratio": _entry("fidelity", "pMSE against chance", 1, "near",
        "pMSE over what two samples of one population would have."),
    "alpha_precision": _entry("fidelity", "plausible patients (α-precision)", 1, "higher",
        "Whether synthetic patients lie where real ones lie, from the centre to the fringe."),
    "beta_recall": _entry("fidelity", "variety of patients (β-recall)", 1, "higher",
        "Whether every kind of real patient has a synthetic one nearby."),
    "violations": _entry("fidelity", "broken rules", 0, "lower",
        "Share of synthetic patients who break at least one declared rule."),
    "similarity": _entry("fidelity", "similarity score", 1, "higher",
        "The mean of agreement in basic statistics, correlations, columns, models and "
        "components."),
    "tstr_gap": _entry("utility", "prediction lost (AUC)", 0, "lower",
        "What a prediction for real patients loses when it is learnt from synthetic ones."),
    "tstr_r2_gap": _entry("utility", "prediction lost (R²)", 0, "lower",
        "What a prediction of a number for real patients loses when it is learnt from synthetic "
        "ones."),
    "importance_agreement": _entry("utility", "which columns matter", 1, "higher",
        "Whether models of both tables lean on the same columns: rank correlation."),
    "coefficient_overlap": _entry("utility", "overlap of confidence intervals", 1, "higher",
        "How much of the confidence interval of a regression's coefficient both tables share, "
        "mean over terms."),
    "prediction_gap": _entry("utility", "prediction of each level lost (AUC)", 0, "lower",
        "What the prediction of a level or code from the other columns loses, mean over them."),
    "km_distance": _entry("survival", "survival curves", 0, "lower",
        "How far apart the survival curves of both tables are on average over the follow-up."),
    "rmst_gap": _entry("survival", "mean time without event", 0, "near",
        "How much longer (or shorter) synthetic patients stay without event, in the time's unit."),
    "hazard_overlap": _entry("survival", "overlap of hazard ratios", 1, "higher",
        "How much of the confidence interval of a hazard ratio both tables share, mean over "
        "terms."),
    "trajectory_gap": _entry("trajectory", "medians per visit", 0, "lower",
        "How far medians per visit and arm are off, in real interquartile ranges."),
    "lag1_gap": _entry("trajectory", "from visit to visit", 0, "lower",
        "How far the correlation of a patient's measurement with his next one is off."),
    "membership_auc": _entry("risk", "who took part (AUC)", 0.5, "lower",
        "How often an attacker, shown a patient who took part and one who did not, knows which "
        "is which."),
    "membership_tpr": _entry("risk", "who took part, at 1 % false alarms", 0.01, "lower",
        "Share of those who took part that an attacker finds if he may accuse 1 % of the others."),
    "attribute_inference": _entry("risk", "guessing a secret", 0, "lower",
        "How much oftener a secret is guessed of patients who took part than of others."),
    "singling_out": _entry("risk", "singling out", 0, "lower",
        "How much oftener a description fits exactly one patient among those who took part than "
        "among others."),
    "linkability": _entry("risk", "linking two records", 0, "lower",
        "How much oftener two records of a patient are linked when he took part."),
    "copies": _entry("risk", "copies", 0, "lower",
        "Share of synthetic patients equal to a real one in every column; the ruler is chance."),
    "closer": _entry("risk", "nearer to those who took part", 0.5, "lower",
        "Share of synthetic patients nearer to one who took part than to one who did not: a "
        "smoke test and no measure of privacy."),
}  # fmt: skip


def measured(
    name: str,
    value: float,
    interval: Interval = None,
    *,
    how: str = "",
    chance: Interval = None,
    ruler: float | None = None,
    of: str = "",
) -> tuple[Measure, ...]:
    """The measure in its own words; () where the value cannot be had.

    Args:
        name: A name of the glossary.
        value: NaN means that there is no such figure.
        interval: Its ends, or None.
        how: How the interval was made.
        chance: What chance would give a perfect table, or None.
        ruler: The figure of real rows; NaN counts as None.
        of: What the figure is about.
    """
    if not np.isfinite(value):
        return ()
    entry = GLOSSARY[name]
    known = interval is not None and bool(np.isfinite(interval).all())
    low, high = interval if interval is not None and known else (None, None)
    return (
        Measure(
            name=name, of=of, family=entry.family, label=entry.label, value=float(value),
            low=low, high=high, interval_of=how if known else "", chance=chance,
            ruler=None if ruler is None or not np.isfinite(ruler) else float(ruler),
            perfect=entry.perfect, better=entry.better, note=entry.note,
        ),
    )  # fmt: skip
