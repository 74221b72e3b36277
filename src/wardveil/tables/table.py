"""Table: real patients, typed by a schema. Only the vault and the evaluation may hold one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from wardveil.errors import Problem, SchemaError, UsageError
from wardveil.schema.column import NUMERIC, Column
from wardveil.schema.schema import Schema
from wardveil.tables.frame import to_frame
from wardveil.tables.values import OTHER, Rows, bounded, rows_of_texts


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Table:
    """Patients, one a row, by variable.

    Attributes:
        schema: What is public about them.
        rows: Variable name -> (n,) float64 (NaN missing) or int32 code (-1 missing).
        raw: Name of a column with gaps -> (n,) float64, or object text (None missing).
        n: Number of patients.
    """

    schema: Schema
    rows: Mapping[str, NDArray[Any]]
    raw: Mapping[str, NDArray[Any]]
    n: int

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        columns = len(self.schema.modelled)
        return f"Table({self.n} patients, {columns} columns, {len(self.raw)} with gaps)"

    def take(self, index: NDArray[Any]) -> "Table":
        """The patients at these positions (or where a flag is true), in that order."""
        index = np.asarray(index)
        index = np.flatnonzero(index) if index.dtype == bool else index.astype(np.int64)
        return Table(
            schema=self.schema,
            rows={name: values[index] for name, values in self.rows.items()},
            raw={name: values[index] for name, values in self.raw.items()},
            n=len(index),
        )

    def split(self, holdout: float = 1 / 3, seed: int = 0) -> tuple["Table", "Table"]:
        """Two tables without a common patient: (train, holdout), each in the table's order.

        Args:
            holdout: Share of the patients to keep apart, in (0, 1); at least 1 is kept on each
                side.
            seed: The same seed gives the same split.

        Raises:
            UsageError: If `holdout` is not within (0, 1).
        """
        if not 0 < holdout < 1:
            raise UsageError(
                Problem(code="E320", what=f"holdout must be between 0 and 1, found {holdout:g}.")
            )
        size = min(max(round(self.n * holdout), 1), self.n - 1)
        order = np.random.default_rng(seed).permutation(self.n)
        return self.take(np.sort(order[size:])), self.take(np.sort(order[:size]))

    def complete(self, schema: Schema) -> "Table":
        """The same patients under a schema whose gaps were filled.

        Values beyond the new bounds are clipped (or missing, as the column says); levels that
        are not in the new list become "other" if it has that level, else missing, and codes
        are left out. So no error depends on a patient.

        Raises:
            SchemaError: E321 if the schema is not this one with gaps filled; E322 if a column
                of levels needs a place for the others.
        """
        problems = [p for column in schema.modelled for p in self._obstacles(column)]
        if problems:
            raise SchemaError(problems)
        rows: Rows = dict(self.rows)
        raw: Rows = {}
        for column in schema.modelled:
            if column.name not in self.raw:
                continue
            if column.gaps:
                raw[column.name] = self.raw[column.name]
            elif column.kind in NUMERIC:
                rows[column.name] = bounded(column, self.raw[column.name])[0]
            else:
                texts = pa.chunked_array([pa.array(self.raw[column.name], pa.string())])
                rows |= rows_of_texts(column, texts)[0]
        return Table(schema=schema, rows=rows, raw=raw, n=self.n)

    def to_frame(self, *, ids: bool = False) -> pd.DataFrame:
        """The patients as a frame, without columns that have gaps; real ids are never kept."""
        return to_frame(self.rows, self.schema, ids=ids)

    def _obstacles(self, column: Column) -> list[Problem]:
        old = self.schema.by_name.get(column.name)
        if old is None or old.kind != column.kind or (old != column and not old.gaps):
            what = f"Column {column.name!r} is not the table's own with its gaps filled."
            return [
                Problem(code="E321", what=what, do=("read the table again under the new schema",))
            ]
        levelled = column.kind not in NUMERIC and column.kind != "codes" and old.gaps
        if levelled and column.levels and not column.nullable and OTHER not in column.levels:
            what = f"Column {column.name!r}: its new levels need a place for all others."
            return [
                Problem(code="E322", what=what, do=('add the level "other"', "nullable = true"))
            ]
        return []
