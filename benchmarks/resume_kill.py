"""Kill a fit at a random moment, resume it, and check what it leaves: many times.

    python benchmarks/resume_kill.py [--kills 100] [--workers 2] [--write]

Each time `wardveil fit` (marginal, a made-up cohort of 400) is killed with signal 9 after a random
part of its running time and then repeated with --resume. Checked: no half-written run; the resumed
statement verifies; every answer is charged and at most one block too much; the model samples.
--write keeps benchmarks/results/resume_kill.json.
"""

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

import wardveil as wv  # noqa: E402
from conftest import SCHEMA, cohort  # noqa: E402
from wardveil.privacy import Ledger  # noqa: E402
from wardveil.privacy.verify import verify_statement  # noqa: E402
from wardveil.vault.transcript import Transcript  # noqa: E402

PROGRAM = "from wardveil.cli.app import main; main()"


def once(k: int, seconds: float) -> dict[str, object]:
    """One kill and one resumption."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "c.toml").write_text(SCHEMA)
        cohort(400, seed=k).to_csv(folder / "c.csv", index=False)
        command = [sys.executable, "-c", PROGRAM, "fit", "c.csv", "-s", "c.toml", "-e", "1",
                   "-m", "marginal", "--set", "steps=150", "-o", "run", "--quiet"]  # fmt: skip
        running = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)  # fmt: skip
        time.sleep(random.Random(k).uniform(0.25, 0.95) * seconds)
        running.send_signal(signal.SIGKILL)
        killed = running.wait() == -signal.SIGKILL
        whole_or_nothing = not (folder / "run").exists() or bool(wv.load(folder / "run"))
        partial = folder / "run.partial"
        stored = len(Transcript(partial / "transcript.bin").answers) if partial.exists() else 0
        if not (folder / "run").exists():
            again = [*command, "--resume"] if (partial / "request.json").exists() else command
            if again is command and partial.exists():
                partial.rename(folder / "empty")  # killed before anything was asked for
            subprocess.run(again, cwd=folder, check=True, capture_output=True)
        synth = wv.load(folder / "run")
        ledger = Ledger(folder / "wardveil-ledger.sqlite")
        charged = sum(sum(r.advanced.values()) for r in ledger.book.runs.values())
        counts = Counter({m["name"]: m["count"] for m in synth.statement.plan["mechanisms"]})
        needed = sum(m.count for m in wv.plan(synth.schema, rows=400, epsilon=1.0,
                                              model=synth.model).mechanisms)  # fmt: skip
        return {
            "killed": killed,
            "answers_kept": stored,
            "whole_or_nothing": whole_or_nothing,
            "verified": not verify_statement(json.loads(json.dumps(synth.statement.to_dict()))),
            "undercharged": charged < needed,
            "overcharged": charged > needed + 1,
            "counted_twice": sum(counts.values()) - needed,
            "epsilon": synth.statement.epsilon,
            "samples": len(synth.sample(20)) == 20,
        }


def main() -> None:
    """Run, print, keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=7.0, help="how long one fit takes here")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    with ThreadPoolExecutor(options.workers) as pool:
        found = list(pool.map(lambda k: once(k, options.seconds), range(options.kills)))
    summary = {
        "kills": sum(bool(f["killed"]) for f in found),
        "with_answers_kept": sum(bool(f["answers_kept"]) for f in found),
        "half_written": sum(not f["whole_or_nothing"] for f in found),
        "not_verified": sum(not f["verified"] for f in found),
        "undercharged": sum(bool(f["undercharged"]) for f in found),
        "overcharged_by_more_than_a_block": sum(bool(f["overcharged"]) for f in found),
        "largest_epsilon": max(float(str(f["epsilon"])) for f in found),
        "unusable": sum(not f["samples"] for f in found),
    }
    print(json.dumps(summary, indent=1))
    if options.write:
        target = ROOT / "benchmarks" / "results" / "resume_kill.json"
        target.write_text(json.dumps({"summary": summary, "runs": found}, indent=1))


if __name__ == "__main__":
    main()
