"""Rows as a pandas frame, in the spelling and types a person expects."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wardveil.schema.column import NUMERIC, Column
from wardveil.schema.level import are_flags, are_integers, fold
from wardveil.schema.schema import Schema
from wardveil.schema.variable import flag_name, missing_name


def to_frame(rows: Mapping[str, NDArray[Any]], schema: Schema, *, ids: bool = True) -> pd.DataFrame:
    """Rows as a frame with the schema's columns in the schema's order.

    Numbers are rounded to their decimals; counts and columns of 0 decimals are int64 (Int64 if
    nullable); dates are datetime64[ns]; levels that are integers or true/false are numbers or
    flags, else text; codes are joined by the separator. `dtype` of a column wins.

    Args:
        rows: Variable name -> (n,) float64 (NaN missing) or int32 (-1 missing).
        schema: Without gaps, or with gaps in columns that `rows` has no variables of: they are
            left out.
        ids: Whether `id` columns are there, as SYNTH-0000, SYNTH-0001, ...

    Returns:
        A frame of n rows; columns of kind `drop` and `visit` are absent.
    """
    n = len(next(iter(rows.values()))) if rows else 0
    series: dict[str, Any] = {}
    for column in schema.columns:
        if column.kind == "id" and ids:
            series[column.name] = _ids(n)
        elif column.modelled and not column.gaps:
            series[column.name] = _column(column, rows)
    return pd.DataFrame(series, index=pd.RangeIndex(n), copy=False)


def _ids(n: int) -> pd.Series:
    """SYNTH-0000, SYNTH-0001, …, all of one width."""
    numbers = pc.utf8_lpad(pa.array(np.arange(n)).cast("string"), max(4, len(str(n - 1))), "0")
    return pd.Series(pc.binary_join_element_wise("SYNTH", numbers, "-").to_pandas(), dtype=object)


def _column(column: Column, rows: Mapping[str, NDArray[Any]]) -> pd.Series:
    if column.kind == "date":
        return _dates(column, rows[column.name])
    if column.kind in NUMERIC:
        return _numbers(column, rows[column.name])
    if column.kind == "codes":
        return _codes(column, rows)
    return _levels(column, rows[column.name])


def _dates(column: Column, days: NDArray[np.float64]) -> pd.Series:
    whole = np.rint(np.where(np.isnan(days), 0, days)).astype("int64")
    dates = whole.astype("datetime64[D]")
    dates[np.isnan(days)] = np.datetime64("NaT")
    if column.dtype in ("str", "string", "object", "category"):
        spelled = np.datetime_as_string(dates).astype(object)
        spelled[np.isnat(dates)] = None
        texts = pd.Series(spelled, dtype=object)
        return texts if column.dtype in ("str", "object") else texts.astype(column.dtype)
    return pd.Series(dates.astype("datetime64[ns]"))


def _numbers(column: Column, values: NDArray[np.float64]) -> pd.Series:
    series = pd.Series(np.round(values, column.places))
    if column.dtype in ("str", "string", "object", "category"):
        texts = pd.Series(
            [None if np.isnan(v) else f"{v:.{column.places}f}" for v in series], dtype=object
        )
        return texts if column.dtype in ("str", "object") else texts.astype(column.dtype)
    if column.dtype:
        return series.astype(column.dtype)
    if column.places == 0:
        return _integers(values, np.isnan(values)) if column.nullable else series.astype("int64")
    return series


def _integers(values: NDArray[Any], missing: NDArray[np.bool_]) -> pd.Series:
    """Whole numbers as Int64; built of its parts, since pandas checks every value otherwise."""
    whole = np.rint(np.where(missing, 0, values)).astype(np.int64)
    return pd.Series(pd.arrays.IntegerArray(whole, missing))


def _codes(column: Column, rows: Mapping[str, NDArray[Any]]) -> pd.Series:
    assert column.levels
    glue = f"{column.separator} "
    flags = np.column_stack([rows[flag_name(column.name, v)] for v in column.levels]) > 0
    # Few sets of codes occur many times: each is spelled once.
    sets, place = np.unique(flags, axis=0, return_inverse=True)
    spelled = [
        glue.join(v for v, held in zip(column.levels, chosen, strict=True) if held)
        for chosen in sets
    ]
    texts = (
        np.array(spelled, dtype=object)[place.ravel()] if spelled else np.array([], dtype=object)
    )
    if column.nullable:
        texts[rows[missing_name(column.name)] > 0] = None
    series = pd.Series(texts, dtype=object)
    return series.astype(column.dtype) if column.dtype in ("category", "string") else series


def _levels(column: Column, places: NDArray[np.int32]) -> pd.Series:
    assert column.levels
    values, dtype = _typed_levels(column)
    if column.dtype == "category":
        return pd.Series(
            pd.Categorical.from_codes(places, values, ordered=column.kind == "ordinal")
        )
    if not column.dtype and dtype in ("int64", "Int64"):
        numbers = np.array([*values, 0])[places]
        return _integers(numbers, places < 0) if column.nullable else pd.Series(numbers)
    known = np.array([*values, None], dtype=object)
    series = pd.Series(known[places], dtype=object)
    if column.dtype in ("str", "object"):
        return series
    return series.astype(column.dtype or dtype)


def _typed_levels(column: Column) -> tuple[list[Any], str]:
    """The levels as Python values and the pandas dtype that holds them."""
    assert column.levels
    levels = list(column.levels)
    if column.dtype in ("str", "string", "object"):
        return levels, column.dtype
    if column.dtype in ("bool", "boolean"):
        return [fold(v) in ("true", "1") for v in levels], column.dtype
    if are_integers(levels):
        return [int(v) for v in levels], "Int64" if column.nullable else "int64"
    if are_flags(levels):
        return [fold(v) == "true" for v in levels], "boolean" if column.nullable else "bool"
    return levels, "object"
