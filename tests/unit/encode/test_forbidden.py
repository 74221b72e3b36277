"""Forbidden pairs of bins: the chance that a rule is broken in them."""

import numpy as np
import pytest
import torch

from wardveil.encode.bins import Bins
from wardveil.encode.forbidden import forbidden
from wardveil.networks.softrows import SoftRows
from wardveil.schema import Schema

SCHEMA = Schema.parse("""
[table]
rules = ["low < high", "if sex = m then pregnant = no"]
[columns.low]
kind = "count"
low = 0
high = 9
nullable = true
[columns.high]
kind = "count"
low = 0
high = 9
[columns.sex]
kind = "categorical"
levels = ["f", "m"]
[columns.pregnant]
kind = "binary"
levels = ["no", "yes"]
""")
EVEN = {v.name: np.full(v.size, 1 / v.size) for v in SCHEMA.variables}


def test_chances_are_those_of_a_count_of_all_pairs_of_values():
    bins = Bins(SCHEMA.variables, EVEN, 5)
    order, implication = (forbidden(rule, bins) for rule in SCHEMA.constraints)
    assert order.shape == (bins.sizes["low"], bins.sizes["high"])
    for i in range(bins.sizes["low"] - 1):
        for j in range(bins.sizes["high"]):
            a, b = (np.flatnonzero(bins.group[name] == k) for name, k in (("low", i), ("high", j)))
            assert order[i, j] == pytest.approx(np.mean(a[:, None] >= b[None, :]))
    assert (order[-1] == 0).all()  # missing asks nothing
    assert implication.tolist() == [[0, 0], [0, 1]]


def test_soft_rows_keep_out_of_what_is_forbidden():
    bins = Bins(SCHEMA.variables, EVEN, 5)
    soft = SoftRows(bins, rows=60, generator=torch.Generator().manual_seed(0))
    chance = forbidden(SCHEMA.constraints[1], bins)
    broken = []
    for kept_out in (False, True):
        if kept_out:
            soft.forbid("sex", "pregnant", chance)
        soft.measure_one_ways(weight=1e4)
        soft.fit(200, lr=0.1)
        S = soft.memberships()
        P = S["sex"].T @ S["pregnant"] / 60
        broken.append(float((P * chance).sum()))
    assert broken[0] > 0.1
    assert broken[1] < 0.02
