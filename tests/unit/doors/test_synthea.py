"""A Synthea folder on one day: facts, declared codes, last values; no name, number or place."""

import pytest

from doors_support import write
from wardveil.doors import read_synthea
from wardveil.errors import UsageError
from wardveil.tables import read_table, write_table

NAMING = (
    "SSN", "DRIVERS", "PASSPORT", "PREFIX", "FIRST", "MIDDLE", "LAST", "SUFFIX", "MAIDEN",
    "BIRTHPLACE", "ADDRESS", "CITY", "STATE", "COUNTY", "FIPS", "ZIP", "LAT", "LON",
)  # fmt: skip
HEAD = ["Id", "BIRTHDATE", "DEATHDATE", "MARITAL", "RACE", "ETHNICITY", "GENDER",
        "HEALTHCARE_EXPENSES", "HEALTHCARE_COVERAGE", "INCOME", *NAMING]  # fmt: skip
PEOPLE = {
    "a": ("1950-06-02", "", "M", "white", "hispanic", "F", "271227.08", "1.5", "10"),
    "b": ("1920-01-01", "2012-01-02", "", "klingon", "nonhispanic", "M", "1", "", "10"),
    "c": ("1925-01-01", "2020-06-02", "S", "asian", "nonhispanic", "M", "1", "2", "10"),
    "d": ("2021-01-01", "", "", "asian", "nonhispanic", "M", "1", "2", "10"),
}


def export(folder, day="START"):
    names = {who: f"canary-{who}" for who in PEOPLE}
    rows = [[names[w], *facts, *(f"canary {n} {w}" for n in NAMING)] for w, facts in PEOPLE.items()]
    write(folder / "patients.csv", [HEAD, *rows])
    write(folder / "conditions.csv", [
        ["START", "STOP", "PATIENT", "ENCOUNTER", "CODE", "DESCRIPTION"],
        ["2019-01-01", "", names["a"], "canary-e", "44054006", "canary text"],
        ["2019-02-01", "", names["a"], "canary-e", "44054006", "canary text"],
        ["2020-06-03", "", names["b"], "canary-e", "44054006", "canary text"],
        ["2019-01-01", "", names["c"], "canary-e", "canary-code", "canary text"],
    ])  # fmt: skip
    write(folder / "medications.csv", [
        ["START", "PATIENT", "CODE"], ["2020-06-02T23:00:00Z", names["b"], "313782"],
    ])  # fmt: skip
    write(folder / "observations.csv", [
        ["DATE", "PATIENT", "CODE", "VALUE", "TYPE"],
        ["2019-01-01T10:00:00Z", names["a"], "8480-6", "120.5", "numeric"],
        ["2018-01-01T10:00:00Z", names["a"], "8480-6", "180", "numeric"],
        ["2021-01-01T10:00:00Z", names["a"], "8480-6", "99", "numeric"],
        ["2018-01-01T10:00:00Z", names["b"], "8480-6", "canary", "text"],
    ], packed=True)  # fmt: skip
    return folder


def test_everybody_is_described_on_one_day(tmp_path):
    made = read_synthea(
        export(tmp_path), index_date="2020-06-02", codes="44054006,59621000",
        medications="313782", values="8480-6", data_type="count",
        columns=("sex", "age", "race", "marital", "died", "expenses"),
    )  # fmt: skip
    assert made.frame.astype(object).where(made.frame.notna(), None).to_numpy().tolist() == [
        ["F", 70, "white", "M", 0, 271227.08, 2, 0, 0, 120.5],
        ["M", 90, None, None, 1, 1, 0, 0, 1, None],
        ["M", 90, "asian", "S", 1, 1, 0, 0, 0, None],
    ]
    assert list(made.frame.columns) == [
        "sex", "age_years", "race", "marital", "died", "expenses", "condition_44054006",
        "condition_59621000", "medication_313782", "value_8480-6",
    ]  # fmt: skip
    assert made.left_out["patients"] == {
        "with another RACE than asian, black, hawaiian, native, other, white": 1,
        "born after the day": 1,
    }
    assert made.left_out["conditions"]["later than the last day"] == 1
    read_table(made.frame, made.schema)


def test_nothing_that_names_anybody_leaves(tmp_path):
    made = read_synthea(
        export(tmp_path), index_date="2020-06-02", codes="44054006", values="8480-6",
        columns=("sex", "age", "race", "ethnicity", "marital", "died", "expenses", "coverage",
                 "income"),
    )  # fmt: skip
    write_table(made.frame, tmp_path / "out.csv")
    text = (tmp_path / "out.csv").read_text() + made.schema.text()
    assert "canary" not in text
    assert "19" not in text.replace("1950", "")  # no year of birth
    assert "1950" not in text


def test_the_day_is_declared_and_so_is_every_column(tmp_path):
    export(tmp_path)
    for wrong in ("", "soon", "3650"):
        with pytest.raises(UsageError, match="E331"):
            read_synthea(tmp_path, index_date=wrong)
    with pytest.raises(UsageError, match="E331"):
        read_synthea(tmp_path, index_date="2020-06-02", columns=("SSN",))
    (tmp_path / "medications.csv").unlink()
    with pytest.raises(UsageError, match="E332"):
        read_synthea(tmp_path, index_date="2020-06-02", medications="1")
    assert list(read_synthea(tmp_path, index_date="2020-06-02").frame) == [
        "sex",
        "age_years",
        "died",
    ]
