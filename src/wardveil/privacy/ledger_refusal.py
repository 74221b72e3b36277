"""Refusals of a ledger: why a run was not let in, and what to do."""

from collections.abc import Sequence

from wardveil.errors import BudgetError, LedgerError, Problem
from wardveil.privacy.ledger_book import Account


def exceeded(account: Account, taken: float, needed: float) -> BudgetError:
    """The cap would be exceeded; both figures are shares of it."""
    cap = account.cap
    return BudgetError(
        Problem(
            code="E410",
            what=f"The account {account.name!r} (cap ε = {cap.epsilon:g}, δ = {cap.delta:g}) "
            f"cannot carry this run: {taken:.2%} of it is spent or reserved, and the run needs "
            f"{needed:.2%}.",
            where="ledger",
            do=(
                "Ask for a smaller epsilon, or for less.",
                "If runs were stopped: wardveil ledger recover returns what they only reserved.",
                "Whoever answers for the patients may raise the cap: wardveil ledger cap.",
            ),
        )
    )


def unknown(name: str, known: Sequence[str]) -> LedgerError:
    """There is no such account."""
    return LedgerError(
        Problem(
            code="E411",
            what=f"The ledger has no account {name!r}; it has "
            f"{', '.join(map(repr, known)) or 'none'}.",
            where="source",
            do=("Open one with wardveil ledger cap SOURCE --epsilon E --delta D.",),
        )
    )


def mismatch(account: Account, unit: str, relation: str) -> LedgerError:
    """An account protects one unit under one relation."""
    return LedgerError(
        Problem(
            code="E413",
            what=f"The account {account.name!r} protects each {account.unit} under the relation "
            f"{account.relation!r}, and the run each {unit} under {relation!r}.",
            where="source",
            do=("Make the run as the account was opened.",),
        )
    )


def refused(why: str) -> LedgerError:
    """The rules of the ledger do not allow an entry."""
    return LedgerError(
        Problem(
            code="E414",
            what=f"The ledger does not take this entry: {why}.",
            do=("Start the run anew: what was charged stays charged, the rest was returned.",),
        )
    )


def stranger(source: str, others: Sequence[str]) -> LedgerError:
    """A table's patients and the account named for them do not belong together."""
    found = (
        f"has patients of {', '.join(map(repr, others))}" if others else "has none of its patients"
    )
    return LedgerError(
        Problem(
            code="E415",
            what=f"The run was charged to {source!r}, and its table {found}.",
            where="source",
            do=(
                *(f"Charge it where the patients are known: --source {name}." for name in others),
                "Give other patients a name of their own: --source NAME.",
            ),
        )
    )


def other_cap(account: Account, cap: float) -> LedgerError:
    """A run does not change the cap of an open account."""
    return LedgerError(
        Problem(
            code="E412",
            what=f"The account {account.name!r} was opened with a cap of "
            f"ε = {account.cap.epsilon:g}; the run names {cap:g}.",
            where="cap",
            do=("Leave the cap out.", "Change it with wardveil ledger cap, which is noted."),
        )
    )
