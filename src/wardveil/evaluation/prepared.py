"""Prepared: a table brought into the form in which tables are compared."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Protocol, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from wardveil.errors import Problem, SchemaError
from wardveil.schema.column import NUMERIC, Column
from wardveil.schema.schema import Schema

Floats = NDArray[np.float64]
Texts = NDArray[np.object_]

DISTINCT: Final = 12
"""A number with at most this many distinct real values is compared as a category."""


class Framed(Protocol):
    """Anything that can show itself as a frame, such as a `Table`."""

    def to_frame(self) -> pd.DataFrame:
        """The table as a pandas frame."""
        ...


Tabular: TypeAlias = pd.DataFrame | Framed


@dataclass(frozen=True, kw_only=True)
class Flags:
    """A column whose cells hold sets of codes.

    Attributes:
        codes: The codes, in declared order.
        held: (n, codes) whether the row's cell holds the code.
        missing: (n,) whether the cell is missing.
    """

    codes: tuple[str, ...]
    held: NDArray[np.bool_]
    missing: NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A table as arrays, one per column.

    Attributes:
        rows: n.
        columns: Column name -> (n,) floats with NaN for missing, (n,) texts with None for
            missing, or the flags of a codes column.
        units: Column name -> unit, for people; "date" marks days since 1970-01-01.
        levels: Column name -> declared levels in order, where there are any.
    """

    rows: int
    columns: Mapping[str, Floats | Texts | Flags]
    units: Mapping[str, str] = field(default_factory=dict)
    levels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def take(self, index: NDArray[np.int64]) -> "Prepared":
        """The rows at `index`, (k,)."""
        columns: dict[str, Floats | Texts | Flags] = {
            name: Flags(codes=c.codes, held=c.held[index], missing=c.missing[index])
            if isinstance(c, Flags)
            else c[index]
            for name, c in self.columns.items()
        }
        return Prepared(rows=len(index), columns=columns, units=self.units, levels=self.levels)


def prepare(real: Tabular, *others: Tabular, schema: Schema | None = None) -> tuple[Prepared, ...]:
    """Bring tables into one form, decided by the schema or, without one, by the real table.

    Without a schema, numbers and dates are numeric, everything else is a category, and a text
    column without any repeated value is taken for an identifier and left out.

    Args:
        real: The table whose types decide when there is no schema.
        others: Tables to be compared with it.
        schema: What is declared; kinds `id`, `drop` and `visit` are left out.

    Returns:
        The real table and the others, in the order given, with the same columns.

    Raises:
        SchemaError: E341, a table lacks a compared column; E342, a table has no rows; E343, no
            column is left to compare.
    """
    frames = [t if isinstance(t, pd.DataFrame) else t.to_frame() for t in (real, *others)]
    columns = schema.modelled if schema else tuple(_inferred(frames[0]))
    missing = schema.missing if schema else ()
    _require(frames, columns)
    units = {c.name: "date" if c.kind == "date" else c.unit for c in columns}
    return tuple(
        Prepared(
            rows=len(frame),
            columns={c.name: _column(frame[c.name], c, missing) for c in columns},
            units=units,
            levels={c.name: c.levels for c in columns if c.levels},
        )
        for frame in frames
    )


def _require(frames: Iterable[pd.DataFrame], columns: tuple[Column, ...]) -> None:
    """Raise when a frame cannot be compared on `columns`."""
    problems = []
    if not columns:
        problems.append(
            Problem(code="E343", what="No column is left to compare.",
                    do=("Declare at least one column that is not an id and not dropped.",))
        )  # fmt: skip
    for position, frame in enumerate(frames):
        name = "the real table" if position == 0 else f"compared table {position}"
        if frame.empty:
            problems.append(
                Problem(code="E342", what="A compared table must have rows; it has none.",
                        where=name, do=("Give a table with at least one patient.",))
            )  # fmt: skip
        problems += [
            Problem(code="E341", what=f'Column "{c.name}" is needed and absent.', where=name,
                    do=("Compare tables that have the same columns.",
                        "Give the schema both tables were made with."))
            for c in columns if c.name not in frame.columns
        ]  # fmt: skip
    if problems:
        raise SchemaError(problems)


def _inferred(frame: pd.DataFrame) -> Iterable[Column]:
    """The compared columns of a table that has no schema."""
    for name in frame.columns:
        series = frame[name]
        if pd.api.types.is_datetime64_any_dtype(series):
            yield Column(name=name, kind="date")
        elif pd.api.types.is_numeric_dtype(series) and not pd.api.types.is_bool_dtype(series):
            yield Column(name=name, kind="continuous")
        elif series.nunique() < len(series) or len(series) <= DISTINCT:
            yield Column(name=name, kind="categorical")


def _column(
    series: "pd.Series[object]", column: Column, missing: tuple[str, ...]
) -> Floats | Texts | Flags:
    """One column as an array."""
    if column.kind == "date":
        return _days(series)
    if column.kind in NUMERIC:
        return pd.to_numeric(series, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    texts = _texts(series, frozenset((*missing, *column.missing)))
    return _flags(texts, column) if column.kind == "codes" else texts


def _days(series: "pd.Series[object]") -> Floats:
    """Days since 1970-01-01; numbers are taken as days already."""
    if pd.api.types.is_numeric_dtype(series):
        return series.to_numpy(np.float64, na_value=np.nan)
    moments = pd.to_datetime(series, errors="coerce", format="ISO8601", utc=True)
    return ((moments - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(days=1)).to_numpy(np.float64)


def _texts(series: "pd.Series[object]", missing: frozenset[str]) -> Texts:
    """Each cell as text, (n,); missing -> None. 1, 1.0 and True are all "1"."""
    codes, uniques = pd.factorize(series)
    names = [None if (text := _text(u)) in missing else text for u in uniques]
    return np.array([*names, None], dtype=object)[codes]


def _text(value: object) -> str:
    if isinstance(value, bool | np.bool_):
        return str(int(value))
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)


def _flags(texts: Texts, column: Column) -> Flags:
    """The flags of a codes column; its codes are the declared ones, or those found."""
    cells = [frozenset() if t is None else frozenset(t.split(column.separator)) for t in texts]
    codes = column.levels or tuple(sorted(frozenset().union(*cells) - {""}))
    held = np.array([[code in cell for code in codes] for cell in cells], dtype=bool)
    return Flags(codes=codes, held=held.reshape(len(texts), len(codes)),
                 missing=np.array([t is None for t in texts], dtype=bool))  # fmt: skip
