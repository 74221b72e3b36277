"""Output: what a verb says to people and to programs."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import typer

from wardveil.errors import Problem


@dataclass(frozen=True, kw_only=True)
class Output:
    """Where words go.

    Attributes:
        as_json: Only one JSON object goes to stdout; every sentence goes to stderr.
        quiet: Sentences that are not the result are left out.
    """

    as_json: bool = False
    quiet: bool = False

    def say(self, text: str = "") -> None:
        """A sentence for people, on the way; left out when quiet."""
        if not self.quiet:
            typer.echo(text, err=self.as_json)

    def result(self, text: str, data: Mapping[str, object]) -> None:
        """What the verb was asked for: text for people, or JSON."""
        if self.as_json:
            typer.echo(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))
        else:
            typer.echo(text)

    def problems(self, problems: tuple[Problem, ...]) -> None:
        """Everything that is wrong: to stderr, and as JSON to stdout when asked."""
        typer.echo("\n".join(str(p) for p in problems), err=True)
        typer.echo(f"      More  wardveil explain {problems[0].code}", err=True)
        if self.as_json:
            found = [
                {"code": p.code, "what": p.what, "where": p.where, "do": list(p.do)}
                for p in problems
            ]
            typer.echo(json.dumps({"problems": found}, indent=2, ensure_ascii=False))

    @property
    def live(self) -> bool:
        """Whether stderr is a terminal on which a bar can move."""
        return sys.stderr.isatty() and not self.quiet
