"""wardveil verify: does a statement follow from its mechanisms? Needs no patients."""

import json
from pathlib import Path
from typing import Annotated

import typer

from wardveil.cli.output import Output
from wardveil.errors import Problem, VerifyError


def verify(
    output: Output,
    path: Annotated[Path, typer.Argument(help="A run folder, or a statement.json.")],
) -> None:
    """Price a statement's mechanisms again and compare; opens no table."""
    from wardveil.privacy.verify import verify_statement

    file = path / "run.json" if path.is_dir() else path
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise VerifyError(
            Problem(code="E601", what="A statement is a JSON file; none could be read.",
                    where=str(file), do=("Name a run folder or a statement.json.",))
        ) from None  # fmt: skip
    stored = stored.get("statement", stored) if isinstance(stored, dict) else {}
    problems = verify_statement(stored)
    if problems:
        raise VerifyError(problems)
    output.result(f"Verified: {stored['claim']}", {"verified": True, "claim": stored["claim"]})
