"""Reading: cells become what the schema says; what does not fit is told by column and line."""

import gzip
import logging

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.feather as feather
import pytest

from wardveil.errors import SchemaError
from wardveil.schema import Column, Schema
from wardveil.tables import check, count_patients, read_table

SCHEMA = Schema.parse(
    """
[table]
key = "pid"
[columns.pid]
kind = "id"
[columns.age]
kind = "continuous"
low = 18
high = 110
decimals = 1
nullable = true
missing = ["-9"]
[columns.n]
kind = "count"
low = 0
high = 10
[columns.icd]
kind = "categorical"
levels = ["0389", "389", "None"]
[columns.stage]
kind = "ordinal"
levels = [1, 2, 30]
nullable = true
[columns.day]
kind = "date"
low = 2000-01-01
high = 2030-01-01
[columns.drugs]
kind = "codes"
levels = ["A", "B b", "other"]
unknown = "other"
nullable = true
"""
)
ROWS = [
    ["pid", "age", "n", "icd", "stage", "day", "drugs"],
    ["1", "30.26", "3", "0389", "30.0", "2020-01-05", "a;  b  B"],
    ["2", " 200 ", "+1e1", " 389 ", "NA", "2020/01/06", ""],
    ["3", "-9.0", "0", "none", "2", "2020-01-07T10:00:00", "A; x; y"],
]


def csv_of(rows, path):
    path.write_text("\n".join(",".join(row) for row in rows) + "\n")
    return path


@pytest.fixture
def table(tmp_path):
    return read_table(csv_of(ROWS, tmp_path / "t.csv"), SCHEMA)


def changed(tmp_path, row, column, value, schema=SCHEMA):
    rows = [list(r) for r in ROWS]
    rows[row][ROWS[0].index(column)] = value
    with pytest.raises(SchemaError) as caught:
        read_table(csv_of(rows, tmp_path / "t.csv"), schema)
    return caught.value.problems


def test_cells_become_what_the_schema_says(table):
    rows = table.rows
    np.testing.assert_array_equal(rows["age"], [30.3, 110, np.nan])
    np.testing.assert_array_equal(rows["n"], [3, 10, 0])
    assert rows["icd"].tolist() == [0, 1, 2]
    assert rows["stage"].tolist() == [2, -1, 1]
    np.testing.assert_array_equal(rows["day"], [18266, 18267, 18268])
    assert [rows[f"drugs={v}"].tolist() for v in ("A", "B b", "other")] == [
        [1, 0, 1],
        [1, 0, 0],
        [0, 0, 1],
    ]
    assert rows["drugs?"].tolist() == [0, 1, 0]
    assert {v.dtype for n, v in rows.items() if n not in ("age", "n", "day")} == {np.dtype("int32")}


def test_every_door_gives_the_same_table(table, tmp_path):
    frame = pd.read_csv(csv_of(ROWS, tmp_path / "t.csv"), dtype=str, keep_default_na=False)
    arrow = pa.Table.from_pandas(frame, preserve_index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    feather.write_feather(arrow, tmp_path / "t.feather")
    frame.to_csv(tmp_path / "t.tsv", sep="\t", index=False)
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    (tmp_path / "bom.csv").write_bytes(
        b"\xef\xbb\xbf" + (tmp_path / "t.csv").read_bytes().replace(b"\n", b"\r\n")
    )
    doors = [
        frame,
        arrow,
        pl.from_pandas(frame),
        frame.astype("category"),
        str(tmp_path / "t.csv"),
    ]
    doors += [tmp_path / f"t.{e}" for e in ("parquet", "feather", "tsv", "csv.gz")] + [
        tmp_path / "bom.csv"
    ]
    for door in doors:
        other = read_table(door, SCHEMA)
        for name, values in table.rows.items():
            np.testing.assert_array_equal(other.rows[name], values)
        assert count_patients(door, SCHEMA) == 3


def test_typed_frames_mean_the_same_as_text():
    schema = Schema.parse(
        """
[columns.b]
kind = "binary"
levels = [0, 1]
[columns.f]
kind = "binary"
levels = [false, true]
[columns.o]
kind = "ordinal"
levels = [1, 2]
nullable = true
[columns.d]
kind = "date"
low = 2000-01-01
high = 2030-01-01
nullable = true
[columns.x]
kind = "count"
low = 0
high = 9
missing = ["7"]
nullable = true
"""
    )
    frame = pd.DataFrame(
        {
            "b": [True, False],
            "f": [1, 0],
            "o": [1.0, np.nan],
            "d": pd.to_datetime(["2020-01-05", None]),
            "x": pd.array([7, 3], dtype="Int64"),
        }
    )
    for door in (frame, pa.Table.from_pandas(frame), frame.astype(object)):
        rows = read_table(door, schema).rows
        assert rows["b"].tolist() == [1, 0]
        assert rows["f"].tolist() == [1, 0]
        assert rows["o"].tolist() == [0, -1]
        np.testing.assert_array_equal(rows["d"], [18266, np.nan])
        np.testing.assert_array_equal(rows["x"], [np.nan, 3])


def test_gaps_stay_raw_and_are_completed_without_error(tmp_path):
    gaps = SCHEMA.replace("icd", levels=None, nullable=True).replace("n", low=None, high=None)
    table = read_table(csv_of(ROWS, tmp_path / "t.csv"), gaps)
    assert table.raw["icd"].tolist() == ["0389", "389", "none"]
    assert table.raw["n"].tolist() == [3, 10, 0]
    full = table.complete(gaps.replace("icd", levels=("0389",)).replace("n", low=1.0, high=5.0))
    assert full.rows["icd"].tolist() == [0, -1, -1]
    assert full.rows["n"].tolist() == [3, 5, 1]
    assert not full.raw
    other = table.complete(gaps.replace("icd", levels=("other", "0389")))
    assert other.rows["icd"].tolist() == [1, 0, 0]
    with pytest.raises(SchemaError, match="E321"):
        table.complete(gaps.replace("icd", kind="codes", levels=("x",)))


def test_new_levels_need_a_place_for_the_others(tmp_path):
    gaps = SCHEMA.replace("icd", levels=None)
    rows = [r if i < 3 else [*r[:3], "389", *r[4:]] for i, r in enumerate(ROWS)]
    table = read_table(csv_of(rows, tmp_path / "t.csv"), gaps)
    with pytest.raises(SchemaError, match="E322"):
        table.complete(gaps.replace("icd", levels=("389",)))


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("n", "three", "E305"),
        ("n", "1,5".replace(",", "_"), "E305"),
        ("day", "2020-02-31", "E306"),
        ("day", "31.12.2020", "E306"),
        ("n", "inf", "E307"),
        ("n", "1e999", "E307"),
        ("n", "", "E308"),
        ("icd", "NA", "E308"),
        ("icd", "0390", "E309"),
        ("stage", "4", "E309"),
        ("pid", "1", "E310"),
        ("pid", " ", "E312"),
    ],
)
def test_a_wrong_cell_is_told_by_column_and_line(tmp_path, column, value, code):
    (problem,) = changed(tmp_path, 2, column, value)
    assert problem.code == code
    assert problem.where == "t.csv"
    assert repr(column) in problem.what
    assert "line 3." in problem.what


