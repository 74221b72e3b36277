import json
import logging
import re
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from wardveil.cli.output import Output
from wardveil.cli.verb import Interrupted, verb
from wardveil.errors import BudgetError, Problem, SchemaError, WardveilError

CANARY = "CANARY-7f3a"


def ask(function, *words):
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(verb(function))
    return CliRunner().invoke(app, list(words))


def fail_with(error):
    def function(output: Output) -> None:
        patient = CANARY  # noqa: F841 (a local variable that must not be shown)
        raise error

    return function


@pytest.mark.parametrize("kind", WardveilError.__subclasses__())
def test_an_error_ends_with_its_own_exit_code_and_shows_every_problem(kind):
    problems = [
        Problem(code="E901", what="One.", where="here", do=("Do this.",)),
        Problem(code="E902", what="Two."),
    ]
    result = ask(fail_with(kind(problems)))
    assert result.exit_code == kind.exit_code
    for text in ("E901", "One.", "[here]", "Do this.", "E902", "Two.", "wardveil explain E901"):
        assert text in result.stderr
    assert result.stdout == ""


def test_json_errors_are_one_object_on_stdout():
    result = ask(fail_with(BudgetError(Problem(code="E901", what="One.", do=("a", "b")))), "--json")
    assert json.loads(result.stdout) == {
        "problems": [{"code": "E901", "what": "One.", "where": "", "do": ["a", "b"]}]
    }
    assert result.exit_code == 4


def test_a_fault_of_ours_is_reported_without_data(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cause = ValueError(f"cell {CANARY}")
    error = KeyError(CANARY)
    error.__cause__ = cause
    result = ask(fail_with(error))
    assert result.exit_code == 1
    (report,) = tmp_path.iterdir()
    text = report.read_text(encoding="utf-8")
    assert re.search(r"builtins\.KeyError\n(  .*\n)+builtins\.ValueError", text)
    assert re.search(r"wardveil\.cli\.verb:\d+ command", text)
    assert CANARY not in text + result.output
    assert "/" not in text.split("values")[1]  # no path of this machine
    assert str(report.name) in result.stderr.replace("\n", "")


def test_a_fault_report_goes_elsewhere_when_the_folder_cannot_be_written(tmp_path, monkeypatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    gone.rmdir()
    result = ask(fail_with(RuntimeError()))
    assert result.exit_code == 1
    assert [p.name.startswith("wardveil-fault-") for p in tmp_path.iterdir()] == [True]


def test_an_interruption_ends_with_130_and_a_sentence():
    assert ask(fail_with(KeyboardInterrupt())).exit_code == 130
    result = ask(fail_with(Interrupted("ε 0.4 had been used.")))
    assert (result.exit_code, result.stderr.strip()) == (130, "ε 0.4 had been used.")


def test_own_options_come_first_and_the_common_ones_are_added():
    seen = {}

    def function(output: Output, *, size: Annotated[int, typer.Option("--size")] = 1) -> None:
        seen.update(output=output, size=size)

    assert ask(function, "--size", "3", "--json", "--quiet").exit_code == 0
    assert seen == {"output": Output(as_json=True, quiet=True), "size": 3}


def test_results_are_text_or_json_and_sentences_keep_out_of_the_way():
    def function(output: Output) -> None:
        output.say("on the way")
        output.result("done", {"value": 1})

    assert ask(function).stdout == "on the way\ndone\n"
    assert ask(function, "--quiet").stdout == "done\n"
    told = ask(function, "--json")
    assert json.loads(told.stdout) == {"value": 1}
    assert told.stderr == "on the way\n"


def test_the_log_is_json_lines_without_messages_of_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def function(output: Output) -> None:
        logging.getLogger("wardveil.somewhere").info("step %d", 3)
        raise ValueError(CANARY)

    path = tmp_path / "log.jsonl"
    assert ask(function, "--log-file", str(path)).exit_code == 1
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    assert [line["message"] for line in lines] == ["step 3", "ended with exit code 1: ValueError "]
    assert not logging.getLogger("wardveil").level
    assert CANARY not in path.read_text(encoding="utf-8")


def test_a_log_that_cannot_be_written_is_an_error_and_nothing_runs(tmp_path):
    (tmp_path / "file").touch()
    result = ask(fail_with(SchemaError(Problem(code="E901", what="One."))),
                 "--log-file", str(tmp_path / "file" / "log"))  # fmt: skip
    assert result.exit_code == 2
    assert "E501" in result.stderr
