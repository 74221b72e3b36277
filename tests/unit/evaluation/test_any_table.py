"""Small, gappy, constant tables: whatever cannot be had is absent, and nothing fails."""

import json

import numpy as np
import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from wardveil.evaluation import Design, evaluation
from wardveil.schema import Column, Schema

SCHEMA = Schema(columns=(
    Column(name="n", kind="continuous", low=-9, high=9, decimals=2, nullable=True),
    Column(name="i", kind="count", low=0, high=50),
    Column(name="g", kind="categorical", levels=("a", "b", "c"), nullable=True, condition=True),
    Column(name="t", kind="continuous", low=-9, high=9, target=True, nullable=True),
    Column(name="o", kind="binary", levels=("0", "1"), target=True),
    Column(name="d", kind="date", low=0, high=4000, nullable=True),
    Column(name="dx", kind="codes", levels=("A", "B"), nullable=True),
    Column(name="days", kind="time", low=0, high=100, pair="ev"),
    Column(name="ev", kind="event", levels=("0", "1")),
))  # fmt: skip
DESIGN = Design(arm="g", visits={"v": ("n", "t")}, orders=(("i", "days"),))


@st.composite
def tables(draw: st.DrawFn) -> pd.DataFrame:
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n = draw(st.sampled_from([1, 2, 5, 12, 25, 60]))
    most = draw(st.sampled_from([1, 2, 20]))
    number = rng.normal(size=n).round(2)
    number[rng.random(n) < draw(st.sampled_from([0.0, 0.5, 1.0]))] = np.nan
    target = rng.normal(size=n).round(draw(st.integers(0, 2)))
    levels = np.array(["a", "b", "c", None], dtype=object)[: draw(st.integers(1, 4))]
    return pd.DataFrame({
        "n": number, "i": rng.integers(0, most, n), "g": rng.choice(levels, n),
        "t": draw(st.sampled_from([target, np.full(n, np.nan), np.ones(n)])),
        "o": rng.integers(0, draw(st.integers(1, 2)), n),
        "d": pd.Timestamp("1975-01-01") + pd.to_timedelta(rng.integers(0, 900, n), "D"),
        "dx": rng.choice(["A", "A;B", "", None], n), "days": rng.integers(0, most + 1, n),
        "ev": rng.integers(0, draw(st.integers(1, 2)), n),
    })  # fmt: skip


@given(tables(), tables(), st.none() | tables(), st.booleans(), st.booleans())
@settings(max_examples=25)
def test_whatever_cannot_be_had_is_absent(real, synthetic, holdout, declared, designed):
    found = evaluation(
        real, synthetic, holdout=holdout, schema=SCHEMA if declared else None,
        limit=(1.0, 1e-5), design=DESIGN if designed else None,
    )  # fmt: skip
    json.dumps(found.to_dict(), allow_nan=False)
    for m in found.measures:
        assert np.isfinite(m.value)
        assert (m.low is None) == (m.high is None) == (not m.interval_of)
        if m.low is not None:
            assert m.low - 1e-9 <= m.value <= m.high + 1e-9, m.name
