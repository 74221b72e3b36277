"""Transfer: what classifiers, taught by each of several tables, know of held-out patients."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from wardveil.errors import Problem, SchemaError
from wardveil.evaluation.c2st import one_thread
from wardveil.evaluation.cells import present
from wardveil.evaluation.features import features, standardised
from wardveil.evaluation.interval import wilson
from wardveil.evaluation.learner import spearman
from wardveil.evaluation.prediction import task_of
from wardveil.evaluation.prepared import Flags, Floats, Prepared, Tabular, prepare
from wardveil.schema.schema import Schema

CLASSIFIERS = ("random_forest", "logistic_regression", "svm", "nearest_neighbours")


@dataclass(frozen=True, kw_only=True)
class Transferred:
    """How often one classifier, taught by one table, is right about held-out patients.

    Attributes:
        taught_by: Name of the table.
        classifier: One of `CLASSIFIERS`.
        accuracy: Share of held-out patients whose level it knows.
        low: Lower end of Wilson's 95 % interval over the held-out patients.
        high: Upper end.
        importance: Spearman's rank correlation, with those of the first table, of a forest's
            importances or the sizes of linear coefficients; None for nearest neighbours, for the
            first table, and where a side does not vary.
    """

    taught_by: str
    classifier: str
    accuracy: float
    low: float
    high: float
    importance: float | None


def transfer(
    tables: Mapping[str, Tabular], holdout: Tabular, *, target: str, schema: Schema | None = None
) -> tuple[Transferred, ...]:
    """The table of the SPRINT paper: four classifiers, taught by each of several tables.

    Args:
        tables: Name -> rows; the first are the real ones, whose spread numbers are measured in.
        holdout: Real rows that nothing has seen.
        target: A column of 2 to 12 levels, such as the arm.
        schema: What is declared.

    Raises:
        SchemaError: E344, the target is not a column with 2 to 12 levels.
    """
    names = list(tables)
    prepared = prepare(tables[names[0]], *(tables[n] for n in names[1:]), holdout, schema=schema)
    if task_of(prepared[-1], target) != "classification":
        raise SchemaError(
            Problem(code="E344", where=f'column "{target}"',
                    what="A target must have 2 to 12 levels among the held-out patients.",
                    do=("Name another column, or hold out more patients.",))
        )  # fmt: skip
    known = [t.take(_known(t, target)) for t in prepared]
    X = standardised(features(known, leave_out=(target,))).X
    y = [_labels(t, target) for t in known]
    found, first = [], dict[str, Floats | None]()
    for name, rows, labels in zip(names, X, y, strict=False):
        for classifier in CLASSIFIERS:
            right, weight = _tried(classifier, rows, labels, X[-1], y[-1])
            low, high = wilson(int(right.sum()), len(right))
            base = first.setdefault(classifier, weight)
            alike = float("nan")
            if name != names[0] and base is not None and weight is not None:
                alike = spearman(base, weight)
            found.append(Transferred(
                taught_by=name, classifier=classifier, accuracy=float(right.mean()), low=low,
                high=high, importance=None if np.isnan(alike) else alike,
            ))  # fmt: skip
    return tuple(found)


def _tried(
    classifier: str, X: Floats, y: NDArray[np.object_], T: Floats, t: NDArray[np.object_]
) -> tuple[NDArray[np.bool_], Floats | None]:
    """Whether each held-out patient was known, (h,), and what the classifier leans on, (f,)."""
    if len(set(y)) < 2:  # it knows one level, and leans on nothing
        return t == y[0], None
    with one_thread():
        if classifier == "random_forest":
            forest = RandomForestClassifier(100, random_state=0).fit(X, y)
            return forest.predict(T) == t, np.asarray(forest.feature_importances_)
        if classifier == "nearest_neighbours":
            return KNeighborsClassifier().fit(X, y).predict(T) == t, None
        linear = LogisticRegression(max_iter=5_000) if classifier == "logistic_regression" else (
            LinearSVC(random_state=0)
        )  # fmt: skip
        linear.fit(X, y)
        return linear.predict(T) == t, np.abs(linear.coef_).sum(axis=0)


def _known(table: Prepared, target: str) -> NDArray[np.int64]:
    """The rows whose target is not missing."""
    column = table.columns[target]
    assert not isinstance(column, Flags)
    return np.flatnonzero(present(column))


def _labels(table: Prepared, target: str) -> NDArray[np.object_]:
    """The target as texts, (n,)."""
    column = table.columns[target]
    assert not isinstance(column, Flags)
    return np.array([v if isinstance(v, str) else f"{v:g}" for v in column], dtype=object)
