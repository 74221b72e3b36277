"""Every block of docs/quickstart.md runs, in the page's order and in one folder."""

import re
import shlex
from pathlib import Path

from typer.testing import CliRunner

from wardveil.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "quickstart.md"
BLOCK = re.compile(r"```(sh|python|toml)\n(.*?)```", re.DOTALL)


def test_the_quickstart_runs_from_top_to_bottom(tmp_path, monkeypatch):
    text = PAGE.read_text(encoding="utf-8").partition("## A table")[2]  # after the installation
    # The floor of all models, so that the test takes seconds; nothing else is changed.
    assert text.count("model auto") == 1
    assert text.count('model="auto"') == 2
    text = text.replace("model auto", "model independent")
    text = text.replace('model="auto"', 'model="independent"')
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    for language, block in BLOCK.findall(text):
        if language == "python":
            exec(block, names)  # noqa: S102
        elif language == "toml":
            assert block in Path("cohort.toml").read_text(encoding="utf-8")
        else:
            for line in block.splitlines():
                program, *arguments = shlex.split(line)
                assert program == "wardveil"
                done = CliRunner().invoke(app, arguments)
                assert done.exit_code == 0, (line, done.output)
    assert len(names["women"]) == 500
    for written in ("women.csv", "report.html", "judged.html", "release/MANIFEST.sha256"):
        assert Path(written).stat().st_size > 500
