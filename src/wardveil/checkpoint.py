"""Checkpoint: the folder of a run that is not finished: what was asked for, and the answers so far.

`RUN.partial/request.json` says what the run is; `transcript.bin` holds its answers. Both are
outputs of priced mechanisms or public, so the folder holds no patient.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wardveil.errors import Problem, RunError
from wardveil.vault.transcript import STOP, Transcript


class Checkpoint:
    """A folder from which a killed run goes on.

    Attributes:
        folder: The folder.
        transcript: The answers so far.
        seed: The run's seed.
        ledger_run: The run the earlier part was charged as; "" without a ledger.
        resumed: Whether an earlier part exists.
    """

    def __init__(
        self, folder: Path, request: Mapping[str, Any], *, seed: int, resume: bool
    ) -> None:
        """Begin a folder, or open it again.

        Args:
            folder: Must not exist, unless `resume`.
            request: What makes the run what it is: plan, model, schema; compared on resuming.
            seed: For a new run.
            resume: Whether to go on with what is there.

        Raises:
            RunError: E507 the folder is taken, E506 it is of another run, E501 not writable.
        """
        self.folder, self.resumed = folder, resume
        self._file = folder / "request.json"
        if resume:
            stored = self._stored(request)
            self.seed, self.ledger_run = int(stored["seed"]), str(stored["ledger_run"])
        else:
            if folder.exists():
                raise _taken(folder)
            self.seed, self.ledger_run = seed, ""
            try:
                folder.mkdir(parents=True)
            except OSError as fault:
                raise unwritable(folder, fault) from None
        self._request = dict(request)
        try:
            self.transcript = Transcript(folder / "transcript.bin")
            if resume:
                self.transcript.append(STOP)
                self.transcript = Transcript(folder / "transcript.bin")
            self._write()
        except BaseException:
            if not resume:
                shutil.rmtree(folder, ignore_errors=True)
            raise

    def _stored(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """What the folder says it is; the request must be the same."""
        try:
            stored: dict[str, Any] = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise _other(self.folder) from None
        if stored.get("request") != json.loads(json.dumps(dict(request))):
            raise _other(self.folder)
        return stored

    def charged_as(self, run: str) -> None:
        """Note the ledger's run that pays from here on."""
        self.ledger_run = run
        self._write()

    def _write(self) -> None:
        """Write request.json whole or not at all."""
        text = json.dumps(
            {"request": self._request, "seed": self.seed, "ledger_run": self.ledger_run}
        )
        partial = self._file.with_suffix(".new")
        try:
            partial.write_text(text, encoding="utf-8")
            partial.replace(self._file)
        except OSError as fault:
            raise unwritable(self.folder, fault) from None

    def __enter__(self) -> "Checkpoint":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """A run that failed before its first answer leaves nothing behind."""
        if kind is not None and self.transcript.empty:
            shutil.rmtree(self.folder)


def _taken(folder: Path) -> RunError:
    return RunError(
        Problem(
            code="E507",
            what="An unfinished run is here already.",
            where=str(folder),
            do=(
                "Repeat its command with --resume.",
                "Delete the folder; what it spent stays spent.",
            ),
        )
    )


def _other(folder: Path) -> RunError:
    return RunError(
        Problem(
            code="E506",
            what="A stopped run goes on only with the same table, schema, settings and versions.",
            where=str(folder),
            do=("Repeat the same command with --resume, or delete the folder.",),
        )
    )


def unwritable(folder: Path, fault: OSError, *, then: str = "") -> RunError:
    """E501 for a folder of ours; `then` says what became of what was to be written."""
    return RunError(
        Problem(
            code="E501",
            what=f"The folder must be writable, found: {fault.strerror or 'an error'}.",
            where=str(folder),
            do=(f"Check the place, its rights and the space left{then}.",),
        )
    )
