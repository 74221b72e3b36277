"""Baseline: a table with a row a patient that goes beside events or visits."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wardveil.doors.imported import Block
from wardveil.doors.roster import places
from wardveil.doors.stream import MISSING, header_of, texts_of
from wardveil.errors import Problem, SchemaError
from wardveil.schema.column import NUMERIC, Column
from wardveil.schema.draft import draft_schema
from wardveil.tables.cells import as_numbers
from wardveil.tables.values import as_objects


def read_baseline(
    path: Path, patient: str, known: pa.Array, columns: Sequence[str] = (), *,
    repeats: bool = False,
) -> Block:  # fmt: skip
    """The columns of a baseline file, for the patients of a roster.

    Kinds and limits are drafted from the names, as `wardveil init` does. Identifiers, free text
    and dates stay behind.

    Args:
        path: The file.
        patient: Column that names the patient.
        known: The roster, (n,).
        columns: Names to keep; () for all. Either way those that name somebody stay behind.
        repeats: Whether rows repeat patients, as in a file of visits; the first then counts.

    Raises:
        SchemaError: E310, a patient has several rows.
    """
    drafted = _drafted(path, patient, columns)
    held = first_texts(path, patient, known, [c.name for c in drafted], repeats=repeats)
    return Block(columns=drafted, values=[_typed(c, held[c.name]) for c in drafted])


def first_texts(
    path: Path, patient: str, known: pa.Array, names: Sequence[str], *, repeats: bool
) -> dict[str, NDArray[np.object_]]:
    """The cells of each patient's first row, by column, (n,); None where there is none.

    Raises:
        SchemaError: E310, a patient has several rows and `repeats` is false.
    """
    held = {name: np.full(len(known), None, dtype=object) for name in names}
    met = np.zeros(len(known), dtype=bool)
    for piece in texts_of(path, [patient, *names]):
        place = places(piece[patient], known)
        here = np.flatnonzero(place >= 0)
        unique, first = np.unique(place[here], return_index=True)
        if not repeats and (len(unique) < len(here) or met[unique].any()):
            raise SchemaError(
                Problem(code="E310", what="A baseline has one row a patient; here rows repeat one.",
                        where=path.name, do=("keep one row of each patient",))
            )  # fmt: skip
        fresh = ~met[unique]
        for name in names:
            held[name][unique[fresh]] = as_objects(piece[name])[here[first[fresh]]]
        met[unique] = True
    return held


def _drafted(path: Path, patient: str, columns: Sequence[str]) -> list[Column]:
    header = header_of(path)
    wanted = [name for name in header if not columns or name in columns]
    wanted += [name for name in columns if name not in header]  # told by the reader
    if not wanted:
        return []
    key = patient.casefold()
    drafted = [c for c in draft_schema(wanted).columns if c.name.casefold() != key]
    return [c for c in drafted if c.modelled and c.kind != "date"]


def _typed(column: Column, texts: NDArray[np.object_]) -> NDArray[np.generic]:
    """Numbers where the kind says so and all cells are numbers; else the text, for the schema."""
    if column.kind not in NUMERIC:
        return texts
    numbers = as_numbers(pa.chunked_array([pa.array(texts, pa.string())]), MISSING)
    return texts if any(len(fault.rows) for fault in numbers.faults) else numbers.values
