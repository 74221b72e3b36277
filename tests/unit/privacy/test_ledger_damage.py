"""A ledger that was damaged, changed, replaced or has no room: it says no."""

import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardveil.errors import LedgerError
from wardveil.privacy import Lease, Ledger, charged
from wardveil.privacy.ledger_entry import opened, sealed
from wardveil.privacy.ledger_file import network_of

DELTA = 1e-6


def refused(error: type[Exception], code: str):
    return pytest.raises(error, match=rf"^{code}  ")


def hashes(*numbers: int) -> tuple[bytes, ...]:
    return tuple(n.to_bytes(8, "big") for n in numbers)


def edit(path: Path, *statements: str) -> None:
    """Change a ledger behind its back, triggers out of the way."""
    db = sqlite3.connect(path, isolation_level=None)
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        assert db.execute(statement).rowcount > 0
    db.close()


@pytest.fixture
def written(ledger, plan) -> Ledger:
    run = ledger.reserve("cohort", plan)
    ledger.identify(run, hashes(1, 2, 3))
    ledger.advance(run, "gradient", 50)
    ledger.settle(run, {"gradient": 9})
    return ledger


@pytest.mark.parametrize("change", [
    "UPDATE entries SET text = replace(text, '\"uses\":50', '\"uses\":5') WHERE sequence = 4",
    "UPDATE entries SET hash = upper(hash) WHERE sequence = 2",
    "DELETE FROM entries WHERE sequence = 3",
    "UPDATE entries SET sequence = 9 WHERE sequence = 5",
    "UPDATE entries SET text = '{}', hash = 'x' WHERE sequence = 5",
    "INSERT INTO entries VALUES (6, '[]', 'x')",
])  # fmt: skip
def test_a_changed_entry_is_found(written, change):
    edit(written.path, change)
    for look in (lambda: Ledger(written.path), written.verify, written.entries):
        with refused(LedgerError, "E417"):
            look()


def test_a_changed_list_of_patients_is_found(written):
    edit(written.path, "DELETE FROM patients WHERE patient = (SELECT min(patient) FROM patients)")
    with refused(LedgerError, "E417"):
        written.verify()


@pytest.mark.parametrize("body", [
    ("REFUND", {"run": "x"}),
    ("ADVANCE", {"run": "x", "question": "gradient", "uses": 1}),
    ("OPEN", {"source": "half"}),
    ("NOTE", {"about": "patients", "source": "nobody", "patients": 1, "fingerprint": ""}),
])  # fmt: skip
def test_an_entry_without_meaning_is_refused_even_with_a_good_seal(written, body):
    last = written.entries()[-1]
    forged = sealed(sequence=last.sequence + 1, kind=body[0], time=0.0, body=body[1],
                    previous=last.hash)  # fmt: skip
    db = sqlite3.connect(written.path, isolation_level=None)
    db.execute("INSERT INTO entries VALUES (?, ?, ?)", (forged.sequence, forged.text, forged.hash))
    db.close()
    with refused(LedgerError, "E417"):
        Ledger(written.path)
    with refused(LedgerError, "E417"):
        written.recover()


def test_the_file_itself_refuses_changes(written):
    db = sqlite3.connect(written.path, isolation_level=None)
    for statement in ("DELETE FROM entries", "UPDATE entries SET text = ''",
                      "DELETE FROM patients", "UPDATE secret SET key = x'00'"):  # fmt: skip
        with pytest.raises(sqlite3.IntegrityError, match="only grows"):
            db.execute(statement)
    db.close()


def test_a_restored_older_copy_is_found_by_any_later_artefact(ledger, plan, tmp_path):
    older = tmp_path / "older.sqlite"
    shutil.copy(ledger.path, older)
    run = ledger.reserve("cohort", plan)
    stamp = ledger.settle(run, {})
    ledger.verify([stamp])
    shutil.copy(older, ledger.path)
    assert ledger.path.is_file()
    with refused(LedgerError, "E417"):  # in use: at once
        ledger.reserve("cohort", plan)
    restored = Ledger(ledger.path)  # opened afresh: it is a good ledger, only an old one
    restored.verify()
    with refused(LedgerError, "E417"):
        restored.verify([stamp])
    restored.settle(restored.reserve("cohort", plan), {})  # and growing does not heal it
    with refused(LedgerError, "E417"):
        restored.verify([stamp])


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_truncated_file_is_refused(written, share):
    whole = written.path.read_bytes()
    written.path.write_bytes(whole[: int(share * len(whole))])
    for look in (lambda: Ledger(written.path), lambda: Ledger(written.path, create=True)):
        with refused(LedgerError, "E416"):
            look()


