"""Visits become columns and columns become visits again."""

import sys

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doors_support import write
from wardveil.doors import read_visits, to_long
from wardveil.doors.stream import texts_of
from wardveil.errors import MissingPart, SchemaError, UsageError
from wardveil.schema import Column, Schema
from wardveil.schema.toml import amend
from wardveil.schema.trial import Trial
from wardveil.tables import read_table

VISITS = ("RZ", "1M", "12M")
MEASURES = ("SBP", "NMEDS")


def trial_frame(n=9, seed=0, missing=0.0):
    """A long table: a row a visit, with the arm and a baseline column on each."""
    rng = np.random.default_rng(seed)
    rows = [
        {"MASKID": f"S{i:03d}", "arm": i % 2, "age": 50 + i, "VISITCODE": v,
         "SBP": int(rng.integers(90, 200)), "NMEDS": int(rng.integers(0, 6))}
        for i in range(n) for v in VISITS
    ]  # fmt: skip
    frame = pd.DataFrame(rows).astype({"SBP": float, "NMEDS": float})
    return frame.mask(rng.random(frame.shape) < missing * np.isin(frame.columns, MEASURES))


def settings(**more):
    usual = {"visits": VISITS, "values": MEASURES, "arms": ["0", "1"], "columns": ("age",)}
    return usual | more


def test_one_row_a_patient_in_the_declared_order(tmp_path):
    frame = trial_frame()
    frame.sample(frac=1, random_state=1).to_csv(tmp_path / "bp.csv", index=False)
    made = read_visits(tmp_path / "bp.csv", **settings())
    wide = frame.pivot_table(index="MASKID", columns="VISITCODE", values=list(MEASURES))
    order = pd.read_csv(tmp_path / "bp.csv")["MASKID"].unique()
    names = [f"{m}_{v}" for m in MEASURES for v in VISITS]
    assert list(made.frame.columns) == ["arm", "age", *names]
    expected = np.column_stack([wide[m][v].loc[order] for m in MEASURES for v in VISITS])
    assert (made.frame[names].to_numpy() == expected).all()
    assert made.schema.trial == Trial(
        visits=VISITS, measures=MEASURES, arm="arm", patient="MASKID", visit="VISITCODE"
    )
    assert made.schema.by_name["SBP_RZ"].high == 300
    assert made.schema.gaps.keys() == {f"NMEDS_{v}" for v in VISITS}
    assert made.schema.by_name["arm"].condition


@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.2]), st.booleans())
def test_there_and_back_is_the_same_table(tmp_path_factory, seed, missing, adam):
    frame = trial_frame(6, seed, missing)
    frame = frame[frame[list(MEASURES)].notna().any(axis=1)].reset_index(drop=True)
    if adam:
        frame = frame.rename(columns={"MASKID": "USUBJID", "VISITCODE": "AVISIT", "arm": "TRT01P"})
        frame = frame.melt(
            id_vars=["USUBJID", "TRT01P", "age", "AVISIT"], var_name="PARAMCD",
            value_name="AVAL", ignore_index=False,
        ).dropna().sort_index(kind="stable").reset_index(drop=True)  # fmt: skip
    path = tmp_path_factory.mktemp("trial") / "bp.csv"
    frame.to_csv(path, index=False)
    made = read_visits(path, **settings(incomplete="missing"))
    key = frame.columns[0]
    wide = made.frame.assign(**{key: frame[key].unique()})
    back = to_long(wide, made.schema.trial)
    back = back.astype({made.schema.trial.arm: int})
    assert set(back.columns) == set(frame.columns)
    pd.testing.assert_frame_equal(back[frame.columns], frame, check_dtype=False)


