"""What makes one column right, without looking at the others."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import isfinite
from typing import Final

from wardveil.schema.column import FACTS, KINDS, LEVELLED, NUMERIC, SOURCES, Column
from wardveil.schema.finding import Finding, Found, suggestion
from wardveil.schema.level import are_flags, are_integers, are_numbers, as_number, fold

MAX_LEVELS: Final = 4096
MAX_POINTS: Final = 2**53
EARLIEST: Final = -719_162
LATEST: Final = 2_932_896
CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "outside": ("clip", "missing"),
    "unknown": ("refuse", "other", "missing"),
    "repeats": ("refuse", "first"),
}
_TEXT: Final = ("unit", "pair", "dtype", "reason", "separator", "outside", "unknown")
_FLAG: Final = ("nullable", "condition", "target")
DTYPES: Final[Mapping[str, str]] = {
    **dict.fromkeys(
        ("int8", "int16", "int32", "int64", "Int8", "Int16", "Int32", "Int64"), "integer"
    ),
    **dict.fromkeys(("float32", "float64", "Float32", "Float64"), "number"),
    **dict.fromkeys(("bool", "boolean"), "flag"),
    **dict.fromkeys(("str", "string", "object", "category"), "any"),
    "datetime64[ns]": "date",
}


def column_findings(c: Column) -> list[Finding]:
    """Everything that is wrong with a column; rules wait until kind and types are right."""
    wrong = [*_kind(c), *_types(c)]
    return wrong or [f for rule in _RULES for f in rule(c)]


def choice(column: str, fact: str, value: object) -> Found:
    """E222 unless the value is one of `CHOICES[fact]`."""
    if value not in CHOICES[fact]:
        known = CHOICES[fact]
        yield Finding(
            code="E222", column=column, fact=fact,
            what=f"{fact} must be one of {', '.join(known)}, found {value!r}.",
            do=suggestion(str(value), known),
        )  # fmt: skip


def _kind(c: Column) -> Found:
    if c.kind not in KINDS:
        yield Finding(
            code="E202", column=c.name, fact="kind",
            what=f"kind {c.kind!r} is not known.",
            do=suggestion(str(c.kind), KINDS) or (f"use one of {', '.join(KINDS)}",),
        )  # fmt: skip


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_texts(value: object) -> bool:
    """Whether a value is a tuple of texts."""
    return isinstance(value, tuple) and all(isinstance(v, str) for v in value)


def _types(c: Column) -> Found:
    wants: dict[str, tuple[bool, str]] = {
        "low": (c.low is None or _is_number(c.low), "a number (dates: a date, 2025-01-31)"),
        "high": (c.high is None or _is_number(c.high), "a number (dates: a date, 2025-01-31)"),
        "decimals": (c.decimals is None or type(c.decimals) is int, "a whole number"),
        "levels": (c.levels is None or is_texts(c.levels), "a list of texts"),
        "missing": (is_texts(c.missing), "a list of texts"),
        "max_codes": (type(c.max_codes) is int, "a whole number"),
        "sources": (isinstance(c.sources, Mapping), "a table of fact = source"),
    }
    wants |= {f: (isinstance(getattr(c, f), str), "text") for f in _TEXT}
    wants |= {f: (isinstance(getattr(c, f), bool), "true or false") for f in _FLAG}
    for fact, (right, want) in wants.items():
        if not right:
            yield Finding(code="E203", column=c.name, fact=fact, what=f"{fact} must be {want}.")


def _choices(c: Column) -> Found:
    yield from choice(c.name, "outside", c.outside)
    yield from choice(c.name, "unknown", c.unknown)


def _fits(c: Column) -> Found:
    """Facts that the kind has no use for would be ignored in silence, so they are refused."""
    if not c.modelled:
        return
    unfit = ["levels"] if c.kind in NUMERIC else ["low", "high", "decimals"]
    for fact in unfit:
        if getattr(c, fact) is not None:
            yield Finding(
                code="E218", column=c.name, fact=fact,
                what=f"{fact} has no meaning for kind {c.kind}.",
                do=(f"remove {fact}, or choose another kind",),
            )  # fmt: skip


def _bounds(c: Column) -> Found:
    if c.kind not in NUMERIC:
        return
    sound = True
    for fact in ("low", "high"):
        value = getattr(c, fact)
        if value is not None and not isfinite(value):
            sound = False
            yield Finding(code="E205", column=c.name, fact=fact, what=f"{fact} must be finite.")
        elif value is not None and c.kind == "date" and not EARLIEST <= value <= LATEST:
            sound = False
            yield Finding(
                code="E205",
                column=c.name,
                fact=fact,
                what=f"{fact} must be a date of years 1 to 9999.",
            )
        elif value is not None and not _on_lattice(value, c.places):
            yield Finding(
                code="E205", column=c.name, fact=fact,
                what=f"{fact} has more digits than the column's {c.places} decimals.",
                do=("raise decimals", f"round {fact}"),
            )  # fmt: skip
    if not sound or c.low is None or c.high is None:
        return
    if c.low >= c.high:
        yield Finding(code="E204", column=c.name, fact="low", what="low must be less than high.")
    elif (c.high - c.low) * 10.0**c.places >= MAX_POINTS:
        yield Finding(
            code="E216", column=c.name, fact="decimals",
            what=f"low to high by 1e-{c.places} are more numbers than can be told apart.",
            do=("lower decimals", "narrow the bounds"),
        )  # fmt: skip


def _on_lattice(value: float, places: int) -> bool:
    scaled = value * 10.0 ** min(max(places, 0), 9)
    return abs(scaled - round(scaled)) <= 1e-6 + 1e-12 * abs(scaled)


def _decimals(c: Column) -> Found:
    if c.decimals is None or c.kind not in NUMERIC:
        return
    if not 0 <= c.decimals <= 9:
        yield Finding(code="E206", column=c.name, fact="decimals", what="decimals must be 0 to 9.")
    elif c.kind in ("count", "date") and c.decimals != 0:
        yield Finding(
            code="E206", column=c.name, fact="decimals", what=f"a {c.kind} has 0 decimals.",
            do=("remove decimals", "use kind continuous"),
        )  # fmt: skip


def _levels(c: Column) -> Found:
    if c.levels is None or not (c.kind in LEVELLED or c.kind == "codes"):
        return
    if not c.levels:
        yield Finding(
            code="E227", column=c.name, fact="levels", what="the list of levels is empty.",
            do=("name the levels", "remove the line: the levels are then a gap to be filled"),
        )  # fmt: skip
        return
    if len(c.levels) > MAX_LEVELS:
        yield Finding(
            code="E215", column=c.name, fact="levels",
            what=f"{len(c.levels)} levels are more than the {MAX_LEVELS} that can be modelled.",
            do=('declare the most common, and unknown = "other"', 'kind = "drop"'),
        )  # fmt: skip
    if any(not level.strip() or level != level.strip() for level in c.levels):
        yield Finding(
            code="E227", column=c.name, fact="levels",
            what="a level is blank or has white space around it.",
            do=("a missing value is not a level: use nullable = true",),
        )  # fmt: skip
    yield from _repeated_levels(c, c.levels)
    if both := sorted(set(c.levels) & set(c.missing)):
        yield Finding(
            code="E228", column=c.name, fact="missing",
            what=f"{', '.join(map(repr, both))} is declared both as a level and as missing.",
            do=("keep one of the two",),
        )  # fmt: skip
    if c.kind in ("binary", "event") and len(c.levels) != 2:
        yield Finding(
            code="E212", column=c.name, fact="levels",
            what=f"kind {c.kind} has exactly 2 levels, found {len(c.levels)}.",
            do=('kind = "categorical"',) if c.kind == "binary" else (),
        )  # fmt: skip


def _repeated_levels(c: Column, levels: Sequence[str]) -> Found:
    if same := [level for level, n in Counter(levels).items() if n > 1]:
        yield Finding(
            code="E207",
            column=c.name,
            fact="levels",
            what=f"level {same[0]!r} is listed twice.",
        )
    spellings: dict[str, str] = {}
    numbers = are_numbers(levels)
    for level in levels:
        first = spellings.setdefault(as_number(level) if numbers else fold(level), level)
        if first != level:
            yield Finding(
                code="E208", column=c.name, fact="levels",
                what=f"levels {first!r} and {level!r} differ only in case, space or zeros.",
                do=("keep one: cells are matched without regard to these",),
            )  # fmt: skip


def _other(c: Column) -> Found:
    if c.kind not in LEVELLED and c.kind != "codes":
        return
    if c.unknown == "other" and c.levels is not None and "other" not in c.levels:
        yield Finding(
            code="E211", column=c.name, fact="unknown",
            what='unknown = "other" needs the level "other".',
            do=('add "other" to levels', 'unknown = "missing" with nullable = true'),
        )  # fmt: skip


def _nullable(c: Column) -> Found:
    uses = [("outside", c.outside == "missing" and c.kind in NUMERIC)]
    uses += [("unknown", c.unknown == "missing" and c.kind in LEVELLED)]
    for fact, used in uses:
        if used and not c.nullable:
            yield Finding(
                code="E221", column=c.name, fact=fact,
                what=f'{fact} = "missing" needs a column that may be missing.',
                do=("nullable = true",),
            )  # fmt: skip


def _codes(c: Column) -> Found:
    if c.kind != "codes":
        return
    if c.max_codes < 1:
        yield Finding(
            code="E224", column=c.name, fact="max_codes", what="max_codes must be 1 or more."
        )
    if not c.separator:
        yield Finding(
            code="E224", column=c.name, fact="separator", what="separator must not be empty."
        )
    elif any(c.separator in level for level in c.levels or ()):
        yield Finding(
            code="E224", column=c.name, fact="separator",
            what="a level contains the separator, so no cell could be split into levels.",
            do=("choose another separator",),
        )  # fmt: skip


def _dtype(c: Column) -> Found:
    if not c.dtype or not c.modelled:
        return
    if c.dtype not in DTYPES:
        yield Finding(
            code="E225", column=c.name, fact="dtype", what=f"dtype {c.dtype!r} is not known.",
            do=suggestion(c.dtype, DTYPES) or (f"use one of {', '.join(DTYPES)}",),
        )  # fmt: skip
    elif DTYPES[c.dtype] not in _dtypes_of(c) or (c.nullable and c.dtype[0] in "ib"):
        if c.nullable and c.dtype == "boolean":
            return
        yield Finding(
            code="E225", column=c.name, fact="dtype",
            what=f"values of this column cannot all be held as {c.dtype}.",
            do=("remove dtype: the kind has its own", "Int64 and boolean can hold missing"),
        )  # fmt: skip


def _dtypes_of(c: Column) -> set[str]:
    if c.kind == "date":
        return {"any", "date"}
    if c.kind in NUMERIC:
        return {"any", "number", *(["integer"] if c.places == 0 else [])}
    if c.kind == "codes" or c.levels is None:
        return {"any"} if c.levels is not None else set(DTYPES.values())
    if are_integers(c.levels):
        return {"any", "number", "integer", *(["flag"] if set(c.levels) == {"0", "1"} else [])}
    return {"any", *(["flag"] if are_flags(c.levels) else [])}


def _sources(c: Column) -> Found:
    for fact, source in c.sources.items():
        if fact not in FACTS:
            yield Finding(
                code="E213", column=c.name, fact="sources",
                what=f"{fact!r} is not a fact that has a source.",
                do=suggestion(str(fact), FACTS),
            )  # fmt: skip
        if source not in SOURCES:
            yield Finding(
                code="E213", column=c.name, fact="sources",
                what=f"source {source!r} is not known.",
                do=suggestion(str(source), SOURCES) or (f"use one of {', '.join(SOURCES)}",),
            )  # fmt: skip


_RULES: Final[tuple[Callable[[Column], Found], ...]] = (
    _choices, _fits, _bounds, _decimals, _levels, _other, _nullable, _codes, _dtype, _sources,
)  # fmt: skip
