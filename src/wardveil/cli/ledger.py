"""wardveil ledger: the account of everything that was asked of a source of patients."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wardveil.cli.account import NAME
from wardveil.cli.destination import new_file
from wardveil.cli.output import Output
from wardveil.cli.verb import verb

if TYPE_CHECKING:
    from wardveil.privacy.ledger_book import Account, Book, Run

LedgerFile = Annotated[Path, typer.Option("--ledger", help="The ledger.")]
SourceArgument = Annotated[str, typer.Argument(metavar="SOURCE", help="An account.")]
HERE = Path(NAME)

app = typer.Typer(no_args_is_help=True, help="The account of every run on the same patients.")


def list_(output: Output, *, ledger: LedgerFile = HERE) -> None:
    """The accounts, their caps and how much of each is taken."""
    from wardveil.privacy import Ledger

    book = Ledger(ledger).book
    lines = [_line(book, account) for account in book.accounts.values()]
    output.result(
        "\n".join(lines) or "No account yet.",
        {"accounts": [_account(book, account) for account in book.accounts.values()]},
    )


def show(output: Output, source: SourceArgument, *, ledger: LedgerFile = HERE) -> None:
    """One account with its runs."""
    from wardveil.privacy import Ledger
    from wardveil.privacy.ledger_spent import settled

    opened = Ledger(ledger)
    account = opened.account(source)
    book = opened.book
    together = settled(book, source)
    lines = [_line(book, account), *(_run_line(account, run) for run in book.of(source))]
    if together is not None:
        lines.append(
            f"For information: the settled runs together are (ε = {together:.4f}, "
            f"δ = {account.cap.delta:g}) by PLD; valid only if none was planned after the answers "
            "of another were seen. The cap holds either way."
        )
    if any(run.unpriced for run in book.of(source)):
        lines.append("Runs marked ! reveal more than their price: the cap does not cover them.")
    output.result(
        "\n".join(lines),
        {**_account(book, account), "settled_pld": together,
         "runs": [_run(account, run) for run in book.of(source)]},
    )  # fmt: skip


def cap(
    output: Output,
    source: SourceArgument,
    *,
    epsilon: Annotated[float, typer.Option("--epsilon", "-e", help="ε of everything together.")],
    delta: Annotated[float, typer.Option("--delta", help="δ of everything together.")],
    unit: Annotated[str, typer.Option("--unit", help="Whose privacy.")] = "patient",
    relation: Annotated[str, typer.Option("--relation", help="null or add-remove.")] = "null",
    ledger: LedgerFile = HERE,
) -> None:
    """Open an account, or change the cap of one; begins the ledger if there is none."""
    from wardveil.privacy import Ledger

    opened = Ledger(ledger, create=True)
    account = opened.open_source(
        source, unit=unit, relation=relation, cap_epsilon=epsilon, cap_delta=delta, revise=True
    )
    book = opened.book
    output.result(_line(book, account), _account(book, account))


def verify(
    output: Output,
    *,
    run: Annotated[
        list[Path] | None, typer.Option("--run", help="A run folder charged here; repeat.")
    ] = None,
    ledger: LedgerFile = HERE,
) -> None:
    """Walk the chain of entries, and find those that run folders were stamped with."""
    from wardveil.privacy import Ledger

    stamps = [stamp for folder in run or () for stamp in _stamps(folder)]
    last = Ledger(ledger).verify(stamps)
    sequence, head = (last.sequence, last.hash) if last else (0, "")
    output.result(
        f"{sequence} entries, in order and unchanged; {len(stamps)} stamps found."
        + (f"\nHead: {head}" if head else ""),
        {"entries": sequence, "head": head, "stamps": len(stamps)},
    )


def recover(output: Output, *, ledger: LedgerFile = HERE) -> None:
    """End runs that were killed, each at what it was charged last; the rest returns.

    A run that still works is refused its next block and fails: wait for it first.
    """
    from wardveil.privacy import Ledger

    ended = Ledger(ledger).recover()
    output.result(
        f"{len(ended)} runs ended." + "".join(f"\n  {run}" for run in ended),
        {"runs": list(ended)},
    )


def export(
    output: Output,
    *,
    file: Annotated[Path, typer.Option("--output", "-o", help="JSON lines to write.")],
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    ledger: LedgerFile = HERE,
) -> None:
    """All entries as JSON lines; no patient's hash and no key."""
    from wardveil.privacy import Ledger

    entries = Ledger(ledger).entries()
    with new_file(file, force=force) as partial:
        lines = (json.dumps(entry.to_dict(), sort_keys=True, allow_nan=False) for entry in entries)
        partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    output.result(f"{len(entries)} entries: {file}", {"entries": len(entries), "file": str(file)})


for name, function in (("list", list_), ("show", show), ("cap", cap), ("verify", verify),
                       ("recover", recover), ("export", export)):  # fmt: skip
    app.command(name)(verb(function))


def _stamps(folder: Path) -> list[Any]:
    """Where a run folder says it was charged."""
    from wardveil.privacy import UNACCOUNTED, Stamp
    from wardveil.synthesizer import load

    stamp = load(folder).statement.ledger
    return [] if stamp is None or stamp == UNACCOUNTED else [Stamp(**stamp)]


def _account(book: "Book", account: "Account") -> dict[str, Any]:
    cap, runs = account.cap, book.of(account.name)
    return {
        "source": account.name, "unit": account.unit, "relation": account.relation,
        "cap_epsilon": cap.epsilon, "cap_delta": cap.delta, "order": cap.order,
        "taken": cap.share(book.total(account.name)), "patients": account.patients,
        "live": sum(run.state == "live" for run in runs), "count": len(runs),
    }  # fmt: skip


def _line(book: "Book", account: "Account") -> str:
    found = _account(book, account)
    return (
        f"{account.name}  cap ε {account.cap.epsilon:g}, δ {account.cap.delta:g}  "
        f"{found['taken']:.2%} taken  {found['count']} runs, {found['live']} live"
    )


def _run(account: "Account", run: "Run") -> dict[str, Any]:
    return {
        "run": run.id, "state": run.state, "epsilon": run.plan["epsilon"],
        "delta": run.plan["delta"], "taken": account.cap.share(run.charged),
        "charged": dict(run.advanced), "planned": dict(run.planned), "unpriced": run.unpriced,
        "released": list(run.released),
    }  # fmt: skip


def _run_line(account: "Account", run: "Run") -> str:
    epsilon = run.plan["epsilon"]
    cost = "ε = ∞" if epsilon is None else f"ε {epsilon:.4f}"
    mark = f"  ! {run.unpriced}" if run.unpriced else ""
    return f"  {run.id}  {run.state:<9}  {cost}  {account.cap.share(run.charged):.2%}{mark}"
