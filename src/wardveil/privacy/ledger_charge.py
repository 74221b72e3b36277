"""Charge: one run's hold on a ledger, from the reservation to the stamp."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from wardveil.privacy.budget import Budget
from wardveil.privacy.ledger import Ledger
from wardveil.privacy.ledger_entry import Stamp
from wardveil.privacy.ledger_refusal import other_cap
from wardveil.privacy.plan import Plan

DEFAULT_CAP: Final = 10.0
"""ε of an account that is opened by its first run, unless that run alone asks for half of it."""


class Charge:
    """What a lease needs of a ledger.

    Attributes:
        ledger: The ledger.
        source: The account that pays.
        run: The run.
        stamp: Where the run was settled; None while it lives.
    """

    def __init__(self, ledger: Ledger, source: str, run: str) -> None:
        self.ledger, self.source, self.run = ledger, source, run
        self.stamp: Stamp | None = None

    def identify(self, fingerprint: Sequence[bytes] | None) -> None:
        """See `Ledger.identify`."""
        self.ledger.identify(self.run, fingerprint)

    def advance(self, question: str, uses: int) -> None:
        """See `Ledger.advance`."""
        self.ledger.advance(self.run, question, uses)

    def settle(self, used: Mapping[str, int]) -> Stamp:
        """See `Ledger.settle`."""
        self.stamp = self.ledger.settle(self.run, used)
        return self.stamp


@contextmanager
def charged(
    ledger: Ledger | Path,
    plan: Plan,
    *,
    source: str,
    unit: str,
    cap: float | None = None,
    unpriced: str = "",
) -> Iterator[Charge]:
    """Reserve a plan before any patient is read; abandon the run if the body fails.

    Args:
        ledger: A ledger, or where one is.
        plan: What will be asked.
        source: The account that pays; opened if the ledger has none of that name.
        unit: Whose privacy.
        cap: ε of the account if it is opened here; default 10, or twice the plan's if more.
        unpriced: See `Ledger.reserve`.

    Raises:
        BudgetError: The account cannot carry the plan (E410).
        LedgerError: Anything is wrong with the ledger.

    Guarantees:
        When the body starts the reservation is on the disk. However it ends, what was charged
        stays charged.
    """
    held = ledger if isinstance(ledger, Ledger) else Ledger(ledger)
    asked = plan.spent.epsilon if plan.spent else 0.0
    account = held.open_source(
        source, unit=unit, relation=plan.relation,
        cap_epsilon=max(DEFAULT_CAP, 2 * asked) if cap is None else cap,
        cap_delta=plan.budget.delta or Budget.for_patients(plan.n, 1.0).delta,
    )  # fmt: skip
    if cap is not None and account.cap.epsilon != cap:
        raise other_cap(account, cap)
    charge = Charge(held, source, held.reserve(source, plan, unpriced=unpriced))
    try:
        yield charge
    except BaseException:
        if charge.stamp is None:
            held.abandon(charge.run)
        raise
    if charge.stamp is None:
        held.abandon(charge.run, why="not settled")
