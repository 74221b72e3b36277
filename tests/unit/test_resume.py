"""A killed run goes on: stored answers first, fresh ones after, every one paid once."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import wardveil as wv
from conftest import SCHEMA, cohort
from tests_support import SMALL
from wardveil.audit import RecordingNoise
from wardveil.errors import RunError
from wardveil.privacy import Ledger
from wardveil.privacy.verify import verify_statement
from wardveil.vault import SecretNoise
from wardveil.vault.transcript import Stored, Transcript


class Stop(Exception):  # noqa: N818
    """A stop of the test's own."""


def stopping_after(calls):
    """A progress callback that stops a fit at its k-th moment."""
    seen = []

    def progress(step):
        seen.append(step)
        if len(seen) == calls:
            raise Stop

    return progress


STOPS = [("marginal", 1), ("marginal", 3), ("medical-cgan", 2), ("medical-cgan", 9)]


@pytest.mark.parametrize(("name", "moment"), STOPS)
def test_a_stopped_run_goes_on_and_says_what_it_cost(name, moment, schema, frame, tmp_path):
    how = {"schema": schema, "model": SMALL[name], "epsilon": 1.0, "partial": tmp_path / "p"}
    with pytest.raises(Stop):
        wv.fit(frame, progress=stopping_after(moment), **how)
    before = Transcript(tmp_path / "p" / "transcript.bin")
    noise = RecordingNoise(SecretNoise())
    noise.grade = "release"
    synth = wv.fit(frame, resume=True, noise=noise, **how)
    planned = wv.plan(schema, rows=len(frame), epsilon=1.0, model=SMALL[name])
    asked = sum(m.count for m in planned.mechanisms)
    assert len(noise.asked) == asked - len(before.answers)  # stored answers are not asked again
    counts = {m["name"]: m["count"] for m in synth.statement.plan["mechanisms"]}
    extra = sum(counts.values()) - asked
    assert extra == (1 if len(noise.asked) else 0)  # what the stop may have swallowed is paid
    assert synth.statement.epsilon >= planned.spent.epsilon
    assert verify_statement(json.loads(json.dumps(synth.statement.to_dict()))) == []
    assert len(synth.sample(50)) == 50


def test_an_unbroken_run_and_its_own_transcript_give_the_same_model(schema, frame, tmp_path):
    how = {"schema": schema, "model": SMALL["marginal"], "epsilon": 1.0,
           "partial": tmp_path / "p", "seed": 5}  # fmt: skip
    first = wv.fit(frame, **how)
    noise = RecordingNoise(SecretNoise())
    again = wv.fit(frame, resume=True, noise=noise, **how)
    assert noise.asked == []
    pd.testing.assert_frame_equal(first.sample(40, seed=1), again.sample(40, seed=1))
    assert first.statement.plan == again.statement.plan


def test_the_ledger_is_charged_for_what_is_left_only(schema, frame, tmp_path):
    ledger = Ledger(tmp_path / "l.sqlite", create=True)
    how = {"schema": schema, "model": SMALL["marginal"], "epsilon": 1.0, "ledger": ledger,
           "source": "s", "partial": tmp_path / "p"}  # fmt: skip
    with pytest.raises(Stop):
        wv.fit(frame, progress=stopping_after(4), **how)
    wv.fit(frame, resume=True, **how)
    states = [r.state for r in ledger.book.runs.values()]
    assert sorted(states) == ["abandoned", "settled"]
    charged = sum(sum(r.advanced.values()) for r in ledger.book.runs.values())
    planned = wv.plan(schema, rows=len(frame), epsilon=1.0, model=SMALL["marginal"])
    needed = sum(m.count for m in planned.mechanisms)
    assert needed <= charged <= needed + 1  # at most one block more, and a block is one here


