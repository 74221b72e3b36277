"""Ledger: the account of everything that was ever asked of a source of patients.

    OPEN ─► RESERVE ─► ADVANCE … ADVANCE ─► SETTLE ─► RELEASE
                          └──────────────► ABANDON

Charge before you look: a plan is reserved and on the disk before the table is opened, and every
block of questions is charged and on the disk before the first of them is answered. What was
charged is never returned; what was only reserved is, when the run ends. Whatever is wrong with
the ledger, the answer is no.

Not prevented: a custodian who deletes the file or asks without one. A copy of an older state is
found out by any artefact made later, which carries the number and the hash of its entry.
"""

import json
import secrets
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from time import time
from typing import Any, Final

from wardveil.privacy.ledger_book import Account, Book, Run
from wardveil.privacy.ledger_entry import START, Entry, Stamp, broken, opened, sealed
from wardveil.privacy.ledger_file import create as create_file
from wardveil.privacy.ledger_file import transaction
from wardveil.privacy.ledger_price import Price, cap_of, price
from wardveil.privacy.ledger_refusal import exceeded, mismatch, refused, stranger, unknown
from wardveil.privacy.plan import Plan

_KEPT: Final = ("epsilon", "delta", "patients", "relation", "mechanisms")
"""What an entry keeps of a plan."""


