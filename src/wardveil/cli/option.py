"""Option: the arguments and options that several verbs share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from wardveil.errors import Problem, UsageError

if TYPE_CHECKING:
    from wardveil.models import Model

Facts = Literal["declared", "private", "looked"]

Table = Annotated[Path, typer.Argument(help="The table of patients: CSV or Parquet.")]
SchemaArgument = Annotated[Path, typer.Argument(metavar="SCHEMA", help="The schema, a TOML file.")]
SchemaFile = Annotated[Path, typer.Option("--schema", "-s", help="The schema, a TOML file.")]
Epsilon = Annotated[
    float, typer.Option("--epsilon", "-e", help="ε of the whole run; inf means no guarantee.")
]
Delta = Annotated[
    float | None, typer.Option("--delta", help="δ; by default 1/n^1.5, rounded down.")
]
ModelName = Annotated[
    str, typer.Option("--model", "-m", help='A name from "wardveil models", or auto.')
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="A setting of the model; repeat."),
]
Rows = Annotated[
    int | None, typer.Option("--rows", min=1, help="Number of patients, as a public fact.")
]
Seed = Annotated[
    int | None, typer.Option("--seed", min=0, help="For weights and sampling, never for noise.")
]
Look = Annotated[
    bool,
    typer.Option("--look", help="Read missing facts from the table; gives up the claim."),
]
PrivateFacts = Annotated[
    bool, typer.Option("--private-facts", help="Buy missing facts with a share of ε.")
]


def facts_of(*, look: bool, private: bool) -> Facts:
    """Where missing bounds and levels come from.

    Raises:
        UsageError: E102, both ways were asked for.
    """
    if look and private:
        raise UsageError(
            Problem(code="E102", what="Missing facts come from one place; two were named.",
                    where="--look --private-facts",
                    do=("Keep --private-facts: a share of ε buys them, the claim stays.",
                        "Keep --look: they are read as they are, the end-to-end claim goes."))
        )  # fmt: skip
    return "looked" if look else "private" if private else "declared"


def model_of(name: str, settings: list[str] | None) -> "str | Model":
    """The model to fit: "auto", or a settings object with the assignments made.

    Raises:
        UsageError: E101, an assignment is malformed; E103, "auto" takes no settings; others
            from the model.
    """
    from wardveil.cli.assignment import settings_of

    if name == "auto":
        if settings:
            raise UsageError(
                Problem(code="E103", where="--set", what="Settings belong to a named model.",
                        do=("Name one with --model: see wardveil models.",))
            )  # fmt: skip
        return name
    from wardveil.models import settings as model_settings

    return model_settings(name, settings_of(settings or ()))
