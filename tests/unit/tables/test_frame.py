"""Frames and files out: what is written is read back."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardveil.errors import RunError
from wardveil.schema import Column, Schema
from wardveil.tables import demo_schema, demo_table_path, read_table, to_frame, write_table

COLUMNS = (
    Column(name="pid", kind="id"),
    Column(name="x", kind="continuous", low=-5, high=50, decimals=2, nullable=True),
    Column(name="n", kind="count", low=0, high=9, nullable=True),
    Column(name="note", kind="drop"),
    Column(name="d", kind="date", low=-3, high=20000, nullable=True),
    Column(name="i", kind="ordinal", levels=("1", "2", "30"), nullable=True),
    Column(name="f", kind="binary", levels=("false", "true"), nullable=True),
    Column(name="icd", kind="categorical", levels=("0389", "A,b", 'say "x"')),
    Column(name="m", kind="codes", levels=("Diet only", "B", "C"), nullable=True),
)
SCHEMA = Schema(columns=COLUMNS, key="pid")


@st.composite
def rows(draw):
    n = draw(st.integers(2, 8))

    def some(values):
        return draw(st.lists(values, min_size=n, max_size=n))

    def flags():
        return np.array(some(st.integers(0, 1)), dtype=np.int32)

    missing = flags()
    held = {v: flags() * (1 - missing) for v in ("Diet only", "B", "C")}
    # A cell without any code and a missing cell are one and the same in a CSV.
    missing = np.where(sum(held.values()) == 0, 1, missing).astype(np.int32)
    nan = st.just(np.nan)
    return {
        "x": np.array(some(st.integers(-500, 5000).map(lambda v: v / 100) | nan)),
        "n": np.array(some(st.integers(0, 9).map(float) | nan)),
        "d": np.array(some(st.integers(-3, 20000).map(float) | nan)),
        "i": np.array(some(st.integers(-1, 2)), dtype=np.int32),
        "f": np.array(some(st.integers(-1, 1)), dtype=np.int32),
        "icd": np.array(some(st.integers(0, 2)), dtype=np.int32),
        **{f"m={v}": f for v, f in held.items()},
        "m?": missing,
    }


@settings(deadline=None, max_examples=40)
@given(rows())
def test_rows_survive_frame_csv_and_parquet(tmp_path_factory, made):
    folder = tmp_path_factory.mktemp("out")
    frame = to_frame(made, SCHEMA)
    doors = [frame]
    for name in ("t.csv", "t.csv.gz", "t.tsv", "t.parquet"):
        write_table(frame, folder / name)
        doors.append(folder / name)
    for door in doors:
        back = read_table(door, SCHEMA).rows
        assert set(back) == set(made)
        for name, values in made.items():
            np.testing.assert_allclose(back[name], values, atol=1e-9)


def test_types_are_those_a_person_expects():
    one = {
        "x": [1.239],
        "n": [3.0],
        "d": [0.0],
        "i": [2],
        "f": [1],
        "icd": [0],
        "m=Diet only": [0],
        "m=B": [1],
        "m=C": [1],
        "m?": [0],
    }
    made = {k: np.array(v, dtype=np.float64 if k in "xnd" else np.int32) for k, v in one.items()}
    frame = to_frame(made, SCHEMA)
    assert list(frame.columns) == ["pid", "x", "n", "d", "i", "f", "icd", "m"]
    assert frame.iloc[0].tolist() == [
        "SYNTH-0000",
        1.24,
        3,
        pd.Timestamp("1970-01-01"),
        30,
        True,
        "0389",
        "B; C",
    ]
    kinds = {k: str(v) for k, v in frame.dtypes.items()}
    assert kinds == {
        "pid": "object",
        "x": "float64",
        "n": "Int64",
        "d": "datetime64[ns]",
        "i": "Int64",
        "f": "boolean",
        "icd": "object",
        "m": "object",
    }
    full = Schema(columns=tuple(dataclasses.replace(c, nullable=False) for c in COLUMNS), key="pid")
    kinds = {k: str(v) for k, v in to_frame(made, full, ids=False).dtypes.items()}
    assert (kinds["n"], kinds["i"], kinds["f"]) == ("int64", "int64", "bool")
    assert "pid" not in kinds


@pytest.mark.parametrize(
    ("column", "dtype"),
    [
        ("x", "float32"),
        ("x", "str"),
        ("n", "Int32"),
        ("n", "float64"),
        ("d", "str"),
        ("d", "datetime64[ns]"),
        ("i", "category"),
        ("i", "float64"),
        ("i", "string"),
        ("f", "boolean"),
        ("icd", "category"),
        ("m", "category"),
        ("m", "string"),
    ],
)
def test_a_declared_dtype_wins_and_values_stay(column, dtype):
    schema = SCHEMA.replace(column, dtype=dtype)
    made = {
        "x": np.array([1.25, np.nan]),
        "n": np.array([3.0, np.nan]),
        "d": np.array([5.0, np.nan]),
        "i": np.array([2, -1], dtype=np.int32),
        "f": np.array([1, -1], dtype=np.int32),
        "icd": np.array([0, 1], dtype=np.int32),
        "m=Diet only": np.array([0, 0], dtype=np.int32),
        "m=B": np.array([1, 0], dtype=np.int32),
        "m=C": np.array([0, 0], dtype=np.int32),
        "m?": np.array([0, 1], dtype=np.int32),
    }
    frame = to_frame(made, schema)
    assert str(frame[column].dtype) == ("object" if dtype == "str" else dtype)
    back = read_table(frame, schema).rows
    for name, values in made.items():
        np.testing.assert_allclose(back[name], values)


def test_the_same_frame_gives_the_same_bytes(tmp_path):
    frame = pd.DataFrame({"a": [1, 2], "d": pd.to_datetime(["2020-01-05", None])})
    for name in ("a.csv.gz", "b.csv.gz"):
        write_table(frame, tmp_path / name)
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    write_table(frame, tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text() == "a,d\n1,2020-01-05\n2,\n"


def test_nothing_is_half_written(tmp_path):
    target = tmp_path / "t.parquet"
    target.write_text("old")
    with pytest.raises(RunError, match="E501") as caught:
        write_table(pd.DataFrame({"a": [1, "canary-cell"]}), target)
    assert "canary" not in str(caught.value)
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["t.parquet"]
    with pytest.raises(RunError, match="E501"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "absent" / "t.csv")
    with pytest.raises(RunError, match="E505"):
        write_table(pd.DataFrame({"a": [1]}), tmp_path / "t.xlsx")


def test_the_demo_is_whole_and_declared():
    schema = demo_schema()
    table = read_table(demo_table_path(), schema)
    assert table.n == schema.rows == 1629
    assert set(schema.sources()) == {"declared"}
    assert not schema.gaps
    frame, source = table.to_frame(), pd.read_csv(demo_table_path())
    assert frame["sex"].tolist() == source["sex"].tolist()
    np.testing.assert_allclose(frame["height_cm"], source["height_cm"])
    assert frame["drinks"].isna().sum() == source["drinks"].isna().sum()