class Ledger:
    """A ledger file.

    Attributes:
        path: Where it is.
    """

    def __init__(
        self, path: str | Path, *, create: bool = False, clock: Callable[[], float] = time
    ) -> None:
        """Open a ledger and look through all of it.

        Args:
            path: The file.
            create: Whether to begin an empty one if there is none. Otherwise a missing ledger is
                refused: a mistyped name must not start with a full budget.
            clock: What time entries carry; nothing depends on it.

        Raises:
            LedgerError: It is missing, damaged, out of order or cannot be written (E416 to E419).
        """
        self.path = Path(path)
        self._clock = clock
        self._book = Book()
        self._sequence, self._head = 0, START
        if create and not self.path.exists():
            create_file(self.path)
        with transaction(self.path, check=True) as db:
            self._read(db)

    # -- accounts ---------------------------------------------------------------------------

    def open_source(
        self,
        name: str,
        *,
        unit: str,
        relation: str,
        cap_epsilon: float,
        cap_delta: float,
        fingerprint: Sequence[bytes] | None = None,
        revise: bool = False,
    ) -> Account:
        """Open an account; one that is open is left as it is, unless its cap is to be revised.

        Args:
            name: The custodian's name for the source.
            unit: Whose privacy, such as "patient".
            relation: "null" or "add-remove".
            cap_epsilon: ε of everything that will ever be asked, together.
            cap_delta: δ of everything together.
            fingerprint: Keyed hashes of its patients, as `patient_fingerprint` makes them.
            revise: Whether an open account gets this cap; its order stays what it was.

        Raises:
            LedgerError: The cap makes no sense (E412), or unit or relation differ from those the
                account was opened with (E413); patients belong to another account (E415).
        """
        cap = cap_of(cap_epsilon, cap_delta)
        with transaction(self.path) as db:
            self._read(db)
            old = self._book.accounts.get(name)
            if old is not None and (old.unit, old.relation) != (unit, relation):
                raise mismatch(old, unit, relation)
            body = {
                "source": name, "unit": unit, "relation": relation, "cap_epsilon": cap_epsilon,
                "cap_delta": cap_delta, "order": old.cap.order if old else cap.order,
            }  # fmt: skip
            if old is None or revise:
                self._write(db, "OPEN", body)
            if fingerprint is not None:
                self._bind(db, name, fingerprint)
            return self._preview.accounts[name]

    def account(self, name: str) -> Account:
        """The account of a source.

        Raises:
            LedgerError: There is none (E411).
        """
        self._refresh()
        if name not in self._book.accounts:
            raise unknown(name, tuple(self._book.accounts))
        return self._book.accounts[name]

    @property
    def book(self) -> Book:
        """All accounts and runs as they stand now."""
        self._refresh()
        return self._book

    @property
    def key(self) -> bytes:
        """The secret that makes patients' hashes worthless elsewhere; stays in this file."""
        with transaction(self.path) as db:
            return bytes(db.execute("SELECT key FROM secret").fetchone()[0])

    def identify(self, run: str, fingerprint: Sequence[bytes] | None) -> None:
        """Say whose patients a run reads, before it reads them.

        The account remembers them by truncated keyed hash, so that the same patients under
        another name are recognised.

        Args:
            run: A live run.
            fingerprint: From `patient_fingerprint`; None when the table has no key column, which
                is noted: then nobody can tell.

        Raises:
            LedgerError: Some patients belong to another account, or none to this one (E415).
        """
        with transaction(self.path) as db:
            self._read(db)
            source = self._live(run).source
            if fingerprint is None:
                about = {"about": "no patient key", "source": source, "run": run}
                self._write(db, "NOTE", about)
            else:
                self._bind(db, source, fingerprint)

    # -- runs -------------------------------------------------------------------------------

    def reserve(self, source: str, plan: Plan, *, unpriced: str = "") -> str:
        """Let a plan in, charged in full until it ends; on the disk when this returns.

        Args:
            source: An open account.
            plan: Of the account's relation. One without a guarantee is noted at no price.
            unpriced: Why the run reveals more than its price, such as "looked facts".

        Returns:
            The run's name.

        Raises:
            BudgetError: Spent, reserved and this plan together exceed the cap (E410).
            LedgerError: There is no such account (E411) or it has another relation (E413).
        """
        with transaction(self.path) as db:
            self._read(db)
            if source not in self._book.accounts:
                raise unknown(source, tuple(self._book.accounts))
            account = self._book.accounts[source]
            if plan.relation != account.relation:
                raise mismatch(account, account.unit, plan.relation)
            planned = plan.to_dict()
            prices = {m.name: price(m, account.cap.order) for m in plan.mechanisms}
            body = {
                "run": secrets.token_hex(8),
                "source": source,
                "plan": {key: planned[key] for key in _KEPT},
                "prices": {name: vars(p) for name, p in prices.items()},
                "planned": {m.name: m.count for m in plan.mechanisms},
                "unpriced": unpriced if plan.private else "no guarantee",
                "version": version("wardveil"),
            }
            needed = sum((prices[m.name].times(m.count) for m in plan.mechanisms), start=Price())
            total = self._book.total(source)
            if not account.cap.carries(total + needed):
                raise exceeded(account, account.cap.share(total), account.cap.share(needed))
            self._write(db, "RESERVE", body)
            return str(body["run"])

    def advance(self, run: str, question: str, uses: int) -> None:
        """Charge a block of uses ahead; on the disk when this returns.

        Raises:
            LedgerError: The run is over, or did not reserve so many (E414).
        """
        self._append("ADVANCE", {"run": run, "question": question, "uses": uses})

    def settle(self, run: str, used: Mapping[str, int]) -> Stamp:
        """End a run that went well: what was not charged yet returns to the account.

        Args:
            run: A live run.
            used: Question -> uses that were answered, at most what was charged.

        Raises:
            LedgerError: The run is over, or used more than it was charged for (E414).
        """
        entry = self._append("SETTLE", {"run": run, "used": dict(used)})
        source = self._preview.runs[run].source
        return Stamp(sequence=entry.sequence, head=entry.hash, run=run, source=source)

    def abandon(self, run: str, *, why: str = "failed") -> None:
        """End a run that failed: what was charged stays charged, the rest returns.

        Raises:
            LedgerError: The run is over (E414).
        """
        self._append("ABANDON", {"run": run, "why": why})

    def close_run(self, run: str, *, why: str) -> None:
        """End a run if it is still live; nothing happens to one that is over or unknown."""
        known = self.book.runs.get(run)
        if known is not None and known.state == "live":
            self.abandon(run, why=why)

    def recover(self) -> tuple[str, ...]:
        """End every run that never ended, each at what it was charged last.

        A process that still carries one of them is refused its next block.

        Returns:
            The runs that were ended.
        """
        left = tuple(r.id for r in self.book.runs.values() if r.state == "live")
        for run in left:
            self.abandon(run, why="recovered")
        return left

    def release(self, run: str, artefact: str) -> Stamp:
        """Note what was made of a settled run, by hash.

        Raises:
            LedgerError: The run is not settled (E414).
        """
        entry = self._append("RELEASE", {"run": run, "artefact": artefact})
        source = self._preview.runs[run].source
        return Stamp(sequence=entry.sequence, head=entry.hash, run=run, source=source)

    def note(self, about: str, body: Mapping[str, Any]) -> None:
        """Note something that costs nothing."""
        if about == "patients":
            raise refused("patients are noted by `identify`, never by hand")
        self._append("NOTE", {**body, "about": about})

    # -- the chain --------------------------------------------------------------------------

    def entries(self) -> tuple[Entry, ...]:
        """All entries, oldest first, each checked against its seal."""
        with transaction(self.path) as db:
            return tuple(_chain(db, 0, START))

    def verify(self, stamps: Sequence[Stamp] = ()) -> Entry | None:
        """Walk the whole chain, and find the entries that artefacts were stamped with.

        Args:
            stamps: Of artefacts that are known to have been made with this ledger.

        Returns:
            The last entry; None of an empty ledger.

        Raises:
            LedgerError: An entry, or the list of patients, was changed (E417); the file is an
                older copy, for it lacks the entry of a stamp (E417).
        """
        with transaction(self.path, check=True) as db:
            entries = tuple(_chain(db, 0, START))
            book = Book()
            for entry in entries:
                book = _folded(book, entry)
            for account in book.accounts.values():
                if _patients(db, account.name) != (account.patients, account.fingerprint):
                    raise broken(len(entries), f"the patients of {account.name!r} were changed")
        hashes = {e.sequence: e.hash for e in entries}
        for stamp in stamps:
            if hashes.get(stamp.sequence) != stamp.head:
                raise broken(
                    stamp.sequence,
                    "an artefact carries it and the ledger does not: the file is an older copy, "
                    "or another ledger",
                )
        return entries[-1] if entries else None

    def _refresh(self) -> None:
        with transaction(self.path) as db:
            self._read(db)

    def _read(self, db: sqlite3.Connection) -> None:
        """Take in what other processes wrote since; requires that nothing known was changed."""
        if self._sequence:
            row = db.execute(
                "SELECT hash FROM entries WHERE sequence = ?", (self._sequence,)
            ).fetchone()
            if row is None or row[0] != self._head:
                raise broken(self._sequence, "it is gone or was replaced while in use")
        for entry in _chain(db, self._sequence, self._head):
            self._book = _folded(self._book, entry)
            self._sequence, self._head = entry.sequence, entry.hash
        self._preview = self._book
        self._next = (self._sequence + 1, self._head)

    def _append(self, kind: str, body: Mapping[str, Any]) -> Entry:
        with transaction(self.path) as db:
            self._read(db)
            return self._write(db, kind, body)

    def _write(self, db: sqlite3.Connection, kind: str, body: Mapping[str, Any]) -> Entry:
        """Add an entry to an open transaction; known for certain only after its commit."""
        sequence, previous = self._next
        entry = sealed(
            sequence=sequence, kind=kind, time=float(self._clock()), body=body, previous=previous
        )
        try:
            self._preview = self._preview.after(entry)
        except ValueError as why:
            raise refused(str(why)) from None
        db.execute("INSERT INTO entries VALUES (?, ?, ?)", (sequence, entry.text, entry.hash))
        self._next = (sequence + 1, entry.hash)
        return entry

    def _live(self, run: str) -> Run:
        found = self._book.runs.get(run)
        if found is None or found.state != "live":
            raise refused("the run is not live")
        return found

    def _bind(self, db: sqlite3.Connection, source: str, fingerprint: Sequence[bytes]) -> None:
        """Remember patients, unless they are another account's."""
        db.execute("CREATE TEMP TABLE seen (patient BLOB PRIMARY KEY) WITHOUT ROWID")
        db.executemany("INSERT OR IGNORE INTO seen VALUES (?)", ((p,) for p in fingerprint))
        shared = "SELECT source, count(*) FROM patients JOIN seen USING (patient) GROUP BY source"
        counts = dict(db.execute(shared).fetchall())
        known = self._preview.accounts[source].patients
        others = sorted(set(counts) - {source})
        if others or (known and not counts.get(source)):
            raise stranger(source, others)
        if counts.get(source, 0) == len(set(fingerprint)):
            return
        db.execute("INSERT OR IGNORE INTO patients SELECT ?, patient FROM seen", (source,))
        count, digest = _patients(db, source)
        body = {"about": "patients", "source": source, "patients": count, "fingerprint": digest}
        self._write(db, "NOTE", body)


