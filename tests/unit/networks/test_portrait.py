"""Portraits of drawn rows are, on average, those of the chances they were drawn from."""

import numpy as np
import torch

from wardveil.encode.modes import Modes, split, taken_apart
from wardveil.networks.portrait import BANDS, Portraits
from wardveil.networks.spans import Spans
from wardveil.schema.variable import Levelled, Numeric

VARIABLES = (
    Numeric(name="age", low=0, high=99, decimals=0, nullable=True),
    Levelled(name="stage", levels=("a", "b", "c"), nullable=False),
)


def made():
    rng = np.random.default_rng(0)
    n = 3_000
    age = np.where(rng.random(n) < 0.2, np.nan, np.rint(rng.normal(50, 15, n)).clip(0, 99))
    age[:600] = 40.0
    rows = {"age": age, "stage": rng.integers(0, 3, n).astype(np.int32)}
    p = {v.name: np.bincount(v.cell(rows[v.name]), minlength=v.size) / n for v in VARIABLES}
    numbers = taken_apart(split(VARIABLES)[1], p, {}, n=n, most=3)
    modes = Modes(VARIABLES, numbers)
    return rows, p, modes, Portraits(modes, p)


def test_bands_of_patients_are_even_and_sum_to_what_is_known():
    rows, _, modes, portraits = made()
    seen = portraits.of(modes.hot(modes.encode(rows)).T)
    assert seen.shape == (3_000, 3 + 1 + BANDS)
    known = 1 - np.isnan(rows["age"])
    assert np.allclose(seen[:, 3].numpy(), 1 - known)
    assert np.allclose(seen[:, 4:].sum(dim=1).numpy(), known, atol=1e-5)
    inner = seen[:, 5:-1].mean(dim=0) / known.mean()
    assert torch.allclose(inner, torch.full((BANDS - 2,), 1 / (BANDS - 1)), atol=0.06)


def test_a_soft_row_is_the_mean_of_the_rows_drawn_from_it():
    _, _, modes, portraits = made()
    random = torch.Generator().manual_seed(1)
    spans, hot = Spans(modes.sizes), modes.hot_width
    raw = torch.randn(modes.width, 1, generator=random)
    many = raw.expand(-1, 40_000)
    codes = spans.draw(many[:hot], random)
    compact = torch.cat([codes.T.float(), many[hot:].tanh().T], dim=1)
    hard = portraits.of(modes.hot(compact).T).mean(dim=0)
    soft = portraits.of(torch.cat([spans.softmax(raw[:hot]), raw[hot:].tanh()]))[0]
    assert torch.allclose(soft, hard, atol=0.02)


def test_a_portrait_can_be_differentiated():
    _, _, modes, portraits = made()
    x = torch.rand(modes.width, 8, requires_grad=True)
    (g,) = torch.autograd.grad(portraits.of(x)[:, 4:].square().sum(), x)
    assert g[modes.hot_width :].abs().sum() > 0
