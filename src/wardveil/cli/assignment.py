"""Assignment: the texts `name=value` of `--set` and `--where`."""

from collections.abc import Sequence

from wardveil.errors import Problem, UsageError
from wardveil.schema.column import NUMERIC
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
