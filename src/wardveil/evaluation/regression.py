"""Regression: the estimates and standard errors that a statistician would publish."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from wardveil.evaluation.interval import Z
from wardveil.evaluation.prepared import Floats

STEPS: Final = 50
RIDGE: Final = 1e-6
"""Added to the information of each standardised term, per row: estimates stay finite where one
term separates the outcomes, and are otherwise those without it to about six digits."""

Slope: TypeAlias = Callable[[Floats], tuple[float, Floats, Floats]]
"""β -> loss, its falling gradient, its curvature."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """Estimates with Wald's 95 % intervals.

    Attributes:
        estimate: (k,).
        error: Standard errors, (k,).
        intercept: The constant; 0 where the model has none.
    """

    estimate: Floats
    error: Floats
    intercept: float = 0.0

    @property
    def low(self) -> Floats:
        """Lower ends."""
        return self.estimate - Z * self.error

    @property
    def high(self) -> Floats:
        """Upper ends."""
        return self.estimate + Z * self.error


def linear(X: Floats, y: Floats) -> Fit:
    """Least squares with an intercept; needs more rows than terms.

    Args:
        X: Terms, (n, k).
        y: Outcomes, (n,).
    """
    A = np.column_stack([np.ones(len(X)), X])
    inverse = np.linalg.inv(A.T @ A + RIDGE * len(A) * np.diag([0.0, *np.ones(X.shape[1])]))
    beta = inverse @ (A.T @ y)
    variance = float(((y - A @ beta) ** 2).sum()) / max(1, len(A) - A.shape[1])
    error = np.sqrt(variance * np.diag(inverse))[1:]
    return Fit(estimate=beta[1:], error=error, intercept=float(beta[0]))


def logistic(X: Floats, y: Floats, ridge_per_row: float = RIDGE) -> Fit:
    """Maximum likelihood with an intercept, by Newton's method.

    Args:
        X: Terms, (n, k).
        y: 0 or 1, (n,).
        ridge_per_row: Added to the information of each term, per row.
    """
    A = np.column_stack([np.ones(len(X)), X])
    ridge = ridge_per_row * len(A) * np.diag([0.0, *np.ones(X.shape[1])])

    def slope(beta: Floats) -> tuple[float, Floats, Floats]:
        eta = A @ beta
        p = 1 / (1 + np.exp(-np.clip(eta, -500, 500)))
        loss = float((np.logaddexp(0, eta) - y * eta).sum() + beta @ ridge @ beta / 2)
        return loss, A.T @ (y - p) - ridge @ beta, (A * (p * (1 - p))[:, None]).T @ A + ridge

    found = _newton(slope, A.shape[1])
    return Fit(estimate=found.estimate[1:], error=found.error[1:],
               intercept=float(found.estimate[0]))  # fmt: skip


def cox(X: Floats, time: Floats, event: NDArray[np.bool_]) -> Fit:
    """Cox's partial likelihood with Efron's ties (1977), by Newton's method.

    With w = exp(x β), every event's denominator is a sum of w over the patients at risk, less a
    part of the sum over the events at its time. So the information needs no sum over risk sets:
    each patient's x xᵀ is weighted by w times the reciprocal denominators up to his time. (In
    one function, longer than most, because its parts are sums over the same indices.)

    Args:
        X: Terms, (n, k).
        time: Times, (n,).
        event: Whether the time is an event's, (n,).
    """
    order = np.argsort(time, kind="stable")
    X, time, event = X[order] - X.mean(axis=0), time[order], event[order]
    first = np.searchsorted(time, time, side="left")  # first patient at risk at one's own time
    dead = np.flatnonzero(event)
    start = first[dead]
    opening, tie, ties = np.unique(start, return_inverse=True, return_counts=True)
    rank = np.arange(len(dead)) - np.concatenate([[0], np.cumsum(ties)])[tie]
    part = rank / ties[tie]  # Efron's share of the tied events that is taken off
    last = np.searchsorted(time, time, side="right") - 1
    ridge = RIDGE * len(X) * np.eye(X.shape[1])

    def at_risk(values: Floats) -> Floats:
        """Sums of values over those at risk at each event."""
        return np.cumsum(values[::-1], axis=0)[::-1][start]

    def tied(values: Floats) -> Floats:
        """Sums of values over the events at each event's time."""
        sums = np.zeros((len(opening), *values.shape[1:]))
        np.add.at(sums, tie, values[dead])
        return sums[tie]

    def slope(beta: Floats) -> tuple[float, Floats, Floats]:
        eta = X @ beta
        w = np.exp(eta - eta.max())
        below = at_risk(w) - part * tied(w)
        mean = (at_risk(w[:, None] * X) - part[:, None] * tied(w[:, None] * X)) / below[:, None]
        loss = float(np.log(below).sum() - (eta - eta.max())[dead].sum() + beta @ ridge @ beta / 2)
        # The reciprocal denominators that each patient's weight enters.
        steps = np.zeros(len(X))
        np.add.at(steps, start, 1 / below)
        reach = np.cumsum(steps)[last]
        own = np.zeros(len(opening))
        np.add.at(own, tie, part / below)
        reach[dead] -= own[tie]
        information = (X * (w * reach)[:, None]).T @ X - mean.T @ mean
        return loss, X[dead].sum(axis=0) - mean.sum(axis=0) - ridge @ beta, information + ridge

    return _newton(slope, X.shape[1])


def _newton(slope: Slope, k: int) -> Fit:
    """The minimum of a convex loss; a step that does not help is halved."""
    beta = np.zeros(k)
    loss, gradient, curvature = slope(beta)
    for _ in range(STEPS):
        step = np.linalg.solve(curvature, gradient)
        if float(np.abs(step).max(initial=0.0)) < 1e-9:
            break
        while float(np.abs(step).max()) > 1e-9:
            new = slope(beta + step)
            if new[0] <= loss:
                break
            step = step / 2
        beta = beta + step
        loss, gradient, curvature = new
    return Fit(estimate=beta, error=np.sqrt(np.diag(np.linalg.inv(curvature))))
