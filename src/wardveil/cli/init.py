"""wardveil init: a draft schema from headers, a codebook, or the table itself."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wardveil.cli.destination import new_file
from wardveil.cli.option import Rows, Table
from wardveil.cli.output import Output

if TYPE_CHECKING:
    from wardveil.schema import Schema


def init(
    output: Output,
    table: Table,
    *,
    file: Annotated[Path, typer.Option("--output", "-o", help="Schema to write.")] = Path(
        "cohort.toml"
    ),
    dictionary: Annotated[
        Path | None, typer.Option("--dictionary", help="A codebook of the columns.")
    ] = None,
    look: Annotated[
        bool, typer.Option("--look", help="Read values too; those facts are marked looked.")
    ] = False,
    rows: Rows = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """Draft a schema from the header line alone, unless --look."""
    from wardveil.schema import draft_schema
    from wardveil.tables import headers
    from wardveil.tables import look as looked

    schema = draft_schema(headers(table), dictionary=dictionary, rows=rows)
    if look:
        schema = looked(table, schema)
    with new_file(file, force=force) as partial:
        schema.write(partial)
    gaps = {name: list(facts) for name, facts in schema.gaps.items()}
    output.result(
        "\n".join([f"Schema: {file}, {len(schema.columns)} columns.", *_next(schema, look=look)]),
        {"schema": str(file), "columns": len(schema.columns), "gaps": gaps},
    )


def _next(schema: "Schema", *, look: bool) -> list[str]:
    """What a person should do now."""
    lines = []
    if look:
        lines.append(
            "Facts marked looked were read from patients: a fit with them carries no "
            "end-to-end claim. Replace them by facts you know."
        )
    if schema.gaps:
        lines.append("Still to fill in (or to buy, with fit --private-facts):")
        lines += [f"  {name}: {', '.join(facts)}" for name, facts in schema.gaps.items()]
    else:
        lines.append("Nothing is missing. Read it once: kinds and bounds are yours to confirm.")
    return lines
