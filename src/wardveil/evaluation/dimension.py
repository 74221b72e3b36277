"""Dimension-wise probability and prediction: a dot a level or code (medGAN, 2017)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from wardveil.evaluation.c2st import thinned
from wardveil.evaluation.features import features, standardised
from wardveil.evaluation.interval import delong
from wardveil.evaluation.prepared import Floats, Prepared
from wardveil.evaluation.regression import logistic

MOST_ROWS: Final = 3_000
MOST_DIMENSIONS: Final = 25
RIDGE: Final = 1e-3
"""Per row: two thousand rows of a hundred features are not learnt by heart."""
LEAST: Final = 0.02
"""Smallest share of real rows, on either side, that a level or code needs to be predicted."""


@dataclass(frozen=True, kw_only=True)
class DimensionWise:
    """A scatter of one dot per level or code, real against synthetic.

    Attributes:
        labels: "column=level", (k,).
        real: Share of real rows with the level, or the AUC on held-out rows of a model trained
            on real rows, (k,).
        synthetic: The same of the synthetic rows, (k,).
    """

    labels: tuple[str, ...]
    real: tuple[float, ...]
    synthetic: tuple[float, ...]


def dimension_prediction(
    real: Prepared, synthetic: Prepared, holdout: Prepared
) -> DimensionWise | None:
    """Dimension-wise prediction (Choi et al. 2017): each level or code from all other columns.

    A logistic regression learns from at most 3,000 rows of each table and is tested on the
    held-out ones. The 25 most balanced levels and codes are predicted; one that a table cannot
    teach, because all its rows are alike, is predicted no better than by guessing.

    Returns:
        AUCs; None where no level or code is frequent enough.
    """
    tables = [thinned(t, MOST_ROWS) for t in (real, synthetic)]
    found = features([tables[0], tables[1], holdout])
    X = standardised(found)
    share = found.X[0].mean(axis=0)
    is_level = np.array(
        ["=" in n[len(c) :] for n, c in zip(found.names, found.columns, strict=True)]
    )
    balance = np.where(is_level, np.minimum(share, 1 - share), 0.0)
    balance[_twins(found.columns, found.names)] = 0.0
    chosen = [int(i) for i in np.argsort(-balance, kind="stable")[:MOST_DIMENSIONS]
              if balance[i] >= LEAST and 0 < found.X[2][:, i].mean() < 1]  # fmt: skip
    if not chosen:
        return None
    codes = set(found.columns) - {n[:-1] for n in found.names if n.endswith("?")}
    aucs: tuple[list[float], list[float]] = ([], [])
    for i in chosen:
        column = found.columns[i]
        keep = np.array([n != found.names[i] if column in codes else c != column
                         for n, c in zip(X.names, X.columns, strict=True)], dtype=bool)  # fmt: skip
        for side in (0, 1):
            aucs[side].append(_auc(X.X[side][:, keep], found.X[side][:, i],
                                   X.X[2][:, keep], found.X[2][:, i]))  # fmt: skip
    return DimensionWise(
        labels=tuple(found.names[i] for i in chosen), real=tuple(aucs[0]), synthetic=tuple(aucs[1])
    )


def _auc(X: Floats, y: Floats, X_test: Floats, y_test: Floats) -> float:
    if len(np.unique(y)) < 2 or X.shape[1] == 0:
        return 0.5
    scores = X_test @ logistic(X, y, RIDGE).estimate
    return delong(scores[y_test == 1], scores[y_test == 0])[0]


def _twins(columns: Sequence[str], names: Sequence[str]) -> list[int]:
    """The first level of each column of two levels, which says no more than the second."""
    levels: dict[str, list[int]] = {}
    for i, (column, name) in enumerate(zip(columns, names, strict=True)):
        if name not in (column, f"{column}?"):
            levels.setdefault(column, []).append(i)
    exclusive = {n[:-1] for n in names if n.endswith("?")}
    return [found[0] for c, found in levels.items() if c in exclusive and len(found) == 2]
