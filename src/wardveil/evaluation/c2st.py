"""C2ST: can a classifier tell synthetic rows from real ones?"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from wardveil.evaluation.features import matrices
from wardveil.evaluation.prepared import Prepared, Tabular, prepare
from wardveil.schema.schema import Schema

FOLDS: Final = 3
MOST_ROWS: Final = 20_000
"""Rows of each table that a classifier sees at most; the first ones of a shuffled table."""


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
    """

    real_as_real: int
    real_as_synthetic: int
    synthetic_as_real: int
    synthetic_as_synthetic: int
    real: tuple[float, ...]
    synthetic: tuple[float, ...]


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
    if min(real.rows, synthetic.rows) < FOLDS:
        return float("nan")
    real, synthetic = thinned(real, MOST_ROWS), thinned(synthetic, MOST_ROWS)
    X = np.vstack(matrices([real, synthetic]))
    y = np.repeat([0, 1], [real.rows, synthetic.rows])
    folds = StratifiedKFold(n_splits=FOLDS, shuffle=True, random_state=0)
    scores = []
    with one_thread():
        for train, test in folds.split(X, y):
            model = HistGradientBoostingClassifier(random_state=0).fit(X[train], y[train])
            scores.append(roc_auc_score(y[test], model.predict_proba(X[test])[:, 1]))
    return float(np.mean(scores))


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
