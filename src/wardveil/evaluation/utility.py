"""Utility: is a model trained on synthetic patients as good on real ones?"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from wardveil.errors import Problem, SchemaError
from wardveil.evaluation.c2st import MOST_ROWS, one_thread, thinned
from wardveil.evaluation.features import matrices
from wardveil.evaluation.prepared import DISTINCT, Flags, Floats, Prepared, Tabular, prepare
from wardveil.schema.schema import Schema

Labels = NDArray[np.object_]


class _Classifier(Protocol):
    classes_: Sequence[object]

    def fit(self, X: Floats, y: Labels) -> object: ...

    def predict_proba(self, X: Floats) -> Floats: ...


def tstr_gap(
    real: Tabular,
    synthetic: Tabular,
    holdout: Tabular,
    *,
    target: str,
    schema: Schema | None = None,
) -> float:
    """Mean AUC trained on real minus mean AUC trained on synthetic, both tested on `holdout`.

    Args:
        real: The real rows the synthetic ones were made from.
        synthetic: Synthetic rows.
        holdout: Real rows that no model has seen.
        target: The column to be predicted; it has 2 to 12 levels. With more than two, the AUC
            is the mean over levels of one against the rest.
        schema: What is declared.

    Returns:
        The gap: 0 is perfect, negative when synthetic rows train better models.

    Raises:
        SchemaError: E344, the target is not a column with 2 to 12 levels.
    """
    tables = prepare(real, synthetic, holdout, schema=schema)
    return auc(tables[0], tables[2], target=target) - auc(tables[1], tables[2], target=target)


def auc(train: Prepared, holdout: Prepared, *, target: str) -> float:
    """Mean AUC on `holdout` of three classifiers trained on `train`."""
    y_holdout = _labels(holdout, target)
    if not 2 <= len({v for v in y_holdout if v is not None}) <= DISTINCT:
        raise SchemaError(
            Problem(code="E344", where=f'column "{target}"',
                    what="A target must have 2 to 12 levels among the held-out patients.",
                    do=("Mark another column as target, or hold out more patients.",))
        )  # fmt: skip
    kept_train = _known(thinned(train, MOST_ROWS), target)
    kept_holdout = _known(holdout, target)
    # The held-out table decides what the features are, so that every training table is judged
    # on the same ones.
    X_holdout, X = matrices([kept_holdout, kept_train], leave_out=target)
    y, y_holdout = _labels(kept_train, target), _labels(kept_holdout, target)
    if len(set(y)) < 2:
        return 0.5  # nothing can be learnt from one level
    return float(np.mean([_auc(model, X, y, X_holdout, y_holdout) for model in _classifiers()]))


def _classifiers() -> tuple[_Classifier, ...]:
    return (
        HistGradientBoostingClassifier(random_state=0),
        RandomForestClassifier(n_estimators=200, min_samples_leaf=2, random_state=0),
        make_pipeline(StandardScaler(), LogisticRegression(max_iter=5_000)),
    )


def _auc(model: _Classifier, X: Floats, y: Labels, X_test: Floats, y_test: Labels) -> float:
    """One classifier's AUC: the mean over levels of one against the rest."""
    with one_thread():
        model.fit(X, y)
        scores = dict(zip(model.classes_, model.predict_proba(X_test).T, strict=True))
    never = np.zeros(len(y_test))
    levels = sorted(set(y_test), key=str)
    return float(np.mean([roc_auc_score(y_test == v, scores.get(v, never)) for v in levels]))


def _labels(table: Prepared, target: str) -> Labels:
    """The target as texts, (n,); missing -> None."""
    column = table.columns.get(target)
    if column is None or isinstance(column, Flags):
        raise SchemaError(
            Problem(code="E344", what="A target must be one of the compared columns.",
                    where=f'column "{target}"', do=("Name a column that holds one value.",))
        )  # fmt: skip
    if column.dtype == object:
        return column.astype(object)
    return np.array([None if np.isnan(v) else repr(float(v)) for v in column], dtype=object)


def _known(table: Prepared, target: str) -> Prepared:
    """The rows whose target is not missing."""
    present = [value is not None for value in _labels(table, target)]
    return table.take(np.flatnonzero(present))
