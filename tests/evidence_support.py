"""An evaluation with every part filled in by hand, so that pages can be tested without models."""

from dataclasses import replace

import numpy as np
import pandas as pd

from wardveil.evaluation.association import Associations
from wardveil.evaluation.c2st import Confusion
from wardveil.evaluation.coefficients import Coefficients
from wardveil.evaluation.copies import Copies
from wardveil.evaluation.dimension import DimensionWise
from wardveil.evaluation.disclosure import Disclosure
from wardveil.evaluation.group import GroupResult
from wardveil.evaluation.measure import Measure
from wardveil.evaluation.membership import Attack
from wardveil.evaluation.prediction import Importance, ModelScore
from wardveil.evaluation.seed_figures import Cumulative, SeedFigures
from wardveil.evaluation.survival import KaplanMeier
from wardveil.evaluation.trajectory import Trajectory


def table(seed: int, rows: int = 80) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({
        "age": rng.normal(50, 10, rows),
        "<script>x</script>": rng.choice(["</svg>", "b"], rows),
        "stage": rng.choice(["I", "II", None], rows),
    })  # fmt: skip


EPSILON = 1.0
FPR = tuple(float(v) for v in np.geomspace(1e-4, 1, 60))
LIMIT = tuple(min(1.0, np.exp(EPSILON) * f, 1 - (1 - f) * np.exp(-EPSILON)) for f in FPR)
AUC_LIMIT = 0.73


def attack(auc: float = 0.52, *, limited: bool = True) -> Attack:
    grid = tuple(float(v) for v in np.linspace(0, 1, 101))
    power = (1 - auc) / auc  # the area under x^p is 1 / (1 + p)
    return Attack(
        name="density_ratio", knows="The attacker has the synthetic table.", members=400,
        others=300, auc=auc, low=auc - 0.03, high=auc + 0.03, tpr=0.015, tpr_low=0.006,
        tpr_high=0.03, fpr_points=grid, tpr_points=tuple(g**power for g in grid),
        limit=LIMIT if limited else (), limit_fpr=FPR if limited else (),
        limit_tpr=0.027 if limited else None, limit_auc=AUC_LIMIT if limited else None,
    )  # fmt: skip


def disclosure(rate: float = 0.41, control: float = 0.40) -> Disclosure:
    return Disclosure(
        name="attribute_inference", secret="stage", guesses=500, rate=rate, low=rate - 0.02,
        high=rate + 0.02, control=control, control_low=control - 0.02, control_high=control + 0.02,
        baseline=0.36,
    )  # fmt: skip


def curve(whose: str, arm: str, rate: float) -> KaplanMeier:
    times = tuple(float(v) for v in np.linspace(0, 2000, 60))
    alive = tuple(float(np.exp(-rate * t)) for t in times)
    return KaplanMeier(
        time="time", event="event", table=whose, arm=arm, rows=500, times=times, survival=alive,
        low=tuple(a * 0.93 for a in alive), high=tuple(min(1.0, a * 1.07) for a in alive),
        at_risk=tuple(int(500 * a) for a in alive), unit="days",
    )  # fmt: skip


def track(whose: str, arm: str, drop: float) -> Trajectory:
    visits = ("SBP_RZ", "SBP_1M", "SBP_2M", "SBP_3M")
    median = tuple(140 - drop * (1 - np.exp(-i)) for i in range(4))
    return Trajectory(
        measurement="SBP", table=whose, arm=arm, visits=visits, n=(90, 80, 70, 0),
        attended=(1.0, 0.9, 0.8, 0.0), median=(*median[:3], None),
        low=(*(m - 9 for m in median[:3]), None), high=(*(m + 9 for m in median[:3]), None),
        lag1=(0.7, 0.6, None),
    )  # fmt: skip


def scores(target: str) -> tuple[ModelScore, ...]:
    return tuple(
        ModelScore(target=target, task="classification", model=model, trained_on=on,
                   tested_on="holdout", metric="auc", value=v, low=v - 0.02, high=v + 0.02)
        for model, base in (("gradient_boosting", 0.82), ("random_forest", 0.8),
                            ("logistic_regression", 0.79))
        for on, v in (("real", base), ("synthetic", base - 0.03))
    )  # fmt: skip


