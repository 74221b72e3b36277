import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import wardveil
from wardveil.cli.app import app
from wardveil.cli.explain import explanations

SOURCE = Path(wardveil.__file__).parent


def codes_used() -> set[str]:
    # errors.py only shows what a code looks like.
    files = [p for p in SOURCE.rglob("*.py") if p.name != "errors.py"]
    text = "\n".join(p.read_text(encoding="utf-8") for p in files)
    return set(re.findall(r'"(E\d{3})"', text))


def test_every_code_that_is_raised_is_explained():
    assert sorted(codes_used() - set(explanations())) == []


def test_nothing_is_explained_that_is_never_raised():
    assert sorted(set(explanations()) - codes_used()) == []


@pytest.mark.parametrize("code", sorted(explanations()))
def test_an_explanation_is_complete(code):
    entry = explanations()[code]
    assert set(entry) == {"title", "meaning", "do"}
    assert all(entry.values())
    assert not entry["title"].endswith(".")
    assert entry["meaning"].endswith(".")
    assert entry["do"].endswith(".")


def test_codes_are_found_in_either_case_and_unknown_ones_refused():
    assert "E502" in CliRunner().invoke(app, ["explain", "e502"]).stdout
    result = CliRunner().invoke(app, ["explain", "E000"])
    assert result.exit_code == 2
    assert "E105" in result.stderr
