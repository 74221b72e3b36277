"""Everything about a table that does not match its schema, without any value of a cell."""

from typing import Any

from wardveil.errors import Problem, SchemaError
from wardveil.schema.schema import Schema
from wardveil.tables.read import inspect


def check(source: Any, schema: Schema) -> list[Problem]:
    """What `read_table` would raise, and how many cells are beyond the bounds (E318).

    E318 does not stop a table from being read: such cells are clipped or made missing, as
    declared. The counts are of real patients and carry no privacy claim.

    Args:
        source: As for `read_table`.
        schema: With or without gaps.

    Returns:
        Problems in the order of the columns; [] when all is well.
    """
    try:
        _, faults, outside = inspect(source, schema)
    except SchemaError as error:
        return list(error.problems)
    return faults.problems + [
        Problem(
            code="E318",
            what=f"Column {name!r}: cells beyond the bounds, which will be "
            f"{'clipped' if schema.by_name[name].outside == 'clip' else 'missing'}: {n}.",
            where=faults.origin,
            do=("nothing, if the bounds are right", f"widen low and high of {name!r}"),
        )
        for name, n in outside.items()
        if n
    ]
