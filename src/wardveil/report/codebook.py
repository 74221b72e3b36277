"""Codebook: what each column of a synthetic table means, as rows of a CSV."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from wardveil.schema.column import Column
from wardveil.schema.schema import Schema

HEADER: Final = ("column", "kind", "unit", "lowest", "highest", "decimals", "values", "missing",
                 "asked_for", "outcome", "facts_from")  # fmt: skip


def codebook(schema: Schema) -> str:
    """The codebook as CSV: public facts of the schema, and nothing of any row.

    Columns that were dropped are left out; an identifier is there, because the synthetic table
    has one of its own.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(_rows(schema))
    return text.getvalue()


def _rows(schema: Schema) -> Iterator[tuple[object, ...]]:
    for c in schema.columns:
        if c.modelled:
            yield (c.name, c.kind, c.unit, limit(c, c.low), limit(c, c.high), places(c),
                   " | ".join(c.levels or ()), "possible" if c.nullable else "never",
                   _yes(c.condition), _yes(c.target),
                   " ".join(sorted({c.source(f) for f in c.facts})))  # fmt: skip
        elif c.kind == "id":
            yield (c.name, "id", "", "", "", "", "SYNTH-0000, SYNTH-0001, …", "never", "no", "no",
                   "made up")  # fmt: skip


def limit(column: Column, value: float | None) -> str:
    """A bound as it is written in a cell; "" where there is none."""
    if value is None:
        return ""
    if column.kind == "date":
        import numpy as np

        return str(np.datetime64(round(value), "D"))
    return f"{value:g}" if abs(value) < 1e6 else f"{value:.{column.places}f}"


def places(column: Column) -> str:
    """Decimals of a number; "" for other kinds."""
    return "" if column.levels is not None or column.kind == "date" else str(column.places)


def _yes(value: bool) -> str:  # noqa: FBT001 (one value in, one word out)
    return "yes" if value else "no"
