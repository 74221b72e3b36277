import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import spearmanr
from scipy.stats.contingency import association

from wardveil.evaluation.association import associations, gaps
from wardveil.evaluation.prepared import prepare


def table(n: int, seed: int, strength: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    frame = pd.DataFrame({
        "x": x, "y": strength * x + rng.normal(size=n),
        "a": np.where(strength * x + rng.normal(size=n) > 0, "u", "v"),
        "b": rng.choice(["p", "q", "r"], n),
    })  # fmt: skip
    frame.loc[rng.random(n) < 0.2, "y"] = np.nan
    frame.loc[rng.random(n) < 0.1, "b"] = None
    return frame


@given(st.integers(0, 10_000))
@settings(max_examples=15)
def test_every_kind_of_pair_is_the_textbook_figure(seed):
    frame = table(150, seed)
    found = associations(*prepare(frame, frame))
    m = pd.DataFrame(found.real, found.columns, found.columns).astype(float)
    assert found.real == found.synthetic
    assert m.loc["x", "y"] == pytest.approx(frame["x"].corr(frame["y"]))
    known = frame.dropna(subset="b")
    counts = pd.crosstab(known["a"], known["b"]).to_numpy()
    assert m.loc["a", "b"] == pytest.approx(association(counts, method="cramer"))
    known = frame.dropna(subset="y")
    mean = known.groupby("a")["y"].transform("mean")
    eta = np.sqrt(
        ((mean - known["y"].mean()) ** 2).sum() / (known["y"] - known["y"].mean()).pow(2).sum()
    )
    assert m.loc["y", "a"] == m.loc["a", "y"] == pytest.approx(eta)


def test_gaps_are_mean_differences_and_none_between_a_table_and_itself():
    tables = prepare(table(300, 0)[["x", "y"]].fillna(0.5), table(300, 1)[["x", "y"]].fillna(0.5))
    a, b = ((t.columns["x"], t.columns["y"]) for t in tables)
    found = gaps(*tables)
    assert found["spearman"][0] == pytest.approx(
        abs(spearmanr(*a).statistic - spearmanr(*b).statistic)
    )
    assert found["pearson"][0] == pytest.approx(abs(np.corrcoef(*a)[0, 1] - np.corrcoef(*b)[0, 1]))
    assert all(v[0] == pytest.approx(0, abs=1e-12) for v in gaps(tables[0], tables[0]).values())


def test_a_lost_dependence_is_outside_the_interval_of_what_chance_loses():
    real, same, lost = table(800, 0), table(800, 1), table(800, 2, strength=0.0)
    near, far = gaps(*prepare(real, same)), gaps(*prepare(real, lost))
    for kind in ("pearson", "spearman", "correlation_ratio"):
        assert far[kind][1] > near[kind][2]


def test_a_column_that_never_varies_has_no_association():
    frame = table(60, 0).assign(b="p")
    found = associations(*prepare(frame, frame))
    b = found.columns.index("b")
    assert [v for i, v in enumerate(found.real[b]) if i != b] == [None] * 3
