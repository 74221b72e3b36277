"""wardveil import: an export of a hospital or a trial becomes one row a patient."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from wardveil.cli.destination import new_file
from wardveil.cli.output import Output
from wardveil.errors import Problem, UsageError

if TYPE_CHECKING:
    from wardveil.doors import Imported


def import_(  # noqa: PLR0913 - a verb has as many parameters as options
    output: Output,
    source: Annotated[Path, typer.Argument(help="The folder or file of the export.")],
    *,
    file: Annotated[Path, typer.Option("--output", "-o", help="Table to write: Parquet or CSV.")],
    schema: Annotated[
        Path | None,
        typer.Option("--schema", "-s", help="Draft schema to write; by default beside the table."),
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(help="mimic-iii, synthea, events or visits; recognised if not named."),
    ] = None,
    data_type: Annotated[
        str | None, typer.Option(help="binary: whether a code occurs; count: how often.")
    ] = None,
    codes: Annotated[
        str | None, typer.Option(metavar="FILE|A,B", help="Declared codes, one a line.")
    ] = None,
    digits: Annotated[str | None, typer.Option(help="mimic-iii: 3 or full.")] = None,
    values: Annotated[
        str | None, typer.Option(metavar="FILE|A,B", help="Declared measurements.")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option("--with", metavar="A,B", help="Facts of the patient, such as sex,age."),
    ] = None,
    index_date: Annotated[
        str | None, typer.Option(metavar="DATE", help="synthea: the day ages are counted on.")
    ] = None,
    visits: Annotated[
        str | None, typer.Option(metavar="FILE|A,B", help="visits: declared visits, in order.")
    ] = None,
    arm: Annotated[str | None, typer.Option(help="visits: column of the treatment.")] = None,
    baseline: Annotated[
        Path | None, typer.Option(help="A file with a row a patient, beside events or visits.")
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML with settings of the layout.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="A setting of the layout; repeat."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the files.")] = False,
) -> None:
    """Make one row a patient of an export, and draft its schema.

    Identifiers and dates stay behind; columns come from declared lists, never from patients. The
    table is still of real patients: keep it where the export is.
    """
    from wardveil.cli.assignment import settings_of
    from wardveil.doors import layout_of, through
    from wardveil.tables import write_table

    options = {"data_type": data_type, "codes": codes, "digits": digits, "values": values,
               "columns": columns, "index_date": index_date, "visits": visits, "arm": arm,
               "baseline": str(baseline) if baseline else None}  # fmt: skip
    declared = _mapping(mapping) if mapping else {}
    declared |= {name: value for name, value in options.items() if value is not None}
    declared |= settings_of(settings or ())
    chosen = layout or str(declared.pop("layout", "")) or layout_of(source)
    declared.pop("layout", None)
    draft = schema or file.with_name(Path(file.name.removesuffix(".gz")).stem + ".toml")
    with new_file(file, force=force) as table, new_file(draft, force=force) as toml:
        imported = through(source, chosen, declared)
        write_table(imported.frame, table)
        imported.schema.write(toml)
    output.result(
        _told(imported, chosen, file, draft),
        {"layout": chosen, "table": str(file), "schema": str(draft),
         "patients": len(imported.frame), "columns": len(imported.schema.columns),
         "left_out": {f: dict(r) for f, r in imported.left_out.items()},
         "gaps": {name: list(facts) for name, facts in imported.schema.gaps.items()}},
    )  # fmt: skip


def _mapping(path: Path) -> dict[str, Any]:
    """The settings in a TOML file; paths in it are relative to it."""
    from wardveil.doors.declared import is_list_file
    from wardveil.schema.toml import read_text

    try:
        found = tomllib.loads(read_text(path, "E220"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(
            Problem(code="E220", what=f"Not valid TOML: {error}.", where=path.name)
        ) from None
    return {
        name: str(path.parent / value)
        if isinstance(value, str) and (name == "baseline" or is_list_file(value))
        else value
        for name, value in found.items()
    }


def _told(imported: "Imported", layout: str, file: Path, draft: Path) -> str:
    """What was made, what was left out, and what to do now."""
    schema = imported.schema
    lines = [
        f"{layout}: {len(imported.frame)} patients, {len(schema.columns)} columns.",
        f"Table: {file} (real patients: keep it where the export is)",
        f"Schema: {draft}",
    ]
    lines += [f"Left out, {name}: {_counts(found)}." for name, found in imported.left_out.items()]
    if schema.gaps:
        facts = ", ".join(list(schema.gaps)[:8]) + (" …" if len(schema.gaps) > 8 else "")
        lines.append(f"Still to fill in for {len(schema.gaps)} columns: {facts}.")
    return "\n".join(lines)


def _counts(found: Mapping[str, int]) -> str:
    return "; ".join(f"{n} {why}" for why, n in found.items())
