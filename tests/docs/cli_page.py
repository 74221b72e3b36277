"""docs/cli.md, made from --help. `python tests/docs/cli_page.py` writes it."""

import re
from pathlib import Path

from typer.testing import CliRunner

from wardveil.cli.app import app

PAGE = Path(__file__).parents[2] / "docs" / "cli.md"
VERBS = (
    "demo", "import", "init", "check", "plan", "fit", "sample",
    "run", "report", "release", "verify", "ledger", "ledger list",
    "ledger show", "ledger cap", "ledger verify", "ledger recover", "ledger export", "audit",
    "models", "explain",
)  # fmt: skip


def page() -> str:
    """The page as it should be."""
    blocks = ["# Command line\n\nMade from `--help` by `make docs`.\n"]
    blocks += [
        f"## wardveil {verb}".rstrip() + f"\n\n```text\n{_help(verb)}\n```\n"
        for verb in ("", *VERBS)
    ]
    return "\n".join(blocks)


def _help(verb: str) -> str:
    result = CliRunner().invoke(
        app, [*verb.split(), "--help"], prog_name="wardveil", terminal_width=92
    )
    assert result.exit_code == 0, result.output
    # The two completion options depend on the shell that runs this.
    text = re.sub(r"  --(install|show)-completion .*\n(?: {8,}.*\n)*", "", result.stdout)
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
