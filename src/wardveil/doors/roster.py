"""Roster: who the patients of an export are, in memory only; no identifier leaves."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wardveil.doors.setting import setting
from wardveil.doors.stream import header_of, texts_of
from wardveil.errors import Problem, SchemaError
from wardveil.schema.identifier import key_among
from wardveil.tables.cells import as_flags


def roster(files: Mapping[Path, str]) -> pa.Array:
    """The patients named in some files, each once, in order of appearance.

    Args:
        files: File -> the column that names the patient. Other columns are not read.

    Raises:
        SchemaError: E337, nobody is named.
    """
    known: Iterable[pa.ChunkedArray] = (
        piece[column] for path, column in files.items() for piece in texts_of(path, [column])
    )
    found = pa.array([], pa.string())
    for texts in known:
        fresh = pc.unique(pc.drop_null(texts))
        fresh = fresh.filter(pc.invert(pc.is_in(fresh, value_set=found)))
        found = pa.concat_arrays([found, fresh])
    if not len(found):
        where = ", ".join(path.name for path in files)
        raise SchemaError(
            Problem(code="E337", what="No row names a patient.", where=where,
                    do=("name the column that does: wardveil explain E331",))
        )  # fmt: skip
    return found


def places(texts: pa.ChunkedArray, known: pa.Array) -> NDArray[np.int64]:
    """Position of each text in a list of texts, (n,); -1 where it is not on it or missing."""
    index = pc.index_in(texts, value_set=known, skip_nulls=True)
    return np.array(pc.fill_null(index, -1).to_numpy(), dtype=np.int64)


def present(texts: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Where a text is not missing, (n,)."""
    return as_flags(pc.is_valid(texts))


def levelled(
    texts: pa.ChunkedArray, levels: Sequence[str], name: str, left: Counter[str]
) -> NDArray[np.object_]:
    """Texts that are levels, (n,) objects; None for what is missing, or no level and counted."""
    place = places(texts, pa.array(list(levels), pa.string()))
    left[f"with another {name} than {', '.join(levels)}"] += int(
        ((place < 0) & present(texts)).sum()
    )
    return np.array([*levels, None], dtype=object)[place]


def key_of(path: Path) -> str:
    """The column of a file that names the patient, by the usual names.

    Raises:
        UsageError: E331, none has such a name.
    """
    found = key_among(list(header_of(path)))
    if not found:
        raise setting("It is not known which column names the patient.", path.name,
                       "declare it: patient = ...")  # fmt: skip
    return found