def filled(found):
    """The evaluation with every other part."""
    matrix = ((1.0, 0.3, None), (0.3, 1.0, -0.2), (None, -0.2, 1.0))
    estimates = {"real": (0.8, -0.3), "real_low": (0.6, -0.5), "real_high": (1.0, -0.1),
                 "synthetic": (0.7, 0.2), "synthetic_low": (0.5, 0.0),
                 "synthetic_high": (0.9, 0.4)}  # fmt: skip
    points = tuple((float(x), float(y)) for x, y in np.random.default_rng(0).normal(size=(200, 2)))
    return replace(
        found,
        reference="holdout", rows={**found.rows, "holdout": 80},
        means={**found.means, "tstr_gap": 0.02}, rulers={**found.rulers, "tstr_gap": 0.0},
        aucs={"died": (0.82, 0.80)},
        measures=(
            Measure(name="tvd1", family="fidelity", label="TVD of one column", value=0.05, low=0.04,
                    high=0.06, interval_of="jackknife", ruler=0.02, perfect=0.0, note="A share."),
            Measure(name="membership_auc", family="risk", label="Membership, AUC", value=0.52,
                    perfect=0.5, better="near", note="Guessing who took part."),
        ),
        associations=Associations(columns=("age", "stage", "x"), numeric=(True, False, True),
                                  real=matrix, synthetic=matrix),
        probability=DimensionWise(labels=("stage=I", "stage=II"), real=(0.4, 0.004),
                                  synthetic=(0.38, 0.0)),
        prediction=DimensionWise(labels=("stage=I",), real=(0.7,), synthetic=(0.62,)),
        confusion=Confusion(real_as_real=50, real_as_synthetic=30, synthetic_as_real=33,
                            synthetic_as_synthetic=47, real=(0.05,) * 20,
                            synthetic=(0.02,) * 10 + (0.08,) * 10),
        scores=scores("died"),
        importances=(Importance(target="died", columns=("age", "stage"), real=(0.7, 0.3),
                                synthetic=(0.6, 0.4), agreement=1.0),),
        coefficients=(Coefficients(target="died", model="logistic", terms=("age", "stage=II"),
                                   overlap=(0.7, -0.2), **estimates),),
        kaplan_meier=tuple(curve(w, arm, r * (1.1 if w == "synthetic" else 1)) for arm, r in
                           (("", 6e-4), ("1", 4e-4)) for w in ("real", "synthetic")),
        trajectories=tuple(track(w, arm, d * (0.9 if w == "synthetic" else 1)) for arm, d in
                           (("0", 5), ("1", 18)) for w in ("real", "synthetic")),
        groups=(GroupResult(column="sex", level="female", real=40, synthetic=41, tvd1=0.08,
                            tvd1_ruler=0.06, auc_real=0.8, auc_synthetic=0.77),
                GroupResult(column="sex", level="male", real=2, synthetic=1, tvd1=None,
                            tvd1_ruler=None)),
        attacks=(attack(),),
        disclosures=(disclosure(), replace(disclosure(0.1, 0.1), name="singling_out", secret="")),
        copies=Copies(synthetic=0.0, holdout=0.0, repeated=0.0, repeated_real=0.0, closer=0.5,
                      dcr=tuple(k / 10 for k in range(11)),
                      dcr_holdout=tuple(k / 10 for k in range(11))),
        seed_figures=SeedFigures(
            columns=("age", "x"), log_mean=((1.7, 1.69), (0.2, 0.3)), log_std=((1.0, 1.1), (0, 0)),
            cumulative=(Cumulative(column="age", values=(20.0, 50.0, 80.0), real=(0, 0.5, 1),
                                   synthetic=(0, 0.4, 1)),),
            pca_real=points[:100], pca_synthetic=points[100:], pca_variance=(0.5, 0.3),
            similarity={"columns": 0.9, "pca": 0.95}, score=0.925),
    )  # fmt: skip
