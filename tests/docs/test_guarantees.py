"""The page of guarantees names tests that exist, and says what the mutations do."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")


def test_every_test_on_the_page_exists():
    source = "".join(p.read_text(encoding="utf-8") for p in (ROOT / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 35
    assert [t for t in named if f"def {t}(" not in source] == []


def test_every_line_of_a_table_names_its_test():
    lines = [x for x in PAGE.splitlines() if x.startswith("| ") and not x.startswith("| mistake")]
    assert len(lines) > 25
    assert [x for x in lines if "`test_" not in x] == []
