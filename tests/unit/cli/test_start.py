"""The command line answers at once, in every circumstance."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from wardveil.cli.app import app

HEAVY = {"torch", "pandas", "matplotlib", "jinja2", "numpy", "scipy", "sklearn", "rich", "pyarrow"}


@pytest.mark.parametrize(
    "words", [["--help"], ["fit", "--help"], ["--version"], ["explain", "E501"]]
)
def test_help_imports_nothing_heavy(words):
    program = (
        "import sys; from typer.testing import CliRunner; from wardveil.cli.app import app; "
        f"result = CliRunner().invoke(app, {words!r}); assert not result.exit_code, result; "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    # A fresh interpreter: in this one pytest has imported everything already.
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert not HEAVY & set(done.stdout.split())


@pytest.mark.parametrize(
    "words", [["fit"], ["sample", "--nope"], ["fly"], ["plan", "x", "-e", "one"]]
)
def test_wrong_options_end_with_2(words):
    assert CliRunner().invoke(app, words).exit_code == 2
