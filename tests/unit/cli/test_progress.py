import math
from dataclasses import dataclass

import pytest

from wardveil.cli.output import Output
from wardveil.cli.progress import line_text, spent_text, watched
from wardveil.cli.verb import Interrupted


@dataclass
class Step:
    phase: str = "anchor"
    step: int = 30
    steps: int = 120
    epsilon: float | None = 0.25


def test_a_line_says_how_far_at_what_cost_and_how_long():
    assert line_text(Step(), 1.0, seconds=10) == "anchor  30/120  ε 0.250 of 1  30 s left"
    assert line_text(Step(step=0, epsilon=None), 1.0, seconds=0) == "anchor  0/120"


def test_no_epsilon_is_shown_where_nothing_is_promised():
    assert spent_text(Step(epsilon=None), 1.0) == ""
    assert spent_text(Step(epsilon=3.0), math.inf) == ""


def test_lines_come_at_a_new_phase_and_every_ten_seconds_where_there_is_no_terminal(
    monkeypatch, capsys
):
    now = iter([0.0, 1.0, 9.0, 11.5, 15.0, 22.0])
    monkeypatch.setattr("wardveil.cli.progress.monotonic", lambda: next(now))
    with watched(Output(), epsilon=1.0) as watch:
        for step in (1, 9, 11, 15, 22):
            watch(Step(step=step))
    printed = capsys.readouterr()
    assert [line.split()[1] for line in printed.err.splitlines()] == ["1/120", "11/120", "22/120"]
    assert printed.out == ""


def test_quiet_is_silent(capsys):
    with watched(Output(quiet=True), epsilon=1.0) as watch:
        watch(Step())
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("step", "words"),
    [(None, "before anything was asked"), (Step(), "step 30 of 120. ε 0.250 had been used"),
     (Step(epsilon=None), "No run was written")],
)  # fmt: skip
def test_a_stopped_fit_says_what_was_spent(step, words):
    def stop() -> None:
        with watched(Output(quiet=True), epsilon=1.0) as watch:
            if step:
                watch(step)
            raise KeyboardInterrupt

    with pytest.raises(Interrupted, match=words):
        stop()
