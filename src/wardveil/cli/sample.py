"""wardveil sample: synthetic rows from a run folder; free, any number, any time."""

from pathlib import Path
from typing import Annotated

import typer

from wardveil.cli.destination import new_file
from wardveil.cli.option import Seed
from wardveil.cli.output import Output


def sample(
    output: Output,
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    *,
    rows: Annotated[int, typer.Option("-n", "--rows", min=1, help="Number of rows.")],
    file: Annotated[Path, typer.Option("--output", "-o", help="CSV or Parquet to write.")],
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="Rows with a value or low..high; repeat."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    seed: Seed = None,
) -> None:
    """Write synthetic patients to a file."""
    from wardveil.cli.assignment import where_of
    from wardveil.synthesizer import load
    from wardveil.tables import write_table

    synthesizer = load(run)
    conditions = where_of(where or (), synthesizer.schema)
    with new_file(file, force=force) as partial:
        write_table(synthesizer.sample(rows, where=conditions or None, seed=seed), partial)
    output.result(f"{rows} rows: {file}", {"rows": rows, "file": str(file)})
