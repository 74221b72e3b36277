"""wardveil check: every mismatch between a table and its schema, at once."""

from wardveil.cli.option import SchemaFile, Table
from wardveil.cli.output import Output
from wardveil.errors import SchemaError

CLIPPED = "E318"
"""Values beyond the bounds are clipped: worth knowing, not a mismatch."""


def check(output: Output, table: Table, *, schema: SchemaFile) -> None:
    """Compare a table with its schema; no cell's value is ever shown."""
    from wardveil.schema import Schema
    from wardveil.tables import check as mismatches

    declared = Schema.read(schema)
    problems = mismatches(table, declared)
    notes = [p for p in problems if p.code == CLIPPED]
    if len(notes) < len(problems):
        raise SchemaError(problems)
    gaps = declared.gaps
    text = f"{table} agrees with {schema}."
    if gaps:
        text += f" Not declared yet, so not checked: {', '.join(gaps)}."
    text += "".join(f"\n{note}" for note in notes)
    output.result(
        text,
        {
            "problems": [],
            "notes": [str(note) for note in notes],
            "gaps": {k: list(v) for k, v in gaps.items()},
        },
    )