def test_a_run_that_failed_before_its_first_answer_leaves_nothing(schema, frame, tmp_path):
    with pytest.raises(wv.WardveilError):
        wv.fit(frame.assign(age="x"), schema=schema, epsilon=1.0, partial=tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_only_the_same_run_goes_on(schema, frame, tmp_path):
    how = {"schema": schema, "model": SMALL["marginal"], "partial": tmp_path / "p"}
    with pytest.raises(Stop):
        wv.fit(frame, epsilon=1.0, progress=stopping_after(3), **how)
    with pytest.raises(RunError, match="E506"):
        wv.fit(frame, epsilon=2.0, resume=True, **how)
    with pytest.raises(RunError, match="E507"):
        wv.fit(frame, epsilon=1.0, **how)
    with pytest.raises(RunError, match="E506"):
        wv.fit(frame, epsilon=1.0, resume=True, **{**how, "partial": tmp_path / "nothing"})


@pytest.mark.parametrize("cut", [0, 1, 5, 11, 40])
def test_a_record_that_a_crash_cut_short_is_dropped(cut, tmp_path):
    path = tmp_path / "t.bin"
    transcript = Transcript(path)
    for k in range(3):
        transcript.append(Stored(question="q", use=k + 1, value=np.arange(k + 2)))
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.truncate(size - cut)
    again = Transcript(path)
    assert len(again.answers) == (3 if cut == 0 else 2)
    assert again.answers[1].value.tolist() == [0, 1, 2]
    again.append(Stored(question="q", use=9, value=np.array(7)))
    assert Transcript(path).answers[-1].use == 9


def test_a_changed_byte_ends_the_transcript_there(tmp_path):
    path = tmp_path / "t.bin"
    transcript = Transcript(path)
    for k in range(3):
        transcript.append(Stored(question="q", use=k + 1, value=np.arange(4)))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    assert len(Transcript(path).answers) == 1


def test_no_patient_is_in_an_unfinished_run(schema, tmp_path):
    frame = cohort(300)
    frame["id"] = [f"CANARY{i:04d}" for i in range(300)]
    frame["bmi"] = 43.7
    with pytest.raises(Stop):
        wv.fit(frame, schema=schema, model=SMALL["medical-cgan"], epsilon=1.0,
               partial=tmp_path / "p", progress=stopping_after(6))  # fmt: skip
    for file in (tmp_path / "p").iterdir():
        data = file.read_bytes()
        for needle in (b"CANARY", b"43.7", np.float64(43.7).tobytes(), np.float32(43.7).tobytes()):
            assert needle not in data


def test_kill_minus_nine_and_resume_from_the_command_line(tmp_path):
    (tmp_path / "c.toml").write_text(SCHEMA)
    cohort(400).to_csv(tmp_path / "c.csv", index=False)
    program = "from wardveil.cli.app import main; main()"
    command = [sys.executable, "-c", program, "fit", "c.csv", "-s", "c.toml",
               "--epsilon", "1", "--model", "medical-cgan", "--set", "learnable=0",
               "--set", "matching_steps=5", "--set", "private_steps=500",
               "-o", "run", "--quiet"]  # fmt: skip
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL)  # fmt: skip
    transcript = tmp_path / "run.partial" / "transcript.bin"
    until = time.monotonic() + 90
    while time.monotonic() < until and not (
        transcript.exists() and transcript.stat().st_size > 100_000
    ):
        time.sleep(0.05)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert not (tmp_path / "run").exists()
    assert Transcript(transcript).answers
    done = subprocess.run([*command, "--resume"], cwd=tmp_path, capture_output=True, text=True,
                          timeout=300, check=False)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "run.partial").exists()
    synth = wv.load(tmp_path / "run")
    assert "went on 1 time" in str(synth.statement)
    assert len(synth.sample(30)) == 30
    assert Path(tmp_path / "wardveil-ledger.sqlite").exists()


def test_two_stops_before_the_same_answer_count_twice(schema, frame, tmp_path):
    how = {"schema": schema, "model": SMALL["marginal"], "epsilon": 1.0, "partial": tmp_path / "p"}
    with pytest.raises(Stop):
        wv.fit(frame, progress=stopping_after(2), **how)

    class DiesAtOnce(RecordingNoise):
        """Computes one answer, and is killed before it is stored."""

        def lattice(self, *args):
            raise Stop

    with pytest.raises(Stop):
        wv.fit(frame, resume=True, noise=DiesAtOnce(SecretNoise()), **how)
    synth = wv.fit(frame, resume=True, **how)
    counts = {m["name"]: m["count"] for m in synth.statement.plan["mechanisms"]}
    planned = wv.plan(schema, rows=len(frame), epsilon=1.0, model=SMALL["marginal"])
    assert counts["moments"] == planned.mechanism("moments").count + 2


def test_under_add_remove_the_number_of_patients_is_never_counted(schema, frame):
    how = {"schema": schema, "model": SMALL["independent"], "epsilon": 1.0}
    with pytest.raises(wv.WardveilError, match="E137"):
        wv.fit(frame, relation="add-remove", **how)
    plans = [
        wv.fit(f, relation="add-remove", rows=700, **how).statement.plan
        for f in (frame, frame.iloc[:-1])
    ]
    assert plans[0] == plans[1]
