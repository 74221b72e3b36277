"""Every lesson runs, with few steps, and draws what docs/learn.md shows."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LESSONS = {
    "linear_regression": ["--epochs", "20", "--features", "2", "--loss", "l1"],
    "sine": ["--epochs", "20"],
    "circles": ["--epochs", "5"],
    "minimax": ["--steps", "20"],
    "first_gan": ["--steps", "5", "--patients", "100"],
    "insurance": ["--epochs", "1"],
    "train_gan": ["--epochs", "1"],
    "uses": [],
}


def test_the_page_names_every_lesson_and_its_figures_exist():
    page = (ROOT / "docs" / "learn.md").read_text(encoding="utf-8")
    scripts = {p.stem for p in (ROOT / "examples" / "learn").glob("*.py")}
    assert scripts == set(LESSONS) == set(re.findall(r"examples/learn/(\w+)\.py", page)) - {"NAME"}
    for figure in re.findall(r"\]\((figures/learn/[^)]+)\)", page):
        assert (ROOT / "docs" / figure).stat().st_size > 5_000, figure


@pytest.mark.parametrize("name", list(LESSONS))
def test_a_lesson_runs_and_draws(name, tmp_path):
    script = ROOT / "examples" / "learn" / f"{name}.py"
    assert script.read_text(encoding="utf-8").startswith('"""Lesson ')
    command = [sys.executable, "-W", "error::UserWarning", str(script), *LESSONS[name]]
    done = subprocess.run([*command, "-o", str(tmp_path)], capture_output=True, text=True,
                          check=False, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert list(tmp_path.glob("*.png"))


def test_the_training_script_goes_on_where_it_stopped(tmp_path):
    script = ROOT / "examples" / "learn" / "train_gan.py"
    for said in ("epoch", "going on from"):
        command = [sys.executable, str(script), "--epochs", "1", "-o", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
        assert done.stdout.startswith(said)