def test_all_problems_are_told_at_once(tmp_path):
    rows = [ROWS[0], ["1", "x", "", "zz", "9", "no", ""], ROWS[2]]
    with pytest.raises(SchemaError) as caught:
        read_table(csv_of(rows, tmp_path / "t.csv"), SCHEMA)
    assert [p.code for p in caught.value.problems] == ["E305", "E308", "E309", "E309", "E306"]


def test_lines_are_counted_through_quotes_and_blank_lines(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text('a,b\n"x\ny\n\nz",1\n\n"q",no\n')
    schema = Schema(columns=(Column(name="b", kind="count", low=0, high=9),))
    with pytest.raises(SchemaError, match=r"cells that cannot be read as a number: 1, in line 7\."):
        read_table(path, schema)


def test_rows_of_frames_are_counted_from_one():
    schema = Schema(columns=(Column(name="b", kind="count", low=0, high=9),))
    with pytest.raises(SchemaError, match=r"in row 2\.  \[DataFrame\]"):
        read_table(pd.DataFrame({"b": ["1", "no"]}), schema)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "E302"),
        (b"\n\n", "E302"),
        (b"x,y\n", "E303"),
        (b"x,y\n1,2\n", "E303"),
        (b"x,x\n1,2\n3,4\n", "E304"),
        (b"y,z\n1,2\n3,4\n", "E313"),
        (b"x,y\n1\n3,4\n", "E314"),
        (b"x,y\n1,2,3\n3,4\n", "E314"),
        (b'x,y\n1,"2\n3,4\n', "E315"),
        (b"x;y\n1;2\n3;4\n", "E315"),
        (b"x,y\n1,2\n3,\xe9\n", "E316"),
        (b'x,y\n1,"2\n3,4\n5,6\n', "E315"),
    ],
)
def test_a_broken_file_is_told(tmp_path, content, code):
    schema = Schema(
        columns=(
            Column(name="x", kind="count", low=0, high=9),
            Column(name="y", kind="categorical", nullable=True),
        )
    )
    (tmp_path / "t.csv").write_bytes(content)
    with pytest.raises(SchemaError) as caught:
        read_table(tmp_path / "t.csv", schema)
    assert code in [p.code for p in caught.value.problems]
    assert [p.code for p in check(tmp_path / "t.csv", schema)] == [
        p.code for p in caught.value.problems
    ]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.parquet", b"PAR1 no"),
        ("t.feather", b"no"),
        ("t.csv.gz", b"no"),
        ("t.xlsx", b"x"),
        (
            "t.csv.gz",
            gzip.compress(",".join(ROWS[0]).encode() + b"\n1,2,3,4,5,6,7" * 99, mtime=0)[:-9],
        ),
    ],
)
def test_a_file_of_another_type_or_damaged_is_told(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    for source in (tmp_path / name, tmp_path / "none.csv", tmp_path):
        with pytest.raises(SchemaError, match="E301"):
            read_table(source, SCHEMA)


def test_what_is_no_frame_is_told():
    with pytest.raises(SchemaError, match="E317"):
        read_table([1, 2], SCHEMA)
    holds = pd.DataFrame({"x": [object(), object()]})
    with pytest.raises(SchemaError, match="E317"):
        read_table(holds, Schema(columns=(Column(name="x", kind="count", low=0, high=1),)))
    nested = pa.table({"x": [[1], [2]], "y": [[1], [2]]})
    columns = (
        Column(name="x", kind="count", low=0, high=1),
        Column(name="y", kind="ordinal", levels=("1",)),
    )
    with pytest.raises(SchemaError) as caught:
        read_table(nested, Schema(columns=columns))
    assert [p.code for p in caught.value.problems] == ["E317", "E317"]


def test_repeated_patients_are_refused_or_the_first_row_is_kept(tmp_path):
    (problem,) = changed(tmp_path, 3, "pid", " 1 ")
    assert problem.code == "E310"
    assert any('repeats = "first"' in step for step in problem.do)
    first = Schema(columns=SCHEMA.columns, key="pid", repeats="first")
    table = read_table(tmp_path / "t.csv", first)
    assert table.n == 2
    assert table.rows["n"].tolist() == [3, 10]
    assert count_patients(tmp_path / "t.csv", first) == 2


def test_a_fault_in_a_row_that_is_left_out_is_not_told_and_lines_stay_right(tmp_path):
    rows = [ROWS[0], ROWS[1], ["1", "x", "x", "x", "x", "x", "x"], ["2", "x", *ROWS[2][2:]]]
    first = Schema(columns=SCHEMA.columns, key="pid", repeats="first")
    with pytest.raises(SchemaError) as caught:
        read_table(csv_of(rows, tmp_path / "t.csv"), first)
    assert [p.what for p in caught.value.problems] == [
        "Column 'age': cells that cannot be read as a number: 1, in line 4."
    ]


def test_visits_are_refused(tmp_path):
    schema = Schema(columns=(*SCHEMA.columns, Column(name="visit", kind="visit")), key="pid")
    with pytest.raises(SchemaError, match="E311"):
        read_table(csv_of(ROWS, tmp_path / "t.csv"), schema)


def test_extra_columns_are_ignored_with_a_note(tmp_path, caplog):
    rows = [[*r, "secret"] for r in ROWS]
    with caplog.at_level(logging.INFO, logger="wardveil"):
        read_table(csv_of(rows, tmp_path / "t.csv"), SCHEMA)
    assert "1 columns are not in the schema" in caplog.text
    assert "secret" not in caplog.text


def test_check_counts_cells_beyond_the_bounds(tmp_path):
    (problem,) = check(csv_of(ROWS, tmp_path / "t.csv"), SCHEMA)
    assert problem.code == "E318"
    assert "'age'" in problem.what
    assert problem.what.endswith("clipped: 1.")


def test_outside_missing_and_unknown_missing():
    columns = (
        Column(name="x", kind="count", low=0, high=9, nullable=True, outside="missing"),
        Column(name="g", kind="categorical", levels=("a",), nullable=True, unknown="missing"),
        Column(
            name="c",
            kind="codes",
            levels=("a", "b"),
            nullable=True,
            unknown="missing",
            max_codes=1,
        ),
    )
    rows = read_table(
        pd.DataFrame({"x": [5, 10], "g": ["A", "z"], "c": ["b;a", "z"]}),
        Schema(columns=columns),
    ).rows
    np.testing.assert_array_equal(rows["x"], [5, np.nan])
    assert rows["g"].tolist() == [0, -1]
    assert [rows[n].tolist() for n in ("c=a", "c=b", "c?")] == [[1, 0], [0, 0], [0, 1]]


def test_an_empty_cell_of_codes_that_cannot_be_missing_is_no_code():
    column = Column(name="c", kind="codes", levels=("a",))
    rows = read_table(pd.DataFrame({"c": ["a", ""]}), Schema(columns=(column,))).rows
    assert rows["c=a"].tolist() == [1, 0]


def test_take_and_split_keep_each_patient_once(table, tmp_path):
    rows = [ROWS[0], *([str(i), "30", "3", "389", "1", "2020-01-05", "A"] for i in range(30))]
    table = read_table(csv_of(rows, tmp_path / "s.csv"), SCHEMA.replace("n", high=100.0))
    table.rows["n"][:] = np.arange(30)
    train, holdout = table.split(0.3, seed=1)
    assert (len(train), len(holdout)) == (21, 9)
    assert sorted([*train.rows["n"], *holdout.rows["n"]]) == list(range(30))
    again, _ = table.split(0.3, seed=1)
    assert again.rows["n"].tolist() == train.rows["n"].tolist()
    assert table.split(0.3, seed=2)[1].rows["n"].tolist() != holdout.rows["n"].tolist()
    assert table.take(table.rows["n"] > 27).rows["n"].tolist() == [28, 29]
    with pytest.raises(ValueError, match="E320"):
        table.split(1.0)
