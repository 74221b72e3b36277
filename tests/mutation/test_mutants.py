"""Every mistake of the list is possible to make, and those of the vault itself are killed here.

All of them: make mutants.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from mutation.mutations import IMPOSSIBLE, MUTATIONS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def test_names_differ():
    names = [m.name for m in MUTATIONS] + list(IMPOSSIBLE)
    assert len(names) == len(set(names))
    assert len(MUTATIONS) >= 100


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: m.name)
def test_a_mutation_fits_our_source_in_one_place(mutation):
    text = (ROOT / "src" / "wardveil" / mutation.file).read_text(encoding="utf-8")
    assert text.count(mutation.old) == 1
    compile(text.replace(mutation.old, mutation.new), mutation.file, "exec")


def test_every_killing_test_exists():
    named = {t for m in MUTATIONS for t in m.killed_by} | {t for _, t in IMPOSSIBLE.values()}
    for test in named:
        file, _, name = test.partition("::")
        text = (ROOT / file).read_text(encoding="utf-8")
        assert f"def {name.partition('[')[0]}(" in text, test


@pytest.mark.parametrize("part", ["1/2", "2/2"])
def test_every_mutation_of_the_vault_is_killed(part):
    done = subprocess.run(
        [sys.executable, HERE / "run.py", "--file", "vault/vault.py", "--part", part, "--json"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.stdout, done.stderr
    assert [r for r in json.loads(done.stdout) if r["verdict"] != "killed"] == []
