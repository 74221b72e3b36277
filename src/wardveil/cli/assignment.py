"""Assignment: the texts `name=value` of `--set` and `--where`."""

from collections.abc import Sequence
from itertools import product

from wardveil.errors import Problem, UsageError
from wardveil.schema.column import LEVELLED, NUMERIC
from wardveil.schema.schema import Schema

Wanted = str | list[str] | tuple[str, str]


def settings_of(texts: Sequence[str]) -> dict[str, str]:
    """`--set` texts as a mapping; the last one of a name counts.

    Raises:
        UsageError: E101, a text is not name=value.

    Example:
        >>> settings_of(["steps=200", "bins=8"])
        {'steps': '200', 'bins': '8'}
    """
    return dict(_split(texts, option="--set"))


def where_of(texts: Sequence[str], schema: Schema) -> dict[str, Wanted]:
    """`--where` texts as `Synthesizer.sample` takes them, which checks names and values.

    `sex=female` is one value, a repeated column is a list of values, and `age=40..60` is a
    range if the column holds numbers.

    Raises:
        UsageError: E101, a text is not name=value.
    """
    wanted: dict[str, list[str]] = {}
    for name, text in _split(texts, option="--where"):
        wanted.setdefault(name, []).append(text)
    numeric = {c.name for c in schema.columns if c.kind in NUMERIC}
    return {
        name: values if len(values) > 1 else _one(values[0], ranged=name in numeric)
        for name, values in wanted.items()
    }


def combinations_of(names: Sequence[str], schema: Schema) -> list[dict[str, str]]:
    """Every combination of the levels of some columns; one empty wish for no column.

    Raises:
        UsageError: E130, a column has no list of levels to go through.
    """
    columns = [schema.by_name.get(name) for name in names]
    problems = [
        Problem(code="E130", what=f"{name!r} has no declared levels to go through.",
                where="--each", do=("Name flags, categories or ordinals.",))
        for name, c in zip(names, columns, strict=True)
        if c is None or c.kind not in LEVELLED or not c.levels
    ]  # fmt: skip
    if problems:
        raise UsageError(problems)
    levels = [c.levels or () for c in columns if c is not None]
    return [dict(zip(names, chosen, strict=True)) for chosen in product(*levels)]


def pair_of(text: str, *, option: str = "--encode") -> tuple[str, str]:
    """`--encode column=name` as a pair.

    Raises:
        UsageError: E101, the text is not column=name.
    """
    return _split([text], option=option)[0]


def _one(text: str, *, ranged: bool) -> str | tuple[str, str]:
    low, dots, high = text.partition("..")
    return (low, high) if ranged and dots else text


def _split(texts: Sequence[str], *, option: str) -> list[tuple[str, str]]:
    problems = [
        Problem(code="E101", what=f"{option} takes name=value; number {i} has no name or no =.",
                where=option, do=(f"Write {option} name=value.",))
        for i, text in enumerate(texts, start=1) if "=" not in text.lstrip("=")
    ]  # fmt: skip
    if problems:
        raise UsageError(problems)
    pairs = [text.partition("=") for text in texts]
    return [(name.strip(), value.strip()) for name, _, value in pairs]
