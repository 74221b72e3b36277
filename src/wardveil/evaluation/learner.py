"""Learners: the models that judge usefulness, and how their answers are scored."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import f1_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from wardveil.evaluation.c2st import one_thread, side_by_side
from wardveil.evaluation.interval import delong
from wardveil.evaluation.prepared import Floats

Task = Literal["classification", "regression"]
Labels = NDArray[np.object_] | Floats

FOREST: Final = "random_forest"
BOOSTING: Final = "gradient_boosting"


class Learner(Protocol):
    """What scikit-learn's models have in common."""

    def fit(self, X: Floats, y: Labels) -> object:
        """Learn."""
        ...

    def predict(self, X: Floats) -> Any:
        """The answer for each row, (n,)."""
        ...


def learners(task: Task) -> dict[str, Learner]:
    """Untrained models by name; their seeds are fixed."""
    if task == "classification":
        return {
            BOOSTING: HistGradientBoostingClassifier(random_state=0),
            FOREST: RandomForestClassifier(n_estimators=200, min_samples_leaf=2, random_state=0),
            "logistic_regression": make_pipeline(
                StandardScaler(), LogisticRegression(max_iter=5_000)
            ),
        }
    return {
        BOOSTING: HistGradientBoostingRegressor(random_state=0),
        FOREST: RandomForestRegressor(
            n_estimators=100, min_samples_leaf=5, max_features="sqrt", random_state=0
        ),
        "ridge": make_pipeline(StandardScaler(), Ridge()),
    }


def trained(task: Task, X: Floats, y: Labels) -> Mapping[str, Learner]:
    """All learners, trained on two threads."""
    found = learners(task)

    def work(model: Learner) -> None:
        with one_thread():
            model.fit(X, y)

    side_by_side(work, list(found.values()))
    return found


def answers(model: Learner, X: Floats, levels: Sequence[object]) -> Floats:
    """Probabilities of the levels, (n, levels), 0 for one never learnt; or numbers, (n, 1)."""
    with one_thread():
        if not levels:
            return np.asarray(model.predict(X), dtype=np.float64)[:, None]
        p: Floats = model.predict_proba(X)  # type: ignore[attr-defined]
    position = {level: i for i, level in enumerate(model.classes_)}  # type: ignore[attr-defined]
    never = np.zeros(len(X))
    return np.stack([p[:, position[v]] if v in position else never for v in levels], axis=1)


def auc(y: Labels, p: Floats, levels: Sequence[object]) -> tuple[float, float]:
    """Mean AUC over levels of one against the rest, and a standard error.

    The error is the mean of DeLong's, which is exact for two levels and not too small for more.
    Levels that all or no rows have are left out; NaN when none is left.
    """
    found = [
        delong(p[y == level, i], p[y != level, i])
        for i, level in enumerate(levels)
        if 0 < (y == level).sum() < len(y)
    ]
    if not found:
        return float("nan"), float("nan")
    return float(np.mean([a for a, _ in found])), float(np.mean([e for _, e in found]))


def macro_f1(y: Labels, p: Floats, levels: Sequence[object]) -> float:
    """Mean F1 over levels, each row taken for its likeliest level."""
    place = {level: i for i, level in enumerate(levels)}
    truth = [place[v] for v in y]
    return float(f1_score(truth, p.argmax(axis=1), labels=range(len(levels)),
                          average="macro", zero_division=0))  # fmt: skip


def r2(y: Labels, p: Floats) -> float:
    """1 - residual over total sum of squares; NaN where y does not vary."""
    truth = y.astype(np.float64)
    total = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - p[:, 0]) ** 2).sum()) / total if total > 0 else float("nan")


def rmse(y: Labels, p: Floats) -> float:
    """Root mean squared error, in the target's unit."""
    return float(np.sqrt(((y.astype(np.float64) - p[:, 0]) ** 2).mean()))


def spearman(a: Floats, b: Floats) -> float:
    """Spearman's rank correlation; NaN where a side does not vary."""
    ranks = rankdata(a), rankdata(b)
    if min(r.std() for r in ranks) == 0:
        return float("nan")
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1])
