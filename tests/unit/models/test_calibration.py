"""Columns keep their law among the rows that keep the rules."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import wardveil as wv
from tests_support import SMALL
from wardveil.schema import Schema

SCHEMA = """
[table]
rules = ["if x = a then u < 50"]
[columns.x]
kind = "categorical"
levels = ["a", "b", "c"]
[columns.u]
kind = "count"
low = 0
high = 99
nullable = true
"""


@pytest.mark.parametrize("name", ["medical-cgan", "tablegan", "medgan", "acgan"])
def test_columns_keep_their_law_though_rows_that_break_a_rule_are_drawn_again(name):
    """0.03 is five standard deviations of 6,000 rows, and of what calibration sees."""
    rng = np.random.default_rng(0)
    x = rng.choice(list("abc"), 1_000, p=[0.5, 0.3, 0.2])
    u = np.where(x == "a", rng.integers(0, 50, 1_000), rng.integers(0, 100, 1_000))
    frame = pd.DataFrame({"x": x, "u": u.astype(float)})
    frame.loc[rng.random(1_000) < 0.2, "u"] = np.nan
    schema = Schema.parse(SCHEMA, "t.toml")
    model = replace(SMALL[name], **({"checkpoints": 1} if name == "acgan" else {}))
    fake = wv.fit(frame, schema=schema, model=model, epsilon=np.inf, seed=1).sample(6_000, seed=2)
    shares = (f.x.value_counts(normalize=True) for f in (frame, fake))
    assert np.abs(np.subtract(*(s.reindex(list("abc")) for s in shares))).max() < 0.03
    assert fake.u.isna().mean() == pytest.approx(frame.u.isna().mean(), abs=0.03)
    for q in (0.25, 0.5, 0.75):
        share, real = ((f.u.dropna() <= frame.u.quantile(q)).mean() for f in (fake, frame))
        assert share == pytest.approx(real, abs=0.05)  # turns move ranks and levels at once
