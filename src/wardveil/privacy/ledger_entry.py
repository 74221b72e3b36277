"""Entry: one line of a ledger, sealed with the hash of the line before it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from wardveil.errors import LedgerError, Problem

KINDS: Final = ("OPEN", "RESERVE", "ADVANCE", "SETTLE", "ABANDON", "RELEASE", "NOTE")
START: Final = "0" * 64
"""What the first entry has for the hash of the one before it."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One event, never changed and never removed.

    Attributes:
        sequence: 1, 2, 3, …
        kind: One of `KINDS`.
        time: Seconds since 1970 by the machine's clock; for people, nothing depends on it.
        body: What happened, plain JSON values.
        previous: Hash of the entry before.
        hash: SHA-256 over all of the above.
    """

    sequence: int
    kind: str
    time: float
    body: Mapping[str, Any]
    previous: str
    hash: str

    @property
    def text(self) -> str:
        """The sealed content, as it is stored."""
        return _text(self.sequence, self.kind, self.time, self.body)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {**vars(self), "body": dict(self.body)}


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """Where an artefact stands in a ledger.

    Attributes:
        sequence: Number of the entry.
        head: Its hash.
        run: The run it belongs to.
        source: The account that paid.
    """

    sequence: int
    head: str
    run: str
    source: str

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return dict(vars(self))


def sealed(
    *, sequence: int, kind: str, time: float, body: Mapping[str, Any], previous: str
) -> Entry:
    """A new entry with its hash."""
    text = _text(sequence, kind, time, body)
    return Entry(
        sequence=sequence, kind=kind, time=time, body=body, previous=previous,
        hash=_hash(previous, text),
    )  # fmt: skip


def opened(sequence: int, text: str, previous: str, stored: str) -> Entry:
    """A stored entry, if its seal holds and it follows what came before.

    Args:
        sequence: Its place.
        text: Its content as stored.
        previous: Hash of the entry before it, as that one carries it.
        stored: The hash it was stored with.

    Raises:
        LedgerError: The chain is broken here (E417).
    """
    if _hash(previous, text) != stored:
        raise broken(sequence, "its seal does not fit its content and the entry before")
    content = json.loads(text)
    if content["sequence"] != sequence:
        raise broken(sequence, "it stands in another place")
    return Entry(
        sequence=sequence, kind=content["kind"], time=content["time"], body=content["body"],
        previous=previous, hash=stored,
    )  # fmt: skip


def broken(sequence: int, why: str) -> LedgerError:
    """The error for an entry that cannot be trusted."""
    return LedgerError(
        Problem(
            code="E417",
            what=f"The ledger is not as it was written: entry {sequence}: {why}.",
            do=(
                "Nothing was asked of the patients. Restore the file from the last good copy.",
                "If there is none, count everything the source may have spent and open an "
                "account with what is left.",
            ),
        )
    )


def _text(sequence: int, kind: str, time: float, body: Mapping[str, Any]) -> str:
    content = {"sequence": sequence, "kind": kind, "time": time, "body": body}
    return json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _hash(previous: str, text: str) -> str:
    return sha256(f"{previous}\n{text}".encode()).hexdigest()
