"""Everything a table, a request or a machine can do wrong, from end to end."""

import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wardveil.cli.app import app
from wardveil.tables import demo_schema, demo_table_path

SCHEMA = """\
[table]
rows = 60

[columns.age]
kind = "count"
low = 0
high = 120

[columns.sex]
kind = "binary"
levels = ["female", "male"]
"""
HEAD = "age,sex\n"
ROWS = "30,male\n40,female\n50,male\n" * 20


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("cohort.toml").write_text(SCHEMA, encoding="utf-8")
    Path("good.csv").write_text(HEAD + ROWS, encoding="utf-8")
    return tmp_path


def fit(table: str, *more: str, epsilon: str = "1"):
    words = ["fit", table, "-s", "cohort.toml", "-m", "independent", "-e", epsilon, "-o", "r1"]
    return CliRunner().invoke(app, [*words, *more])


def test_the_same_request_works_on_a_good_table(folder):
    assert fit("good.csv").exit_code == 0


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "E302"),
        (HEAD, "E303"),
        (HEAD + "30,male\n", "E303"),
        ("age,age,sex\n" + "30,30,male\n" * 9, "E304"),
        ("years,sex\n" + ROWS, "E313"),
        (HEAD + "30,male\n" * 39_998 + "31x7,male\n", "E305"),
        (HEAD + ROWS + "inf,male\n", "E307"),
        (HEAD + ROWS + "30,31x7\n", "E309"),
        (HEAD + ROWS + "30,31x7,1\n", "E314"),
        (HEAD + ROWS + ",male\n", "E308"),
    ],
    ids=lambda v: v if len(v) < 5 else f"{len(v)} signs",
)
def test_a_bad_table_is_refused_without_a_word_of_it(folder, text, code):
    Path("bad.csv").write_text(text, encoding="utf-8")
    before = sorted(p.name for p in folder.iterdir())
    result = fit("bad.csv")
    assert (result.exit_code, result.stderr[:4]) == (3, code), result.output
    assert "31x7" not in result.output
    if code == "E305":
        assert "40000" in result.stderr.replace(",", "")  # the line, counted with the header
    left = {p.name for p in folder.iterdir()} - set(before)
    assert left <= {"wardveil-ledger.sqlite"}  # begun before the table is opened


@pytest.mark.parametrize(
    ("epsilon", "more", "code"),
    [("0", (), "E401"), ("-1", (), "E401"), ("nan", (), "E401"), ("1", ("--delta", "0.1"), "E403"),
     ("1", ("--delta", "0"), "E402"), ("1", ("--delta", "1"), "E402")],
)  # fmt: skip
def test_a_budget_that_is_none_is_refused(folder, epsilon, more, code):
    result = fit("good.csv", *more, epsilon=epsilon)
    assert (result.exit_code, result.stderr[:4]) == (4, code), result.output
    assert not Path("r1").exists()


def test_an_output_that_cannot_be_written_is_refused_before_the_fit(folder):
    result = CliRunner().invoke(
        app, ["fit", "good.csv", "-s", "cohort.toml", "-e", "1", "-o", "/proc/r1"]
    )
    assert (result.exit_code, result.stderr[:4]) == (2, "E501")


def test_a_full_disk_leaves_nothing_half_written(folder):
    done = subprocess.run(
        [sys.executable, "-c", "from wardveil.cli.app import main; main()", "fit", "good.csv",
         "-s", "cohort.toml", "-m", "independent", "-e", "1", "-o", "r1", "--no-ledger"],
        capture_output=True, text=True, check=False,
        # No file may grow beyond 500 bytes: for the program a disk that is full.
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500)),
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert "E501" in done.stderr
    assert sorted(p.name for p in folder.iterdir()) == ["cohort.toml", "good.csv"]


def test_ctrl_c_in_the_middle_of_a_fit_says_what_was_spent_and_writes_nothing(folder):
    demo_schema().write("demo.toml")
    words = ["fit", str(demo_table_path()), "-s", "demo.toml", "-m", "medical-cgan", "-e", "1",
             "-o", "r1", "--no-ledger"]  # fmt: skip
    running = subprocess.Popen(
        [sys.executable, "-c", "from wardveil.cli.app import main; main()", *words],
        stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert running.stderr is not None
    first = running.stderr.readline()  # the first line of progress: the fit is under way
    assert "ε" in first
    running.send_signal(signal.SIGINT)
    _, stderr = running.communicate(timeout=60)
    assert running.returncode == 130, stderr
    assert "had been used; no run was written" in stderr
    assert "Traceback" not in stderr
    assert not Path("r1").exists()
    assert "--resume goes on" in stderr
    assert sorted(p.name for p in Path("r1.partial").iterdir()) == [
        "request.json",
        "transcript.bin",
    ]
