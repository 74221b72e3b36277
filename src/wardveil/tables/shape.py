"""What the values of an undeclared column look like: identifier, free text, date, list, level.

Only `look` uses this: it reads patients, and what it finds is marked "looked".
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from wardveil.schema.level import are_numbers, fold

FEW: Final = 20
"""Below so many rows, distinct values say nothing."""

_LONG: Final = 40
_DISTINCT: Final = 0.6
_MOST: Final = 0.5
_PATTERNS: Final = {
    "looks like e-mail addresses": re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"),
    "looks like social security numbers": re.compile(r"\d{3}-\d{2}-\d{4}"),
    "looks like web addresses": re.compile(r"(https?://|www\.)\S+"),
    "looks like network addresses": re.compile(r"\d{1,3}(\.\d{1,3}){3}"),
    "looks like phone numbers": re.compile(
        r"(\+?\d{1,3}[ .-]?)?(\(\d{2,4}\)|\d{2,4})[ .-]\d{3,4}[ .-]?\d{3,4}"
    ),
    "looks like unique identifiers": re.compile(
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE
    ),
}
_DECIMAL: Final = re.compile(r"-?\d+\.\d*")
_DATED: Final = re.compile(r"\d{1,4}[./-](\d{1,2}|[A-Za-z]{3})[./-]\d{1,4}([T ].*)?")
_SEPARATORS: Final = (";", "|")
_PART: Final = 120
_PARTS: Final = 200
_RARE: Final = 5
PLACES: Final = 4


def identifying(values: Sequence[str]) -> str:
    """Why the values of a column would name people; "" when they do not look so.

    Args:
        values: The texts that are not missing, a row each.
    """
    if not values:
        return ""
    for reason, pattern in _PATTERNS.items():
        # 33.8984375 has the shape of a telephone number and is none.
        found = sum(bool(pattern.fullmatch(v)) and not _DECIMAL.fullmatch(v) for v in values)
        if found > _MOST * len(values):
            return reason
    if sum(is_nhs_number(v) for v in values) > 0.9 * len(values):
        return "looks like NHS numbers"
    return ""


def is_nhs_number(text: str) -> bool:
    """Whether ten digits end in the check digit of the English health service (modulus 11).

    Example:
        >>> is_nhs_number("943 476 5919")
        True
        >>> is_nhs_number("943 476 5918")
        False
    """
    digits = re.sub(r"[ -]", "", text)
    if not re.fullmatch(r"\d{10}", digits):
        return False
    check = 11 - sum(int(d) * (10 - i) for i, d in enumerate(digits[:9])) % 11
    return check % 11 == int(digits[9]) and check != 10


def is_free_text(values: Sequence[str]) -> str:
    """Why the values cannot be a list of levels; "" when they can."""
    if not values:
        return ""
    if max(map(len, values)) > _LONG:
        return f"texts of more than {_LONG} characters"
    if len(values) >= FEW and len(set(values)) > _DISTINCT * len(values):
        return f"more than {_DISTINCT:.0%} of the texts are different"
    return ""


def is_dated(values: Sequence[str]) -> bool:
    """Whether most values have the shape of some date."""
    return bool(values) and sum(bool(_DATED.fullmatch(v)) for v in values) > _MOST * len(values)


def separator_of(values: Sequence[str]) -> str:
    """What divides the values within cells that hold several of a short list, or ""."""
    for separator in _SEPARATORS:
        if not any(separator in v for v in values):
            continue
        parts = parts_of(values, separator)
        seldom = sum(n == 1 for n in parts.values()) > _DISTINCT * len(parts) and len(values) >= FEW
        if parts and len(parts) <= _PARTS and max(map(len, parts)) <= _PART and not seldom:
            return separator
    return ""


def parts_of(values: Sequence[str], separator: str) -> Counter[str]:
    """How many times each value occurs within cells."""
    return Counter(p.strip() for v in values for p in v.split(separator) if p.strip())


def codes_of(values: Sequence[str], separator: str) -> tuple[tuple[str, ...], bool]:
    """The codes that are not rare, at most `_PARTS`, and whether others were left out."""
    folded: Counter[str] = Counter()
    parts = parts_of(values, separator)
    for part, n in parts.items():
        folded[fold(part)] += n
    usual = {f for f, n in folded.most_common(_PARTS) if n >= _RARE or len(values) < FEW}
    kept = Counter({p: n for p, n in parts.items() if fold(p) in usual})
    return spelled_once(kept), len(usual) < len(folded)


def spelled_once(counts: Counter[str]) -> tuple[str, ...]:
    """Levels sorted, each in its most frequent spelling; integers by size.

    Not by frequency: the order of levels is written into the schema.
    """
    best: dict[str, str] = {}
    for text, _ in counts.most_common():
        best.setdefault(fold(text), text)
    levels = list(best.values())
    if are_numbers(levels):
        return tuple(sorted(levels, key=float))
    return tuple(sorted(levels))


def decimals_of(values: NDArray[np.float64]) -> int:
    """Fewest digits after the point that all but 1 in 100 values need, at most `PLACES`."""
    known = values[~np.isnan(values)]
    for places in range(PLACES):
        scaled = known * 10.0**places
        if np.mean(np.abs(scaled - np.rint(scaled)) < 1e-6 * np.maximum(1, np.abs(scaled))) >= 0.99:
            return places
    return PLACES
