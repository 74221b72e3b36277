"""wardveil release: the folder to hand over."""

import shutil
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wardveil.cli.account import NAME
from wardveil.cli.destination import require_free, writing
from wardveil.cli.option import Seed
from wardveil.cli.output import Output
from wardveil.errors import LedgerError, Problem, ReleaseError, UsageError

if TYPE_CHECKING:
    from wardveil.privacy import Ledger
    from wardveil.synthesizer import Synthesizer


def release(  # noqa: PLR0913 (one parameter an option)
    output: Output,
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    *,
    folder: Annotated[Path, typer.Option("--output", "-o", help="Folder to write.")],
    rows: Annotated[
        int | None,
        typer.Option("-n", "--rows", min=1, help="Rows to draw; by default one a real patient."),
    ] = None,
    accept_looked: Annotated[
        bool,
        typer.Option(
            "--accept-looked",
            help="Release although facts were read without noise; the first sentence says so.",
        ),
    ] = False,
    ledger: Annotated[
        Path | None, typer.Option("--ledger", help=f"The ledger that was charged; else {NAME}.")
    ] = None,
    no_ledger: Annotated[
        bool, typer.Option("--no-ledger", help="Do not ask a ledger whether the run was settled.")
    ] = False,
    name: Annotated[
        str, typer.Option("--name", help="Name of the data set.")
    ] = "Synthetic patients",
    purpose: Annotated[str, typer.Option("--purpose", help="What it is released for.")] = "",
    signed_by: Annotated[str, typer.Option("--signed-by", help="Who decided.")] = "",
    licence: Annotated[str, typer.Option("--license", help="Under which it is given.")] = "",
    with_model: Annotated[
        bool, typer.Option("--with-model", help="Add the trained model, to draw more rows.")
    ] = False,
    seed: Seed = None,
) -> None:
    """Write the folder to hand over: tables, statement, report, cards, checksums.

    Refused (exit 5) without a guarantee, with noise that can be computed again, with a statement
    that does not verify, with looked-at facts unless accepted, and without a settled account.
    """
    from wardveil.report.release import Release
    from wardveil.synthesizer import load, new_folder

    require_free(folder)
    synthesizer = load(run)
    account = _checked(run, synthesizer, ledger, no_ledger=no_ledger, accept_looked=accept_looked)
    statement = synthesizer.statement
    made = Release(
        statement=statement, schema=synthesizer.schema,
        table=synthesizer.sample(rows or statement.plan["patients"], seed=seed),
        model=synthesizer.model.name, settings=asdict(synthesizer.model), name=name,
        date=f"{datetime.now(UTC):%Y-%m-%d}", purpose=purpose, signed_by=signed_by,
        licence=licence, with_model=with_model,
    )  # fmt: skip
    with writing(folder), new_folder(folder) as partial:
        made.write(partial)
        if with_model:
            synthesizer.save(partial / "model")
        digest = made.seal(partial)
        if account is not None and statement.ledger is not None:
            # Noted first: a note of a folder that never appeared harms nobody.
            account.release(statement.ledger["run"], digest)
        if folder.exists():
            shutil.rmtree(folder)  # empty
    output.result(
        f"{statement.claim}\n\nReleased: {folder} ({len(made.table)} rows)\nDigest:   {digest}\n"
        "Send the digest by another way than the folder; the other side checks with\n"
        f"  wardveil verify FOLDER --digest {digest[:8]}…",
        {"folder": str(folder), "rows": len(made.table), "digest": digest,
         "statement": statement.to_dict()},
    )  # fmt: skip


def _checked(
    run: Path,
    synthesizer: "Synthesizer",
    ledger: Path | None,
    *,
    no_ledger: bool,
    accept_looked: bool,
) -> "Ledger | None":
    """The ledger to note the release in, after every check.

    Raises:
        ReleaseError: With everything that is in the way, at once.
        UsageError: E107, a ledger and none were asked for.
    """
    from wardveil.privacy.verify import read_statement
    from wardveil.report.gate import account_refusals, refusals

    if no_ledger and ledger is not None:
        raise UsageError(
            Problem(code="E107", what="A release is noted in a ledger or in none; both were asked "
                    "for.", where="--no-ledger", do=("Leave one of the two out.",))
        )  # fmt: skip
    stored: dict[str, Any] = read_statement(run / "run.json")
    problems = refusals(stored, synthesizer.schema, accept_looked=accept_looked)
    if no_ledger or any(p.code == "E514" for p in problems):
        account = None
    else:
        account, unusable = _opened(ledger)
        problems += unusable or account_refusals(stored, account)
    if problems:
        raise ReleaseError(problems)
    return account


def _opened(ledger: Path | None) -> "tuple[Ledger | None, list[Problem]]":
    """The ledger that was named or lies here, and what is wrong with it."""
    from wardveil.privacy import Ledger

    file = ledger or Path(NAME)
    if ledger is None and not file.exists():
        return None, []
    try:
        return Ledger(file), []
    except LedgerError as error:
        return None, [
            Problem(code="E517", what="The ledger must be readable and unchanged; it is not.",
                    where=str(file), do=("Name the ledger that was charged with --ledger FILE.",)),
            *error.problems,
        ]  # fmt: skip