def _chain(db: sqlite3.Connection, sequence: int, head: str) -> "list[Entry]":
    """The entries after one that is known, each checked against its seal."""
    rows = db.execute(
        "SELECT sequence, text, hash FROM entries WHERE sequence > ? ORDER BY sequence", (sequence,)
    ).fetchall()
    found = []
    for number, text, stored in rows:
        sequence += 1
        if number != sequence:
            raise broken(sequence, "it is missing")
        try:
            entry = opened(sequence, text, head, stored)
        except (KeyError, TypeError, json.JSONDecodeError):
            raise broken(sequence, "it cannot be read") from None
        head = entry.hash
        found.append(entry)
    return found


def _folded(book: Book, entry: Entry) -> Book:
    try:
        return book.after(entry)
    except (ValueError, KeyError, TypeError, AttributeError) as why:
        reason = str(why) if type(why) is ValueError else "it cannot be understood"
        raise broken(entry.sequence, reason) from None


def _patients(db: sqlite3.Connection, source: str) -> tuple[int, str]:
    """How many patients an account knows, and the digest of their hashes; (0, "") of none."""
    rows = db.execute(
        "SELECT patient FROM patients WHERE source = ? ORDER BY patient", (source,)
    ).fetchall()
    return len(rows), sha256(b"".join(bytes(r[0]) for r in rows)).hexdigest() if rows else ""
