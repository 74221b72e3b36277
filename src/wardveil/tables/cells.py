"""Cells as text and as numbers, one column at a time and without a loop over rows.

Text is checked against a pattern before it is converted, so that no conversion can fail and
quote a cell.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wardveil.tables.faults import Fault, Index

_NUMBER: Final = r"^[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?$"
_INFINITE: Final = r"^[+-]?([iI][nN][fF]|[iI][nN][fF][iI][nN][iI][tT][yY]|∞)$"
_DATE: Final = r"^[0-9]{4}([-/])[0-9]{2}[-/][0-9]{2}([T ][0-9:.,+Z -]*)?$"
_TRIM: Final = " \t\r\n\xa0\ufeff"


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """A column as numbers.

    Attributes:
        values: (n,) float64; NaN where missing or faulty.
        faults: What could not be read.
    """

    values: NDArray[np.float64]
    faults: tuple[Fault, ...]


def rows_where(mask: pa.ChunkedArray | NDArray[np.bool_]) -> Index:
    """Positions of the true entries; null is false."""
    if not isinstance(mask, np.ndarray):
        mask = as_flags(mask)
    return np.flatnonzero(mask).astype(np.int64)


def as_flags(mask: Any) -> NDArray[np.bool_]:
    """An arrow boolean column as (n,) bool; null is false."""
    return np.array(pc.fill_null(mask, fill_value=False).to_numpy(zero_copy_only=False), dtype=bool)


def is_text(array: pa.ChunkedArray) -> bool:
    """Whether a column holds text."""
    kind = array.type.value_type if pa.types.is_dictionary(array.type) else array.type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def as_texts(array: pa.ChunkedArray, missing: Sequence[str]) -> pa.ChunkedArray | None:
    """A column as trimmed text, null where missing; None if cells are not single values.

    Whole numbers are written without a point, flags as "true" and "false".
    """
    if pa.types.is_dictionary(array.type):
        array = pc.cast(array, array.type.value_type)
    kind = array.type
    if pa.types.is_null(kind):
        return pc.cast(array, pa.string())
    if pa.types.is_boolean(kind):
        return pc.if_else(array, "true", "false")
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _dropped(_float_texts(pc.cast(array, pa.float64(), safe=False)), missing)
    if pa.types.is_integer(kind) or pa.types.is_temporal(kind):
        return _dropped(pc.cast(array, pa.string()), missing)
    if not is_text(array):
        return None
    return _dropped(pc.utf8_trim(pc.cast(array, pa.string()), characters=_TRIM), missing)


def _dropped(texts: pa.ChunkedArray, missing: Sequence[str]) -> pa.ChunkedArray:
    absent = pc.is_in(texts, value_set=pa.array(list(missing), pa.string()))
    return pc.if_else(absent, pa.scalar(None, pa.string()), texts)


def _float_texts(array: pa.ChunkedArray) -> pa.ChunkedArray:
    values = pc.fill_null(array, float("nan")).to_numpy()
    texts = np.full(len(values), None, dtype=object)
    known, place = np.unique(values[~np.isnan(values)], return_inverse=True)
    spelled = [
        str(int(v)) if float(v).is_integer() and abs(v) < 1e15 else repr(float(v)) for v in known
    ]
    texts[~np.isnan(values)] = np.array(spelled, dtype=object)[place] if spelled else []
    return pa.chunked_array([pa.array(texts, pa.string())])


def as_numbers(array: pa.ChunkedArray, missing: Sequence[str]) -> Numbers:
    """A column as numbers; a point is the decimal mark."""
    faults: list[Fault] = []
    if pa.types.is_dictionary(array.type):
        array = pc.cast(array, array.type.value_type)
    if is_text(array):
        texts = as_texts(array, missing)
        assert texts is not None
        infinite = as_flags(pc.match_substring_regex(texts, _INFINITE))
        numeric = pc.fill_null(pc.match_substring_regex(texts, _NUMBER), fill_value=False)
        present = as_flags(pc.is_valid(texts))
        bad = present & ~as_flags(numeric) & ~infinite
        faults.append(
            Fault(code="E305", what="cannot be read as a number", rows=rows_where(bad),
                  do=("use a point as the decimal mark and no thousands separator",
                      "declare texts that mean missing: missing = [...]"))
        )  # fmt: skip
        plain = pc.utf8_ltrim(
            pc.if_else(numeric, texts, pa.scalar(None, pa.string())), characters="+"
        )
        array = pc.cast(plain, pa.float64())
    elif _is_numeric(array.type):
        infinite = np.zeros(len(array), dtype=bool)
        array = pc.cast(array, pa.float64(), safe=False)
    else:
        return Numbers(values=np.full(len(array), np.nan), faults=(_wrong_type(len(array)),))
    values = np.array(pc.fill_null(array, float("nan")).to_numpy(), dtype=np.float64)
    infinite |= np.isinf(values)
    faults.append(Fault(code="E307", what="are infinite", rows=rows_where(infinite)))
    values[infinite] = np.nan
    for number in _numbers_among(missing):
        values[values == number] = np.nan
    return Numbers(values=values, faults=tuple(faults))


def _is_numeric(kind: pa.DataType) -> bool:
    tests = (
        pa.types.is_floating,
        pa.types.is_integer,
        pa.types.is_decimal,
        pa.types.is_boolean,
        pa.types.is_null,
    )
    return any(test(kind) for test in tests)


def _wrong_type(n: int) -> Fault:
    return Fault(code="E317", what="are of a type that the column's kind cannot be read from",
                 rows=np.arange(n, dtype=np.int64))  # fmt: skip


def _numbers_among(missing: Sequence[str]) -> list[float]:
    """The declared missing texts that are numbers: -9 is missing when written -9.0, too."""
    texts = pa.array(list(missing), pa.string())
    numeric = texts.filter(pc.match_substring_regex(texts, _NUMBER))
    return [
        float(v) for v in pc.cast(pc.utf8_ltrim(numeric, characters="+"), pa.float64()).to_pylist()
    ]


def as_days(array: pa.ChunkedArray, missing: Sequence[str]) -> Numbers:
    """A column of dates as days since 1970-01-01; text is read as year-month-day."""
    if pa.types.is_dictionary(array.type):
        array = pc.cast(array, array.type.value_type)
    if is_text(array):
        texts = as_texts(array, missing)
        assert texts is not None
        days = _days(texts)
        bad = as_flags(pc.is_valid(texts)) & np.isnan(days)
        fault = Fault(
            code="E306", what="cannot be read as a date", rows=rows_where(bad),
            do=("write dates as year-month-day: 2025-01-31",),
        )  # fmt: skip
        return Numbers(values=days, faults=(fault,))
    if pa.types.is_null(array.type):
        return Numbers(values=np.full(len(array), np.nan), faults=())
    if not (pa.types.is_timestamp(array.type) or pa.types.is_date(array.type)):
        return Numbers(values=np.full(len(array), np.nan), faults=(_wrong_type(len(array)),))
    if pa.types.is_timestamp(array.type) and array.type.tz:
        array = pc.local_timestamp(array)
    day = pc.cast(pc.cast(array, pa.date32(), safe=False), pa.int32())
    values = pc.fill_null(pc.cast(day, pa.float64()), float("nan")).to_numpy()
    return Numbers(values=np.array(values, dtype=np.float64), faults=())


def _days(texts: pa.ChunkedArray) -> NDArray[np.float64]:
    shaped = pc.if_else(
        pc.match_substring_regex(texts, _DATE),
        pc.utf8_slice_codeunits(texts, 0, 10),
        pa.scalar(None, pa.string()),
    )
    shaped = pc.replace_substring(shaped, "/", "-")
    parsed = pc.strptime(shaped, format="%Y-%m-%d", unit="s", error_is_null=True)
    # strptime reads 2021-02-31 as 3 March: only dates that are written back alike are dates.
    written = pc.strftime(parsed, format="%Y-%m-%d")
    parsed = pc.if_else(pc.equal(written, shaped), parsed, pa.scalar(None, parsed.type))
    seconds = pc.cast(pc.cast(parsed, pa.int64()), pa.float64())
    return np.array(pc.fill_null(seconds, float("nan")).to_numpy() / 86_400, dtype=np.float64)
