"""Long: a table with a row an event, and what each patient has in it.

Codes become flags or counts, measurements become each patient's last value. Which codes is
declared; what else the table holds is counted and left out.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wardveil.doors.declared import Item, code_columns, value_column
from wardveil.doors.imported import Block
from wardveil.doors.moment import moments
from wardveil.doors.roster import places, present
from wardveil.doors.setting import require_choice
from wardveil.doors.stream import texts_of
from wardveil.tables.cells import as_numbers

DataType = Literal["binary", "count"]
Shorten = Callable[[pa.ChunkedArray], pa.ChunkedArray]
_FULL: Final = np.iinfo(np.uint16).max


@dataclass(frozen=True, kw_only=True)
class Long:
    """A long file and what its columns mean.

    Attributes:
        path: The file.
        patient: Column that names the patient.
        code: Column of the code.
        time: Column of the moment; "" if there is none.
        value: Column of a measured value; "" if there is none.
        shorten: Made of a code before it is looked up.
        until: Later events are left out; NaN for none.
    """

    path: Path
    patient: str
    code: str
    time: str = ""
    value: str = ""
    shorten: Shorten | None = None
    until: float = float("nan")


@dataclass(frozen=True, kw_only=True, eq=False)
class _Piece:
    """Rows of known patients with declared codes: positions, times and texts of values, (m,)."""

    patient: NDArray[np.int64]
    code: NDArray[np.int64]
    when: NDArray[np.float64]
    value: pa.ChunkedArray | None


def _selected(long: Long, known: pa.Array, codes: pa.Array, left: Counter[str]) -> Iterator[_Piece]:
    """The rows that count; the others are added to `left`, by reason."""
    for piece in texts_of(long.path, [long.patient, long.code, long.time, long.value]):
        spelled = piece[long.code]
        code = places(long.shorten(spelled) if long.shorten else spelled, codes)
        patient = places(piece[long.patient], known)
        without = ~present(spelled)
        left["without a code"] += int(without.sum())
        left["with a code that is not on the list"] += int(((code < 0) & ~without).sum())
        left["of nobody in the list of patients"] += int(((code >= 0) & (patient < 0)).sum())
        keep = np.flatnonzero((code >= 0) & (patient >= 0))
        when = np.zeros(len(keep))
        if long.time:
            when = moments(piece[long.time].take(pa.array(keep)))
            timed = ~np.isnan(when)
            left["without a readable time"] += int((~timed).sum())
            if not np.isnan(long.until):
                left["later than the last day"] += int((when > long.until).sum())
                timed &= when <= long.until
            keep, when = keep[timed], when[timed]
        value = piece[long.value].take(pa.array(keep)) if long.value else None
        yield _Piece(patient=patient[keep], code=code[keep], when=when, value=value)


def tally(
    long: Long, known: pa.Array, items: Sequence[Item], *, data_type: DataType, left: Counter[str]
) -> NDArray[Any]:
    """How often each patient has each code, (codes, n): uint8 flags, or uint16 counts.

    Memory is one piece of the file and n × codes × 1 or 2 bytes. Counts end at 65,535.
    """
    codes = pa.array([item.code for item in items], pa.string())
    n = len(known)
    kind = np.uint8 if data_type == "binary" else np.uint16
    held: NDArray[Any] = np.zeros(len(codes) * n, dtype=kind)
    for piece in _selected(long, known, codes, left):
        cell, times = np.unique(piece.code * n + piece.patient, return_counts=True)
        if data_type == "binary":
            held[cell] = 1
        else:
            held[cell] = np.minimum(held[cell].astype(np.int64) + times, _FULL)
    return held.reshape(len(codes), n)


def last_values(
    long: Long, known: pa.Array, items: Sequence[Item], left: Counter[str]
) -> NDArray[np.float64]:
    """Each patient's last value of each measurement, (items, n); NaN where there is none.

    The last is that of the latest time; of equal times (or without any), the last in the file.
    Memory is one piece of the file and n × items × 16 bytes.
    """
    codes = pa.array([item.code for item in items], pa.string())
    n = len(known)
    value, when = np.full(len(codes) * n, np.nan), np.full(len(codes) * n, -np.inf)
    for piece in _selected(long, known, codes, left):
        assert piece.value is not None
        numbers = as_numbers(piece.value, ()).values
        measured = ~np.isnan(numbers)
        left["without a readable value"] += int((~measured).sum())
        cell = (piece.code * n + piece.patient)[measured]
        keep_last(value, when, cell, numbers[measured], piece.when[measured])
    return value.reshape(len(codes), n)


def keep_last(
    value: NDArray[np.float64],
    when: NDArray[np.float64],
    cell: NDArray[np.int64],
    values: NDArray[np.float64],
    moments: NDArray[np.float64],
) -> int:
    """Write the latest value of each cell into `value` and `when`; how many had to give way."""
    order = np.lexsort((moments, cell))  # stable: equal moments keep the file's order
    cell, values, moments = cell[order], values[order], moments[order]
    last = np.append(cell[1:] != cell[:-1], values=True) if len(cell) else np.zeros(0, bool)
    gone = int((~last).sum())
    cell, values, moments = cell[last], values[last], moments[last]
    gone += int(np.isfinite(when[cell]).sum())
    newer = moments >= when[cell]
    value[cell[newer]], when[cell[newer]] = values[newer], moments[newer]
    return gone


def code_block(
    long: Long, known: pa.Array, items: Sequence[Item], prefix: str, data_type: DataType, most: int,
    left: Counter[str],
) -> Block:  # fmt: skip
    """The columns of a list of codes and what they hold."""
    require_choice("data_type", data_type, ("binary", "count"))
    columns = code_columns(items, prefix, most=None if data_type == "binary" else most)
    return Block(columns=columns, values=tally(long, known, items, data_type=data_type, left=left))


def value_block(
    long: Long, known: pa.Array, items: Sequence[Item], prefix: str, left: Counter[str]
) -> Block:
    """The columns of a list of measurements and each patient's last values."""
    columns = [value_column(i, i.name or f"{prefix}_{i.code}", nullable=True) for i in items]
    return Block(columns=columns, values=last_values(long, known, items, left))
