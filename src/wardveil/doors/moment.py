"""Moment: when something happened, as one number that orders rows."""

from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wardveil.tables.cells import as_numbers

_ISO: Final = r"^[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}.*)?)?$"
_DAY: Final = 86_400.0


def moments(texts: pa.ChunkedArray) -> NDArray[np.float64]:
    """Seconds since 1970-01-01 of ISO dates and times, or the number itself; NaN where neither.

    Zones are not read: the times of one export are taken to be of one zone. A file has dates or
    numbers, not both.

    Args:
        texts: (n,) trimmed text, null where missing.

    Example:
        >>> moments(pa.chunked_array([["1970-01-02", "1970-01-01T00:01:00Z", "2.5", "soon"]]))
        array([8.64e+04, 6.00e+01, 2.50e+00,      nan])
    """
    dated = pc.fill_null(pc.match_substring_regex(texts, _ISO), fill_value=False)
    dates = pc.if_else(dated, texts, pa.scalar(None, pa.string()))
    # Months and days are compared on the way back: strptime reads 31 February as 3 March.
    day = pc.replace_substring(pc.utf8_slice_codeunits(dates, 0, 10), "/", "-")
    read = pc.strptime(day, format="%Y-%m-%d", unit="s", error_is_null=True)
    read = pc.if_else(
        pc.equal(pc.strftime(read, format="%Y-%m-%d"), day), read, pa.scalar(None, read.type)
    )
    seconds = _floats(pc.cast(read, pa.int64()))
    for first, scale in ((11, 3_600.0), (14, 60.0), (17, 1.0)):
        part = pc.utf8_slice_codeunits(dates, first, first + 2)
        whole = pc.fill_null(pc.match_substring_regex(part, "^[0-9]{2}$"), fill_value=False)
        seconds += scale * np.nan_to_num(_floats(pc.cast(pc.if_else(whole, part, "0"), pa.int64())))
    others = pc.if_else(dated, pa.scalar(None, pa.string()), texts)
    numbers = as_numbers(others, ()).values
    return np.where(np.isnan(seconds), numbers, seconds)


def _floats(array: pa.ChunkedArray) -> NDArray[np.float64]:
    values = pc.fill_null(pc.cast(array, pa.float64()), float("nan")).to_numpy()
    return np.array(values, dtype=np.float64)


def last_moment(text: str) -> float:
    """The last moment that "until this" includes: the end of a day, or the number; else NaN.

    Example:
        >>> last_moment("1970-01-01"), last_moment("365"), last_moment("later")
        (86399.0, 365.0, nan)
    """
    value = float(moments(pa.chunked_array([[text]], pa.string()))[0])
    return value + _DAY - 1 if len(text) == 10 and "-" in text[1:] else value


def years_between(born: NDArray[np.float64], day: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whole years from one moment to another, as birthdays count them; NaN stays.

    Args:
        born: (n,) seconds since 1970-01-01.
        day: (n,) seconds, or one for all.
    """
    known = ~(np.isnan(born) | np.isnan(day))
    a, b = (_calendar(np.where(known, x, 0.0)) for x in (born, np.broadcast_to(day, born.shape)))
    return np.where(known, (b - a) // 10_000, np.nan)


def _calendar(seconds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Year, month and day as one decimal number, such as 20250131."""
    days = (seconds // _DAY).astype("int64").astype("datetime64[D]")
    months = days.astype("datetime64[M]")
    years = months.astype("datetime64[Y]")
    of_year = (months - years.astype("datetime64[M]")).astype(np.int64) + 1
    of_month = (days - months.astype("datetime64[D]")).astype(np.int64) + 1
    return (years.astype(np.int64) + 1970) * 10_000.0 + of_year * 100 + of_month
