"""Any long table: flags, counts and last values, against loops in plain Python."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doors_support import matrix, write
from wardveil.doors import Item, read_events
from wardveil.doors.declared import items_of
from wardveil.doors.long import keep_last
from wardveil.doors.moment import last_moment, moments, years_between
from wardveil.errors import SchemaError, UsageError

EVENTS = [("p1", "007"), ("p2", "7"), ("p1", "007"), ("p3", "NA"), ("p2", "x y"), ("", "7")]


def texts(*values):
    return pa.chunked_array([pa.array(values, pa.string())])


def test_flags_and_counts_over_a_declared_list(tmp_path):
    path = write(tmp_path / "long.csv", [["patient_id", "code"], *EVENTS])
    made = read_events(path, codes=["007", "7", "x y"], data_type="count")
    assert list(made.frame.columns) == ["code_007", "code_7", "code_x y"]
    assert made.frame.to_numpy().tolist() == [[2, 0, 0], [0, 1, 1], [0, 0, 0]]
    assert made.left_out["long.csv"] == {
        "without a code": 1, "of nobody in the list of patients": 1,
    }  # fmt: skip
    flags = read_events(path, codes=[Item(code="007", name="bond")]).frame
    assert flags["bond"].tolist() == [1, 0, 0]


@given(
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from("abcd")), min_size=1, max_size=60),
    st.sampled_from(["binary", "count"]),
)
def test_counts_are_those_of_a_loop(tmp_path_factory, events, data_type):
    events = [(f"p{who}", code) for who, code in events]
    path = tmp_path_factory.mktemp("long") / "long.csv"
    write(path, [["patient", "code"], *events])
    made = read_events(path, codes=["a", "b", "c"], data_type=data_type)
    expected = matrix(list(dict.fromkeys(s for s, _ in events)), events, "abc")
    found = made.frame.to_numpy()
    assert (found == (expected if data_type == "count" else expected > 0)).all()
    lost = made.left_out.get("long.csv", {}).get("with a code that is not on the list", 0)
    assert lost == sum(code == "d" for _, code in events)


def test_a_count_that_is_full_does_not_start_again(tmp_path):
    path = write(tmp_path / "long.csv", [["patient", "code"], *[("p", "a")] * 65_540, ("q", "a")])
    made = read_events(path, codes="a", data_type="count").frame
    assert made["code_a"].tolist() == [65_535, 1]


def test_later_events_and_those_without_a_time_are_left_out(tmp_path):
    path = write(tmp_path / "long.csv", [
        ["pid", "event", "day"], ["p", "a", "2020-01-31T23:59:00"], ["p", "b", "2020-02-01"],
        ["q", "a", "soon"],
    ])  # fmt: skip
    made = read_events(path, codes="a,b", code="event", time="day", until="2020-01-31")
    assert made.frame.to_numpy().tolist() == [[1, 0], [0, 0]]
    assert made.left_out["long.csv"] == {"later than the last day": 1, "without a readable time": 1}
    for wrong in ({"until": "soon", "time": "day"}, {"until": "2020-01-31"}):
        with pytest.raises(UsageError, match="E331"):
            read_events(path, codes="a", code="event", **wrong)


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 99)), max_size=40),
    st.integers(1, 10),
)
def test_the_last_value_is_that_of_a_loop_whatever_the_pieces(rows, piece):
    value, when = np.full(4, np.nan), np.full(4, -np.inf)
    gone = 0
    for at in range(0, len(rows), piece):
        part = np.array(rows[at : at + piece], dtype=float).reshape(-1, 3)
        gone += keep_last(value, when, part[:, 0].astype(np.int64), part[:, 2], part[:, 1])
    latest: dict[int, tuple[int, int]] = {}
    for cell, moment, number in rows:
        if cell not in latest or moment >= latest[cell][0]:
            latest[cell] = (moment, number)
    assert gone == len(rows) - len(latest)
    for cell in range(4):
        assert value[cell] == latest[cell][1] if cell in latest else np.isnan(value[cell])


def test_values_of_a_parquet_file_whose_columns_are_typed(tmp_path):
    frame = pd.DataFrame({
        "subject_id": [1, 1, 2], "time": pd.to_datetime(["2020-01-02", "2020-01-01", "2020-01-01"]),
        "code": ["0389", "0389", "x"], "numeric_value": [1.5, 2.5, None],
    })  # fmt: skip
    for ending, put in ((".parquet", frame.to_parquet), (".feather", frame.to_feather)):
        put(tmp_path / f"data{ending}")
        made = read_events(
            tmp_path / f"data{ending}", values="0389,x", time="time", value="numeric_value"
        )  # fmt: skip
        assert made.frame["value_0389"].tolist()[0] == 1.5
        assert made.frame.isna().sum().tolist() == [1, 2]


def test_a_baseline_keeps_its_patients_and_loses_what_names_them(tmp_path):
    write(tmp_path / "people.csv", [
        ["patient_id", "age", "email", "visit_date", "site"],
        ["p9", "61", "a@b.c", "1950-01-01", "7"],
        ["p1", "50", "c@d.e", "1960-01-01", ""],
    ])  # fmt: skip
    path = write(tmp_path / "long.csv", [["patient_id", "code"], *EVENTS])
    made = read_events(path, codes="7", baseline=tmp_path / "people.csv")
    assert list(made.frame.columns) == ["age", "site", "code_7"]
    assert made.frame["code_7"].tolist() == [0, 0, 1, 0]
    assert made.frame["age"].fillna(-1).tolist() == [61, 50, -1, -1]
    assert dict(made.schema.gaps) == {"site": ("levels",)}
    write(tmp_path / "people.csv", [["patient_id", "age"], ["p1", "1"], ["p1", "2"]])
    with pytest.raises(SchemaError, match="E310"):
        read_events(path, codes="7", baseline=tmp_path / "people.csv")


def test_nothing_becomes_a_column_undeclared(tmp_path):
    path = write(tmp_path / "long.csv", [["patient_id", "code"], *EVENTS])
    for lacking in ({}, {"values": "7"}):
        with pytest.raises(UsageError, match="E331"):
            read_events(path, **lacking)
    with pytest.raises(UsageError, match="E331"):
        read_events(write(tmp_path / "b.csv", [["who", "code"], ["p", "a"]]), codes="a")
    with pytest.raises(SchemaError, match="E313"):
        read_events(path, codes="a", code="kind")
    with pytest.raises(SchemaError, match="E337"):
        read_events(write(tmp_path / "c.csv", [["patient", "code"], ["", "a"]]), codes="a")


def test_lists_are_files_names_or_items(tmp_path):
    (tmp_path / "a.txt").write_text("038\n\n 0389 \n")
    assert [i.code for i in items_of(tmp_path / "a.txt")] == ["038", "0389"]
    (tmp_path / "a.csv").write_text('038,"a, b"\n0389,\n')
    assert [i.code for i in items_of(tmp_path / "a.csv")] == ["038", "0389"]
    (tmp_path / "b.tsv").write_text("code\tlow\thigh\tunit\n8480-6\t50\t300\tmmHg\n")
    assert items_of(str(tmp_path / "b.tsv")) == (
        Item(code="8480-6", low=50, high=300, unit="mmHg"),
    )
    (tmp_path / "c.csv").write_text("code,lwo\na,1\n")
    (tmp_path / "d.csv").write_text("code,low\na,one\n")
    (tmp_path / "list").write_text("a\n")
    for wrong in ("c.csv", "d.csv", "e.csv", "list"):
        with pytest.raises(SchemaError, match="E333"):
            items_of(str(tmp_path / wrong))
    for wrong in ("a,,b", "a,b,a", []):
        with pytest.raises(SchemaError, match="E333"):
            items_of(wrong)


DATES = st.dates(date(1850, 1, 1), date(2250, 12, 31))


@given(DATES, st.integers(0, 86_399), st.sampled_from(" T"))
def test_moments_are_seconds(day, second, sign):
    clock = f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
    found = moments(texts(f"{day}{sign}{clock}", f"{day}", "2021-02-30", None, "-3.5", "1/2/2020"))
    seconds = (day - date(1970, 1, 1)).days * 86_400
    assert found[:2].tolist() == [seconds + second, seconds]
    assert np.isnan(found[[2, 3, 5]]).all()
    assert found[4] == -3.5
    assert last_moment(f"{day}") == seconds + 86_399


@given(DATES, st.integers(0, 40_000))
def test_years_are_counted_by_birthdays(born, days):
    day = born + timedelta(days=days)
    expected = day.year - born.year - ((day.month, day.day) < (born.month, born.day))
    found = years_between(moments(texts(f"{born}", None)), moments(texts(f"{day}", f"{day}")))
    assert found[0] == expected
    assert np.isnan(found[1])
