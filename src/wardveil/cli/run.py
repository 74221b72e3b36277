"""wardveil run: from a table to everything that is made of it."""

from pathlib import Path
from typing import Annotated

import typer

from wardveil.cli.account import CapOption, LedgerOption, NoLedger, Paying, SourceOption
from wardveil.cli.journey import Request, travel
from wardveil.cli.option import (
    Delta,
    Epsilon,
    Look,
    ModelName,
    PrivateFacts,
    Seed,
    Settings,
    Table,
    facts_of,
    model_of,
)
from wardveil.cli.output import Output
from wardveil.errors import Problem, UsageError


def run(  # noqa: PLR0913 (one parameter an option)
    output: Output,
    table: Table,
    *,
    epsilon: Epsilon,
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    schema: Annotated[
        Path | None, typer.Option("--schema", "-s", help="The schema; drafted if absent.")
    ] = None,
    delta: Delta = None,
    model: ModelName = "auto",
    settings: Settings = None,
    holdout: Annotated[
        float | None,
        typer.Option("--holdout", help="Share of patients kept apart for the report, 0 to 1."),
    ] = None,
    look: Look = False,
    private_facts: PrivateFacts = False,
    seed: Seed = None,
    ledger: LedgerOption = None,
    source: SourceOption = None,
    cap: CapOption = None,
    no_ledger: NoLedger = False,
) -> None:
    """All of it: fit, sample as many rows, compare, and write one folder."""
    from wardveil.schema import Schema

    facts = facts_of(look=look, private=private_facts)
    problems = []
    if schema is None and facts == "declared":
        problems.append(
            Problem(code="E104", where="--schema",
                    what="Without a schema bounds and levels are unknown; reading them from "
                    "patients spends privacy or breaks the claim.",
                    do=("Give a schema with -s; draft one with wardveil init.",
                        "Buy the facts with a share of ε: --private-facts.",
                        "Read them as they are and lose the end-to-end claim: --look."))
        )  # fmt: skip
    if holdout is not None and not 0 < holdout < 1:
        problems.append(
            Problem(code="E106", what="The share kept apart must lie between 0 and 1.",
                    where="--holdout", do=("Write --holdout 0.33, for a third.",))
        )  # fmt: skip
    if problems:
        raise UsageError(problems)
    travel(
        Request(table=table, schema=Schema.read(schema) if schema else None, epsilon=epsilon,
                delta=delta, model=model_of(model, settings), facts=facts, holdout=holdout,
                seed=seed, folder=folder,
                paying=Paying(ledger=ledger, none=no_ledger, source=source, cap=cap)),
        output,
    )  # fmt: skip
