"""A MIMIC-III folder becomes patients × declared codes; nothing else of anybody comes along."""

import shutil

import numpy as np
import pytest

from doors_support import CODES, category, matrix, mimic, write
from wardveil.doors import read_mimic
from wardveil.errors import SchemaError, UsageError
from wardveil.tables import read_table, write_table

CATEGORIES = sorted({category(c) for c in CODES})


@pytest.mark.parametrize(("lower", "packed"), [(False, False), (True, False), (False, True)])
@pytest.mark.parametrize("data_type", ["binary", "count"])
@pytest.mark.parametrize("digits", ["3", "full"])
def test_the_matrix_is_that_of_patients_and_codes(tmp_path, lower, packed, data_type, digits):
    subjects, diagnoses = mimic(tmp_path, lower=lower, packed=packed)
    made = read_mimic(tmp_path, data_type=data_type, digits=digits)
    codes = CATEGORIES if digits == "3" else sorted(CODES)
    shorten = category if digits == "3" else str
    counts = matrix(subjects, diagnoses, codes, shorten)
    assert list(made.frame.columns) == [f"icd9_{c}" for c in codes]
    assert (made.frame.to_numpy() == (counts if data_type == "count" else counts > 0)).all()
    assert counts.max() > 1
    assert made.left_out == {}


def test_patients_without_a_diagnosis_or_a_stay_are_rows_of_zeros(tmp_path):
    subjects, _ = mimic(tmp_path)
    made = read_mimic(tmp_path).frame
    assert len(made) == len(subjects)
    assert made.iloc[0].sum() == made.iloc[-1].sum() == 0


def test_codes_are_text_and_only_a_declared_one_becomes_a_column(tmp_path):
    subjects, diagnoses = mimic(tmp_path)
    made = read_mimic(tmp_path, digits="full", codes=["389", "0389", "25000"])
    expected = matrix(subjects, diagnoses, ["389", "0389", "25000"])
    assert made.frame.to_numpy().sum(axis=0).tolist() == (expected > 0).sum(axis=0).tolist()
    assert made.frame["icd9_389"].sum() == 0 < made.frame["icd9_0389"].sum()
    lost = sum(code not in ("0389", "25000") for _, code in diagnoses)
    assert made.left_out == {"DIAGNOSES_ICD": {"with a code that is not on the list": lost}}


def test_facts_of_patients_are_ages_days_and_flags_without_any_date(tmp_path):
    mimic(tmp_path, n=4)
    write(tmp_path / "ADMISSIONS.csv", [
        ["SUBJECT_ID", "ADMITTIME", "DISCHTIME", "HOSPITAL_EXPIRE_FLAG"],
        ["a", "2160-03-05 00:00:00", "2160-03-06 12:00:00", "0"],  # later, though first in the file
        ["a", "2160-03-04 10:00:00", "2160-03-06 22:00:00", "1"],
        ["b", "2160-03-05 10:00:00", "", "0"],
        ["c", "2160-02-30 10:00:00", "2160-03-05 10:00:00", "0"],
    ])  # fmt: skip
    write(tmp_path / "PATIENTS.csv", [
        ["SUBJECT_ID", "GENDER", "DOB"],
        ["a", "F", "2100-03-05 00:00:00"],
        ["b", "X9", "1860-03-05 00:00:00"],
        ["c", "M", ""],
    ])  # fmt: skip
    made = read_mimic(tmp_path, columns=("died", "age", "sex", "stay"))
    people = made.frame.iloc[:, :4]
    assert list(people.columns) == ["died_in_hospital", "age_years", "sex", "stay_days"]
    assert people["age_years"].fillna(-1).tolist() == [59, 90, -1]  # the day before a birthday
    assert people["stay_days"].fillna(-1).tolist() == [2.5, -1, -1]
    assert people["died_in_hospital"].tolist() == [1, 0, 0]
    assert people["sex"].tolist() == ["F", None, "M"]
    assert made.left_out["PATIENTS"] == {"with another GENDER than F, M": 1}
    read_table(made.frame, made.schema)  # what is missing may be


