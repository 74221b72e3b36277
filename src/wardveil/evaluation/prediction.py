"""Prediction: do models learn the same from synthetic patients as from real ones?"""

from dataclasses import dataclass
from typing import Literal


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