def test_patients_with_an_incomplete_grid_are_left_out_or_their_gaps_are_data(tmp_path):
    frame = trial_frame(8)
    frame.loc[1, "SBP"] = np.nan  # patient 0 at 1M
    frame = frame.drop(index=5).reset_index(drop=True)  # patient 1 at 12M
    frame.loc[len(frame)] = ["S000", 0, 50, "unscheduled", 1.0, 1.0]
    frame.loc[len(frame)] = ["S002", 0, 50, "RZ", 111.0, 1.0]  # again: the last row counts
    frame.to_csv(tmp_path / "bp.csv", index=False)
    made = read_visits(tmp_path / "bp.csv", **settings())
    assert len(made.frame) == 6
    assert made.frame["SBP_RZ"].iloc[0] == 111
    assert made.left_out["bp.csv"] == {
        "of a visit that is not on the list": 1, "patients with an incomplete grid": 2,
        "that another row of the same visit replaced": 2,
    }  # fmt: skip
    assert not made.schema.by_name["SBP_RZ"].nullable
    kept = read_visits(tmp_path / "bp.csv", **settings(incomplete="missing"))
    assert len(kept.frame) == 8
    assert kept.frame.isna().sum().sum() == 3
    assert kept.schema.by_name["SBP_RZ"].nullable


def test_adam_names_are_known_and_the_arm_may_be_in_the_baseline(tmp_path):
    write(tmp_path / "adsl.csv", [
        ["STUDYID", "USUBJID", "SUBJID", "TRT01P", "AGE"], ["s", "u1", "1", "Drug", "61"],
        ["s", "u2", "2", "Placebo", "50"], ["s", "u3", "3", "", "40"],
    ])  # fmt: skip
    write(tmp_path / "advs.csv", [
        ["USUBJID", "AVISIT", "PARAMCD", "AVAL"],
        *([u, v, m, 100 + i] for i, u in enumerate(("u1", "u2", "u3"))
          for v in ("Baseline", "Week 4") for m in ("SYSBP", "HEIGHT")),
        ["u1", "Week 4", "PULSE", "7"],
    ])  # fmt: skip
    made = read_visits(
        tmp_path / "advs.csv", visits="Baseline,Week 4", values="SYSBP",
        baseline=tmp_path / "adsl.csv", arms=["Drug", "Placebo"],
    )  # fmt: skip
    assert list(made.frame.columns) == ["TRT01P", "AGE", "SYSBP_Baseline", "SYSBP_Week 4"]
    assert made.frame["TRT01P"].tolist() == ["Drug", "Placebo"]
    assert made.left_out["advs.csv"] == {
        "of a measure that is not on the list": 7, "patients of no declared arm": 1,
    }  # fmt: skip
    assert (made.schema.trial.parameter, made.schema.trial.value) == ("PARAMCD", "AVAL")
    read_table(made.frame, made.schema)
    assert not made.schema.gaps


def test_the_schema_is_the_same_whoever_the_patients_are(tmp_path):
    drafts = []
    for seed in (1, 2):
        trial_frame(5 + seed, seed).to_csv(tmp_path / f"{seed}.csv", index=False)
        drafts.append(read_visits(tmp_path / f"{seed}.csv", **settings(arms=())).schema)
    assert drafts[0] == drafts[1]
    assert drafts[0].by_name["arm"].gaps == ("levels",)


def test_what_cannot_be_a_grid_is_refused(tmp_path):
    trial_frame().to_csv(tmp_path / "bp.csv", index=False)
    for wrong in (
        {"visits": ()}, {"values": ()}, {"incomplete": "guess"}, {"visits": ("RZ", "99M")},
    ):  # fmt: skip
        with pytest.raises(UsageError, match="E331"):
            read_visits(tmp_path / "bp.csv", **settings(**wrong))
    with pytest.raises(SchemaError, match="E313"):
        read_visits(tmp_path / "bp.csv", **settings(values="SBP,DBP"))
    with pytest.raises(UsageError, match="E331"):
        read_visits(write(tmp_path / "b.csv", [["MASKID", "SBP"], ["a", "1"]]), **settings())