def test_what_is_missing_or_no_ledger_is_refused(tmp_path, plan):
    with refused(LedgerError, "E416"):
        Ledger(tmp_path / "none.sqlite")
    assert not (tmp_path / "none.sqlite").exists()
    with refused(LedgerError, "E416"):
        Ledger(tmp_path)
    (tmp_path / "text.sqlite").write_text("not a database, but long enough to look like one" * 99)
    sqlite3.connect(tmp_path / "empty.sqlite").execute("CREATE TABLE t (x)").connection.close()
    for name in ("text.sqlite", "empty.sqlite"):
        with refused(LedgerError, "E416"):
            Ledger(tmp_path / name)


def test_a_lost_ledger_is_not_begun_anew_over_its_log(tmp_path):
    (tmp_path / "l.sqlite-wal").write_bytes(b"x")
    with refused(LedgerError, "E416"):
        Ledger(tmp_path / "l.sqlite", create=True)


def test_a_ledger_that_vanishes_stops_the_run(ledger, plan):
    with refused(LedgerError, "E416"), charged(ledger, plan, source="cohort", unit="patient") as c:
        ledger.path.unlink()
        Lease(plan, c).charge("gradient")


@given(st.integers(0, 10**9), st.binary(min_size=1, max_size=1))
def test_any_changed_byte_of_an_entry_breaks_its_seal(place, byte):
    entry = sealed(sequence=7, kind="NOTE", time=1.5, body={"about": "x", "k": [1, "é"]},
                   previous="0" * 64)  # fmt: skip
    assert opened(7, entry.text, entry.previous, entry.hash) == entry
    text = bytearray(entry.text.encode())
    place %= len(text)
    if bytes(text[place : place + 1]) == byte:
        return
    text[place : place + 1] = byte
    with refused(LedgerError, "E417"):
        opened(7, text.decode(errors="replace"), entry.previous, entry.hash)


def test_the_clock_decides_nothing(tmp_path, plan):
    ticks = iter(range(10**9, 0, -1000))
    back = Ledger(tmp_path / "l.sqlite", create=True, clock=lambda: float(next(ticks)))
    back.open_source("cohort", unit="patient", relation="null", cap_epsilon=3, cap_delta=DELTA)
    run = back.reserve("cohort", plan)
    back.advance(run, "gradient", 50)
    back.settle(run, {"gradient": 50})
    times = [e.time for e in back.entries()]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == 4
    back.verify()
    assert Ledger(back.path).book == back.book


FILL = """
import sys
from pathlib import Path
from wardveil.errors import LedgerError
from wardveil.privacy import Ledger
import resource
path, run, room, granted = sys.argv[1], sys.argv[2], int(sys.argv[3]), 0
ledger = Ledger(path)
resource.setrlimit(resource.RLIMIT_FSIZE, (room, room))
try:
    for granted in range(120):
        ledger.advance(run, "gradient", 1)
except LedgerError as error:
    print(error.problems[0].code, granted)
"""


@pytest.mark.parametrize("room", [0, 40_960, 44_000])
def test_on_a_full_disk_nothing_is_granted_and_nothing_is_lost(ledger, plan, room):
    """In a process whose files may not grow beyond a limit, charge until that fails."""
    run = ledger.reserve("cohort", plan)
    done = subprocess.run([sys.executable, "-c", FILL, str(ledger.path), run, str(room)],
                          text=True, capture_output=True, check=True, timeout=60)  # fmt: skip
    code, granted = done.stdout.split()
    assert code == "E419"
    advanced = Ledger(ledger.path).book.runs[run].advanced.get("gradient", 0)
    assert int(granted) <= advanced <= int(granted) + 1
    ledger.verify()
    ledger.advance(run, "gradient", 1)  # with room again it goes on


def test_network_file_systems_are_known_by_their_mount():
    mounts = (
        "d / ext4 rw 0 0\nh:/v /data nfs4 rw 0 0\nd /data/local xfs rw 0 0\n"
        "//s /my\\040share cifs rw 0 0"
    )
    assert network_of(Path("/data/a/l.sqlite"), mounts) == "nfs4"
    assert network_of(Path("/data/local/l.sqlite"), mounts) == ""
    assert network_of(Path("/my share/l.sqlite"), mounts) == "cifs"
    assert network_of(Path("/database/l.sqlite"), mounts) == ""
