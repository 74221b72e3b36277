"""wardveil sample: synthetic rows from a run folder; free, any number, any time."""

from pathlib import Path
from typing import Annotated

import typer

from wardveil.cli.destination import new_file
from wardveil.cli.option import Seed
from wardveil.cli.output import Output
from wardveil.errors import Problem, UsageError


def sample(  # noqa: PLR0913 - a verb has as many parameters as options
    output: Output,
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    *,
    rows: Annotated[int, typer.Option("-n", "--rows", min=1, help="Number of rows.")],
    file: Annotated[Path, typer.Option("--output", "-o", help="CSV or Parquet to write.")],
    where: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=VALUE", help="Rows with a value or low..high; repeat."),
    ] = None,
    each: Annotated[
        list[str] | None,
        typer.Option(
            metavar="CONDITION", help="The rows for each value of it; repeat: each combination."
        ),
    ] = None,
    encode: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN=NAME", help="A text column as whole numbers, with a decode table."
        ),
    ] = None,
    long: Annotated[
        bool, typer.Option("--long", help="A trial's rows in the long layout of its visits.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    seed: Seed = None,
) -> None:
    """Write synthetic patients to a file."""
    from wardveil.cli.assignment import combinations_of, pair_of, where_of
    from wardveil.doors import to_long
    from wardveil.synthesizer import load
    from wardveil.tables import encode_labels, write_table

    synthesizer = load(run)
    conditions = where_of(where or (), synthesizer.schema)
    wanted = [{**conditions, **c} for c in combinations_of(each or (), synthesizer.schema)]
    trial = synthesizer.schema.trial
    if long and trial is None:
        raise UsageError(
            Problem(code="E139", what="The table has no visits: its schema has no [trial].",
                    where="--long", do=("leave out --long",))
        )  # fmt: skip
    fake = synthesizer.sample_each(rows, wanted, seed=seed)
    if encode:
        column, name = pair_of(encode)
        fake, decode = encode_labels(fake, column, name)
        beside = file.with_name(f"{name}.csv")
        with new_file(beside, force=force) as partial:
            write_table(decode, partial)
    with new_file(file, force=force) as partial:
        write_table(to_long(fake, trial) if long and trial else fake, partial)
    output.result(f"{len(fake)} rows: {file}", {"rows": len(fake), "file": str(file)})
