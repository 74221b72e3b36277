"""Whole visits are missed, or left for good, and by as many as is known."""

import numpy as np
import pytest
import torch

from wardveil.encode.attendance import Attendance
from wardveil.encode.matrix import Matrix
from wardveil.models.obedience import obedient
from wardveil.schema import Schema
from wardveil.schema.where import Interval

TEXT = """
[trial]
visits = ["a", "b", "c", "d"]
measures = ["P", "grade"]
missed = "MISSED"

[columns]
""" + "".join(
    f'P_{v} = {{ kind = "count", low = 0, high = 99, nullable = {str(v != "a").lower()} }}\n'
    f'grade_{v} = {{ kind = "ordinal", levels = ["I", "II", "III"], '
    f"nullable = {str(v != 'a').lower()} }}\n"
    for v in "abcd"
)
COME = {"a": 1.0, "b": 0.9, "c": 0.6, "d": 0.65}


def made(missed):
    """A schema, its matrix with 5 % noise between the measures, and what a generator may say."""
    schema = Schema.parse(TEXT.replace("MISSED", missed), "trial.toml")
    p = {}
    for v in schema.variables:
        share = COME[v.name[-1]] + (0.05 if v.name.startswith("P") else -0.05) * v.nullable
        p[v.name] = np.full(v.size, share / v.cells)
        if v.nullable:
            p[v.name][-1] = 1 - share
    matrix = Matrix(schema.variables, p)
    x = torch.randn(20_000, matrix.width, generator=torch.Generator().manual_seed(0)) / 3
    for b in matrix.blocks:  # marks around the log-odds of the visit's own share
        if b.variable.nullable:
            come = COME[b.variable.name[-1]]
            x[:, b.stop - 1] += np.log((1 - come) / come) / 10
    return schema, matrix, x.double()


@pytest.mark.parametrize("missed", ["visits", "dropout"])
def test_every_row_keeps_the_rule_and_dropout_leaves_as_many_as_are_known(missed):
    schema, matrix, x = made(missed)
    attendance = Attendance(schema.trial, matrix)
    rng = np.random.default_rng(0)
    marked = attendance.marked(x, attendance.fitted(x), rng)
    rows = matrix.decode(marked, rng)
    there = np.stack([~np.isnan(rows[f"P_{v}"]) for v in "abcd"], axis=1)
    grades = np.stack([rows[f"grade_{v}"] >= 0 for v in "abcd"], axis=1)
    assert (there == grades).all()
    assert there[:, 0].all()
    if missed == "dropout":
        assert (np.diff(there.astype(int), axis=1) <= 0).all()
        assert there.mean(axis=0) == pytest.approx([1.0, 0.9, 0.625, 0.625], abs=0.01)
    else:
        assert (np.diff(there.astype(int), axis=1) > 0).any()
    kept = obedient(lambda n: {k: v[:n] for k, v in rows.items()}, schema, 500, {})
    assert len(kept["P_a"]) == 500


@pytest.mark.parametrize("missed", ["visits", "dropout"])
def test_rows_of_a_model_that_knows_no_visits_are_put_right(missed):
    """Cells by themselves: one measure, in turn, decides, and no other value is made up."""
    schema, matrix, x = made(missed)
    rows = matrix.decode(x, np.random.default_rng(1))
    kept = obedient(lambda n: {k: v[:n] for k, v in rows.items()}, schema, 300, {})
    gone = np.stack([np.isnan(kept[f"P_{v}"]) for v in "abcd"])
    assert (gone == np.stack([kept[f"grade_{v}"] < 0 for v in "abcd"])).all()
    cells = np.stack([[np.isnan(rows[f"P_{v}"]), rows[f"grade_{v}"] < 0] for v in "abcd"])
    told = np.where(np.arange(300) % 2 == 0, cells[:, 0, :300], cells[:, 1, :300])
    assert (gone == (np.maximum.accumulate(told) if missed == "dropout" else told)).all()
    there = ~np.isnan(kept["P_b"]) & ~np.isnan(rows["P_b"][:300])
    assert (kept["P_b"][there] == rows["P_b"][:300][there]).all()


def test_as_many_visits_are_missed_as_cells_were():
    """A majority of cells that go missing by themselves would miss fewer; α = 1e-4, 4 sd."""
    schema, matrix, x = made("visits")
    rows = matrix.decode(x, np.random.default_rng(2))
    n = len(rows["P_b"])
    kept = obedient(lambda m: {k: v[:m] for k, v in rows.items()}, schema, n - 400, {})
    for v in "bcd":
        cells = np.mean([np.isnan(rows[f"P_{v}"]).mean(), (rows[f"grade_{v}"] < 0).mean()])
        gap = abs(np.isnan(kept[f"P_{v}"]).mean() - cells)
        assert gap < 4 * np.sqrt(cells * (1 - cells) / len(kept["P_b"]))


def test_a_measure_that_alone_is_lacking_gets_the_next_value():
    text = TEXT.replace("MISSED", "visits").replace('"grade"]', '"grade", "Q"]')
    text += "".join(line.replace("P_", "Q_") + "\n" for line in text.splitlines() if "P_" in line)
    schema = Schema.parse(text, "trial.toml")
    rows = {v.name: v.draw(np.full(4, 1, np.int32), np.random.default_rng(0))
            for v in schema.variables}  # fmt: skip
    rows["P_b"] = np.array([30.0, np.nan, np.nan, 40.0])  # P decides in rows 0 and 3 alone
    kept = obedient(lambda n: {k: np.resize(v, n) for k, v in rows.items()}, schema, 4, {})
    assert kept["P_b"].tolist() == [30.0, 40.0, 40.0, 40.0]


def test_what_is_asked_for_is_not_missing():
    schema, matrix, x = made("visits")
    rows = matrix.decode(x, np.random.default_rng(1))
    wish = {"P_c": Interval(low=0, high=99)}
    kept = obedient(lambda n: {k: v[:n] for k, v in rows.items()}, schema, 300, wish)
    assert not np.isnan(kept["P_c"]).any()


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (('missed = "visits"', 'missed = "sometimes"'), "E203"),
        (('P_c = { kind = "count", low = 0, high = 99, nullable = true }',
          'P_c = { kind = "count", low = 0, high = 99 }'), "E235"),
    ],
)  # fmt: skip
def test_a_trial_whose_cells_cannot_be_missed_so_is_refused(change, code):
    text = TEXT.replace("MISSED", "visits")
    assert change[0] in text
    with pytest.raises(ValueError, match=code):
        Schema.parse(text.replace(*change), "trial.toml")


def test_dropout_needs_every_later_visit_to_be_missable():
    text = TEXT.replace("MISSED", "dropout")
    for m in ("P", "grade"):
        line = next(row for row in text.splitlines() if row.startswith(f"{m}_d"))
        text = text.replace(line, line.replace("nullable = true", "nullable = false"))
    with pytest.raises(ValueError, match="E235"):
        Schema.parse(text, "trial.toml")
