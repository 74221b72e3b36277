"""How the text of a cell is matched to a declared level.

Case and surrounding or repeated white space never matter. Where all levels are plain numbers,
"30", "30.0" and "+30" are one level; a code with a leading zero ("0389") is text and stays
itself. Where the levels are 0 and 1, "true" and "false" are understood too, and the other way
round.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

PLAIN_INTEGER: Final = re.compile(r"0|-?[1-9][0-9]{0,17}")
PLAIN_NUMBER: Final = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]+)?")
WRITTEN_NUMBER: Final = re.compile(r"\+?(-?)([0-9]{1,18})(?:\.([0-9]*))?")
_FLAGS: Final = ({"0": "false", "1": "true"}, {"false": "0", "true": "1"})


def fold(text: str) -> str:
    """The text with case and white space made equal.

    Example:
        >>> fold("  Diet   ONLY ")
        'diet only'
    """
    return " ".join(text.split()).casefold()


def are_integers(levels: Iterable[str]) -> bool:
    """Whether every level is an integer without leading zeros."""
    return all(PLAIN_INTEGER.fullmatch(level) for level in levels)


def are_numbers(levels: Iterable[str]) -> bool:
    """Whether every level is a decimal number without leading zeros."""
    return all(PLAIN_NUMBER.fullmatch(level) for level in levels)


def as_number(text: str) -> str:
    """A decimal number in its shortest spelling; any other text as it is.

    Example:
        >>> as_number("+01.50"), as_number("-0.0"), as_number("1e3")
        ('1.5', '0', '1e3')
    """
    match = WRITTEN_NUMBER.fullmatch(text)
    if not match:
        return text
    whole = str(int(match[2])) + f".{match[3] or ''}".rstrip("0").rstrip(".")
    return whole if whole == "0" else match[1] + whole


def are_flags(levels: Iterable[str]) -> bool:
    """Whether the levels are exactly true and false, in any case."""
    return {fold(level) for level in levels} == {"true", "false"}


def level_index(levels: Sequence[str]) -> Mapping[str, int]:
    """Every spelling that is understood -> position in `levels`; numbers in their shortest."""
    index = {fold(level): i for i, level in enumerate(levels)}
    if are_numbers(levels):
        index |= {as_number(level): i for i, level in enumerate(levels)}
    for flags in _FLAGS:
        if {fold(level) for level in levels} == set(flags):
            return index | {other: index[own] for own, other in flags.items()}
    return index


def find_level(text: str, index: Mapping[str, int], *, numbers: bool) -> int:
    """Position of a cell's text among the levels, or -1.

    Args:
        text: The cell, with any white space and case.
        index: From `level_index`.
        numbers: Whether other spellings of numbers are understood.

    Example:
        >>> find_level("30.0", level_index(("29", "30")), numbers=True)
        1
    """
    spelled = fold(text)
    found = index.get(spelled)
    if found is None and numbers:
        found = index.get(as_number(spelled))
    return -1 if found is None else found
