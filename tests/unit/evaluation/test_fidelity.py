from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp

from wardveil.errors import SchemaError
from wardveil.evaluation import coverage, tvd1, tvd2
from wardveil.evaluation.c2st import discriminate
from wardveil.evaluation.fidelity import (
    jensen_shannon,
    kolmogorov_smirnov,
    mean_interval,
    one_way,
    one_way_replicates,
    probability,
    tvd,
    two_way,
    two_way_replicates,
)
from wardveil.evaluation.prepared import prepare
from wardveil.schema import Column, Schema


def oracle_cells(real: pd.Series, other: pd.Series, bins: int) -> tuple[pd.Series, pd.Series]:
    """The definition, written the slow way with pandas."""
    if pd.api.types.is_numeric_dtype(real) and real.nunique() > 12:
        edges = sorted(set(np.quantile(real.dropna(), np.linspace(0, 1, bins + 1)[1:-1])))
        cut = lambda s: s.map(lambda v: "missing" if pd.isna(v) else sum(v > e for e in edges))  # noqa: E731
        return cut(real), cut(other)
    return real.astype(object).where(real.notna(), "missing"), other.astype(object).where(
        other.notna(), "missing"
    )


def oracle_tvd(real: pd.DataFrame, other: pd.DataFrame, bins: int) -> float:
    parts = [oracle_cells(real[c], other[c], bins) for c in real.columns]
    p = pd.Series(list(zip(*[a for a, _ in parts], strict=True))).value_counts(normalize=True)
    q = pd.Series(list(zip(*[b for _, b in parts], strict=True))).value_counts(normalize=True)
    return 0.5 * p.sub(q, fill_value=0).abs().sum()


@st.composite
def frames(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))

    def table(n: int, shift: float) -> pd.DataFrame:
        number = np.round(rng.normal(shift, 3, n), draw(st.integers(0, 2)))
        number[rng.random(n) < draw(st.sampled_from([0.0, 0.3]))] = np.nan
        return pd.DataFrame({
            "number": number,
            "few": rng.integers(0, 5, n).astype(float),
            "level": rng.choice(np.array(["a", "b", None], dtype=object), n),
        })  # fmt: skip

    real = table(draw(st.integers(30, 80)), 0.0)
    return real, table(draw(st.integers(5, 60)), draw(st.floats(-5, 5)))


@given(frames())
@settings(max_examples=25, deadline=None)
def test_distances_are_the_definition_written_slowly(tables):
    real, other = tables
    prepared = prepare(real, other)
    for name, value in one_way(*prepared).items():
        assert value == pytest.approx(oracle_tvd(real[[name]], other[[name]], 20))
    pairs = two_way(*prepared)
    assert set(pairs) == set(combinations(real.columns, 2))
    for (a, b), value in pairs.items():
        assert value == pytest.approx(oracle_tvd(real[[a, b]], other[[a, b]], 8))


def test_equal_tables_are_at_distance_0_and_disjoint_ones_at_1():
    real = pd.DataFrame({"x": np.arange(100.0), "y": ["a"] * 100})
    far = pd.DataFrame({"x": np.full(100, np.nan), "y": ["b"] * 100})
    assert tvd1(real, real) == tvd2(real, real) == 0
    assert tvd1(real, far) == tvd2(real, far) == 1


def test_thirteen_distinct_numbers_are_cut_and_twelve_are_not():
    for distinct, moved in ((12, 1.0), (13, 0.0)):
        real = pd.DataFrame({"x": np.repeat(np.arange(distinct, dtype=float) * 10, 10)})
        other = real - 0.5  # between the old values: another category, but the same cell
        # The smallest value stays in the lowest cell, wherever it goes.
        assert tvd1(real, other) == pytest.approx(moved)


def test_a_joint_distribution_that_lost_its_dependence_is_seen_by_pairs_only():
    real = pd.DataFrame({"a": [0, 0, 1, 1] * 25, "b": [0, 0, 1, 1] * 25})
    other = pd.DataFrame({"a": [0, 0, 1, 1] * 25, "b": [0, 1, 0, 1] * 25})
    assert tvd1(real, other) == 0
    assert tvd2(real, other) == 0.5


def test_codes_are_compared_flag_by_flag_and_count_as_one_column():
    column = Column(name="dx", kind="codes", levels=("A", "B"), separator=";", nullable=True)
    schema = Schema(columns=(column, Column(name="s", kind="binary", levels=("0", "1"))))
    real = pd.DataFrame({"dx": ["A;B", "A", "B", ""], "s": ["0", "0", "1", "1"]})
    other = pd.DataFrame({"dx": ["A", "A", "A", ""], "s": ["0", "0", "1", "1"]})
    found = one_way(*prepare(real, other, schema=schema))
    # A: 1/2 → 3/4, B: 1/2 → 0, missing: 1/4 → 1/4.
    assert found == {"dx": pytest.approx((0.25 + 0.5 + 0.0) / 3), "s": 0.0}
    assert set(two_way(*prepare(real, other, schema=schema))) == {("dx", "s")}


