"""Forbidden: how likely two variables break a declared rule, given the bins they are in."""

import numpy as np
from numpy.typing import NDArray

from wardveil.encode.bins import Bins
from wardveil.schema.rule import Rule, Values
from wardveil.schema.variable import Numeric, Variable


def forbidden(rule: Rule, bins: Bins) -> NDArray[np.float64]:
    """Chance that patients in each pair of bins break a rule of two columns, (bins a, bins b).

    Inside two bins the variables are taken as independent. Follows from answers and the schema.

    Args:
        rule: About exactly two columns, neither of them computed.
        bins: Of all variables.
    """
    a, b = rule.columns
    known = {v.name: values_of(v) for v in bins.variables if v.name in (a, b)}
    sizes = (len(known[a]), len(known[b]))
    grid = {a: np.repeat(known[a], sizes[1]), b: np.tile(known[b], sizes[0])}
    broken = rule.broken(grid).reshape(sizes).astype(float)
    weights = [np.maximum(bins.p[name], 1e-12) for name in (a, b)]
    inside = [_joining(bins, name, w) for name, w in zip((a, b), weights, strict=True)]
    found: NDArray[np.float64] = inside[0] @ broken @ inside[1].T
    return found


def _joining(bins: Bins, name: str, weight: NDArray[np.float64]) -> NDArray[np.float64]:
    """(bins, cells): the share of each cell in its bin."""
    found = np.zeros((bins.sizes[name], len(weight)))
    found[bins.group[name], np.arange(len(weight))] = weight
    return found / found.sum(axis=1, keepdims=True)


def values_of(variable: Variable) -> Values:
    """What a rule reads in each cell, (size,): the middle of a number's cell, a level, missing."""
    if not isinstance(variable, Numeric):
        texts = np.array([*variable.levels, None], dtype=object)
        return texts[: variable.size]
    middle = variable.edges[:-1] + 0.5 * np.diff(variable.edges)
    return np.concatenate([middle, [np.nan]])[: variable.size]
