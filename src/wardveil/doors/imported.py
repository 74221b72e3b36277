"""Imported: what a door brings in, which is one row a patient and a draft of its schema."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wardveil.schema.column import Column
from wardveil.schema.schema import Schema
from wardveil.schema.trial import Trial


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Some columns of all patients.

    Attributes:
        columns: What is public about each.
        values: (columns, n) of one type, or one array of (n,) a column.
    """

    columns: Sequence[Column]
    values: NDArray[Any] | Sequence[NDArray[Any]]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Imported:
    """One row a patient, without identifiers and dates: still the real patients.

    Attributes:
        frame: The table, to be kept as safe as the export it is from.
        schema: A draft; no fact in it was read from a patient.
        left_out: File -> reason -> number of rows that were not used. Counts of real patients:
            not to be shared.
    """

    frame: pd.DataFrame
    schema: Schema
    left_out: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return f"Imported({len(self.frame)} patients, {len(self.schema.columns)} columns)"


def assembled(
    blocks: Sequence[Block],
    *,
    left: Mapping[str, Counter[str]],
    keep: NDArray[np.bool_] | None = None,
    trial: Trial | None = None,
) -> Imported:
    """Blocks side by side.

    Args:
        blocks: With patients in the same order.
        left: File -> reason -> rows that were left out.
        keep: Patients that stay, (n,); None for all.
        trial: The grid of visits among the columns.

    Raises:
        SchemaError: E217, two columns have one name.
    """
    schema = Schema(columns=tuple(c for b in blocks for c in b.columns), trial=trial)
    parts = [_frame(block) for block in blocks]
    frame = pd.concat(parts, axis=1) if len(parts) > 1 else parts[0]
    if keep is not None:
        frame = frame[keep].reset_index(drop=True)
    told = {f: {why: n for why, n in reasons.items() if n} for f, reasons in left.items()}
    return Imported(frame=frame, schema=schema, left_out={f: r for f, r in told.items() if r})


def _frame(block: Block) -> pd.DataFrame:
    names = [column.name for column in block.columns]
    if isinstance(block.values, np.ndarray):
        return pd.DataFrame(block.values.T, columns=names, copy=False)
    return pd.DataFrame(dict(zip(names, block.values, strict=True)))
