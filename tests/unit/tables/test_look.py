"""Looking: gaps are filled from values, marked so, and what names people is dropped."""

import dataclasses

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from wardveil.errors import SchemaError
from wardveil.schema import draft_schema
from wardveil.tables import headers, look, read_table
from wardveil.tables.shape import is_nhs_number

N = 60


def seen(values, name="x", missing=0):
    frame = pd.DataFrame({name: values}, dtype=object)
    frame.loc[frame.index[:missing], name] = None
    return look(frame.astype(str).where(frame.notna(), None), draft_schema([name])).by_name[name]


def nhs():
    return [
        v for v in (f"{i:010d}" for i in range(4_000_000_000, 4_000_002_000)) if is_nhs_number(v)
    ][:N]


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ([f"p{i}@host.org" for i in range(N)], "e-mail"),
        ([f"{100 + i}-45-6789" for i in range(N)], "social security"),
        (nhs(), "NHS"),
        ([f"+44 20 7946 0{i:03d}" for i in range(N)], "phone"),
        ([f"case {i * 7919}" for i in range(N)], "different"),
        (
            [f"the patient came in on day {i % 3} and felt well again" for i in range(N)],
            "more than 40",
        ),
        ([f"{1 + i % 28}.{1 + i % 12}.2020" for i in range(N)], "dates"),
        ([str(5000 + i) for i in range(N)], "another whole number"),
        ([""] * N, "no cell"),
    ],
)
def test_columns_that_name_people_or_cannot_be_read_are_dropped(values, reason):
    column = seen(values)
    assert column.kind == "drop"
    assert reason in column.reason


def test_kinds_bounds_levels_and_decimals_are_found():
    number = seen([f"{i % 29 + 0.5}" for i in range(N)], missing=1)
    assert (number.kind, number.low, number.high, number.decimals, number.nullable) == (
        "continuous",
        0.5,
        28.5,
        1,
        True,
    )
    assert set(number.sources.values()) == {"looked"}
    assert seen(["no", "yes", "No"] * 20).levels == ("no", "yes")
    assert seen(["2", "10", "1"] * 20).levels == ("1", "2", "10")
    assert seen(["0.0", "1.0"] * 30).levels == ("0", "1")
    assert seen(["0389", "389"] * 30).levels == ("0389", "389")
    date = seen([f"2020-01-{1 + i % 28:02d}" for i in range(N)])
    assert (date.kind, date.low, date.high) == ("date", 18262, 18289)


def test_lists_in_cells_are_codes_and_rare_ones_other():
    column = seen(["A; B", "b", "A", "C; A"] * 15 + ["rare one"])
    assert column.kind == "codes"
    assert set(column.levels) == {"A", "b", "C", "other"} or set(column.levels) == {
        "A",
        "B",
        "C",
        "other",
    }
    assert column.unknown == "other"


def test_known_facts_stay():
    schema = draft_schema(["age", "x"]).replace("x", kind="continuous", low=0.0)
    frame = pd.DataFrame({"age": [20, 30, 40], "x": [1.5, 2.5, 3.5]})
    found = look(frame, schema)
    assert found.by_name["age"] == schema.by_name["age"]
    x = found.by_name["x"]
    assert (x.low, x.source("low"), x.high, x.source("high")) == (
        0.0,
        "declared",
        3.5,
        "looked",
    )


def test_a_column_with_missing_cells_becomes_nullable():
    schema = draft_schema(["age"]).replace("age", nullable=False)
    age = look(pd.DataFrame({"age": [20, None, 40]}), schema).by_name["age"]
    assert (age.nullable, age.source("nullable")) == (True, "looked")


def test_what_was_looked_at_can_be_read(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "pid": np.arange(N),
            "age": rng.integers(20, 90, N),
            "score": np.round(rng.normal(size=N), 3),
            "stage": rng.integers(1, 4, N).astype(str),
            "half": rng.choice([0.0, 0.5, 1.0, np.nan], N),
            "drugs": rng.choice(["A; B", "B", "C"], N),
            "seen": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 99, N), "D"),
            "constant": "x",
            "flag": rng.choice([True, False], N),
            "email": [f"p{i}@host.org" for i in range(N)],
        }
    )
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    for source in (
        tmp_path / "t.csv",
        tmp_path / "t.parquet",
        frame,
        pa.Table.from_pandas(frame),
    ):
        schema = draft_schema(headers(source))
        found = look(source, schema)
        assert not found.gaps
        assert read_table(source, found).n == N
        table = read_table(source, schema)
        again = look(table, schema)
        assert not again.gaps
        assert not table.complete(again).raw


def test_a_survival_pair_stays_whole_or_is_none():
    schema = draft_schema(["time", "event"])
    frame = pd.DataFrame({"time": [1, 2, 3, 4], "event": [0, 1, 1, 0]})
    assert [c.kind for c in look(frame, schema).columns] == ["time", "event"]
    bad = dataclasses.replace(
        schema,
        columns=(
            schema.columns[0],
            dataclasses.replace(schema.columns[1], levels=None, sources={}),
        ),
    )
    assert [c.kind for c in look(frame.assign(event=[0, 1, 2, 0]), bad).columns] == [
        "continuous",
        "drop",
    ]


def test_headers_are_names_and_never_a_first_patient(tmp_path):
    (tmp_path / "t.csv").write_text("1,2020-01-01,3.5,A\n2,2020-01-02,3.5,B\n")
    with pytest.raises(SchemaError, match="E302"):
        headers(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text("a,a\n1,2\n")
    with pytest.raises(SchemaError, match="E304"):
        headers(tmp_path / "t.csv")


def test_the_check_digit_of_nhs_numbers():
    assert is_nhs_number("943 476 5919")
    assert not is_nhs_number("943 476 5918")
    assert not is_nhs_number("9434765")
