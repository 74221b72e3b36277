"""init, check, plan, fit, sample, run on a small table; canaries in every cell."""

import json
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from wardveil.cli.app import app

SCHEMA = """\
[table]
key = "pid"
rows = 60

[columns.pid]
kind = "id"

[columns.age]
kind = "count"
low = 0
high = 120

[columns.sex]
kind = "binary"
levels = ["female", "male"]
"""


def ask(*words: object):
    return CliRunner().invoke(app, [str(w) for w in words])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    frame = pd.DataFrame({
        "pid": [f"P{i}" for i in range(60)],
        "age": [20 + i % 50 for i in range(60)],
        "sex": ["female", "male", "female"] * 20,
    })  # fmt: skip
    frame.to_csv("table.csv", index=False)
    Path("cohort.toml").write_text(SCHEMA, encoding="utf-8")
    return tmp_path


FIT = ("fit", "table.csv", "-s", "cohort.toml", "-m", "independent", "-e", "1", "-o", "r1")


def test_the_way_from_a_table_to_synthetic_rows(folder):
    assert ask("check", "table.csv", "-s", "cohort.toml").exit_code == 0
    planned = ask("plan", "cohort.toml", "--epsilon", 1, "--model", "independent", "--json")
    assert json.loads(planned.stdout)["patients"] == 60
    fitted = ask(*FIT, "--json")
    assert fitted.exit_code == 0, fitted.output
    assert 0 < json.loads(fitted.stdout)["statement"]["epsilon"] <= 1
    done = ask(
        "sample", "r1", "-n", 40, "--where", "sex=male", "--where", "age=30..40", "-o", "s.csv"
    )
    assert done.exit_code == 0, done.output
    made = pd.read_csv("s.csv")
    assert len(made) == 40
    assert set(made["sex"]) == {"male"}
    assert made["age"].between(30, 40).all()
    assert ask("sample", "r1", "-n", 4, "-o", "s.csv").exit_code == 2  # never replaced
    assert ask("sample", "r1", "-n", 4, "-o", "s.csv", "--force").exit_code == 0
    assert {p.name for p in folder.iterdir()} == {
        "table.csv", "cohort.toml", "r1", "s.csv", "wardveil-ledger.sqlite",
    }  # fmt: skip


def test_the_same_sampling_seed_gives_the_same_rows(folder):
    assert ask(*FIT).exit_code == 0
    for name in ("a.csv", "b.csv"):
        assert ask("sample", "r1", "-n", 20, "--seed", 5, "-o", name).exit_code == 0
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()


def test_without_a_guarantee_the_first_sentence_says_so(folder):
    result = ask(*FIT[:-4], "-e", "inf", "-o", "r1")
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("No privacy guarantee")


def test_run_writes_everything_in_one_folder(folder):
    result = ask("run", "table.csv", "-s", "cohort.toml", "-m", "independent", "-e", 1,
                 "--holdout", 0.3, "-o", "out", "--json")  # fmt: skip
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["means"]["tvd1"] > 0
    assert {p.name for p in Path("out").iterdir()} == {
        "cohort.toml", "report.html", "report.json", "run", "statement.json", "statement.txt",
        "synthetic.csv",
    }  # fmt: skip
    assert len(pd.read_csv("out/synthetic.csv")) == 42
    page = Path("out/report.html").read_text(encoding="utf-8")
    assert "held-out rows" in page
    for patient in pd.read_csv("table.csv")["pid"]:
        assert f">{patient}<" not in page


def test_run_without_a_schema_asks_how_to_find_the_facts(folder):
    result = ask("run", "table.csv", "-e", 1, "-o", "out")
    assert result.exit_code == 2
    assert "--look" in result.stderr
    assert "--private-facts" in result.stderr


def test_run_with_look_loses_the_claim(folder):
    result = ask("run", "table.csv", "-e", 1, "-m", "independent", "--look", "-o", "out", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["statement"]["epsilon"] is None
    assert "No guarantee" in Path("out/report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        ((*FIT, "--look", "--private-facts"), "E102", 2),
        (("fit", "table.csv", "-s", "cohort.toml", "-e", "1", "-o", "r1", "--set", "a=1"),
         "E103", 2),
        (("run", "table.csv", "-s", "cohort.toml", "-e", "1", "-o", "o", "--holdout", "1.5"),
         "E106", 2),
        ((*FIT[:-1], "."), "E502", 2),
        ((*FIT[:-1], "table.csv/r1"), "E501", 2),
        (("sample", "nowhere", "-n", "3", "-o", "s.csv"), "E503", 2),
    ],
)  # fmt: skip
def test_a_wrong_request_is_refused_with_its_code(folder, words, code, exit_code):
    before = sorted(p.name for p in folder.iterdir())
    result = ask(*words)
    assert (result.exit_code, result.stderr[:4]) == (exit_code, code)
    assert sorted(p.name for p in folder.iterdir()) == before


def test_init_drafts_from_the_header_and_says_what_is_missing(folder):
    assert ask("init", "table.csv").exit_code == 2  # cohort.toml is there
    result = ask("init", "table.csv", "-o", "new.toml", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["columns"] == 3
    assert "sex" in json.loads(result.stdout)["gaps"]
    assert ask("init", "table.csv", "-o", "new.toml", "--look", "--force").exit_code == 0


CANARY = "CANARY-{}-{}"
VERBS = {
    "check": ("check", "bad.csv", "-s", "cohort.toml"),
    "fit": ("fit", "bad.csv", "-s", "cohort.toml", "-m", "independent", "-e", "1", "-o", "r1"),
    "run": ("run", "bad.csv", "-s", "cohort.toml", "-m", "independent", "-e", "1", "-o", "out"),
    "run --look": ("run", "bad.csv", "-e", "1", "-m", "independent", "--look", "-o", "out"),
    "init": ("init", "bad.csv", "-o", "new.toml"),
    "init --look": ("init", "bad.csv", "-o", "new.toml", "--look"),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("json_too", [(), ("--json",)])
def test_no_message_shows_a_cell(folder, verb, json_too):
    frame = pd.DataFrame({
        c: [CANARY.format(c, i) for i in range(40)] for c in ("pid", "age", "sex")
    })  # fmt: skip
    frame.to_csv("bad.csv", index=False)
    result = ask(*VERBS[verb], *json_too, "--log-file", "log.jsonl")
    if "check" in verb or "fit" in verb or verb == "run":
        assert result.exit_code == 3, result.output
    written = result.output + Path("log.jsonl").read_text(encoding="utf-8")
    written += "".join(p.read_text(encoding="utf-8") for p in folder.glob("wardveil-fault-*"))
    assert "CANARY" not in written
    assert not list(folder.glob("wardveil-fault-*"))
