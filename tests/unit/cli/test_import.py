"""wardveil import: from an export to a table, a draft schema, and synthetic visits."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from doors_support import mimic, write
from wardveil.cli.app import app
from wardveil.doors import LAYOUTS, layout_of
from wardveil.doors.layout import settings_of
from wardveil.schema import Schema
from wardveil.tables import read_table

ROOT = Path(__file__).parents[3]


def ask(*words: object):
    return CliRunner().invoke(app, [str(w) for w in words])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_code_of_one_patient_that_is_not_declared_is_nowhere(folder):
    subjects, diagnoses = mimic(folder / "mimic", n=40)
    unique = "666QX7"
    write(folder / "mimic" / "DIAGNOSES_ICD.csv", [
        ["SUBJECT_ID", "ICD9_CODE"], *diagnoses, [subjects[3], unique],
    ])  # fmt: skip
    for ending in (".csv", ".parquet"):
        for data_type in ("binary", "count"):
            for digits in ("3", "full"):
                name = f"{data_type}-{digits}{ending}"
                done = ask("import", "mimic", "--data-type", data_type, "--digits", digits,
                           "-o", name, "-s", f"{name}.toml", "--json")  # fmt: skip
                assert done.exit_code == 0, done.output
                assert json.loads(done.stdout)["left_out"] == {
                    "DIAGNOSES_ICD": {"with a code that is not on the list": 1}
                }
                assert "666" not in done.output
    written = [p for p in folder.iterdir() if p.is_file()]
    assert len(written) == 16
    for path in written:
        frame = pd.read_parquet(path) if path.suffix == ".parquet" else None
        text = frame.to_csv() if frame is not None else path.read_text()
        assert "666" not in text
        assert b"666" not in path.read_bytes()


def test_from_visits_to_synthetic_visits(folder):
    rng = np.random.default_rng(0)
    long = pd.DataFrame([
        {"MASKID": f"canary{i}", "INTENSIVE": i % 2, "VISITCODE": v, "SBP": 100 + rng.integers(60)}
        for i in range(60) for v in ("RZ", "1M")
    ])  # fmt: skip
    long.to_parquet("bp.parquet")
    Path("trial.toml").write_text(
        'layout = "visits"\nvisits = ["RZ", "1M"]\nvalues = ["SBP"]\n'
        'arm = "INTENSIVE"\narms = [0, 1]\n'
    )
    done = ask("import", "bp.parquet", "--mapping", "trial.toml", "-o", "wide.csv.gz")
    assert done.exit_code == 0, done.output
    assert "60 patients, 3 columns" in done.stdout
    assert read_table("wide.csv.gz", Schema.read("wide.toml")).n == 60
    done = ask("fit", "wide.csv.gz", "-s", "wide.toml", "-e", 5, "-m", "independent", "-o", "run",
               "--no-ledger")  # fmt: skip
    assert done.exit_code == 0, done.output
    assert ask("sample", "run", "-n", 7, "-o", "fake.csv", "--long").exit_code == 0
    fake = pd.read_csv("fake.csv")
    assert list(fake.columns) == ["MASKID", "VISITCODE", "INTENSIVE", "SBP"]
    assert fake["VISITCODE"].tolist() == ["RZ", "1M"] * 7
    assert fake["MASKID"].nunique() == 7
    assert fake.groupby("MASKID")["INTENSIVE"].nunique().eq(1).all()
    everything = b"".join(p.read_bytes() for p in folder.rglob("*") if p.name != "bp.parquet"
                          and p.is_file())  # fmt: skip
    assert b"canary" not in everything


def test_a_table_without_visits_has_no_long_layout(folder):
    pd.DataFrame({"sex": ["f", "m"] * 20}).to_csv("t.csv", index=False)
    Path("t.toml").write_text('[columns.sex]\nkind = "binary"\nlevels = ["f", "m"]\n')
    ask("fit", "t.csv", "-s", "t.toml", "-e", 5, "-m", "independent", "-o", "run", "--no-ledger")
    done = ask("sample", "run", "-n", 7, "-o", "fake.csv", "--long")
    assert done.exit_code == 2
    assert "E139" in done.output
    assert not Path("fake.csv").exists()


def test_the_layout_is_known_by_its_files(folder):
    mimic(folder / "a", lower=True, packed=True)
    (folder / "b").mkdir()
    write(folder / "b" / "patients.csv", [["Id"], ["1"]])
    assert layout_of(folder / "a") == "mimic-iii"
    write(folder / "b" / "observations.csv", [["PATIENT"], ["1"]])
    assert layout_of(folder / "b") == "synthea"
    assert layout_of(write(folder / "c.csv", [["USUBJID", "AVISIT"], ["1", "2"]])) == "visits"
    assert layout_of(write(folder / "d.csv", [["subject_id", "Code"], ["1", "2"]])) == "events"
    write(folder / "e.csv", [["patient_id", "age"], ["1", "2"]])
    (folder / "f").mkdir()
    for unknown in ("e.csv", "f"):
        done = ask("import", unknown, "-o", "t.csv")
        assert (done.exit_code, "E330" in done.output) == (2, True)
    assert ask("import", "gone.csv", "-o", "t.csv").exit_code == 3


def test_a_setting_that_a_layout_does_not_have_is_refused_with_what_it_has(folder):
    mimic(folder / "a")
    done = ask("import", "a", "-o", "t.csv", "--set", "digit=3")
    assert done.exit_code == 2
    assert "digits" in done.output
    assert "data_type" in done.output
    done = ask("import", "a", "-o", "t.csv", "--layout", "mimic")
    assert (done.exit_code, "mimic-iii" in done.output) == (2, True)
    write(folder / "b.csv", [["MASKID", "VISITCODE", "SBP"], ["1", "2", "3"]])
    done = ask("import", "b.csv", "-o", "t.csv", "--values", "SBP")
    assert (done.exit_code, "needs visits" in done.output) == (2, True)
    done = ask("import", "a", "-o", "t.csv", "--set", "most=few")
    assert (done.exit_code, "E331" in done.output) == (2, True)
    assert not Path("t.csv").exists()
    assert not Path("t.toml").exists()


def test_files_are_not_replaced_unasked_and_lists_are_beside_their_mapping(folder):
    mimic(folder / "a")
    (folder / "lists").mkdir()
    Path("lists/codes.txt").write_text("038\n250\n")
    Path("lists/m.toml").write_text('codes = "codes.txt"\nmost = 9\ndata_type = "count"\n')
    words = ("import", "a", "-o", "t.csv", "--mapping", "lists/m.toml")
    assert ask(*words).exit_code == 0
    assert list(pd.read_csv("t.csv")) == ["icd9_038", "icd9_250"]
    assert ask(*words).exit_code == 2
    assert ask(*words, "--force").exit_code == 0
    Path("lists/m.toml").write_text("codes = \n")
    assert "E220" in ask(*words, "--force").output
    Path("lists/m.toml").write_text('codes = [["038"]]\n')
    assert "E331" in ask(*words, "--force").output
    Path("here.txt").write_text("401\n")
    assert ask(*words, "--force", "--codes", "here.txt").exit_code == 0
    assert list(pd.read_csv("t.csv")) == ["icd9_401"]


def test_a_synthea_list_of_people_fits_and_no_identifier_reaches_an_output(folder):
    naming = (
        "Id", "SSN", "DRIVERS", "PASSPORT", "PREFIX", "FIRST", "MIDDLE", "LAST", "SUFFIX",
        "MAIDEN", "BIRTHPLACE", "ADDRESS", "CITY", "COUNTY", "FIPS", "ZIP", "LAT", "LON",
    )  # fmt: skip
    people = pd.DataFrame({
        **{name: [f"QX7{name}{i}" for i in range(60)] for name in naming},
        "BIRTHDATE": ["1950-06-02"] * 60, "DEATHDATE": ["2011-06-02", ""] * 30,
        "MARITAL": ["M", "S"] * 30, "GENDER": ["F", "M", "M"] * 20,
        "HEALTHCARE_EXPENSES": range(60),
    })  # fmt: skip
    (folder / "in").mkdir()
    people.to_csv("in/patients.csv", index=False)
    assert ask("init", "in/patients.csv", "-o", "p.toml").exit_code == 0
    schema = Schema.read("p.toml")
    kept = [c.name for c in schema.modelled]
    assert kept == ["MARITAL", "GENDER", "HEALTHCARE_EXPENSES"]
    for facts in ("--private-facts", "--look"):
        done = ask("run", "in/patients.csv", "-s", "p.toml", "-e", 2, "-m", "independent", facts,
                   "-o", f"out{facts}", "--no-ledger")  # fmt: skip
        assert done.exit_code == 0, done.output
        assert "QX7" not in done.output
    outputs = [p for p in folder.rglob("*") if p.is_file() and p.parent.name != "in"]
    assert len(outputs) > 6
    for path in outputs:
        assert b"QX7" not in path.read_bytes(), path.name
        assert b"1950-06-02" not in path.read_bytes(), path.name


def test_the_page_of_doors_names_every_setting_of_every_layout():
    page = (ROOT / "docs" / "doors.md").read_text(encoding="utf-8")
    for layout in LAYOUTS:
        assert f"`{layout}`" in page
        for name in settings_of(layout):
            assert f"`{name}`" in page, (layout, name)
