"""What the settled runs of an account cost together, the tight way: for information only."""

from dataclasses import replace

from wardveil.privacy.accountant import COARSE, by_loss
from wardveil.privacy.ledger_book import Book
from wardveil.privacy.mechanism import Mechanism, restore


def settled(book: Book, source: str) -> float | None:
    """ε at the cap's δ of all settled runs by privacy loss distributions; None of none.

    Valid only if the parameters of no run depended on the answers of another; the account's cap
    needs no such thing, which is why it and not this figure is kept.
    """
    done: list[Mechanism] = []
    for run in book.of(source):
        if run.state != "settled":
            continue
        for stored in run.plan["mechanisms"]:
            uses = run.advanced.get(stored["name"], 0)
            if uses:
                done.append(replace(restore(dict(stored)), count=uses))
    return by_loss(done, book.accounts[source].cap.delta, interval=COARSE) if done else None
