"""Apply every mutation, one by one, to a copy of the package, and run the tests that must fail.

    python tests/mutation/run.py [--part K/N] [--only TEXT] [--file FILE] [--json]

The copy lies in a temporary folder that comes first on the path. Libraries are loaded once; every
run is a forked process that imports wardveil from the copy. Ends with 1 unless all are killed.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
import traceback
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a process with threads must not be forked

import pytest

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from mutation.mutations import MUTATIONS, Mutation  # noqa: E402

FAILED, PASSED = 1, 0


def warm() -> None:
    """Load every library that wardveil and its tests load, and nothing of wardveil."""
    import cryptography.hazmat.primitives.ciphers  # noqa: F401
    import dp_accounting.pld.privacy_loss_distribution
    import dp_accounting.rdp  # noqa: F401
    import hypothesis  # noqa: F401
    import matplotlib  # noqa: F401
    import numpy  # noqa: F401
    import opacus.grad_sample  # noqa: F401
    import opendp.prelude  # noqa: F401
    import pandas  # noqa: F401
    import pyarrow.csv
    import pyarrow.parquet  # noqa: F401
    import safetensors.torch  # noqa: F401
    import scipy.optimize
    import scipy.stats  # noqa: F401
    import sklearn.linear_model  # noqa: F401
    import torch  # noqa: F401
    from opacus.accountants import PRVAccountant  # noqa: F401

    assert not any(name.split(".")[0] == "wardveil" for name in sys.modules)


def tests_end(copy: Path, tests: tuple[str, ...], log: Path) -> int:
    """The exit code of pytest on some tests, in a process that imports the copy."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            with log.open("w") as out:
                os.dup2(out.fileno(), 1)
                os.dup2(out.fileno(), 2)
                sys.path.insert(0, str(copy))
                sys.dont_write_bytecode = True
                import wardveil

                assert Path(wardveil.__file__).is_relative_to(copy)
                quick = ["-x", "-q", "--tb=line", "--assert=plain", "-p", "no:cacheprovider"]
                code = int(pytest.main([*quick, f"--basetemp={copy / 'tmp'}", *tests]))
        except BaseException:  # noqa: BLE001 (the child must end here, whatever happens)
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def tried(mutation: Mutation, copy: Path, log: Path) -> dict[str, object]:
    """Change the copy, see whether the tests fail, change it back."""
    began = time.perf_counter()
    path = copy / "wardveil" / mutation.file
    text = path.read_text(encoding="utf-8")
    found = text.count(mutation.old)
    if found != 1:
        return told(mutation, f"its text occurs {found} times in the file", began)
    path.write_text(text.replace(mutation.old, mutation.new), encoding="utf-8")
    try:
        compile(path.read_text(encoding="utf-8"), mutation.file, "exec")
        code = tests_end(copy, mutation.killed_by, log)
    finally:
        path.write_text(text, encoding="utf-8")
    ends = {FAILED: "killed", PASSED: "SURVIVED"}
    verdict = ends.get(code, f"tests did not run (exit code {code})")
    return told(mutation, verdict, began)


def told(mutation: Mutation, verdict: str, began: float) -> dict[str, object]:
    return {
        "name": mutation.name, "file": mutation.file, "verdict": verdict,
        "killed_by": [test.split("/")[-1] for test in mutation.killed_by],
        "seconds": round(time.perf_counter() - began, 2),
    }  # fmt: skip


def main() -> int:
    asked = argparse.ArgumentParser()
    asked.add_argument("--part", default="1/1")
    asked.add_argument("--only", default="")
    asked.add_argument("--file", default="")
    asked.add_argument("--json", action="store_true")
    options = asked.parse_args()
    k, n = map(int, options.part.split("/"))
    chosen = [m for m in MUTATIONS if options.only in m.name and options.file in m.file]
    mine = chosen[k - 1 :: n]
    os.chdir(ROOT)
    warm()
    with tempfile.TemporaryDirectory() as folder:
        copy, log = Path(folder), Path(folder) / "log.txt"
        skip = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "src" / "wardveil", copy / "wardveil", ignore=skip)
        tests = tuple(dict.fromkeys(test for m in mine for test in m.killed_by))
        if tests_end(copy, tests, log) != PASSED:
            sys.exit(f"The tests must pass on the source as it is.\n{log.read_text()[-4000:]}")
        results = []
        for mutation in mine:
            results.append(tried(mutation, copy, log))
            if not options.json:
                print(line(results[-1]), flush=True)  # noqa: T201
            if results[-1]["verdict"] != "killed":
                sys.stderr.write(log.read_text()[-2000:] if log.exists() else "")
    killed = sum(r["verdict"] == "killed" for r in results)
    end = f"{killed} of {len(results)} killed"
    print(json.dumps(results, ensure_ascii=False) if options.json else end)  # noqa: T201
    return int(killed < len(results))


def line(r: dict[str, object]) -> str:
    tests = " ".join(r["killed_by"])  # type: ignore[arg-type]
    return f"{r['verdict']:<9} {r['seconds']:5} s  {r['file']:<24} {r['name']:<58} {tests}"


if __name__ == "__main__":
    sys.exit(main())
