"""Prediction: do models learn the same from synthetic patients as from real ones?"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from wardveil.errors import Problem, SchemaError
from wardveil.evaluation.c2st import MOST_ROWS, thinned
from wardveil.evaluation.cells import present
from wardveil.evaluation.features import features
from wardveil.evaluation.interval import Z, around, groups, jackknife
from wardveil.evaluation.learner import (
    BOOSTING,
    FOREST,
    Labels,
    Learner,
    Task,
    answers,
    auc,
    macro_f1,
    r2,
    rmse,
    spearman,
    trained,
)
from wardveil.evaluation.prepared import DISTINCT, Flags, Floats, Prepared, Tabular, prepare
from wardveil.schema.schema import Schema

Side = Literal["real", "synthetic"]
OTHER: Final = "another level"
FEWEST: Final = 2 * (DISTINCT + 1)
"""Rows that learning needs: two for each of the most levels there can be, and for another."""


@dataclass(frozen=True, kw_only=True)
class ModelScore:
    """How well one model, trained on one table, predicts a target in another.

    Attributes:
        target: The predicted column.
        task: "classification" for a target of 2 to 12 levels, else "regression".
        model: "gradient_boosting", "random_forest", "logistic_regression" or "ridge".
        trained_on: Which table the model learnt from.
        tested_on: Which it was tested on: real, synthetic is TRTS; real, holdout is TRTR.
        metric: "auc" and "f1" (means over levels of one against the rest); "r2" and "rmse" (in
            the target's unit).
        value: The score.
        low: Lower end of its 95 % interval; None for metrics that have none.
        high: Upper end.
    """

    target: str
    task: Literal["classification", "regression"]
    model: str
    trained_on: Literal["real", "synthetic"]
    tested_on: Literal["holdout", "synthetic"]
    metric: Literal["auc", "f1", "r2", "rmse"]
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, kw_only=True)
class Importance:
    """How much a random forest leans on each column, trained on real and on synthetic rows.

    Attributes:
        target: The predicted column.
        columns: The predictors, the most important in the real table first.
        real: Share of the impurity decrease, adds up to 1, (columns,).
        synthetic: The same, trained on synthetic rows.
        agreement: Spearman's rank correlation of the two.
    """

    target: str
    columns: tuple[str, ...]
    real: tuple[float, ...]
    synthetic: tuple[float, ...]
    agreement: float


@dataclass(frozen=True, kw_only=True)
class Predicted:
    """Everything learnt about one target.

    Attributes:
        target: Its name.
        task: Whether levels or a number were predicted.
        scores: Every model's scores.
        importance: What the two random forests lean on; None where one could not learn.
        means: Mean AUC (or R²) over models, trained on real and on synthetic rows.
        gap: means[0] - means[1], with a 95 % interval over the held-out rows.
        rows: Which held-out rows have a target, (h,).
        y: Their targets, (h,).
        levels: The target's levels; () for numbers.
        boosting: Gradient boosting's answers for those rows, trained on real and on synthetic.
    """

    target: str
    task: Task
    scores: tuple[ModelScore, ...]
    importance: Importance | None
    means: tuple[float, float]
    gap: tuple[float, float, float]
    rows: NDArray[np.int64]
    y: Labels
    levels: tuple[object, ...]
    boosting: tuple[Floats, Floats]


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
    if task_of(tables[2], target) != "classification":
        raise SchemaError(
            Problem(code="E344", where=f'column "{target}"',
                    what="A target must have 2 to 12 levels among the held-out patients.",
                    do=("Mark another column as target, or hold out more patients.",))
        )  # fmt: skip
    return predicted(*tables, target=target).gap[0]


def task_of(holdout: Prepared, target: str) -> Task | None:
    """How a target can be predicted; None where it cannot: a set of codes, or many levels.

    Raises:
        SchemaError: E344, there is no such column.
    """
    column = holdout.columns.get(target)
    if column is None or isinstance(column, Flags):
        raise SchemaError(
            Problem(code="E344", what="A target must be one of the compared columns.",
                    where=f'column "{target}"', do=("Name a column that holds one value.",))
        )  # fmt: skip
    levels = {v for v in column if v is not None and v == v}  # NaN differs from itself
    if 2 <= len(levels) <= DISTINCT:
        return "classification"
    return "regression" if column.dtype != object and len(levels) > DISTINCT else None


def predicted(
    real: Prepared,
    synthetic: Prepared,
    holdout: Prepared,
    *,
    target: str,
    most_rows: int = MOST_ROWS,
) -> Predicted:
    """Train every learner on both tables and test it on the held-out rows.

    The held-out table decides what the features are, so that both training tables are judged on
    the same ones. A learner that sees one level only answers as one who knows nothing.

    Args:
        real: The rows the synthetic ones were made from.
        synthetic: Synthetic rows.
        holdout: Real rows that no model has seen.
        target: A column that `task_of` has a task for.
        most_rows: Rows of each table that learners see at most.
    """
    task = task_of(holdout, target)
    assert task is not None
    rows = _known(holdout, target)
    tables = [
        holdout.take(rows),
        *(t.take(_known(t, target)) for t in (thinned(t, most_rows) for t in (real, synthetic))),
    ]
    found = features(tables, leave_out=(target,))
    X = [x if x.shape[1] else np.zeros((len(x), 1)) for x in found.X]
    y = [_labels(t, target, task) for t in tables]
    levels = tuple(sorted(set(y[0]), key=str)) if task == "classification" else ()
    if levels:
        # Levels that no held-out patient has cannot be tested; they are one.
        y = [np.where(np.isin(labels, levels), labels, OTHER) for labels in y]
    models = [_learnt(task, X[i], y[i]) for i in (1, 2)]
    tested = [_answered(m, X[0], levels) for m in models]
    scores = [s for i, side in ((0, "real"), (1, "synthetic"))
              for s in _scores(target, task, side, "holdout", y[0], tested[i], levels)]  # type: ignore[arg-type]  # fmt: skip
    if models[0] and _varies(y[2]) and (task == "regression" or set(y[2]) <= set(levels)):
        again = _answered(models[0], X[2], levels)
        scores += _scores(target, task, "real", "synthetic", y[2], again, levels)
    means, gap = _gap(y[0], tested, levels)
    return Predicted(
        target=target, task=task, scores=tuple(scores), means=means, gap=gap, rows=rows, y=y[0],
        importance=_importance(target, found.columns, models), levels=levels,
        boosting=(tested[0][BOOSTING], tested[1][BOOSTING]),
    )  # fmt: skip


def _learnt(task: Task, X: Floats, y: Labels) -> Mapping[str, Learner]:
    """The trained learners; empty when there is nothing to learn from: one level, or few rows."""
    if len(y) < FEWEST or (task == "classification" and not _varies(y)):
        return {}
    return trained(task, X, y)


def _answered(
    models: Mapping[str, Learner], X: Floats, levels: tuple[object, ...]
) -> dict[str, Floats]:
    """The answers of every model; those of one who learnt nothing are all the same."""
    if not models:
        return {BOOSTING: np.zeros((len(X), max(1, len(levels))))}
    return {name: answers(model, X, levels) for name, model in models.items()}


def _scores(
    target: str,
    task: Task,
    trained_on: Side,
    tested_on: Literal["holdout", "synthetic"],
    y: Labels,
    tested: Mapping[str, Floats],
    levels: tuple[object, ...],
) -> list[ModelScore]:
    """All metrics of all models; those that cannot be had are left out."""
    found = []
    for model, p in tested.items():

        def score(
            metric: Literal["auc", "f1", "r2", "rmse"],
            value: float,
            error: float = float("nan"),
            model: str = model,
        ) -> ModelScore:
            ends = (None, None) if np.isnan(error) else around(value, error, 0.0, 1.0)
            return ModelScore(target=target, task=task, model=model, trained_on=trained_on,
                              tested_on=tested_on, metric=metric, value=value, low=ends[0],
                              high=ends[1])  # fmt: skip

        if levels:
            found += [score("auc", *auc(y, p, levels)), score("f1", macro_f1(y, p, levels))]
        else:
            found += [score("r2", r2(y, p)), score("rmse", rmse(y, p))]
    return [s for s in found if not np.isnan(s.value)]


def _gap(
    y: Labels, tested: list[dict[str, Floats]], levels: tuple[object, ...]
) -> tuple[tuple[float, float], tuple[float, float, float]]:
    """Mean scores of both tables' models, and their gap with its interval."""

    def mean(models: Mapping[str, Floats], keep: NDArray[np.bool_]) -> float:
        return float(np.mean([
            auc(y[keep], p[keep], levels)[0] if levels else r2(y[keep], p[keep])
            for p in models.values()
        ]))  # fmt: skip

    group = groups(len(y))
    everyone = np.ones(len(y), dtype=bool)
    real, synthetic = (mean(t, everyone) for t in tested)
    left = [mean(tested[0], group != g) - mean(tested[1], group != g)
            for g in range(int(group.max()) + 1)]  # fmt: skip
    error = Z * jackknife(np.array(left))
    return (real, synthetic), (real - synthetic, real - synthetic - error,
                               real - synthetic + error)  # fmt: skip


def _importance(
    target: str, owner: tuple[str, ...], models: list[Mapping[str, Learner]]
) -> Importance | None:
    """Impurity decrease of the forests, summed over the features of each column."""
    names = tuple(dict.fromkeys(owner))
    if not all(models) or not names:
        return None
    place = {name: i for i, name in enumerate(names)}
    which = [place[name] for name in owner]
    shares = [
        np.bincount(which, m[FOREST].feature_importances_, len(names)).astype(np.float64)  # type: ignore[attr-defined]
        for m in models
    ]
    agreement = spearman(shares[0], shares[1])
    if np.isnan(agreement):
        return None
    order = np.argsort(-shares[0], kind="stable")
    return Importance(
        target=target, columns=tuple(names[i] for i in order), agreement=agreement,
        real=tuple(shares[0][order].tolist()), synthetic=tuple(shares[1][order].tolist()),
    )  # fmt: skip


def _varies(y: Labels) -> bool:
    return len(set(y)) > 1


def _labels(table: Prepared, target: str, task: Task) -> Labels:
    """The target as texts or numbers, (n,)."""
    column = table.columns[target]
    assert not isinstance(column, Flags)
    if task == "regression" or column.dtype == object:
        return column
    return np.array([repr(float(v)) for v in column], dtype=object)


def _known(table: Prepared, target: str) -> NDArray[np.int64]:
    """The rows whose target is not missing."""
    column = table.columns[target]
    assert not isinstance(column, Flags)
    return np.flatnonzero(present(column))
