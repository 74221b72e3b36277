"""Report: an evaluation on one page. It computes nothing; it shows."""

import hashlib
import json
import math
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wardveil.evaluation import Evaluation, evaluation
from wardveil.evaluation.prepared import Tabular
from wardveil.evaluation.profile import Profile, number_text
from wardveil.evaluation.summary import Row
from wardveil.report.card import Card, Promise, cards
from wardveil.report.svg import pair_map, profile_chart, smd_dot
from wardveil.schema.schema import Schema

if TYPE_CHECKING:
    from jinja2 import Environment

MOST_MAPPED = 60
"""Columns up to which the map of pairs can be read."""
MOVED = 10
"""Pairs listed as having moved most."""


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a custodian reads before deciding. Computed from real patients: not to be shared.

    Attributes:
        evaluation: What was measured.
        statement: What is promised, or None.
        details: What is needed to make the run again: name -> value.
    """

    evaluation: Evaluation
    statement: Promise | None = None
    details: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def cards(self) -> tuple[Card, ...]:
        """The verdicts of the head strip."""
        return cards(self.evaluation, self.statement)

    def html(self) -> str:
        """The page: one file, no script, no outside address."""
        return _environment().get_template("page.html.jinja").render(
            report=self, evaluation=self.evaluation, cards=self.cards,
            statement=str(self.statement).splitlines() if self.statement else [],
            charts=sorted(self._charts(), key=lambda c: -c["tvd"]),
            table1=[_table1_line(row) for row in self.evaluation.table1],
            moved=sorted(self.evaluation.pairs.items(), key=lambda p: -p[1])[:MOVED],
            pair_map=self._pair_map(),
        )  # fmt: skip

    def save_html(self, path: str | PathLike[str]) -> Path:
        """Write the page; return its path."""
        path = Path(path)
        path.write_text(self.html(), encoding="utf-8")
        return path

    def save_json(self, path: str | PathLike[str]) -> Path:
        """Write the same figures under stable names; return the path."""
        path = Path(path)
        data = {
            "notice": "Computed from real patients. Not covered by ε. Do not share.",
            "evaluation": self.evaluation.to_dict(),
            "statement": self.statement.to_dict() if self.statement else None,
            "details": dict(self.details),
        }
        text = json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False)
        path.write_text(text + "\n", encoding="utf-8")
        return path

    def _repr_html_(self) -> str:
        """The head strip, for notebooks."""
        return _environment().get_template("strip.html.jinja").render(cards=self.cards)

    def _charts(self) -> Iterator[dict[str, Any]]:
        for profile in self.evaluation.profiles:
            yield {
                "column": profile.column,
                "unit": "" if profile.unit == "date" else profile.unit,
                "tvd": self.evaluation.columns[profile.column],
                "ruler": self.evaluation.column_rulers[profile.column],
                "svg": profile_chart(profile),
                "numbers": list(_numbers(profile)),
            }

    def _pair_map(self) -> str:
        columns = list(self.evaluation.columns)
        if not self.evaluation.pairs or len(columns) > MOST_MAPPED:
            return ""
        return pair_map(columns, self.evaluation.pairs)


def evaluate(
    real: Tabular,
    synthetic: Tabular,
    *,
    holdout: Tabular | None = None,
    schema: Schema | None = None,
    statement: Promise | None = None,
    details: Mapping[str, str] | None = None,
) -> Report:
    """Compare a synthetic table with the real one.

    Args:
        real: The rows the synthetic ones were made from: a frame or a `Table`.
        synthetic: The synthetic rows.
        holdout: Real rows kept apart; with them every figure is honest about new patients.
        schema: What is declared; without it kinds are inferred from `real`.
        statement: What is promised, for the first card.
        details: What the page shall say beside versions, so that the run can be made again.

    Raises:
        SchemaError: E341 to E344, the tables cannot be compared.
    """
    return Report(
        evaluation=evaluation(real, synthetic, holdout=holdout, schema=schema),
        statement=statement,
        details={**(details or {}), **_provenance(schema)},
    )


def _provenance(schema: Schema | None) -> dict[str, str]:
    packages = ("wardveil", "numpy", "pandas", "scikit-learn")
    found = {"Versions": ", ".join(
        [f"Python {platform.python_version()}", *(f"{p} {version(p)}" for p in packages)]
    )}  # fmt: skip
    if schema:
        found["Schema (SHA-256)"] = hashlib.sha256(schema.text().encode()).hexdigest()
    return found


def _numbers(profile: Profile) -> Iterator[tuple[str, str, str]]:
    for label, real, synthetic in zip(profile.labels, profile.real, profile.synthetic, strict=True):
        yield label, f"{real:.1%}", f"{synthetic:.1%}"
    if max(profile.missing) > 0:
        yield "missing", f"{profile.missing[0]:.1%}", f"{profile.missing[1]:.1%}"


def _table1_line(row: Row) -> dict[str, Any]:
    """One line of Table 1 as texts."""
    if row.measure == "share":
        cells = [f"{value:.1%}" for value in row.value]
    elif row.unit == "date":
        cells = [_date_text(v, sd) for v, sd in zip(row.value, row.sd, strict=True)]
    else:
        cells = [_mean_text(v, sd) for v, sd in zip(row.value, row.sd, strict=True)]
    return {"column": row.column, "level": row.level, "real": cells[0], "synthetic": cells[1],
            "unit": "" if row.unit == "date" else row.unit, "lone": row.lone,
            "smd": _smd_text(row.smd), "far": abs(row.smd) > 0.1, "dot": smd_dot(row.smd),
            }  # fmt: skip


def _smd_text(smd: float) -> str:
    if not math.isfinite(smd):
        return "–"
    return "0.00" if abs(smd) < 0.005 else f"{smd:+.2f}".replace("-", "−")


def _mean_text(mean: float, sd: float) -> str:
    if math.isnan(mean) or math.isnan(sd):
        return "–" if math.isnan(mean) else number_text(mean, "")
    digits = 0 if sd >= 100 or sd == 0 else 1 if sd >= 1 else 1 - math.floor(math.log10(sd))
    return f"{mean:,.{digits}f} ({sd:,.{digits}f})"


def _date_text(mean: float, sd: float) -> str:
    if math.isnan(mean):
        return "–"
    return f"{number_text(mean, 'date')} ({0 if math.isnan(sd) else sd:.0f} d)"


def _environment() -> "Environment":
    """Templates; every value is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("wardveil.report"), autoescape=True, undefined=StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