def test_coverage_counts_frequent_real_levels_only():
    real = pd.DataFrame({"x": ["a"] * 500 + ["b"] * 499 + ["rare"], "y": ["u", "v"] * 500})
    other = pd.DataFrame({"x": ["a"] * 10, "y": ["u", "v"] * 5})
    assert coverage(real, other) == 0.75  # a, u, v appear; b does not; rare does not count


def test_a_column_of_many_levels_by_another_is_counted_sparsely_and_rightly():
    rng = np.random.default_rng(0)
    levels = [f"L{i}" for i in range(400)]
    real, other = (
        pd.DataFrame({"a": rng.choice(levels, 500), "b": rng.choice(levels, 500)}) for _ in "12"
    )
    assert tvd2(real, other) == pytest.approx(oracle_tvd(real, other, 8))


def test_types_do_not_matter_only_what_is_written():
    schema = Schema(columns=(Column(name="x", kind="categorical", levels=("0", "1")),))
    tables = [pd.DataFrame({"x": v}) for v in ([0, 1], [0.0, 1.0], ["0", "1"], [False, True])]
    assert all(tvd1(tables[0], t, schema=schema) == 0 for t in tables)


def test_a_comparison_that_cannot_be_made_names_every_reason():
    real = pd.DataFrame({"x": [1], "y": [2]})
    with pytest.raises(SchemaError) as error:
        tvd1(real, pd.DataFrame({"z": []}))
    assert [p.code for p in error.value.problems] == ["E342", "E341", "E341"]
    with pytest.raises(SchemaError, match="E343"):
        tvd1(pd.DataFrame({"id": [f"P{i}" for i in range(50)]}), real)


@given(frames())
@settings(max_examples=15, deadline=None)
def test_ks_and_jensen_shannon_are_scipys(tables):
    real, other = tables
    prepared = prepare(real, other)
    for name, found in kolmogorov_smirnov(*prepared).items():
        theirs = ks_2samp(real[name].dropna(), other[name].dropna()).statistic
        assert found[0] == pytest.approx(theirs)
    level = one_way_replicates(*prepared, jensen_shannon)["level"][0]
    shares = [t["level"].fillna("missing").value_counts(normalize=True) for t in tables]
    p, q = shares[0].align(shares[1], fill_value=0)
    assert level == pytest.approx(jensenshannon(p, q, base=2), abs=1e-9)


def test_intervals_hold_the_distance_of_far_tables_and_shrink_with_rows():
    rng = np.random.default_rng(0)

    def table(n: int, share: float) -> pd.DataFrame:
        return pd.DataFrame({
            "a": (rng.random(n) < share).astype(int), "b": rng.integers(0, 3, n)
        })  # fmt: skip

    held, widths = 0, []
    for _ in range(100):
        pair = prepare(table(300, 0.3), table(300, 0.6))
        found = one_way_replicates(*pair, tvd)
        _, low, high = mean_interval({"a": found["a"]}, 300)
        held += low <= 0.3 <= high
        widths.append(high - low)
    # 95 of 100; four standard errors of a binomial share are 9.
    assert held >= 86
    # The width of 2 × 1.96 standard errors of a difference of two shares of 300.
    assert np.median(widths) == pytest.approx(3.92 * np.sqrt((0.21 + 0.24) / 300), rel=0.2)
    big = prepare(table(3_000, 0.3), table(3_000, 0.6))
    _, low, high = mean_interval(two_way_replicates(*big), 3_000)
    assert high - low < np.median(widths) / 2


def test_dimension_wise_probability_has_a_dot_a_level():
    real = pd.DataFrame({"a": ["x"] * 6 + ["y"] * 4})
    other = pd.DataFrame({"a": ["x"] * 5 + ["z"] * 5})
    found = probability(*prepare(real, other))
    assert found is not None
    assert (found.labels, found.real, found.synthetic) == (
        ("a=x", "a=y"), (0.6, 0.4), (0.5, 0.0)
    )  # fmt: skip


def test_the_column_that_was_changed_is_the_one_that_gives_rows_away() -> None:
    rng = np.random.default_rng(5)
    real = pd.DataFrame({"age": rng.normal(60, 9, 600), "sodium": rng.normal(138, 4, 600),
                         "sex": rng.choice(["f", "m"], 600)})  # fmt: skip
    synthetic = real.sample(frac=1, random_state=1).reset_index(drop=True)
    synthetic["sodium"] = synthetic["sodium"].round()

    found = discriminate(*prepare(real, synthetic))

    assert found is not None
    assert found.confusion.giveaways[0][0] == "sodium"
    assert found.confusion.giveaways[0][1] > 0.3
    assert sum(lost for _, lost in found.confusion.giveaways[1:]) < 0.1
