"""Waves tell what positions alone do not, and the same of soft rows as of decoded ones."""

import numpy as np
import pytest
import torch

from wardveil.encode.matrix import Matrix
from wardveil.encode.waves import HIGHEST, Waves
from wardveil.schema.variable import Levelled, Numeric

VARIABLES = (
    Numeric(name="age", low=0, high=999, decimals=0, nullable=True),
    Levelled(name="sex", levels=("f", "m"), nullable=False),
    Numeric(name="sbp", low=0, high=999, decimals=0, nullable=False),
)
MATRIX = Matrix(VARIABLES, {v.name: np.full(v.size, 1 / v.size) for v in VARIABLES})
SBP = 3
"""Its column: age and its missing, sex, sbp."""


def covariance_with_sex(x, column):
    rows = Waves(MATRIX)(x)
    return float(torch.cov(rows[:, [2, column]].T)[0, 1])


def test_a_spread_that_differs_by_sex_shows_in_a_wave_and_not_in_the_position():
    draw = torch.Generator().manual_seed(0)
    x = torch.zeros(20_000, MATRIX.width)
    x[:, 2] = torch.where(torch.arange(20_000) % 2 == 0, 1.0, -1.0)
    u = 2 * torch.rand(20_000, generator=draw) - 1
    x[:, SBP] = torch.where(x[:, 2] > 0, u, 0.2 * u)
    assert covariance_with_sex(x, SBP) == pytest.approx(0.0, abs=0.01)
    second = MATRIX.width + 1  # after the columns: age's second wave, sbp's
    assert abs(covariance_with_sex(x, second)) > 0.15


def test_every_coordinate_has_the_owner_of_its_column():
    waves = Waves(MATRIX)
    assert waves.owner.tolist() == [0, 0, 1, 2, *([0, 2] * (HIGHEST - 1))]
    assert waves(torch.zeros(2, MATRIX.width)).shape == (2, len(waves.owner))


def test_waves_of_a_number_that_may_be_missing_are_those_of_decoded_rows():
    rng = np.random.default_rng(0)
    x = torch.from_numpy(0.3 * rng.standard_normal((1, MATRIX.width))).float()
    x[0, 0] = 0.4
    rows = MATRIX.decode(x.repeat(40_000, 1), rng)
    hard = Waves(MATRIX)(MATRIX.encode(rows)).mean(dim=0)
    assert Waves(MATRIX)(x)[0].tolist() == pytest.approx(hard.tolist(), abs=0.02)


def test_columns_without_numbers_have_no_waves():
    levels = Matrix(VARIABLES[1:2], {"sex": np.array([0.5, 0.5])})
    x = torch.zeros(3, 1)
    assert Waves(levels)(x).shape == (3, 1)
