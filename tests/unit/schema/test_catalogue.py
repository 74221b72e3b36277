"""The catalogue: limits by name and unit."""

import pytest

from wardveil.schema.catalogue import entries, lookup
from wardveil.schema.column import Column
from wardveil.schema.schema import Schema


def test_every_entry_makes_a_right_column_and_is_cited():
    assert len(entries()) >= 80
    Schema(
        columns=tuple(
            Column(
                name=f"{i}",
                kind=e.kind,
                low=e.low,
                high=e.high,
                decimals=e.decimals if e.kind == "continuous" else None,
            )
            for i, e in enumerate(entries())
        )
    )
    assert all(e.cite for e in entries())


@pytest.mark.parametrize(
    ("name", "measure", "unit"),
    [
        ("age_years", "age", "years"),
        ("weight_kg_1971", "weight", "kg"),
        ("weight_lbs", "weight", "lb"),
        ("BodyTemp_F", "temperature", "°F"),
        ("fasting_glucose_mmol_L", "glucose", "mmol/L"),
        ("systolic_bp_mmHg", "systolic pressure", "mmHg"),
        ("SBP_visit_3", "systolic pressure", "mmHg"),
        ("heartRate", "heart rate", "beats/min"),
        ("Cholesterol_in_HDL_Mass_volume_in_2085_9", "HDL cholesterol", "mg/dL"),
        ("smoking_years", "smoking years", "years"),
        ("pafi", "oxygenation ratio", "mmHg"),
    ],
)
def test_names_are_understood_with_units_years_and_visits(name, measure, unit):
    entry = lookup(name)
    assert entry is not None
    assert (entry.measure, entry.unit) == (measure, unit)


@pytest.mark.parametrize(
    "name", ["age_group", "smoking", "weight_change", "patient_id", "stage", "marital", "ratio"]
)
def test_other_names_have_no_entry(name):
    assert lookup(name) is None


def test_a_unit_that_is_not_known_for_the_measure_gives_nothing():
    assert lookup("glucose", "mmol/L").unit == "mmol/L"
    assert lookup("glucose", "stones") is None
    assert lookup("weight_percent") is None
