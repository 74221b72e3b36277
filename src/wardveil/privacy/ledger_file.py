"""The file of a ledger: one SQLite database that only ever grows.

Every transaction opens the file anew, takes the write lock at once, and is on the disk before
it returns (write-ahead log, synchronous = FULL). A process killed at any moment leaves either the
whole transaction or none of it. Triggers refuse to change or remove what was written.
"""

import os
import re
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from wardveil.errors import LedgerError, Problem

APPLICATION: Final = 0x57564C44
"""Marks the database as a ledger."""
FORMAT: Final = 1
PATIENCE: Final = 60.0
"""Seconds to wait for another process's transaction."""
NETWORK: Final = ("nfs", "nfs4", "cifs", "smb", "smb2", "smb3", "smbfs", "afs", "fuse.sshfs")
"""File systems on which locks and syncs cannot be relied on."""

_TABLES: Final = """
CREATE TABLE entries (
    sequence INTEGER PRIMARY KEY, text TEXT NOT NULL, hash TEXT NOT NULL
) STRICT;
CREATE TABLE patients (
    source TEXT NOT NULL, patient BLOB NOT NULL, PRIMARY KEY (source, patient)
) STRICT, WITHOUT ROWID;
CREATE INDEX patients_by_hash ON patients (patient);
CREATE TABLE secret (key BLOB NOT NULL) STRICT;
"""
_GUARD: Final = """
CREATE TRIGGER {table}_{verb} BEFORE {verb} ON {table}
BEGIN SELECT RAISE(ABORT, 'a ledger only grows'); END;
"""


def create(path: Path) -> None:
    """Write an empty ledger with a fresh secret key; readable by its owner alone.

    The file appears whole under its name, or not at all; one that exists is left alone.

    Raises:
        LedgerError: It cannot be written (E419), lies on a network file system (E418), or was
            lost and its log is still there (E416).
    """
    require_local(path)
    if path.with_name(f"{path.name}-wal").exists() and not path.exists():
        raise _unread(path, "the file is gone and its log is still there")
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        with closing(sqlite3.connect(draft, isolation_level=None)) as db:
            guards = "".join(
                _GUARD.format(table=table, verb=verb)
                for table in ("entries", "patients", "secret")
                for verb in ("UPDATE", "DELETE")
            )
            db.executescript(f"BEGIN; {_TABLES} {guards} COMMIT;")
            db.execute("INSERT INTO secret VALUES (?)", (secrets.token_bytes(32),))
            db.execute(f"PRAGMA application_id = {APPLICATION}")
            db.execute(f"PRAGMA user_version = {FORMAT}")
        _sync(draft)
        os.link(draft, path)  # unlike a rename, never replaces a ledger that came in between
        _sync(path.parent)
    except FileExistsError:
        pass
    except (OSError, sqlite3.Error) as fault:
        raise _unwritten(path, fault) from None
    finally:
        for ending in ("", "-journal", "-wal", "-shm"):
            draft.with_name(draft.name + ending).unlink(missing_ok=True)


@contextmanager
def transaction(path: Path, *, check: bool = False) -> Iterator[sqlite3.Connection]:
    """A connection that holds the write lock; commits and syncs at the end, or rolls back.

    Args:
        path: The ledger.
        check: Whether to look through the whole file for damage first.

    Raises:
        LedgerError: The file is missing, is no ledger, or is damaged (E416); lies on a network
            file system (E418); is busy or cannot be written (E419).
    """
    require_local(path)
    if not path.is_file():
        raise _unread(path, "there is no file of that name")
    try:
        with closing(_connected(path)) as db:
            if check:
                found = db.execute("PRAGMA integrity_check").fetchone()[0]
                if found != "ok":
                    raise _unread(path, "it is damaged")
            db.execute("BEGIN IMMEDIATE")
            try:
                yield db
            except BaseException:
                if db.in_transaction:
                    db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")
    except sqlite3.OperationalError as fault:
        if fault.sqlite_errorname == "SQLITE_ERROR":  # a table is missing
            raise _unread(path, "it is not a ledger of this format") from None
        raise _unwritten(path, fault) from None
    except (sqlite3.DatabaseError, TypeError) as fault:
        raise _unread(path, f"it is damaged or of another kind ({type(fault).__name__})") from None


def _connected(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=rw", uri=True, timeout=PATIENCE, isolation_level=None
    )
    try:
        marks = [
            db.execute(f"PRAGMA {mark}").fetchone()[0]
            for mark in ("application_id", "user_version")
        ]
        if marks != [APPLICATION, FORMAT]:
            raise _unread(path, "it is not a ledger of this format")
        if db.execute("PRAGMA journal_mode = WAL").fetchone()[0] != "wal":
            raise _unread(path, "its file system has no write-ahead log")
        db.execute("PRAGMA synchronous = FULL")
        db.execute("PRAGMA temp_store = MEMORY")
    except BaseException:
        db.close()
        raise
    return db


def require_local(path: Path) -> None:
    """Refuse a network file system, where it can be told.

    Raises:
        LedgerError: E418.
    """
    table = Path("/proc/mounts")
    if table.is_file() and network_of(path.resolve(), table.read_text(encoding="utf-8")):
        raise LedgerError(
            Problem(
                code="E418",
                what="A ledger must lie on a disk of this machine, found a network file system.",
                where=path.name,
                do=("Name a place on a local disk with --ledger.",),
            )
        )


def network_of(path: Path, mounts: str) -> str:
    r"""The type of the network file system that holds an absolute path; "" on a local one.

    Args:
        path: Need not exist.
        mounts: The content of /proc/mounts.

    Example:
        >>> network_of(Path("/mnt/a/b"), "disk / ext4 rw 0 0\nhost:/x /mnt/a nfs4 rw 0 0")
        'nfs4'
    """
    best, found = -1, ""
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        point = Path(re.sub(r"\\([0-7]{3})", lambda m: chr(int(m[1], 8)), fields[1]))
        if path.is_relative_to(point) and len(point.parts) >= best:
            best, found = len(point.parts), fields[2]
    return found if found in NETWORK else ""


def _sync(path: Path) -> None:
    if path.is_dir() and os.name != "posix":  # other systems open no folder, and need it not
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _unread(path: Path, why: str) -> LedgerError:
    return LedgerError(
        Problem(
            code="E416",
            what=f"The ledger cannot be read: {why}.",
            where=path.name,
            do=(
                "Name the right file with --ledger.",
                "Begin one with wardveil ledger cap SOURCE --epsilon E --delta D.",
                "If it is lost or damaged, restore the last good copy.",
            ),
        )
    )


def _unwritten(path: Path, fault: Exception) -> LedgerError:
    reason = os.strerror(fault.errno) if isinstance(fault, OSError) and fault.errno else str(fault)
    return LedgerError(
        Problem(
            code="E419",
            what=f"The ledger cannot be written: {reason}.",
            where=path.name,
            do=(
                "Nothing was answered that is not in it. Check the disk's space and its rights.",
                "Begin one in another place with wardveil ledger cap … --ledger PATH, and name it.",
            ),
        )
    )
