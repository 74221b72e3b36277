"""wardveil fit: train a synthesizer and write its run folder."""

from pathlib import Path
from shutil import rmtree
from typing import Annotated

import typer

from wardveil.cli.account import (
    CapOption,
    LedgerOption,
    NoLedger,
    Paying,
    SourceOption,
    note_release,
    place_of,
)
from wardveil.cli.destination import require_free
from wardveil.cli.option import (
    Delta,
    Epsilon,
    Look,
    ModelName,
    PrivateFacts,
    Rows,
    SchemaFile,
    Seed,
    Settings,
    Table,
    facts_of,
    model_of,
)
from wardveil.cli.output import Output
from wardveil.cli.progress import watched


def fit(  # noqa: PLR0913 (one parameter an option)
    output: Output,
    table: Table,
    *,
    schema: SchemaFile,
    epsilon: Epsilon,
    run: Annotated[Path, typer.Option("--output", "-o", help="Run folder to write.")],
    delta: Delta = None,
    model: ModelName = "auto",
    settings: Settings = None,
    rows: Rows = None,
    look: Look = False,
    private_facts: PrivateFacts = False,
    seed: Seed = None,
    ledger: LedgerOption = None,
    source: SourceOption = None,
    cap: CapOption = None,
    no_ledger: NoLedger = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a run that was stopped; same command.")
    ] = False,
) -> None:
    """Train on a table of patients; the run folder holds no patient."""
    from wardveil.schema import Schema
    from wardveil.synthesizer import fit as fitted

    require_free(run)
    paying = Paying(ledger=ledger, none=no_ledger, source=source, cap=cap)
    declared, chosen = Schema.read(schema), model_of(model, settings)
    facts = facts_of(look=look, private=private_facts)
    account = paying.arguments(table)
    partial = run.with_name(f"{run.name}.partial")
    with watched(output, epsilon=epsilon, charged=not no_ledger, resumable=True) as progress:
        synthesizer = fitted(
            table, schema=declared, model=chosen, epsilon=epsilon,
            delta=delta, seed=seed, rows=rows, progress=progress,
            facts=facts, partial=partial, resume=resume, **account,
        )  # fmt: skip
    synthesizer.save(run)
    rmtree(partial, ignore_errors=True)
    note_release(account["ledger"], synthesizer, run)
    output.result(
        f"{synthesizer.statement}\n\nRun: {run} (weights and statement, no patient)"
        + place_of(account["ledger"]),
        {"run": str(run), "reason": synthesizer.reason,
         "statement": synthesizer.statement.to_dict()},
    )  # fmt: skip
