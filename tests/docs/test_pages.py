"""What we print in documents is true."""

import re
import runpy
from pathlib import Path

import pytest

import wardveil as wv
from wardveil.cli.explain import explanations
from wardveil.models import MODELS, defaults
from wardveil.tables import demo_schema, demo_table_path

ROOT = Path(__file__).parents[2]
HEADINGS = [
    "What it is for", "Papers and what they claim", "The algorithm", "Symbols",
    "Where we differ, and why", "What it costs", "Reference results",
]  # fmt: skip


def test_the_page_of_the_command_line_is_current():
    made = runpy.run_path(str(Path(__file__).with_name("cli_page.py")))
    assert made["PAGE"].read_text(encoding="utf-8") == made["page"](), "run: make docs"


@pytest.mark.parametrize("script", ["reference_pages.py", "results_page.py"])
def test_pages_made_from_code_and_results_are_current(script):
    made = runpy.run_path(str(Path(__file__).with_name(script)))
    for path, text in made["pages"]().items():
        assert path.read_text(encoding="utf-8") == text, "run: make docs"


def test_every_public_name_and_setting_is_on_its_page():
    interface, settings = (
        (ROOT / "docs" / f"{n}.md").read_text(encoding="utf-8") for n in ("interface", "settings")
    )
    assert [name for name in wv.__all__ if f"wv.{name}" not in interface] == []
    for name in MODELS:
        section = re.search(rf"^## {name}\n(.*?)(?=^## |\Z)", settings, re.M | re.S)
        assert re.findall(r"^\| `(\w+)`", section[1], re.M) == list(defaults(name))


def test_the_readme_is_short_and_its_python_runs(tmp_path, monkeypatch, capsys):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 150
    (block,) = re.findall(r"```python\n(.*?)```", text, re.S)
    assert 10 <= len([line for line in block.splitlines() if line.strip()]) <= 12
    monkeypatch.chdir(tmp_path)
    demo_schema().write("cohort.toml")
    Path("cohort.csv").write_bytes(demo_table_path().read_bytes())
    # The floor of all models, so that the test takes seconds; nothing else is changed.
    assert 'model="auto"' in block
    exec(block.replace('model="auto"', "model=wv.Independent()"), {})  # noqa: S102
    shown = capsys.readouterr().out
    assert shown.startswith("Differentially private for each patient")
    assert shown.endswith("500 500\n")
    assert Path("report.html").stat().st_size > 10_000


def test_every_verb_in_the_readme_exists_with_its_options():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    pages = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    sections = dict(re.findall(r"## wardveil (\w+)\n(.*?)(?=\n## |\Z)", pages, re.S))
    for verb, rest in re.findall(r"^wardveil (\w+)(.*?)(?:#|$)", text, re.M):
        for option in re.findall(r"(?<=\s)--?[a-z][a-z-]*", rest):
            assert re.search(rf"(?<![\w-]){option}(?![\w-])", sections[verb]), (verb, option)


@pytest.mark.parametrize(
    "page", [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], ids=lambda path: path.name
)
def test_links_between_pages_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        if not target.startswith("https://"):
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize("name", MODELS)
def test_every_model_has_its_page_with_the_seven_headings(name):
    text = (ROOT / "docs" / "models" / f"{name}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^## (.+)", re.sub("(?ms)^```.*?^```", "", text), re.M) == HEADINGS


def test_codes_named_in_pages_are_explained():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    text = "".join(page.read_text(encoding="utf-8") for page in pages)
    assert set(re.findall(r"\bE\d{3}\b", text)) <= set(explanations())


def test_public_names_are_what_they_say():
    assert all(hasattr(wv, name) for name in wv.__all__)
