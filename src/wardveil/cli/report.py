"""wardveil report: what a run is worth, for those who decide; or the page that may be shared."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wardveil.cli.destination import new_file
from wardveil.cli.option import Seed
from wardveil.cli.output import Output
from wardveil.errors import Problem, UsageError

if TYPE_CHECKING:
    from wardveil.evaluation import Design
    from wardveil.report import PublicReport, Report
    from wardveil.synthesizer import Synthesizer

Pairs = list[str] | None


def report(  # noqa: PLR0913 (one parameter an option)
    output: Output,
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    *,
    file: Annotated[
        Path, typer.Option("--output", "-o", help="HTML to write; a JSON of it lies beside it.")
    ],
    real: Annotated[
        Path | None, typer.Option("--real", help="The table the run was made from.")
    ] = None,
    holdout: Annotated[
        Path | None, typer.Option("--holdout", help="Patients the run has not seen.")
    ] = None,
    public: Annotated[
        bool, typer.Option("--public", help="The page that may be shared; reads no real table.")
    ] = False,
    synthetic: Annotated[
        Path | None, typer.Option("--synthetic", help="Rows drawn already; else they are drawn.")
    ] = None,
    arm: Annotated[str, typer.Option("--arm", help="Column that tells the arms apart.")] = "",
    visits: Annotated[
        Pairs,
        typer.Option(metavar="NAME=COLUMN,…", help="A measurement's columns in order; repeat."),
    ] = None,
    orders: Annotated[
        Pairs, typer.Option("--at-most", metavar="LOW=HIGH", help="Column at most another; repeat.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
    seed: Seed = None,
) -> None:
    """Compare synthetic with real patients on one page; internal, never to be shared."""
    from wardveil.synthesizer import load

    _one_kind(file, real, holdout, public=public)
    synthesizer = load(run)
    if real is None:
        made: PublicReport | Report = _public(synthesizer, synthetic, seed)
    else:
        design = _design(synthesizer, arm, visits or (), orders or ())
        made = _internal(synthesizer, real, holdout, synthetic, design, seed)
    beside = file.with_suffix(".json")
    with new_file(beside, force=force) as partial, new_file(file, force=force) as page:
        made.save_json(partial)
        made.save_html(page)
    word = "public: may be shared" if public else "internal: do not share"
    output.result(
        "\n".join([f"{c.title:<12} {c.figure:<16} {c.word}" for c in made.cards])
        + f"\n\nReport: {file} ({word})",
        {"file": str(file), "json": str(beside), "public": public,
         "cards": [asdict(card) for card in made.cards]},
    )  # fmt: skip


def _one_kind(file: Path, real: Path | None, holdout: Path | None, *, public: bool) -> None:
    """Raise UsageError unless exactly one page is asked for."""
    problems = []
    if public == (real is not None):
        problems.append(
            Problem(code="E109", what="A report is internal (with --real) or public (--public); "
                    f"{'both' if public else 'neither'} was asked for.", where="--real --public",
                    do=("Compare with the real table: --real TABLE.",
                        "Write the page that may be shared: --public."))
        )  # fmt: skip
    if public and holdout is not None:
        problems.append(
            Problem(code="E109", what="A public report reads no patient, held out or not.",
                    where="--holdout", do=("Leave --holdout out.",))
        )  # fmt: skip
    if file.suffix != ".html":
        problems.append(
            Problem(code="E110", what="The name of a report ends in .html.", where="--output",
                    do=("Write -o report.html; report.json is written beside it.",))
        )  # fmt: skip
    if problems:
        raise UsageError(problems)


def _public(synthesizer: "Synthesizer", synthetic: Path | None, seed: int | None) -> "PublicReport":
    from wardveil.report import PublicReport
    from wardveil.report.release import made_with
    from wardveil.tables import read_table

    schema, statement = synthesizer.schema, synthesizer.statement
    rows = statement.plan["patients"]
    table = (
        read_table(synthetic, schema).to_frame()
        if synthetic
        else synthesizer.sample(rows, seed=seed)
    )
    details = made_with(synthesizer.model.name, asdict(synthesizer.model))
    return PublicReport(statement=statement, schema=schema, table=table, details=details)


def _internal(
    synthesizer: "Synthesizer",
    real: Path,
    holdout: Path | None,
    synthetic: Path | None,
    design: "Design | None",
    seed: int | None,
) -> "Report":
    from wardveil.report import evaluate
    from wardveil.report.release import made_with
    from wardveil.tables import read_table

    schema = synthesizer.schema
    table = read_table(real, schema)
    kept = read_table(holdout, schema) if holdout else None
    made = read_table(synthetic, schema) if synthetic else synthesizer.sample(table.n, seed=seed)
    details = made_with(synthesizer.model.name, asdict(synthesizer.model)) | {
        "Seed of the rows": "from the operating system" if seed is None else str(seed),
        "Held out": f"{kept.n:,} patients" if kept else "nobody",
    }
    return evaluate(table, made, holdout=kept, schema=schema, statement=synthesizer.statement,
                    details=details, design=design)  # fmt: skip


def _design(
    synthesizer: "Synthesizer", arm: str, visits: "tuple[str, ...] | list[str]",
    orders: "tuple[str, ...] | list[str]",
) -> "Design | None":  # fmt: skip
    """What the options say of the study; every column must be in the schema.

    Raises:
        UsageError: E101, an assignment is malformed; E111, there is no such column.
    """
    from wardveil.cli.assignment import pair_of
    from wardveil.evaluation import Design

    if not (arm or visits or orders):
        return None
    measured = {
        name: tuple(text.split(","))
        for name, text in (pair_of(t, option="--visits") for t in visits)
    }
    pairs = tuple(pair_of(t, option="--at-most") for t in orders)
    known = {c.name for c in synthesizer.schema.modelled}
    named = [*([arm] if arm else []), *(c for v in measured.values() for c in v),
             *(c for pair in pairs for c in pair)]  # fmt: skip
    missing = [name for name in named if name not in known]
    if missing:
        raise UsageError(
            [Problem(code="E111", what=f"The run has no column {name!r}.", where="--arm --visits",
                     do=("Name columns as the schema does.",)) for name in missing]
        )  # fmt: skip
    return Design(arm=arm, visits=measured, orders=pairs)
