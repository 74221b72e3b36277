"""Release: the folder to hand over, and nothing in it that ε does not cover."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import file_digest
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pandas as pd

from wardveil.privacy import Statement
from wardveil.privacy.manifest import write_manifest
from wardveil.report.codebook import codebook
from wardveil.report.croissant import croissant
from wardveil.report.public import PublicReport
from wardveil.report.share import Share, shares
from wardveil.report.template import rendered
from wardveil.schema.schema import Schema
from wardveil.tables.write import write_table


@dataclass(frozen=True, kw_only=True)
class Release:
    """What is handed over.

    Attributes:
        statement: What is promised.
        schema: What is public about the table.
        table: The synthetic rows.
        model: Name of the model.
        settings: The model's settings, by name.
        name: Of the data set.
        date: Year-month-day.
        signed_by: Who decided; "" when nobody signs.
        purpose: What for; "" when none is named.
        licence: Under which; "" when none is named.
        with_model: Whether the caller adds the trained model under `model/`.
    """

    statement: Statement
    schema: Schema
    table: pd.DataFrame
    model: str
    settings: Mapping[str, object]
    name: str
    date: str
    signed_by: str = ""
    purpose: str = ""
    licence: str = ""
    with_model: bool = False

    def documents(self) -> dict[str, str]:
        """File name -> text of everything that does not depend on the tables' bytes."""
        values = self._values()
        return {
            "README.txt": rendered("readme.txt", **values),
            "MODEL_CARD.md": rendered("model_card.md", **values),
            "DATASHEET.md": rendered("datasheet.md", **values),
            "codebook.csv": codebook(self.schema),
            "schema.json": _json(_released(self.schema).to_dict()),
            "statement.txt": f"{self.statement}\n",
            "statement.json": _json(self.statement.to_dict()),
        }

    def write(self, folder: Path) -> None:
        """Write all but the manifest into a folder that is there.

        Raises:
            RunError: E501, a table cannot be written.
            OSError: A document cannot be written.
        """
        tables = ("synthetic.csv", "synthetic.parquet")
        for name in tables:
            write_table(self.table, folder / name)
        described = croissant(
            self.schema, {name: _digest(folder / name) for name in tables}, name=self.name,
            claim=self.statement.claim, date=self.date, licence=self.licence,
        )  # fmt: skip
        for name, text in (self.documents() | {"croissant.json": _json(described)}).items():
            (folder / name).write_text(text, encoding="utf-8", newline="\n")
        page = PublicReport(
            statement=self.statement, schema=self.schema, table=self.table,
            details=made_with(self.model, self.settings) | {"Released": self.date},
        )  # fmt: skip
        page.save_html(folder / "report.html")
        page.save_json(folder / "report.json")

    def seal(self, folder: Path) -> str:
        """Write the manifest over all that is in the folder now; return its digest."""
        return write_manifest(folder)

    def _values(self) -> dict[str, Any]:
        plan = self.statement.plan
        found: Sequence[Share] = shares(plan)
        return {
            "name": self.name, "claim": self.statement.claim, "statement": str(self.statement),
            "unit": self.schema.unit, "rows": f"{len(self.table):,}", "date": self.date,
            "patients": f"{plan['patients']:,}", "looked": self.statement.looked,
            "model": self.model, "settings": self.settings, "version": version("wardveil"),
            "versions": self.statement.versions, "with_model": self.with_model,
            "signed_by": self.signed_by, "purpose": self.purpose, "licence": self.licence,
            "mechanisms": [
                {"name": s.name, "count": s.count, "noise": s.noise, "share": f"{s.share:.0%}"}
                for s in found
            ],
            "columns": [
                {"name": c.name, "kind": c.kind, "unit": c.unit,
                 "sources": ", ".join(sorted({c.source(f) for f in c.facts}))}
                for c in self.schema.modelled
            ],
        }  # fmt: skip


def made_with(model: str, settings: Mapping[str, object]) -> dict[str, str]:
    """The model and its settings, for the page."""
    return {"Model": f"{model} ({', '.join(f'{k} = {v}' for k, v in settings.items())})"}


def _released(schema: Schema) -> Schema:
    """The schema without columns that were dropped: their names are nobody's business."""
    return replace(schema, columns=tuple(c for c in schema.columns if c.kind != "drop"))


def _json(values: object) -> str:
    return json.dumps(values, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _digest(file: Path) -> str:
    with file.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()
