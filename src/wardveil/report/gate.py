"""Gate: the reasons for which a run may not be handed over.

Each is a fact of the run folder or of its ledger, never of the synthetic rows: a check of the rows
against real patients would itself reveal patients.
"""

from collections.abc import Mapping
from typing import Any

from wardveil.errors import LedgerError, Problem
from wardveil.privacy import UNACCOUNTED, Ledger, Stamp
from wardveil.privacy.verify import verify_statement
from wardveil.schema.schema import Schema

_AGAIN = "Fit again, and release that run."


def refusals(
    statement: Mapping[str, Any], schema: Schema, *, accept_looked: bool = False
) -> list[Problem]:
    """Why a run's statement does not allow a release.

    Args:
        statement: As stored in the run folder.
        schema: As stored beside it.
        accept_looked: Whether it was confirmed that looked-at facts cost the end-to-end claim.

    Returns:
        Problems: E514, the statement does not verify; E511, there is no guarantee; E512, the
        noise can be computed again; E515, statement and schema disagree on what was looked at;
        E513, facts were looked at and nobody confirmed it. Empty when nothing is in the way.
    """
    unsound = verify_statement(statement)
    if unsound:
        return [
            _refused("E514", "The run's statement must follow from its mechanisms; it does not.",
                     "Keep the run folder as it is: it was changed."),
            *unsound,
        ]  # fmt: skip
    problems = []
    if statement["plan"]["epsilon"] is None:
        problems.append(
            _refused("E511", "A release needs a guarantee, and this run has none: it was trained "
                     "without noise (ε = ∞).", "Fit with a finite --epsilon.")
        )  # fmt: skip
    elif statement["noise"] != "release":
        problems.append(
            _refused("E512", "The noise of this run can be computed again, so it hides nobody.",
                     _AGAIN)
        )  # fmt: skip
    looked = {c.name for c in schema.columns if "looked" in c.sources.values()}
    if looked != set(statement["looked"]):
        problems.append(
            _refused("E515", "Statement and schema of the run must name the same looked-at "
                     "columns; they do not.", _AGAIN)
        )  # fmt: skip
    elif looked and not accept_looked:
        problems.append(
            _refused("E513", f"Facts of {len(looked)} columns were read from the patients without "
                     "noise, so the release has no end-to-end guarantee.",
                     "Declare these facts, or buy them with --private-facts, and fit again.",
                     "Release with --accept-looked; the first sentence of every document will "
                     "say that there is no end-to-end guarantee.")
        )  # fmt: skip
    return problems


def account_refusals(statement: Mapping[str, Any], ledger: Ledger | None) -> list[Problem]:
    """Why a run's account does not allow a release.

    Args:
        statement: As stored in the run folder; it verifies.
        ledger: The ledger that is at hand, or None.

    Returns:
        Problems: E516, the run was charged and no ledger is at hand, or it was never charged;
        E517, the ledger does not know the run, it never ended, or it tells something else of it.
    """
    stored = statement["ledger"]
    if stored is None or stored == UNACCOUNTED:
        return [
            _refused("E516", "A release must be in the account of its patients, and no ledger was "
                     "charged for this run.", "Fit again with a ledger.",
                     "Release with --no-ledger, if you keep the account in another way.")
        ]  # fmt: skip
    if ledger is None:
        return [
            _refused("E516", "The ledger that was charged for this run is not at hand.",
                     "Name it with --ledger FILE.",
                     "Release with --no-ledger, if it was checked in another way.")
        ]  # fmt: skip
    try:
        ledger.verify([Stamp(**stored)])
    except (LedgerError, TypeError) as error:
        found = error.problems if isinstance(error, LedgerError) else ()
        return [_stranger("the entry that the run was stamped with is not in it"), *found]
    run = ledger.book.runs.get(stored["run"])
    if run is None or run.source != stored["source"]:
        return [_stranger("it does not know the run")]
    if run.state != "settled":
        return [_stranger(f"the run is {run.state}, not settled")]
    if bool(run.unpriced) != bool(statement["looked"]):
        return [_stranger("it says that more was revealed than the statement says")]
    return []


def _stranger(found: str) -> Problem:
    return _refused("E517", f"Ledger and statement must agree on the run: {found}.",
                    "Name the ledger that was charged with --ledger FILE.",
                    "Look at the run with wardveil ledger show.")  # fmt: skip


def _refused(code: str, what: str, *do: str) -> Problem:
    return Problem(code=code, what=what, where="release", do=do)