def test_a_lab_is_the_last_value_by_time(tmp_path):
    subjects, _ = mimic(tmp_path)
    write(tmp_path / "LABEVENTS.csv", [
        ["SUBJECT_ID", "ITEMID", "CHARTTIME", "VALUE", "VALUENUM"],
        [subjects[0], "50912", "2160-01-02 10:00:00", "x", "1.5"],
        [subjects[0], "50912", "2160-01-02 09:59:59", "x", "9"],
        [subjects[0], "50983", "2160-01-02 09:59:59", "x", "140"],
        [subjects[1], "50912", "2160-01-02 09:59:59", "low", ""],
        [subjects[1], "7", "2160-01-02 09:59:59", "", "3"],
        ["nobody", "50912", "2160-01-02 09:59:59", "", "3"],
    ])  # fmt: skip
    (tmp_path / "labs.csv").write_text(
        "code,name,low,high,decimals\n50912,creatinine,,,\n50983,,1,2,0\n"
    )
    made = read_mimic(tmp_path, values=tmp_path / "labs.csv")
    labs = made.frame[["creatinine", "lab_50983"]]
    assert labs.iloc[0].tolist() == [1.5, 140]
    assert labs.iloc[1:].isna().all().all()
    assert made.left_out["LABEVENTS"] == {
        "with a code that is not on the list": 1, "of nobody in the list of patients": 1,
        "without a readable value": 1,
    }  # fmt: skip
    by_name = made.schema.by_name
    assert by_name["creatinine"].source("high") == "catalogue"
    assert (by_name["lab_50983"].low, by_name["lab_50983"].high) == (1, 2)
    assert not made.schema.gaps


def test_the_schema_is_the_same_whoever_the_patients_are(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    asked = {"columns": ("sex", "age", "stay", "died"), "data_type": "count"}
    mimic(one, n=30, seed=1)
    mimic(other, n=9, seed=2)
    write(other / "DIAGNOSES_ICD.csv", [["SUBJECT_ID", "ICD9_CODE"], ["a", "7777"]])
    drafts = [read_mimic(folder, **asked).schema for folder in (one, other)]
    assert drafts[0] == drafts[1]
    assert drafts[0].rows is None
    assert set(drafts[0].gaps) == {f"icd9_{c}" for c in CATEGORIES}  # how often is not declared
    assert not read_mimic(one, **asked, most=40).schema.gaps


@pytest.mark.parametrize("piece", [64, 200, 1 << 20])
def test_pieces_of_any_size_give_the_same_table(tmp_path, monkeypatch, piece):
    mimic(tmp_path, n=40)
    whole = read_mimic(tmp_path, data_type="count", columns=("sex", "age")).frame
    monkeypatch.setattr("wardveil.tables.delimited._CHUNK", max(piece, 128))
    pieces = read_mimic(tmp_path, data_type="count", columns=("sex", "age")).frame
    assert pieces.equals(whole)


def test_what_is_absent_is_named_all_at_once(tmp_path):
    mimic(tmp_path)
    for name in ("D_ICD_DIAGNOSES", "PATIENTS"):
        (tmp_path / f"{name}.csv").unlink()
    with pytest.raises(UsageError) as raised:
        read_mimic(tmp_path, columns=("age",), values="50912")
    assert [p.code for p in raised.value.problems] == ["E332"] * 3
    assert read_mimic(tmp_path, codes="038,250").frame.shape == (11, 2)
    for wrong in ({"columns": ("race",)}, {"digits": "4"}, {"data_type": "flag"}):
        with pytest.raises(UsageError, match="E331"):
            read_mimic(tmp_path, codes="038", **wrong)


BROKEN = {
    "a long line": lambda text: text.replace("QX7,", "QX7,QX7,", 1),
    "an open quote": lambda text: text.replace("QX7", '"QX7', 1),
    "a bare header": lambda text: text.replace("SUBJECT_ID", "QX7", 1),
    "twice a header": lambda text: text.replace("ROW_ID", "SUBJECT_ID", 1),
    "nothing": lambda _: "",
}


@pytest.mark.parametrize("how", BROKEN)
def test_no_message_holds_a_cell(tmp_path, how):
    mimic(tmp_path)
    rows = "ROW_ID,SUBJECT_ID,ICD9_CODE\n" + "1,QX7,QX7\n" * 400
    (tmp_path / "DIAGNOSES_ICD.csv").write_text(BROKEN[how](rows))
    with pytest.raises(SchemaError) as raised:
        read_mimic(tmp_path)
    error = raised.value
    while error is not None:
        assert "QX7" not in str(error)
        error = error.__context__


def test_nothing_that_names_anybody_leaves(tmp_path):
    subjects, _ = mimic(tmp_path / "export", n=50)
    made = read_mimic(tmp_path / "export", columns=("sex", "age", "stay", "died"))
    write_table(made.frame, tmp_path / "table.csv")
    text = (tmp_path / "table.csv").read_text() + made.schema.text()
    assert [s for s in subjects if s in text] == []
    assert "2160" not in text
    assert "2100" not in text
    shutil.rmtree(tmp_path / "export")
    assert np.issubdtype(made.frame["icd9_038"].dtype, np.integer)
