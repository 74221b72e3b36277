"""Peers get the same patients in a form that loses nothing, and cannot break the schema."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from plain import facts, plain, restored, without_holes
from tables import benchmark

from wardveil.schema import Column, Schema
from wardveil.tables import read_table

SCHEMA = Schema(
    columns=(
        Column(name="bmi, kg/m2", kind="continuous", low=10, high=80, decimals=1, nullable=True),
        Column(name="children", kind="count", low=2, high=9, nullable=True),
        Column(name="pulse", kind="count", low=20, high=250),
        Column(name="stage", kind="ordinal", levels=("I", "II", "III"), nullable=True),
        Column(name="sex", kind="binary", levels=("f", "m")),
        Column(name="drugs", kind="codes", levels=("a", "b", "c"), max_codes=3, nullable=True),
    )
)
FACTS = facts(SCHEMA)
ROWS = st.lists(
    st.fixed_dictionaries({
        "bmi, kg/m2": st.none() | st.integers(100, 800).map(lambda v: v / 10),
        "children": st.none() | st.integers(2, 9),
        "pulse": st.integers(20, 250),
        "stage": st.none() | st.sampled_from(["I", "II", "III"]),
        "sex": st.sampled_from("fm"),
        "drugs": st.none() | st.sampled_from(["", "a", "b; c", "a; b; c"]),
    }),
    min_size=2, max_size=12,
)  # fmt: skip


@given(ROWS)
@settings(deadline=None)
def test_a_table_comes_back_as_it_was(rows):
    table = read_table(pd.DataFrame(rows, columns=list(rows[0])), SCHEMA)
    given_to_peers = plain(table)
    assert not given_to_peers.isna().to_numpy().any()
    assert list(given_to_peers) == [f["name"] for f in FACTS]
    pd.testing.assert_frame_equal(restored(given_to_peers, SCHEMA), table.to_frame())


@given(ROWS)
@settings(deadline=None)
def test_what_peers_get_keeps_the_facts_they_are_told(rows):
    frame = plain(read_table(pd.DataFrame(rows, columns=list(rows[0])), SCHEMA))
    for fact in FACTS:
        column = frame[fact["name"]]
        low, high = (0, fact["size"] - 1) if fact["kind"] == "category" else (
            fact["low"], fact["high"])  # fmt: skip
        assert column.between(low, high).all()


@given(st.lists(st.lists(st.floats(-1e6, 1e6), min_size=len(FACTS), max_size=len(FACTS)),
                min_size=2, max_size=8))  # fmt: skip
@settings(deadline=None)
def test_whatever_numbers_a_peer_makes_become_a_table_of_the_schema(numbers):
    frame = pd.DataFrame(numbers, columns=[f["name"] for f in FACTS])
    made = restored(frame, SCHEMA)
    again = read_table(made, SCHEMA).to_frame()  # refuses what the schema does not admit
    # A file writes an empty set of codes as it writes a missing one.
    assert again["drugs"].fillna("").equals(made["drugs"].fillna(""))
    pd.testing.assert_frame_equal(again.drop(columns="drugs"), made.drop(columns="drugs"))


@pytest.mark.parametrize("fault", ["missing", "absent"])
def test_a_table_with_holes_is_a_failure_of_the_peer(fault):
    frame = pd.DataFrame(np.zeros((3, len(FACTS))), columns=[f["name"] for f in FACTS])
    frame = frame.drop(columns="c2") if fault == "absent" else frame.replace(0.0, np.nan)
    with pytest.raises(ValueError, match="must be there and filled"):
        restored(frame, SCHEMA)


@pytest.mark.parametrize("name", ["nhefs", "diabetes"])
def test_the_bundled_tables_come_back_as_they_were(name):
    table = benchmark(name, Path()).table
    pd.testing.assert_frame_equal(restored(plain(table), table.schema), table.to_frame())


def test_holes_are_filled_from_the_column_itself_and_counted():
    made = pd.DataFrame({"c0": [1.0, None, 3.0, None], "c1": [5, 6, 7, 8], "c2": [None] * 4})
    filled, holes = without_holes(made)
    assert holes == 0.5
    assert set(filled["c0"]) <= {1.0, 3.0}
    assert filled["c0"].notna().all()
    assert filled["c0"][[0, 2]].tolist() == [1.0, 3.0]
    assert filled["c1"].tolist() == [5, 6, 7, 8]
    assert filled["c2"].isna().all()
