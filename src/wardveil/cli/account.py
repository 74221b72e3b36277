"""Account: where a verb charges what it asks of the patients."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from wardveil.errors import Problem, UsageError

if TYPE_CHECKING:
    from wardveil.synthesizer import Synthesizer

NAME: Final = "wardveil-ledger.sqlite"

LedgerOption = Annotated[
    Path | None,
    typer.Option("--ledger", help=f"The ledger to charge; by default {NAME} beside the table."),
]
NoLedger = Annotated[
    bool, typer.Option("--no-ledger", help='Keep no account; the statement says "unaccounted".')
]
SourceOption = Annotated[
    str | None, typer.Option("--source", help="The account's name; by default the file's.")
]
CapOption = Annotated[
    float | None,
    typer.Option("--cap", help="ε of the account, if this run opens it; by default 10."),
]


@dataclass(frozen=True, kw_only=True)
class Paying:
    """Who pays for a run.

    Attributes:
        ledger: The ledger that was named; it must exist.
        none: Whether no account shall be kept.
        source: The account that was named.
        cap: ε of the account, if the run opens it.
    """

    ledger: Path | None = None
    none: bool = False
    source: str | None = None
    cap: float | None = None

    def __post_init__(self) -> None:
        if self.none and (self.ledger is not None or self.source or self.cap is not None):
            raise UsageError(
                Problem(code="E107", what="A run is charged to an account or to none; both were "
                        "asked for.", where="--no-ledger",
                        do=("Leave --no-ledger out, or --ledger, --source and --cap.",))
            )  # fmt: skip

    def arguments(self, table: Path) -> dict[str, Any]:
        """What `fit` is told of it; begins the default ledger if there is none.

        Raises:
            LedgerError: The ledger cannot be used.
        """
        if self.none:
            return {"ledger": "unaccounted"}
        from wardveil.privacy import Ledger

        opened = Ledger(self.ledger or table.parent / NAME, create=self.ledger is None)
        return {"ledger": opened, "source": self.source, "cap": self.cap, "keys": table}


def place_of(ledger: object) -> str:
    """Where the account is kept, as a line for people; "" without one."""
    from wardveil.privacy import Ledger

    if not isinstance(ledger, Ledger):
        return ""
    return f"\nLedger: {ledger.path} (keep it: it is the account of every run on these patients)"


def note_release(ledger: object, synthesizer: "Synthesizer", folder: Path) -> None:
    """Note in the ledger what was written of a run, by hash; nothing without a ledger."""
    from wardveil.privacy import Ledger

    stamp = synthesizer.statement.ledger
    if isinstance(ledger, Ledger) and stamp is not None:
        files = (folder / "run.json", folder / "weights.safetensors")
        digest = sha256(b"".join(sha256(file.read_bytes()).digest() for file in files))
        ledger.release(stamp["run"], digest.hexdigest())
