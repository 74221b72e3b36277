"""report: the internal page, the public one, and never both."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from wardveil.cli.app import app

SCHEMA = """\
[table]
key = "pid"

[columns.pid]
kind = "id"

[columns.age]
kind = "count"
low = 0
high = 120

[columns.bp0]
kind = "count"
low = 0
high = 300

[columns.bp1]
kind = "count"
low = 0
high = 300

[columns.arm]
kind = "binary"
levels = ["a", "b"]
"""


def ask(*words: object):
    return CliRunner().invoke(app, [str(w) for w in words])


def rows(start: int, n: int) -> pd.DataFrame:
    return pd.DataFrame({
        "pid": [f"CANARY{i}" for i in range(start, start + n)],
        "age": [20 + i % 50 for i in range(n)], "bp0": [140 + i % 40 for i in range(n)],
        "bp1": [120 + i % 37 for i in range(n)], "arm": ["a", "b", "a"] * (n // 3),
    })  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("report")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        rows(0, 90).to_csv("table.csv", index=False)
        rows(90, 60).to_csv("kept.csv", index=False)
        Path("cohort.toml").write_text(SCHEMA, encoding="utf-8")
        done = ask("fit", "table.csv", "-s", "cohort.toml", "-m", "independent", "-e", "1", "-o",
                   "run", "--no-ledger")  # fmt: skip
        assert done.exit_code == 0, done.output
        yield made


def test_the_internal_page_and_its_twin(folder):
    done = ask("report", "run", "--real", "table.csv", "--holdout", "kept.csv", "--arm", "arm",
               "--visits", "bp=bp0,bp1", "--at-most", "bp1=bp0", "-o", "in.html",
               "--json")  # fmt: skip
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert told["cards"][0]["title"] == "Protected"
    page = Path("in.html").read_text("utf-8")
    assert "Do not share" in page
    assert "60 held-out rows" in page
    assert "CANARY" not in page + Path("in.json").read_text("utf-8")
    assert json.loads(Path("in.json").read_text("utf-8"))["evaluation"]["rows"]["holdout"] == 60


def test_the_public_page_reads_no_table(folder):
    Path("table.csv").rename("away.csv")
    try:
        done = ask("report", "run", "--public", "-o", "pub.html", "--seed", 3)
    finally:
        Path("away.csv").rename("table.csv")
    assert done.exit_code == 0, done.output
    assert "may be shared" in done.stdout
    assert "May be shared" in Path("pub.html").read_text("utf-8")


def test_rows_drawn_already_are_the_ones_that_are_judged(folder):
    assert ask("sample", "run", "-n", 33, "-o", "s.csv").exit_code == 0
    for words in (("--public",), ("--real", "table.csv")):
        done = ask("report", "run", *words, "--synthetic", "s.csv", "-o", "s.html", "--force")
        assert done.exit_code == 0, done.output
        assert "33" in Path("s.html").read_text("utf-8").split("</header>")[1][:400]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("-o", "x.html"), "E109"),
        (("-o", "x.html", "--public", "--real", "table.csv"), "E109"),
        (("-o", "x.html", "--public", "--holdout", "kept.csv"), "E109"),
        (("-o", "x.pdf", "--public"), "E110"),
        (("-o", "x.html", "--real", "table.csv", "--arm", "sex"), "E111"),
        (("-o", "x.html", "--real", "table.csv", "--visits", "bp"), "E101"),
    ],
)
def test_a_wrong_request_is_refused_and_nothing_is_written(folder, words, code):
    before = sorted(p.name for p in folder.iterdir())
    result = ask("report", "run", *words)
    assert (result.exit_code, result.stderr[:4]) == (2, code)
    assert sorted(p.name for p in folder.iterdir()) == before


def test_an_older_page_is_kept_unless_forced(folder):
    Path("old.html").write_text("mine")
    assert ask("report", "run", "--public", "-o", "old.html").exit_code == 2
    assert Path("old.html").read_text() == "mine"
    assert not Path("old.json").exists()
