"""Plausible clinical limits by name and unit: offers for a draft, never taken from data."""

import re
import tomllib
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Final, Literal

_FILE: Final = Path(__file__).with_name("catalogue.toml")
_UNITS: Final = {
    "mg_dl": "mg/dL", "mgdl": "mg/dL", "mmol_l": "mmol/L", "mmoll": "mmol/L", "meq_l": "mmol/L",
    "kg": "kg", "kgs": "kg", "lb": "lb", "lbs": "lb", "pounds": "lb", "g": "g",
    "cm": "cm", "m": "m", "in": "in", "inch": "in", "inches": "in", "kg_m2": "kg/m2",
    "mmhg": "mmHg", "mm_hg": "mmHg", "bpm": "beats/min", "beats_min": "beats/min",
    "breaths_min": "breaths/min",
    "c": "°C", "celsius": "°C", "degc": "°C", "f": "°F", "fahrenheit": "°F", "degf": "°F",
    "percent": "%", "pct": "%", "perc": "%", "mmol_mol": "mmol/mol", "umol_l": "µmol/L",
    "g_dl": "g/dL", "g_l": "g/L", "u_l": "U/L", "iu_l": "U/L", "ng_ml": "ng/mL", "ng_l": "ng/L",
    "pg_ml": "pg/mL", "mg_l": "mg/L", "mg_g": "mg/g", "ml_min": "mL/min", "mu_l": "mU/L",
    "uu_ml": "µU/mL",
    "ml_min_1_73m2": "mL/min", "ml_day": "mL/day", "ml_24h": "mL/day", "fl": "fL", "pg": "pg",
    "ms": "ms",
    "10_9_l": "10^9/L", "k_ul": "10^9/L", "10_12_l": "10^12/L", "cells_ul": "cells/µL",
    "mosm_kg": "mOsm/kg",
    "years": "years", "year": "years", "yrs": "years", "yr": "years", "y": "years",
    "months": "months", "weeks": "weeks", "days": "days", "hours": "hours", "hrs": "hours",
    "per_day": "per day", "min_day": "min/day", "mm_h": "mm/h", "seconds": "s", "s": "s",
    "mm": "mm",
    "m2": "m2", "fraction": "fraction",
}  # fmt: skip
"""Spelling, in lower case with "_" for signs -> unit of the catalogue."""

_WHEN: Final = frozenset({
    "baseline", "bl", "base", "screening", "admission", "adm", "discharge", "last", "first",
    "latest",
    "mean", "median", "avg", "current", "visit", "followup", "fu", "value", "result", "mass",
    "moles",
    "volume", "level", "levels", "total", "in", "by", "of", "blood", "serum",
})  # fmt: skip
"""Words at the end of a name that say when, or of what, it was measured."""
_WEAK: Final = frozenset({"in", "m", "c", "f", "g", "s", "y"})
"""Unit spellings that a name may end in without meaning a unit."""
_LONGEST_UNIT: Final = 4


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Plausible limits of one measure in one unit.

    Attributes:
        measure: What is measured, for people.
        names: Patterns of a column's name without unit and time.
        kind: "continuous" or "count".
        low: Smallest plausible value, in `unit`.
        high: Largest plausible value.
        decimals: Digits after the point that are usual.
        unit: "" when the measure has none.
        cite: The kind of source.
    """

    measure: str
    names: tuple[str, ...]
    kind: Literal["continuous", "count"]
    low: float
    high: float
    decimals: int
    unit: str
    cite: str


@cache
def entries() -> tuple[Entry, ...]:
    """The whole catalogue, in order of precedence."""
    data = tomllib.loads(_FILE.read_text(encoding="utf-8"))
    return tuple(Entry(**e | {"names": tuple(e["names"])}) for e in data["entries"])


def lookup(name: str, unit: str = "") -> Entry | None:
    """Plausible limits for a column, or None when it is not in the catalogue.

    The unit is taken from the argument, else from the end of the name (`glucose_mmol_L`).
    Without any, the limits are those of the usual unit, and `Entry.unit` says which: a person
    must confirm it.

    Args:
        name: Column name, in any spelling.
        unit: Unit of measurement; one that the catalogue does not know for this measure gives
            None.

    Example:
        >>> lookup("fasting_glucose_mmol_L").high
        85
        >>> lookup("weight_kg_1971").unit
        'kg'
    """
    words = words_of(name)
    found = _matching("_".join(_without_time(words)))
    if unit:
        wanted = _UNITS.get("_".join(words_of(unit)), unit)
    else:
        base, wanted, spelled = _split_unit(words)
        measured = _matching(base) if wanted else []
        sure = measured and (spelled not in _WEAK or any(e.unit == wanted for e in measured))
        found, wanted = (measured, wanted) if sure else (found, "")
    return next((e for e in found if not wanted or e.unit == wanted), None)


def words_of(name: str) -> list[str]:
    """Lower-case words of a name; camelCase and signs divide."""
    name = name.replace("µ", "u").replace("μ", "u").replace("²", "2").replace("%", " percent")
    name = re.sub(r"([a-z])([A-Z][a-z])", r"\1_\2", name)
    return [w for w in re.split(r"[^a-z0-9]+", name.lower()) if w]


def _without_time(words: list[str]) -> list[str]:
    """Words without the years, visit numbers and times at the end."""
    kept = list(words)
    while len(kept) > 1 and (
        kept[-1].isdigit() or kept[-1] in _WHEN or re.fullmatch(r"[vmw]\d+", kept[-1])
    ):
        kept.pop()
    return kept


def _split_unit(words: list[str]) -> tuple[str, str, str]:
    """The name without unit and time, the unit ("" when there is none), and its spelling."""
    # Time may stand before or after the unit: weight_kg_1971, weight_1971_kg.
    for kept in (words, _without_time(words)):
        for size in range(min(_LONGEST_UNIT, len(kept) - 1), 0, -1):
            spelled = "_".join(kept[-size:])
            if spelled in _UNITS:
                return "_".join(_without_time(kept[:-size])), _UNITS[spelled], spelled
    return "_".join(_without_time(words)), "", ""


def _matching(base: str) -> list[Entry]:
    """All units of the first measure whose names fit."""
    first = next((e for e in entries() if any(fnmatchcase(base, p) for p in e.names)), None)
    return [e for e in entries() if first and e.measure == first.measure]


def has_unit(name: str) -> bool:
    """Whether a name ends in a unit that is only ever a unit."""
    _, unit, spelled = _split_unit(words_of(name))
    return bool(unit) and spelled not in _WEAK
