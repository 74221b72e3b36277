"""pMSE: how far a logistic model's probabilities of being synthetic are from knowing nothing."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import expit
from scipy.stats import chi2

from wardveil.evaluation.c2st import MOST_ROWS, thinned
from wardveil.evaluation.features import features, standardised
from wardveil.evaluation.prepared import Prepared
from wardveil.evaluation.regression import logistic

RIDGE: Final = 1e-4
"""Next to no penalty, but finite estimates where one value tells the tables apart."""


@dataclass(frozen=True, kw_only=True)
class Propensity:
    """pMSE and what it would be for two random halves of one table.

    Attributes:
        pmse: Mean of (p - c)², c the share of synthetic rows; 0 to c(1 - c).
        ratio: pMSE over its expected value when both tables are from one population: 1 at best.
        null_low: 2.5 % quantile of the ratio in that case.
        null_high: 97.5 % quantile.
    """

    pmse: float
    ratio: float
    null_low: float
    null_high: float


def propensity(real: Prepared, synthetic: Prepared) -> Propensity | None:
    """The propensity score's mean squared error (Woo et al. 2009; Snoke et al. 2018).

    A logistic model of main effects with r free coefficients. When both tables are samples of
    one population, N pMSE / (c (1 - c)) is near χ² with r degrees of freedom, so that its mean
    is c (1 - c) r / N; Snoke's constant is half of it, for synthetic rows drawn from a model of
    the very rows they are compared with.

    Returns:
        None where no feature varies or the rows are fewer than twice the features.
    """
    tables = [thinned(real, MOST_ROWS // 2), thinned(synthetic, MOST_ROWS // 2)]
    found = standardised(features(tables))
    X = np.vstack(found.X).astype(np.float64)
    y = np.repeat([0, 1], [t.rows for t in tables])
    n, c = len(y), float(y.mean())
    if X.shape[1] == 0:
        return None
    X -= X.mean(axis=0)
    free = int(np.linalg.matrix_rank(X.T @ X, hermitian=True))
    if free == 0 or n < 2 * free:
        return None
    model = logistic(X, y.astype(np.float64), RIDGE)
    pmse = float(np.mean((expit(X @ model.estimate + model.intercept) - c) ** 2))
    null = chi2.ppf([0.025, 0.975], free) / free
    return Propensity(pmse=pmse, ratio=pmse / (c * (1 - c) * free / n),
                      null_low=float(null[0]), null_high=float(null[1]))  # fmt: skip
