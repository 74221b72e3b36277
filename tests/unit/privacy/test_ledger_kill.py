"""kill -9 at every line of the charge path: what was answered was charged, and hardly more."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

SCRIPT = r'''
"""Forks a child for every point of death; the parent looks at what it left behind."""
import json, os, random, shutil, signal, sys, time
from pathlib import Path

from wardveil.errors import LedgerError
from wardveil.privacy import Budget, Gradients, Histograms, Lease, Ledger, charged, make_plan

CHARGE_PATH = ("ledger", "lease")
QUESTIONS = [
    Histograms(tables=8, share=0.15),
    Gradients(patients=5000, batch=250, count=120, clip_norm=1.0, parameters=1000, share=0.85),
]
PLAN = make_plan(QUESTIONS, budget=Budget(epsilon=1.0, delta=1e-6), n=5000)
ASKED = ["one-way"] + ["gradient"] * 60


def life(path, answered):
    """Begin a ledger if there is none, and one run from its reservation to its release."""
    ledger = Ledger(path, create=True)
    with charged(ledger, PLAN, source="cohort", unit="patient", cap=50.0) as charge:
        charge.identify([n.to_bytes(8, "big") for n in range(20)])
        lease = Lease(PLAN, charge)
        for name in ASKED:
            lease.charge(name)
            os.write(answered, b"g" if name == "gradient" else b"h")
        charge.settle(lease.used)
    ledger.release(charge.run, "ab" * 32)


def child(path, watch=None):
    """A process that lives one life; returns its id and the pipe of its answers."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(read)
        if watch is not None:
            sys.settrace(watch)
        life(path, write)
        sys.settrace(None)
        os._exit(0)
    os.close(write)
    return pid, read


def buried(pid, read):
    """Wait for a child; what it had answered."""
    told = b""
    while piece := os.read(read, 4096):
        told += piece
    os.close(read)
    os.waitpid(pid, 0)
    return {"one-way": told.count(b"h"), "gradient": told.count(b"g")}


def tracer(at):
    """A trace function that calls `at` for every line of the charge path."""
    def local(frame, event, argument):
        if event == "line":
            at(Path(frame.f_code.co_filename).name, frame.f_lineno)
        return local

    def globally(frame, event, argument):
        file = Path(frame.f_code.co_filename)
        ours = file.parent.name == "privacy" and file.name.startswith(CHARGE_PATH)
        return local if ours else None

    return globally


def judge(path, answered):
    """None if the ledger is whole and charged for every answer; otherwise what is wrong."""
    if not path.exists():
        return None if not any(answered.values()) else "answers and no ledger"
    ledger = Ledger(path)
    ledger.verify()
    runs = list(ledger.book.runs.values())
    if len(runs) > 1 or (any(answered.values()) and not runs):
        return f"{len(runs)} runs"
    for run in runs:
        for name, block in (("one-way", 1), ("gradient", 50)):
            charged_for = run.advanced.get(name, 0)
            if not answered[name] <= charged_for <= answered[name] + block:
                return f"{name}: answered {answered[name]}, charged for {charged_for}"
        if run.state == "live" and ledger.recover() != (run.id,):
            return "not recovered"
        if ledger.book.total("cohort") != run.spent:
            return "the total is not what was charged"
    return None


def main(folder, mode):
    base = folder / "base.sqlite"
    lines_read, lines_write = os.pipe()
    seen = []

    def record(file, line):
        seen.append((file, line))
        os.write(lines_write, f"{file}:{line}\n".encode())

    watcher = os.fork()
    if watcher == 0:  # drains the pipe while the recording child fills it
        os.close(lines_write)
        with os.fdopen(lines_read) as source, open(folder / "lines.txt", "w") as sink:
            sink.writelines(source)
        os._exit(0)
    os.close(lines_read)
    pid, read = child(folder / "first.sqlite", tracer(record))
    os.close(lines_write)
    whole = buried(pid, read)
    os.waitpid(watcher, 0)
    events = (folder / "lines.txt").read_text().split()
    assert whole == {"one-way": 1, "gradient": 60}, whole
    if mode == "lines":
        points = sorted({events.index(e) for e in set(events)}
                        | {len(events) - 1 - events[::-1].index(e) for e in set(events)})
    else:
        points = [None] * int(mode)
    faults, dead = [], 0
    rng = random.Random(7)
    for k, point in enumerate(points):
        path = folder / f"k{k}" / "ledger.sqlite"
        path.parent.mkdir()
        countdown = [point]

        def strike(file, line):
            if countdown[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            countdown[0] -= 1

        pid, read = child(path, None if point is None else tracer(strike))
        if point is None:
            time.sleep(rng.uniform(0, 0.08))
            os.kill(pid, signal.SIGKILL)
        answered = buried(pid, read)
        dead += answered != whole
        try:
            wrong = judge(path, answered)
        except LedgerError as error:
            wrong = str(error)
        if wrong:
            faults.append(f"{events[point] if point is not None else 'random'}: {wrong}")
        shutil.rmtree(path.parent)
    print(json.dumps({"points": len(points), "lines": len(set(events)), "cut": dead,
                      "faults": faults}))


main(Path(sys.argv[1]), sys.argv[2])
'''


def campaign(folder, mode: str) -> dict:
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(folder), mode],
                          capture_output=True, text=True, check=False, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("mode", ["lines", "25"], ids=["every line", "random times"])
def test_a_killed_process_never_leaves_an_answer_uncharged(mode):
    # A killed process loses nothing that it wrote, so memory does for a disk, and is quicker.
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        found = campaign(folder, mode)
    assert found["faults"] == []
    if mode == "lines":
        assert found["lines"] > 150  # the trace saw the charge path
        assert found["cut"] > found["points"] / 2  # and killed before the end
