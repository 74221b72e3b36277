"""Transcript: every answer of a run on the disk before it is used, so that a killed run can go on.

A run is a deterministic function of its answers and its seed. Going on therefore needs no state of
any model: the training starts again, takes the stored answers in order without asking anybody, and
asks afresh where they end, with fresh coins and fresh noise. Stored answers are outputs of priced
mechanisms: keeping them costs nothing. Noise and coins are never kept.

An answer that was computed but not stored before a stop cannot be ruled out; the first question
asked after each stop is therefore counted once more in the statement.
"""

import json
import os
import struct
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.errors import Problem, RunError
from wardveil.privacy import Lease
from wardveil.vault.noise import Grade, Noise

_HEAD = struct.Struct("<II")  # length of the record, its checksum


@dataclass(frozen=True, kw_only=True)
class Stored:
    """One answer, or the mark of a stop.

    Attributes:
        question: Name of the question; "" marks a stop: from here on the run went on.
        use: How often it had been asked, this time included.
        value: The answer.
    """

    question: str
    use: int
    value: NDArray[Any]


STOP = Stored(question="", use=0, value=np.zeros(0, dtype=np.int64))


class Transcript:
    """An append-only file of answers; a record that a crash cut short is dropped when read.

    Attributes:
        path: The file.
        answers: What it held when it was opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.answers, end = _read(path)
        with path.open("ab") as file:
            file.truncate(end)

    def append(self, stored: Stored) -> None:
        """Write one answer; returns only when it cannot be lost any more."""
        about = {
            "question": stored.question,
            "use": stored.use,
            "dtype": stored.value.dtype.str, "shape": list(stored.value.shape),
        }  # fmt: skip
        text = json.dumps(about).encode()
        body = struct.pack("<I", len(text)) + text + np.ascontiguousarray(stored.value).tobytes()
        try:
            with self.path.open("ab") as file:
                file.write(_HEAD.pack(len(body), zlib.crc32(body)) + body)
                file.flush()
                os.fsync(file.fileno())
        except OSError as fault:
            raise RunError(
                Problem(
                    code="E501",
                    what=f"Answers must be kept, found: {fault.strerror or 'an error'}.",
                    where=str(self.path),
                    do=("Make room, then repeat the command with --resume.",),
                )
            ) from None

    @property
    def empty(self) -> bool:
        """Whether nothing was answered yet."""
        return self.path.stat().st_size == 0

    @property
    def answered(self) -> Counter[str]:
        """Question -> times it was answered."""
        found: Counter[str] = Counter()
        for a in self.answers:
            if a.question:
                found[a.question] = max(found[a.question], a.use)
        return found


def _read(path: Path) -> tuple[list[Stored], int]:
    """All whole records, and where they end."""
    data = path.read_bytes() if path.exists() else b""
    answers, at = [], 0
    while at + _HEAD.size <= len(data):
        length, checksum = _HEAD.unpack_from(data, at)
        body = data[at + _HEAD.size : at + _HEAD.size + length]
        if len(body) < length or zlib.crc32(body) != checksum:
            break
        (size,) = struct.unpack_from("<I", body)
        about = json.loads(body[4 : 4 + size])
        value = np.frombuffer(body[4 + size :], dtype=np.dtype(about["dtype"]))
        answers.append(
            Stored(
                question=about["question"],
                use=about["use"],
                value=value.reshape(about["shape"]),
            )
        )
        at += _HEAD.size + length
    return answers, at


@final
class TranscribedNoise(Noise):
    """Gives stored answers first, then those of a live source, each stored before it is given.

    Attributes:
        live: Where new answers and all coins come from.
        counted_twice: Question -> stops after which it was the first to be asked.
    """

    def __init__(self, live: Noise, transcript: Transcript, lease: Lease) -> None:
        self.live, self._transcript, self._lease = live, transcript, lease
        self._left = [a for a in transcript.answers if a.question]
        self.counted_twice: Counter[str] = Counter()
        self._stops = 0  # since the last answer
        for a in transcript.answers:
            self._stops += not a.question
            if a.question:
                self._count_stops(a.question)

    def _count_stops(self, question: str) -> None:
        """Whatever was in flight at a stop was the question answered next."""
        if self._stops:
            self.counted_twice[question] += self._stops
            self._stops = 0

    @property
    def grade(self) -> Grade:  # type: ignore[override]
        """The live source's."""
        return self.live.grade

    def uniforms(self, n: int) -> NDArray[np.float64]:
        """Fresh coins, always."""
        return self.live.uniforms(n)

    def counts(self, table: NDArray[np.int64], sd: float) -> NDArray[np.int64]:
        """See `Noise.counts`."""
        stored = self._next(table.shape)
        return self._kept(self.live.counts(table, sd)) if stored is None else stored

    def lattice(self, total: Tensor, sd: float) -> Tensor:
        """See `Noise.lattice`."""
        stored = self._next(tuple(total.shape))
        if stored is None:
            stored = self._kept(self.live.lattice(total, sd).cpu().numpy())
        return torch.from_numpy(stored.copy()).to(total.device, total.dtype)

    def laplace(self, number: int, epsilon: float) -> int:
        """See `Noise.laplace`."""
        stored = self._next(())
        if stored is None:
            stored = self._kept(np.asarray(self.live.laplace(number, epsilon)))
        return int(stored)

    def select(self, scores: NDArray[np.float64], sensitivity: float, epsilon: float) -> int:
        """See `Noise.select`."""
        stored = self._next(())
        if stored is None:
            chosen = self.live.select(scores, sensitivity, epsilon)
            stored = self._kept(np.asarray(chosen))
        return int(stored)

    def _next(self, shape: Sequence[int]) -> NDArray[Any] | None:
        """The next stored answer, or None where they end."""
        if not self._left:
            return None
        stored = self._left.pop(0)
        if stored.question != self._lease.asked or stored.value.shape != tuple(shape):
            raise RunError(
                Problem(
                    code="E506",
                    what="A stopped run goes on only with the same table, schema, settings and "
                    "versions; its answers do not fit what is asked now.",
                    where=str(self._transcript.path),
                    do=("Repeat the same command with --resume, or delete the folder.",),
                )
            )
        return stored.value

    def _kept(self, value: NDArray[Any]) -> NDArray[Any]:
        """Store a live answer, then give it."""
        question = self._lease.asked
        self._transcript.append(
            Stored(question=question, use=self._lease.used[question], value=value)
        )
        self._count_stops(question)
        return value
