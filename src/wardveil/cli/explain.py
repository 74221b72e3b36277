"""wardveil explain: an error code in full."""

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from textwrap import fill
from typing import Annotated, Final

import typer

from wardveil.cli.output import Output
from wardveil.errors import Problem, UsageError

WIDTH: Final = 88


def explain(
    output: Output, code: Annotated[str, typer.Argument(help="A code such as E501.")]
) -> None:
    """Say what an error code means and what to do about it."""
    known = explanations()
    entry = known.get(code.upper())
    if entry is None:
        raise UsageError(
            Problem(code="E105", what="There is no error code of that name.",
                    where="wardveil explain", do=("Copy the code from the error: E501.",))
        )  # fmt: skip
    output.result(
        f"{code.upper()}  {entry['title']}\n\n{fill(entry['meaning'], WIDTH)}\n\n"
        f"{fill('What to do: ' + entry['do'], WIDTH)}",
        {"code": code.upper(), **entry},
    )


def explanations() -> Mapping[str, Mapping[str, str]]:
    """Code -> title, meaning, do; from `explanations.toml`."""
    text = files("wardveil.cli").joinpath("explanations.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)
