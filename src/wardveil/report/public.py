"""Public report: what may be shared, which is the statement and the synthetic table by itself.

Everything here is a function of the plan and of synthetic rows, hence covered by what the statement
promises. No real row is an argument of anything in this file.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import Any

import pandas as pd

from wardveil.evaluation.prepared import prepare
from wardveil.evaluation.profile import Profile, profiles
from wardveil.evaluation.summary import Row, summary
from wardveil.privacy import Statement
from wardveil.report.card import Card, protected
from wardveil.report.report import MOST_DRAWN, MOST_SHOWN, promise_values, provenance
from wardveil.report.share import shares
from wardveil.report.svg import profile_chart
from wardveil.report.table1 import numbers, table1_line
from wardveil.report.template import rendered
from wardveil.schema.schema import Schema


@dataclass(frozen=True, kw_only=True)
class PublicReport:
    """The page for whoever receives the table.

    Attributes:
        statement: What is promised.
        schema: What is public about the table.
        table: The synthetic rows.
        details: How it was made: name -> value.
    """

    statement: Statement
    schema: Schema
    table: pd.DataFrame
    details: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def profiles(self) -> tuple[Profile, ...]:
        """The synthetic distribution of each column."""
        return self._summary[0]

    @cached_property
    def cards(self) -> tuple[Card, ...]:
        """What is promised, from how many, and how exact the answers were."""
        plan = self.statement.plan
        made = Card(
            title="Made from", figure=f"{plan['patients']:,}", verdict="none",
            word=f"{self.schema.unit}s, by {self.statement.model}",
            text="The program asked questions of their table and got noisy answers. It draws any "
            "number of rows from these.",
        )  # fmt: skip
        return (protected(self.statement), made, _exactness(plan, self.schema.unit))

    def html(self) -> str:
        """The page: one file, no script, no outside address."""
        charts = [
            {"column": p.column, "unit": "" if p.unit == "date" else p.unit,
             "svg": profile_chart(p, alone=True), "numbers": list(numbers(p))}
            for p in self.profiles[:MOST_DRAWN]
        ]  # fmt: skip
        return rendered(
            "public.html", cards=self.cards, charts=charts, most_shown=MOST_SHOWN,
            undrawn=max(0, len(self.profiles) - MOST_DRAWN), claim=self.statement.claim,
            promised=self.statement.epsilon is not None, unit=self.schema.unit,
            rows=len(self.table), patients=self.statement.plan["patients"],
            table1=[table1_line(row) for row in self._summary[1]], details=self._details,
            **promise_values(self.statement),
        )  # fmt: skip

    def save_html(self, path: str | PathLike[str]) -> Path:
        """Write the page; return its path."""
        path = Path(path)
        path.write_text(self.html(), encoding="utf-8")
        return path

    def to_dict(self) -> dict[str, object]:
        """The page's content under stable names, for JSON."""
        return {
            "notice": self.statement.claim,
            "cards": [asdict(card) for card in self.cards],
            "budget": [asdict(share) for share in shares(self.statement.plan)],
            "columns": {
                p.column: {"labels": list(p.labels), "shares": list(p.synthetic),
                           "missing": p.missing[1], "unit": p.unit}
                for p in self.profiles
            },
            "statement": self.statement.to_dict(),
            "details": self._details,
        }  # fmt: skip

    def save_json(self, path: str | PathLike[str]) -> Path:
        """Write the same figures under stable names; return the path."""
        path = Path(path)
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        path.write_text(text + "\n", encoding="utf-8")
        return path

    def _repr_html_(self) -> str:
        """The head strip, for notebooks."""
        return rendered("strip.html", cards=self.cards, notice=self.statement.claim,
                        tone="#2b4a5e")  # fmt: skip

    @property
    def _details(self) -> dict[str, str]:
        return {**self.details, **provenance(self.schema)}

    @cached_property
    def _summary(self) -> tuple[tuple[Profile, ...], tuple[Row, ...]]:
        (alone,) = prepare(self.table, schema=self.schema)
        drawn = profiles(alone, alone)
        return drawn, summary(alone, alone, drawn)


def _exactness(plan: Mapping[str, Any], unit: str) -> Card:
    """How far noise moved the counts the model was told; a function of the plan alone."""
    errors = [s.error for s in shares(plan) if s.error is not None]
    if not errors:
        return Card(title="Exact to", figure="Not known", verdict="none",
                    word="No counts were asked for",
                    text="What noise does to a share cannot be said from the plan.",
                    )  # fmt: skip
    return Card(
        title="Exact to", figure=f"± {100 * min(errors):.1f} in 100", verdict="none",
        word=f"{unit}s in a level of one column",
        text="Standard deviation of the noise on each count the program was told, as a share of "
        f"all {unit}s. Rarer levels than this are mostly noise.",
    )  # fmt: skip
