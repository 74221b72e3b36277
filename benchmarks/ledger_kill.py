"""Kill 100 runs at random times and look at what their ledger says.

    python benchmarks/ledger_kill.py            # writes benchmarks/results/ledger_kill.json

One ledger for all. Each run charges steps in blocks of 50 and reports every step it was granted;
it is ended by SIGKILL at a random moment. Afterwards every run must be charged for at least the
steps it was granted, and for at most one block more, and the file must be whole.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from wardveil.privacy import Budget, Gradients, Histograms, Lease, Ledger, charged, make_plan
from wardveil.privacy.lease import BLOCK
from wardveil.privacy.ledger_file import transaction

KILLS = 100
RESULT = Path(__file__).parent / "results" / "ledger_kill.json"
PLAN = make_plan(
    [
        Histograms(tables=8, share=0.15),
        Gradients(patients=5000, batch=250, count=2000, clip_norm=1.0, parameters=1000, share=0.85),
    ],
    budget=Budget(epsilon=0.5, delta=1e-6),
    n=5000,
)


def life(path: Path) -> None:
    """One run; says its name, then a letter for every use that was granted."""
    with charged(Ledger(path), PLAN, source="cohort", unit="patient") as charge:
        os.write(1, f"{charge.run}\n".encode())
        lease = Lease(PLAN, charge)
        lease.charge("one-way")
        os.write(1, b"h")
        for _ in range(2000):
            lease.charge("gradient")
            os.write(1, b"g")
            time.sleep(5e-4)
        charge.settle(lease.used)


def granted_in(output: bytes) -> tuple[str, Counter[str]]:
    """The run's name ("" if it was killed before it had one) and what it was granted."""
    name, _, letters = output.partition(b"\n")
    return name.decode(), Counter({"one-way": letters.count(b"h"), "gradient": letters.count(b"g")})


def kill_one(path: Path, rng: random.Random) -> tuple[str, Counter[str], int]:
    """Start a run, kill it after up to a second of work; also its exit code."""
    running = subprocess.Popen([sys.executable, __file__, str(path)], stdout=subprocess.PIPE)
    assert running.stdout is not None
    first = os.read(running.stdout.fileno(), 1)  # imports are over, the reservation is made
    time.sleep(rng.uniform(0, 0.8))
    running.send_signal(signal.SIGKILL)
    rest = running.stdout.read()
    running.stdout.close()
    return *granted_in(first + rest), running.wait()


def campaign(path: Path, kills: int) -> dict[str, object]:
    """Kill runs on one ledger; what was found."""
    ledger = Ledger(path, create=True)
    ledger.open_source("cohort", unit="patient", relation="null", cap_epsilon=60, cap_delta=1e-6)
    rng = random.Random(2026)
    killed, under, over, most, whole = 0, 0, 0, 0, 0
    granted_steps, charged_steps = 0, 0
    for _ in range(kills):
        name, granted, code = kill_one(path, rng)
        killed += code == -signal.SIGKILL
        with transaction(path, check=True):
            whole += 1
        ledger.verify()
        run = ledger.book.runs[name]
        for question, block in (("one-way", 1), ("gradient", BLOCK)):
            more = run.advanced.get(question, 0) - granted[question]
            under += more < 0
            over += more > block
            most = max(most, more)
        granted_steps += granted["gradient"]
        charged_steps += run.advanced.get("gradient", 0)
        if run.state == "live":
            ledger.recover()
    last = ledger.verify()
    return {
        "kills": kills, "killed_by_signal": killed, "files_whole": whole,
        "runs_charged_too_little": under, "runs_charged_more_than_a_block_too_much": over,
        "most_uses_charged_too_many": most, "steps_granted": granted_steps,
        "steps_charged": charged_steps, "block": BLOCK, "entries": last.sequence if last else 0,
    }  # fmt: skip


if __name__ == "__main__":
    if len(sys.argv) > 1:
        life(Path(sys.argv[1]))
    else:
        with tempfile.TemporaryDirectory() as folder:
            found = campaign(Path(folder) / "ledger.sqlite", KILLS)
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        print(json.dumps(found, indent=2))
