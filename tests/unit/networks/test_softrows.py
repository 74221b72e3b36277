"""Soft rows take up a table of a pair, and sharpened ones leave less open and keep it."""

import numpy as np
import pytest
import torch

from wardveil.encode.bins import Bins
from wardveil.networks.softrows import SoftRows
from wardveil.schema.variable import Numeric

VARIABLES = tuple(
    Numeric(name=name, low=0, high=7, decimals=0, nullable=False) for name in ("x", "y")
)
BINS = Bins(VARIABLES, {v.name: np.full(8, 1 / 8) for v in VARIABLES}, 8)
COARSE = Bins(VARIABLES, BINS.p, 8, finer=BINS)
RING = np.array([[abs(np.hypot(i - 3.5, j - 3.5) - 3) < 0.8 for j in range(8)] for i in range(8)])
TABLE = RING / RING.sum()


def fitted(*, turns):
    """Rows fitted to a ring, sharpened that many times."""
    generator = torch.Generator().manual_seed(0)
    soft = SoftRows(BINS, rows=200, generator=generator, coarse=COARSE)
    soft.measure_one_ways(weight=0.0)
    soft.measure("x", "y", TABLE, 1e4)
    soft.fit(200, lr=0.1)
    for _ in range(turns):
        soft.sharpen()
        soft.fit(100, lr=0.1, decay=True)
    return soft


@pytest.fixture(scope="module")
def open_ones():
    return fitted(turns=0)


@pytest.fixture(scope="module")
def sure_ones():
    return fitted(turns=4)


def gap(soft):
    return 0.5 * np.abs(COARSE.block(soft.all_pairs(), "x", "y") - TABLE).sum()


def certainty(soft):
    return np.mean([rows.max(axis=1).mean() for rows in soft.memberships().values()])


def test_rows_take_up_a_table(open_ones):
    assert gap(open_ones) < 0.03


def test_sharpened_rows_leave_less_open_and_keep_the_table(open_ones, sure_ones):
    assert certainty(open_ones) < 0.8
    assert certainty(sure_ones) > 0.95
    assert gap(sure_ones) < 0.03


def test_squared_odds():
    soft = SoftRows(BINS, rows=3, generator=torch.Generator().manual_seed(0))
    before = soft.memberships()["x"]
    soft.sharpen()
    squared = before**2
    after = soft.memberships()["x"]
    assert after == pytest.approx(squared / squared.sum(axis=1, keepdims=True), rel=1e-5)
