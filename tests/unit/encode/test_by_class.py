"""Numbers get the law that they have in a class; nothing else moves, and few patients move none."""

import numpy as np
import pytest
import torch

from wardveil.encode.by_class import FEWEST, class_laws, moved_by_class
from wardveil.encode.matrix import Matrix
from wardveil.schema import Schema

TEXT = """
[columns]
sbp = { kind = "count", low = 0, high = 99 }
hr = { kind = "count", low = 0, high = 99, nullable = true }
sex = { kind = "categorical", levels = ["f", "m"] }
"""
N = 20_000


def matrix():
    variables = Schema.parse(TEXT, "arms.toml").variables
    return Matrix(variables, {v.name: np.full(v.size, 1 / v.size) for v in variables})


def patients(effect, seed, n=N):
    """Positions of n patients, each number `effect` higher in arm 2; half of `hr` is missing."""
    random = torch.Generator().manual_seed(seed)
    arm = torch.arange(n) % 2
    x = torch.rand(n, 4, generator=random, dtype=torch.float64) * (2 - effect) - 1
    x[:, :2] += effect * arm[:, None]
    x[:, 2] = torch.where(torch.arange(n) % 4 < 2, 1.0, -1.0)
    x[x[:, 2] > 0, 1] = 0.0  # missing ones lie in the middle, as they are written
    return x, torch.eye(2)[arm]


def gap(x, hot, column):
    known = x[:, 2] < 0 if column == 1 else torch.ones(len(x), dtype=torch.bool)
    first, second = (x[known & (hot[:, k] > 0), column].mean() for k in (0, 1))
    return float(second - first)


@pytest.mark.parametrize("column", [0, 1])
def test_the_difference_of_two_arms_becomes_that_of_the_known_patients(column):
    M = matrix()
    real, arms = patients(0.5, seed=0)
    fake, told = patients(0.1, seed=1)
    fitted = {"class_from": class_laws(M, fake, told), "class_to": class_laws(M, real, arms)}
    moved = moved_by_class(fake, told, fitted)
    assert abs(gap(fake, told, column) - 0.5) > 0.3
    assert gap(moved, told, column) == pytest.approx(0.5, abs=0.02)
    order = np.lexsort([fake[:, column], told[:, 1]])
    assert (np.diff(moved[order][: N // 2, column]) >= 0).all()
    assert (moved[:, 2:] == fake[:, 2:]).all()


def test_a_class_of_few_patients_is_left_as_it_is():
    M = matrix()
    real, arms = patients(0.5, seed=0, n=2 * FEWEST - 1)  # one short in the second arm
    fake, told = patients(0.1, seed=1)
    fitted = {"class_from": class_laws(M, fake, told), "class_to": class_laws(M, real, arms)}
    moved = moved_by_class(fake, told, fitted)
    second = told[:, 1] > 0
    assert (moved[second] == fake[second]).all()
    assert not (moved[~second, 0] == fake[~second, 0]).all()


def test_without_known_patients_nothing_moves():
    fake, told = patients(0.1, seed=1)
    assert moved_by_class(fake, told, {}) is fake
