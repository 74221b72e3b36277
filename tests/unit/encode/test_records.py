"""Records: codes as bytes and back, and calibration onto known distributions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from conftest import SCHEMA, cohort
from tests_support import table_of
from wardveil.encode.histogram import distributions
from wardveil.encode.records import MOST, Records, kind_of
from wardveil.errors import UsageError
from wardveil.schema import Schema
from wardveil.schema.variable import Levelled, Numeric
from wardveil.vault import Answer
from wardveil.vault.statistics import histograms

FLAG = Levelled(name="f", levels=("0", "1"), nullable=False)


def number(name="x", high=9, **facts):
    return Numeric(name=name, low=0, high=high, **({"decimals": 0, "nullable": False} | facts))


def records(variables, kind, p=None):
    flat = {v.name: np.full(v.size, 1 / v.size) for v in variables}
    return Records(variables, kind, flat | (p or {}))


def test_types_follow_from_the_schema():
    third = Levelled(name="t", levels=("a", "b", "c"), nullable=False)
    nullable = Levelled(name="n", levels=("a", "b"), nullable=True)
    assert kind_of([FLAG, FLAG], "auto") == "binary"
    assert kind_of([FLAG, number()], "auto") == "count"
    for other in (
        third,
        nullable,
        number(decimals=1),
        number(nullable=True),
        number(high=MOST + 1),
    ):
        assert kind_of([FLAG, other], "auto") == "mixed"
        for said in ("binary", "count"):
            with pytest.raises(UsageError, match="E126"):
                kind_of([FLAG, other], said)
    assert kind_of([FLAG], "count") == "count"
    assert kind_of([FLAG], "mixed") == "mixed"


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 300)), min_size=1, max_size=20))
def test_flags_and_counts_are_held_as_small_integers_and_read_back(values):
    flags, counts = (np.array(x) for x in zip(*values, strict=True))
    for high, dtype in ((255, torch.uint8), (300, torch.int16)):
        whole = np.minimum(counts, high)
        r = records([FLAG, number(high=high)], "count")
        rows = {"f": flags.astype(np.int32), "x": whole.astype(float)}
        compact = r.encode(rows)
        assert compact.dtype == dtype
        back = r.decode(r.dense(compact), np.random.default_rng(0), {}, nearest=True)
        assert np.array_equal(back["f"], flags)
        assert np.array_equal(back["x"], whole)
    only = records([FLAG], "binary")
    odds = (only.dense(only.encode({"f": flags.astype(np.int32)})) - 0.5) * 100
    for nearest in (True, False):
        drawn = only.decode(odds, np.random.default_rng(0), {}, nearest=nearest)
        assert np.array_equal(drawn["f"], flags)


def test_a_mixed_table_keeps_its_places_within_a_step():
    schema = Schema.parse(SCHEMA, "t.toml")
    rows = table_of(cohort(300), schema).rows
    answers = {
        k: Answer(counts=h.astype(float), sd=0.0) for k, h in histograms(rows, schema).items()
    }
    r = Records(schema.variables, "mixed", distributions(schema, answers, 300))
    x = r.dense(r.encode(rows))
    exact = (r.matrix.encode(rows) + 1) / 2
    assert (x - exact).abs().max() <= 0.5 / MOST + 1e-7
    assert x.min() >= 0
    assert x.max() <= 1
    mean, variance = r.moments
    assert (x.mean(dim=0) - mean).abs().max() < 0.05  # ranks of whole numbers are not quite flat
    assert (x.var(dim=0) - variance).abs().max() < 0.05
    y = torch.logit(exact.clamp(1e-6, 1 - 1e-6))
    back = r.decode(y, np.random.default_rng(0), {}, nearest=True)
    for v in schema.variables:
        same = v.cell(back[v.name]) == v.cell(rows[v.name])
        assert same.mean() > 0.99, v.name


def test_the_mean_record_is_that_of_the_rows():
    rng = np.random.default_rng(0)
    variables = [FLAG, number(high=5)]
    rows = {"f": (rng.random(500) < 0.3).astype(np.int32), "x": rng.integers(0, 6, 500) * 1.0}
    p = {v.name: np.bincount(v.cell(rows[v.name]), minlength=v.size) / 500 for v in variables}
    r = records(variables, "count", p)
    x = r.dense(r.encode(rows))
    torch.testing.assert_close(r.moments[0], x.mean(dim=0))
    torch.testing.assert_close(r.moments[1], x.var(dim=0, correction=0))


@given(
    st.lists(st.floats(1e-4, 1 - 1e-4), min_size=1, max_size=5),
    st.integers(0, 2**16),
)
def test_offsets_give_every_flag_its_frequency(shares, seed):
    variables = [Levelled(name=f"c{k}", levels=("0", "1"), nullable=False)
                 for k in range(len(shares))]  # fmt: skip
    p = {v.name: np.array([1 - s, s]) for v, s in zip(variables, shares, strict=True)}
    r = records(variables, "binary", p)
    y = 4 * torch.randn(500, len(shares), generator=torch.Generator().manual_seed(seed)) - 3
    fitted = r.calibration(y, np.random.default_rng(1), nearest=False)
    found = torch.sigmoid(y + fitted["offsets"]).mean(dim=0)
    assert (found - torch.tensor(shares)).abs().max() < 1e-4
    fitted = r.calibration(y, np.random.default_rng(1), nearest=True)
    rounded = r.decode(y, np.random.default_rng(0), fitted, nearest=True)
    for v, s in zip(variables, shares, strict=True):
        assert abs(rounded[v.name].mean() - s) <= 1.5 / 500


@given(st.lists(st.integers(0, 50), min_size=2, max_size=8).filter(any), st.integers(0, 2**16))
def test_thresholds_give_every_count_its_frequency_and_keep_the_order(masses, seed):
    v = number(high=len(masses) - 1)
    p = np.array(masses) / sum(masses)
    r = records([v], "count", {"x": p})
    y = torch.randperm(1_000, generator=torch.Generator().manual_seed(seed))[:, None] / 100
    fitted = r.calibration(y, np.random.default_rng(1), nearest=False)
    back = r.decode(y, np.random.default_rng(0), fitted, nearest=False)["x"]
    found = np.bincount(back.astype(int), minlength=v.size) / 1_000
    assert np.abs(found - p).max() <= 2.5e-3
    assert (np.diff(back[np.argsort(y[:, 0].numpy())]) >= 0).all()
    assert set(back) <= set(np.flatnonzero(p))


@pytest.mark.parametrize("kind", ["binary", "count"])
def test_a_column_that_is_the_same_in_every_row_is_drawn_from_its_known_law(kind):
    """A dead ReLU's; the share of 10,000 rows within 5 standard deviations (alpha 6e-7)."""
    v = FLAG if kind == "binary" else number(name="f", high=1)
    r = records([v], kind, {"f": np.array([0.9, 0.1])})
    y = torch.full((10_000, 1), -0.3)
    fitted = r.calibration(y, np.random.default_rng(1), nearest=True)
    back = r.decode(y, np.random.default_rng(2), fitted, nearest=True)["f"]
    assert back.mean() == pytest.approx(0.1, abs=5 * np.sqrt(2 * 0.09 / 10_000))


def test_a_count_between_two_numbers_is_one_of_them_with_its_chance():
    """A mean of 0.2 within five standard deviations of 5,000 draws."""
    r = records([number()], "count")
    y = torch.full((5_000, 1), 0.2)
    back = r.decode(y, np.random.default_rng(0), {}, nearest=False)["x"]
    assert set(back) == {0.0, 1.0}
    assert back.mean() == pytest.approx(0.2, abs=5 * 0.4 / np.sqrt(5_000))
    assert r.decode(y, np.random.default_rng(0), {}, nearest=True)["x"].max() == 0