def test_sampled_rows_of_any_index_become_long():
    trial = Trial(visits=("a", "b"), measures=("m",))
    wide = pd.DataFrame({"m_a": [1, 2, 3], "m_b": [4, None, 6]}, index=[5, 5, 1])
    long = to_long(wide, trial)
    assert long.to_numpy().tolist() == [
        ["SYNTH-0000", "a", 1], ["SYNTH-0000", "b", 4], ["SYNTH-0001", "a", 2],
        ["SYNTH-0002", "a", 3], ["SYNTH-0002", "b", 6],
    ]  # fmt: skip
    assert list(wide.columns) == ["m_a", "m_b"]


def columns(*names):
    return tuple(Column(name=n, kind="count", low=0, high=9) for n in names)


def test_a_trial_is_part_of_the_schema_and_its_file(tmp_path):
    trial = Trial(visits=("a", "1"), measures=("m",), arm="arm", visit="week")
    schema = Schema(columns=columns("m_a", "m_1", "arm"), trial=trial)
    assert Schema.parse(schema.text()) == schema
    assert Schema.from_dict(schema.to_dict()) == schema
    plain = Schema(columns=schema.columns)
    assert amend(schema.text(), schema) == schema.text()
    assert Schema.parse(amend(plain.text(), schema)) == schema
    assert Schema.parse(amend(schema.text(), plain)) == plain


@pytest.mark.parametrize(
    ("trial", "code", "line"),
    [
        ('visits = ["a", "b"]\nmeasures = ["m"]', "E235", 2),
        ('visits = ["a", "a"]\nmeasures = ["m"]', "E235", 2),
        ('visits = []\nmeasures = ["m"]', "E235", 2),
        ('visits = ["a"]\nmeasures = ["m"]\nparameter = "P"', "E235", 4),
        ('visits = ["a"]\nmeasures = ["m"]\nvisit = "age"', "E235", 2),
        ('visits = ["a"]\nmeasures = ["m"]\nendpoint = "m_a"', "E235", 4),
        ('visits = ["a"]\nmeasures = ["m"]\narm = "age"\nendpoint = "age"', "E235", 5),
        ('visits = ["a"]\nmeasures = ["m"]\narm = "age"\nendpoint = "m_a"', "E235", 5),
        ('visits = ["a"]\nmeasures = ["m"]\narm = 1', "E203", 4),
        ('visits = ["a"]\nmeasures = ["m"]\nweek = "x"', "E201", 4),
        ('visits = ["a"]', "E203", 1),
    ],
)
def test_a_trial_that_does_not_fit_its_table_is_told_with_its_line(trial, code, line):
    text = f'[trial]\n{trial}\n[columns.m_a]\nkind = "count"\nlow = 0\nhigh = 9\n'
    text += '[columns.age]\nkind = "count"\nlow = 0\nhigh = 9\n'
    with pytest.raises(SchemaError) as raised:
        Schema.parse(text)
    assert [(p.code, p.where) for p in raised.value.problems] == [(code, f"schema.toml:{line}")]


def test_sas_files_are_read_or_the_missing_part_is_named(tmp_path, monkeypatch):
    frame = trial_frame(5)
    path = tmp_path / "bp.xpt"
    monkeypatch.setitem(sys.modules, "pyreadstat", None)
    path.write_bytes(b"x")
    with pytest.raises(MissingPart, match=r"pip install 'wardveil\[sas\]'"):
        read_visits(path, **settings())
    monkeypatch.undo()
    pyreadstat = pytest.importorskip("pyreadstat", reason="the extra [sas] is not installed")
    pyreadstat.write_xport(frame, str(path), file_format_version=8)
    made = read_visits(path, **settings())
    frame.to_csv(tmp_path / "bp.csv", index=False)
    assert made.frame.equals(read_visits(tmp_path / "bp.csv", **settings()).frame)
    monkeypatch.setattr("wardveil.doors.sas._ROWS", 4)
    pieces = list(texts_of(path, ["MASKID"]))
    assert [len(p["MASKID"]) for p in pieces] == [4, 4, 4, 3]
    path.write_bytes(b"HEADER QX7")
    with pytest.raises(SchemaError, match="E301"):
        read_visits(path, **settings())
