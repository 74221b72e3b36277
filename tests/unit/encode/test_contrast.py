"""What an arm does to an endpoint: nobody is clipped, and soft rows are drawn to what was told."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import wardveil as wv
from wardveil.encode.bins import Bins
from wardveil.encode.contrast import FAR, Contrast
from wardveil.networks.softrows import SoftRows
from wardveil.schema import Schema

SCHEMA = Schema.parse("""
[trial]
visits = ["a", "b"]
measures = ["P"]
arm = "arm"
endpoint = "P_b"
[columns]
arm = { kind = "categorical", levels = ["x", "y", "z"] }
P_a = { kind = "count", low = 0, high = 200 }
P_b = { kind = "count", low = 0, high = 200, nullable = true }
""")
ARM, _, ENDPOINT = SCHEMA.variables


def known(seed):
    rng = np.random.default_rng(seed)
    return {v.name: rng.dirichlet(np.full(v.size, 0.5)) for v in SCHEMA.variables}


def contrast_of(p):
    return Contrast(ARM, p["arm"], ENDPOINT, p["P_b"])


@given(st.integers(0, 10_000))
def test_nobody_is_longer_than_one(seed):
    cells = np.arange(-1, 201, dtype=float)
    cells[0] = np.nan
    rows = {"arm": np.arange(3, dtype=np.int32).repeat(len(cells)), "P_b": np.tile(cells, 3)}
    length = contrast_of(known(seed)).encode(rows).norm(dim=1)
    assert 0.99 < float(length.max()) <= 1 + 1e-6


def test_who_is_far_off_counts_as_less_far():
    p = {v.name: np.full(v.size, 1e-6) for v in SCHEMA.variables}
    p["P_b"][95:106] = 1
    p = {name: x / x.sum() for name, x in p.items()}
    values = np.array([100.0, 105.0, 200.0])
    rows = {"arm": np.zeros(3, dtype=np.int32), "P_b": values}
    length = contrast_of(p).encode(rows).norm(dim=1)
    sd = np.sqrt(10.0)
    assert (length / length[2]).tolist() == pytest.approx([0, 5 / sd / FAR, 1], abs=0.02)


def test_endpoints_are_centred_and_missing_says_nothing():
    p = known(1)
    contrast = contrast_of(p)
    y = contrast.endpoint[:, 0]
    assert p["P_b"][:-1] @ y[:-1] == pytest.approx(0, abs=1e-9)
    assert y[-1] == 0
    assert p["arm"] @ contrast.arm == pytest.approx(np.zeros(2), abs=1e-12)


def test_soft_rows_come_to_the_told_effect():
    p = known(2)
    bins = Bins(SCHEMA.variables, p, 12)
    soft = SoftRows(bins, rows=200, generator=torch.Generator().manual_seed(0))
    contrast, told = contrast_of(p), np.array([0.10, -0.05])
    soft.measure_one_ways(weight=1e4)
    soft.measure_product(contrast.names, (contrast.arm, contrast.endpoint), told[:, None], 1e4)
    soft.fit(400, lr=0.1)
    a, b = (soft.memberships()[name] for name in ("arm", "P_b"))
    arm, endpoint = bins.average("arm", contrast.arm), bins.average("P_b", contrast.endpoint)
    assert (a @ arm).T @ (b @ endpoint)[:, 0] / len(a) == pytest.approx(told, abs=0.01)
    assert a.mean(axis=0) == pytest.approx(bins.mass("arm"), abs=0.01)


def test_the_endpoint_has_a_price_of_its_own():
    with_endpoint = wv.plan(SCHEMA, rows=2_000, epsilon=1.0, model="marginal")
    assert "effect" in str(with_endpoint)
