"""fit and run charge a ledger; wardveil ledger shows it; canaries in the keys."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from typer.testing import CliRunner

from wardveil.cli.app import app
from wardveil.errors import BudgetError, LedgerError
from wardveil.privacy import Ledger
from wardveil.schema import Schema
from wardveil.synthesizer import fit, load
from wardveil.tables import demo_schema, demo_table_path, patient_fingerprint

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
NAME = "wardveil-ledger.sqlite"


def cohort(start: int = 0) -> pd.DataFrame:
    return pd.DataFrame({
        "pid": [f"CANARY{i}" for i in range(start, start + 60)],
        "age": [20 + i % 50 for i in range(60)],
        "sex": ["female", "male", "female"] * 20,
    })  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    cohort().to_csv("table.csv", index=False)
    Path("cohort.toml").write_text(SCHEMA, encoding="utf-8")
    return tmp_path


def ask(*words: object, code: int = 0):
    result = CliRunner().invoke(app, [str(w) for w in words])
    assert result.exit_code == code, result.output
    assert "CANARY" not in result.output
    return result


def ask_json(*words: object) -> dict:
    return json.loads(ask(*words, "--json").stdout)


def fit_words(run: str, *more: object, table: str = "table.csv", epsilon: float = 1):
    return ("fit", table, "-s", "cohort.toml", "-m", "independent", "-e", epsilon, "-o", run, *more)


def test_a_fit_is_charged_by_default_and_its_statement_says_where(folder):
    told = ask(*fit_words("r1")).stdout
    assert f"Ledger: {NAME}" in told
    statement = load("r1").statement
    assert "charged to the account 'table.csv'" in str(statement)
    shown = ask_json("ledger", "show", "table.csv")
    assert shown["runs"][0]["run"] == statement.ledger["run"]
    assert shown["runs"][0]["state"] == "settled"
    assert len(shown["runs"][0]["released"]) == 1
    assert shown["patients"] == 60
    assert 0 < shown["taken"] < 0.1
    assert shown["settled_pld"] == pytest.approx(statement.epsilon, rel=0.01)
    verified = ask_json("ledger", "verify", "--run", "r1")
    assert (verified["entries"], verified["stamps"]) == (6, 1)
    assert "table.csv  cap ε 10" in ask("ledger", "list").stdout


def test_run_charges_too_and_demo_says_nothing_of_it(folder):
    ask("run", "table.csv", "-s", "cohort.toml", "-m", "independent", "-e", 1, "--holdout", 0.3,
        "-o", "out")  # fmt: skip
    assert ask_json("ledger", "verify", "--run", "out/run")["stamps"] == 1
    assert "Ledger: charged" in Path("out/statement.txt").read_text(encoding="utf-8")
    assert ask_json("ledger", "list")["accounts"][0]["patients"] == 60


def test_without_a_ledger_the_statement_says_unaccounted(folder):
    assert "Ledger: unaccounted" in ask(*fit_words("r1", "--no-ledger")).stdout
    assert not Path(NAME).exists()
    assert "unaccounted" in str(load("r1").statement)
    ask(*fit_words("r2", "--no-ledger", "--cap", 3), code=2)


def test_a_cap_is_kept_across_runs(folder):
    ask(*fit_words("r1", "--cap", 1.3))
    refused = ask(*fit_words("r2"), code=4)
    assert refused.stderr.startswith("E410")
    assert not Path("r2").exists()
    assert ask(*fit_words("r2", "--cap", 9), code=4).stderr.startswith("E412")
    ask("ledger", "cap", "table.csv", "-e", 4, "--delta", load("r1").statement.delta)
    ask(*fit_words("r2"))
    found = ask_json("ledger", "list")["accounts"][0]
    assert (found["cap_epsilon"], found["count"]) == (4, 2)


def test_a_named_ledger_must_exist_and_cap_begins_one(folder):
    assert ask(*fit_words("r1", "--ledger", "mine.sqlite"), code=4).stderr.startswith("E416")
    ask("ledger", "cap", "cohort", "-e", 3, "--delta", 1e-3, "--ledger", "mine.sqlite")
    ask(*fit_words("r1", "--ledger", "mine.sqlite", "--source", "cohort"))
    assert load("r1").statement.ledger["source"] == "cohort"
    assert not Path(NAME).exists()


def test_the_same_patients_under_another_name_are_recognised(folder):
    ask(*fit_words("r1"))
    cohort().sample(frac=1, random_state=1).head(50).to_csv("edited.csv", index=False)
    Path("cohort.toml").write_text(SCHEMA.replace("60", "50"), encoding="utf-8")
    refused = ask(*fit_words("r2", table="edited.csv"), code=4)
    assert refused.stderr.startswith("E415")
    assert "--source table.csv" in refused.stderr
    run = ask_json("ledger", "show", "edited.csv")["runs"][0]
    assert (run["state"], run["taken"]) == ("abandoned", 0)
    ask(*fit_words("r2", "--source", "table.csv", table="edited.csv"))
    assert ask_json("ledger", "show", "table.csv")["count"] == 2


def test_a_bad_table_costs_nothing(folder):
    cohort().assign(age=["CANARY"] * 60).to_csv("table.csv", index=False)
    ask(*fit_words("r1"), code=3)
    found = ask_json("ledger", "list")["accounts"][0]
    assert (found["taken"], found["count"], found["live"]) == (0, 1, 0)


def test_runs_that_reveal_more_than_their_price_are_marked(folder):
    ask(*fit_words("r1", epsilon=float("inf")))
    assert "Ledger: charged" in str(load("r1").statement)
    assert "! no guarantee" in ask("ledger", "show", "table.csv").stdout


def test_recover_and_export(folder):
    ask(*fit_words("r1"))
    plan_left = Ledger(NAME)
    kept = plan_left.book.runs[load("r1").statement.ledger["run"]]
    assert ask_json("ledger", "recover") == {"runs": []}
    ask("ledger", "export", "-o", "entries.jsonl")
    lines = Path("entries.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["kind"] for line in lines] == [
        "OPEN", "RESERVE", "NOTE", "ADVANCE", "SETTLE", "RELEASE",
    ]  # fmt: skip
    schema = Schema.parse(SCHEMA, "cohort.toml")
    for secret in (plan_left.key, *patient_fingerprint("table.csv", schema, plan_left.key)):
        assert secret.hex() not in "".join(lines)
    assert "CANARY" not in "".join(lines)
    assert kept.state == "settled"


def test_an_older_ledger_is_found_by_a_run_folder(folder):
    ask(*fit_words("r1"))
    older = Path(NAME).read_bytes()
    ask(*fit_words("r2"))
    Path(NAME).write_bytes(older)
    ask("ledger", "verify", "--run", "r1")
    assert ask("ledger", "verify", "--run", "r2", code=4).stderr.startswith("E417")


@pytest.fixture
def working(folder: Path):
    """A fit that is under way, on a table beside which its ledger lies."""
    shutil.copy(demo_table_path(), "demo.csv")
    demo_schema().write("demo.toml")
    words = ["fit", "demo.csv", "-s", "demo.toml", "-m", "medical-cgan", "-e", "1", "-o", "r1"]
    running = subprocess.Popen(
        [sys.executable, "-c", "from wardveil.cli.app import main; main()", *words],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stderr is not None
    assert "ε" in running.stderr.readline()
    yield running
    running.kill()
    running.communicate(timeout=60)


def test_a_fit_that_is_killed_stays_charged_until_it_is_recovered(working):
    working.kill()
    working.communicate(timeout=60)
    (run,) = ask_json("ledger", "show", "demo.csv")["runs"]
    assert run["state"] == "live"
    assert not Path("r1").exists()
    assert ask_json("ledger", "recover") == {"runs": [run["run"]]}
    (over,) = ask_json("ledger", "show", "demo.csv")["runs"]
    assert over["state"] == "abandoned"
    assert 0 < over["taken"] < run["taken"]
    assert over["charged"] == run["charged"] != run["planned"]


def test_a_fit_that_is_stopped_keeps_what_was_charged(working):
    working.send_signal(signal.SIGINT)
    _, stderr = working.communicate(timeout=60)
    assert working.returncode == 130, stderr
    assert "What was charged to the ledger stays charged" in stderr
    (run,) = ask_json("ledger", "show", "demo.csv")["runs"]
    assert run["state"] == "abandoned"
    assert run["taken"] > 0
    assert not Path("r1").exists()


def test_a_fingerprint_knows_patients_by_key_alone(folder):
    schema = Schema.parse(SCHEMA, "cohort.toml")
    frame = cohort()
    ours = patient_fingerprint(frame, schema, b"k" * 32)
    shuffled = pd.concat([frame, frame]).sample(frac=1, random_state=2).assign(age=1)
    assert patient_fingerprint(shuffled, schema, b"k" * 32) == ours
    assert patient_fingerprint("table.csv", schema, b"k" * 32) == ours
    assert len(set(ours)) == 60
    assert not set(ours) & set(patient_fingerprint(frame, schema, b"x" * 32))
    assert not set(ours) & set(patient_fingerprint(cohort(60), schema, b"k" * 32))


def test_a_library_fit_says_nothing_unless_it_is_told(folder):
    schema = Schema.parse(SCHEMA, "cohort.toml")
    ask_for = {"schema": schema, "model": "independent", "epsilon": 1.0}
    assert fit(cohort(), **ask_for).statement.ledger is None
    with pytest.raises(LedgerError, match="E416"):
        fit(cohort(), **ask_for, ledger=Path("none.sqlite"))
    ledger = Ledger("l.sqlite", create=True)
    made = fit(cohort(), **ask_for, ledger=ledger, source="study", cap=1.3)
    assert made.statement.ledger["source"] == "study"
    with pytest.raises(BudgetError, match="E410"):
        fit(cohort(), **ask_for, ledger=Path("l.sqlite"), source="study")
