"""Accepted rows have the tables of those they are to be like, and nothing is asked of good ones."""

import numpy as np
import pytest

from wardveil.encode.bins import Bins
from wardveil.encode.raking import AT_MOST, DRAWN, raked
from wardveil.schema.variable import Levelled, Numeric

VARIABLES = (
    Levelled(name="degree", levels=("none", "school", "college"), nullable=False),
    Numeric(name="years", low=0, high=19, decimals=0, nullable=True),
    Levelled(name="sex", levels=("f", "m"), nullable=False),
)
BINS = Bins(VARIABLES, {v.name: np.full(v.size, 1 / v.size) for v in VARIABLES}, 5)


def tied(n, share, seed):
    """Rows in which years follow the degree in a share of them and are anything in the others."""
    rng = np.random.default_rng(seed)
    degree = rng.integers(0, 3, n).astype(np.int32)
    follows = np.floor(20 * (degree + rng.random(n)) / 3)
    years = np.where(rng.random(n) < share, follows, rng.integers(0, 20, n))
    years[rng.random(n) < 0.1] = np.nan
    return {"degree": degree, "years": years, "sex": rng.integers(0, 2, n).astype(np.int32)}


def table(rows, a="degree", b="years"):
    cells = BINS.cells(rows)
    found = np.zeros((BINS.sizes[a], BINS.sizes[b]))
    np.add.at(found, (cells[a], cells[b]), 1 / len(cells[a]))
    return found


def gap(rows, others, *pair):
    return 0.5 * np.abs(table(rows, *pair) - table(others, *pair)).sum()


def drawing(share, seen=None):
    seeds = iter(range(100, 10_000))

    def draw(m):
        if seen is not None:
            seen.append(m)
        return tied(m, share, next(seeds))

    return draw


def test_tables_of_accepted_rows_are_the_wanted_ones():
    wanted, drawn = tied(20_000, 0.7, 1), tied(20_000, 0.4, 2)
    assert gap(drawn, wanted) > 0.1
    raking = raked(BINS, drawn, wanted)
    rows = raking.accepted(drawing(0.4), 20_000, np.random.default_rng(3))
    assert gap(rows, wanted) < 0.02
    assert gap(rows, wanted, "sex", "years") < 0.02
    assert len(rows["sex"]) == 20_000


def test_rows_that_are_right_are_accepted_alike():
    """What is left is luck: log-odds of a bin with 400 rows have an sd of 0.14."""
    raking = raked(BINS, tied(20_000, 0.7, 2), tied(20_000, 0.7, 1))
    assert float(raking.S.abs().max()) < 0.3
    assert float(raked(BINS, tied(20_000, 0.4, 2), tied(20_000, 0.7, 1)).S.abs().max()) > 1
    assert float(raking.c.sigmoid()) == pytest.approx(1 / DRAWN, abs=0.02)


def test_the_log_odds_of_pairs_are_symmetric_and_none_are_of_a_variable_with_itself():
    S = raked(BINS, tied(500, 0.4, 2), tied(500, 0.7, 1)).S
    assert np.array_equal(S, S.T)
    for name, size in BINS.sizes.items():
        own = slice(BINS.starts[name], BINS.starts[name] + size)
        assert not S[own, own].any()


def test_one_row_is_chosen_among_others_and_many_are_drawn_in_parts():
    raking, seen = raked(BINS, tied(500, 0.4, 2), tied(500, 0.7, 1)), []
    rng = np.random.default_rng(3)
    assert len(raking.accepted(drawing(0.4, seen), 1, rng)["sex"]) == 1
    assert min(seen) > 100
    assert len(raking.accepted(drawing(0.4, seen), 3 * AT_MOST, rng)["sex"]) == 3 * AT_MOST
    assert max(seen) == AT_MOST


def test_rare_rows_that_were_asked_for_are_accepted_all_the_same():
    raking = raked(BINS, tied(5_000, 0.4, 2), tied(5_000, 0.7, 1))
    seen = []

    def rare(m):
        seen.append(m)
        rows = tied(m, 0.4, len(seen))
        return rows | {"degree": np.zeros(m, np.int32), "years": np.full(m, 19.0)}

    assert len(raking.accepted(rare, 1_000, np.random.default_rng(3))["sex"]) == 1_000
    assert sum(seen) < 10_000
