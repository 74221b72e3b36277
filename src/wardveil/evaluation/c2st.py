"""C2ST: can a classifier tell synthetic rows from real ones?"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from wardveil.evaluation.features import features
from wardveil.evaluation.interval import around, delong
from wardveil.evaluation.prepared import Floats, Prepared, Tabular, prepare
from wardveil.schema.schema import Schema

Rows = NDArray[np.int64]
In = TypeVar("In")
Out = TypeVar("Out")

FOLDS: Final = 3
BARS: Final = 20
MOST_ROWS: Final = 20_000
"""Rows of each table that a classifier sees at most; the first ones of a shuffled table."""
SHUFFLED_ROWS: Final = 2_000
"""Rows of a fold, about, on which the weight of each column is measured."""


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """What a classifier, tested on rows it had not seen, took for real and for synthetic.

    Attributes:
        real_as_real: Real rows taken for real.
        real_as_synthetic: Real rows taken for synthetic.
        synthetic_as_real: Synthetic rows taken for real.
        synthetic_as_synthetic: Synthetic rows found out.
        real: Shares of the real rows by their probability of being synthetic, 20 bars, 0 to 1.
        synthetic: The same of the synthetic rows.
        giveaways: Columns by the AUC that the classifier loses when their values change places
            between rows, largest first; what it loses nothing by is left out.
    """

    real_as_real: int
    real_as_synthetic: int
    synthetic_as_real: int
    synthetic_as_synthetic: int
    real: tuple[float, ...]
    synthetic: tuple[float, ...]
    giveaways: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Discriminated:
    """How well the tables were told apart.

    Attributes:
        auc: The mean AUC over folds.
        low: Lower end of its 95 % interval (DeLong, by fold); None with too few rows.
        high: Upper end.
        confusion: The answers; synthetic is what is likelier to be so than before the question.
    """

    auc: float
    low: float | None
    high: float | None
    confusion: Confusion


def c2st(real: Tabular, synthetic: Tabular, *, schema: Schema | None = None) -> float:
    """AUC of gradient boosting telling the tables apart: 0.5 cannot, 1 always.

    Args:
        real: Held-out real rows.
        synthetic: Synthetic rows.
        schema: What is declared.

    Returns:
        The mean over 3 folds; NaN when a table has fewer than 3 rows.
    """
    return told_apart(*prepare(real, synthetic, schema=schema))


def told_apart(real: Prepared, synthetic: Prepared) -> float:
    """`c2st` of prepared tables."""
    found = discriminate(real, synthetic)
    return float("nan") if found is None else found.auc


def discriminate(real: Prepared, synthetic: Prepared) -> Discriminated | None:
    """The classifier's answers on rows it had not seen; None for fewer than 3 rows of a table."""
    if min(real.rows, synthetic.rows) < FOLDS:
        return None
    real, synthetic = thinned(real, MOST_ROWS), thinned(synthetic, MOST_ROWS)
    found = features([real, synthetic])
    X = np.vstack(found.X) if found.columns else np.zeros((real.rows + synthetic.rows, 1))
    y = np.repeat([0, 1], [real.rows, synthetic.rows])
    folds = list(StratifiedKFold(n_splits=FOLDS, shuffle=True, random_state=0).split(X, y))

    def answers(fold: tuple[Rows, Rows]) -> tuple[Floats, dict[str, float]]:
        train, test = fold
        with one_thread():
            model = HistGradientBoostingClassifier(random_state=0).fit(X[train], y[train])
            asked = test[:: max(1, len(test) // SHUFFLED_ROWS)]
            lost = _lost(model.predict_proba, X[asked], y[asked], found.columns)
            return model.predict_proba(X[test])[:, 1], lost

    told = side_by_side(answers, folds)
    p = np.empty(len(y))
    for (_, test), (scores, _) in zip(folds, told, strict=True):
        p[test] = scores
    # AUCs are of one fold each: scores of different models are not on one scale.
    aucs = [delong(p[t][y[t] == 1], p[t][y[t] == 0]) for _, t in folds]
    auc = float(np.mean([a for a, _ in aucs]))
    error = float(np.sqrt(np.sum([e**2 for _, e in aucs]))) / FOLDS
    low, high = (None, None) if np.isnan(error) else around(auc, error, 0.0, 1.0)
    lost = {name: float(np.mean([fold[name] for _, fold in told])) for name in told[0][1]}
    return Discriminated(
        auc=auc, low=low, high=high,
        confusion=_confusion(p[y == 0], p[y == 1], float(y.mean()), lost),
    )  # fmt: skip


def _lost(
    predict: Callable[[Floats], Floats], X: Floats, y: Rows, columns: Sequence[str]
) -> dict[str, float]:
    """Column -> AUC lost when its features change places between rows, all columns in turn."""
    place = np.random.default_rng(0).permutation(len(X))
    whole = roc_auc_score(y, predict(X)[:, 1])
    lost = {}
    for name in dict.fromkeys(columns):
        mine = np.flatnonzero(np.array(columns) == name)
        shuffled = X.copy()
        shuffled[:, mine] = X[np.ix_(place, mine)]
        lost[name] = float(whole - roc_auc_score(y, predict(shuffled)[:, 1]))
    return lost


def _confusion(real: Floats, synthetic: Floats, prior: float, lost: dict[str, float]) -> Confusion:
    bars = [np.histogram(p, BARS, range=(0, 1))[0] / len(p) for p in (real, synthetic)]
    falling = sorted(lost.items(), key=lambda item: -item[1])
    return Confusion(
        real_as_real=int((real < prior).sum()),
        real_as_synthetic=int((real >= prior).sum()),
        synthetic_as_real=int((synthetic < prior).sum()),
        synthetic_as_synthetic=int((synthetic >= prior).sum()),
        real=tuple(bars[0].tolist()),
        synthetic=tuple(bars[1].tolist()),
        giveaways=tuple((name, auc) for name, auc in falling if auc > 0),
    )


def side_by_side(work: Callable[[In], Out], items: Sequence[In]) -> list[Out]:
    """The work done on two threads; the results are those of one after the other.

    Training releases the interpreter's lock, so that two models learn at the same time.
    """
    with ThreadPoolExecutor(max_workers=2) as pool:
        return list(pool.map(work, items))


def one_thread() -> AbstractContextManager[object]:
    """Gradient boosting on one thread.

    On tables of this size a second thread gains little, and on a busy machine the threads wait
    for each other at every split: minutes instead of a second.
    """
    return threadpool_limits(limits=1, user_api="openmp")


def thinned(table: Prepared, most: int) -> Prepared:
    """At most `most` rows, drawn with a fixed seed."""
    if table.rows <= most:
        return table
    return table.take(np.random.default_rng(0).permutation(table.rows)[:most])
