"""wardveil check: every mismatch between a table and its schema, at once."""

from wardveil.cli.option import SchemaFile, Table
from wardveil.cli.output import Output
from wardveil.errors import SchemaError


def check(output: Output, table: Table, *, schema: SchemaFile) -> None:
    """Compare a table with its schema; no cell's value is ever shown."""
    from wardveil.schema import Schema
    from wardveil.tables import check as mismatches

    declared = Schema.read(schema)
    problems = mismatches(table, declared)
    if problems:
        raise SchemaError(problems)
    gaps = declared.gaps
    text = f"{table} agrees with {schema}."
    if gaps:
        text += f" Not declared yet, so not checked: {', '.join(gaps)}."
    output.result(text, {"problems": [], "gaps": {k: list(v) for k, v in gaps.items()}})
