"""Drafts: headers say much, and values nothing."""

import subprocess
import sys

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from wardveil.errors import SchemaError
from wardveil.schema import Schema, draft_schema
from wardveil.schema.identifier import reason_to_drop

SYNTHEA = [
    "Id",
    "BIRTHDATE",
    "DEATHDATE",
    "SSN",
    "DRIVERS",
    "PASSPORT",
    "PREFIX",
    "FIRST",
    "MIDDLE",
    "LAST",
    "SUFFIX",
    "MAIDEN",
    "MARITAL",
    "RACE",
    "ETHNICITY",
    "GENDER",
    "BIRTHPLACE",
    "ADDRESS",
    "CITY",
    "STATE",
    "COUNTY",
    "FIPS",
    "ZIP",
    "LAT",
    "LON",
    "HEALTHCARE_EXPENSES",
    "HEALTHCARE_COVERAGE",
    "INCOME",
]


def test_the_direct_identifiers_of_synthea_are_dropped_with_a_reason():
    schema = draft_schema(SYNTHEA)
    assert schema.key == "Id"
    kept = {c.name for c in schema.modelled}
    assert kept == {
        "MARITAL",
        "RACE",
        "ETHNICITY",
        "GENDER",
        "STATE",
        "HEALTHCARE_EXPENSES",
        "HEALTHCARE_COVERAGE",
        "INCOME",
    }
    assert all(c.reason for c in schema.columns if c.kind == "drop")


def test_the_columns_of_the_medical_seed():
    schema = draft_schema(
        ["patient_id", "age_years", "hba1c_percent", "medications", "neuropathy", "uti"],
        rows=50,
    )
    assert [(c.name, c.kind) for c in schema.columns] == [
        ("patient_id", "id"),
        ("age_years", "continuous"),
        ("hba1c_percent", "continuous"),
        ("medications", "codes"),
        ("neuropathy", "binary"),
        ("uti", "binary"),
    ]
    assert schema.by_name["uti"].levels == ("0", "1")
    assert [c.name for c in schema.conditions] == ["neuropathy", "uti"]
    assert dict(schema.gaps) == {"medications": ("levels",)}
    assert schema.by_name["age_years"].source("high") == "catalogue"
    assert Schema.parse(schema.text()) == schema


@pytest.mark.parametrize(
    "name",
    [
        "email",
        "HomePhone",
        "ip_address",
        "postcode",
        "nhs_number",
        "mrn",
        "clinical_notes",
        "comment",
        "dob",
        "device_id",
        "next_of_kin",
        "photo",
        "website",
        "encounter_id",
        "patient_name",
        "account",
    ],
)
def test_names_that_identify(name):
    assert reason_to_drop(name)


@pytest.mark.parametrize(
    "name",
    ["last_visit_weight", "first_line_drug", "glucose", "sex", "ipss", "phonation", "latency"],
)
def test_names_that_do_not_identify(name):
    assert not reason_to_drop(name)


def test_a_patient_id_is_preferred_as_key_and_a_second_id_dropped():
    schema = draft_schema(["id", "patient_id", "x"])
    assert schema.key == "patient_id"
    assert schema.by_name["id"].kind == "drop"
    assert draft_schema(["x"]).key == ""


def test_time_and_event_are_a_pair():
    schema = draft_schema(["pid", "time", "event"])
    assert (schema.by_name["time"].kind, schema.by_name["time"].pair) == ("time", "event")


def test_frames_give_names_and_types_only():
    values = {
        "a": [1.5, 2.5],
        "b": ["x", "y"],
        "c": [True, False],
        "d": pd.to_datetime(["2020-01-01", "2021-01-01"]),
    }
    frame = pd.DataFrame(values)
    kinds = ["continuous", "categorical", "binary", "date"]
    for f in (frame, frame.iloc[:0], pa.Table.from_pandas(frame), pl.from_pandas(frame)):
        assert [c.kind for c in draft_schema(f).columns] == kinds
        assert draft_schema(f) == draft_schema(frame)


def test_a_codebook_wins_over_the_catalogue(tmp_path):
    book = tmp_path / "package.json"
    book.write_text(
        '{"fields": [{"name": "age", "type": "integer",'
        ' "constraints": {"minimum": 40, "maximum": 60}}]}'
    )
    age = draft_schema(["age", "bmi"], dictionary=book).by_name["age"]
    assert (age.low, age.high, age.source("low")) == (40, 60, "dictionary")


def test_nothing_to_draft_is_told():
    with pytest.raises(SchemaError, match="E217"):
        draft_schema([])


def test_importing_the_schema_needs_neither_pandas_nor_arrow():
    code = (
        "import sys, wardveil.schema;"
        "print([m for m in ('pandas', 'pyarrow', 'torch') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_second_name_of_the_patient_is_dropped():
    drafted = {
        c.name: c.kind for c in draft_schema(["USUBJID", "SUBJID", "STUDYID", "arm"]).columns
    }
    assert drafted == {"USUBJID": "id", "SUBJID": "drop", "STUDYID": "drop", "arm": "categorical"}
