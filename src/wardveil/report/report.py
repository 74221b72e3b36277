"""Report: an evaluation on one page. It computes nothing; it shows."""

import hashlib
import json
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import Any, Final

from wardveil.evaluation import Design, Evaluation, evaluation
from wardveil.evaluation.prepared import Tabular
from wardveil.report import evidence
from wardveil.report.block import Block
from wardveil.report.card import Card, Promise, cards, promise_of
from wardveil.report.chart import budget
from wardveil.report.leaks import leak_blocks, leaks
from wardveil.report.share import Share, shares
from wardveil.report.svg import pair_map, profile_chart
from wardveil.report.table1 import numbers, table1_line
from wardveil.report.template import rendered
from wardveil.report.usual import usual
from wardveil.schema.schema import Schema

NOTICE: Final = "Computed from real patients. Not covered by ε. Do not share."
MOST_MAPPED: Final = 60
"""Columns up to which the map of pairs can be read."""
MOST_DRAWN: Final = 120
"""Columns that are drawn at most, so that the page stays light; the JSON holds all."""
MOST_SHOWN: Final = 24
"""Columns that are open at first."""
MOVED: Final = 10
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
        found = self.evaluation
        ordered = sorted(found.profiles, key=lambda p: -found.columns[p.column])
        charts = [
            {"column": p.column, "unit": "" if p.unit == "date" else p.unit,
             "tvd": found.columns[p.column], "ruler": found.column_rulers[p.column],
             "svg": profile_chart(p), "numbers": list(numbers(p))}
            for p in ordered[:MOST_DRAWN]
        ]  # fmt: skip
        moved = sorted(found.pairs.items(), key=lambda p: -p[1])[:MOVED]
        blocks = list(self._blocks([p.column for p in ordered]))
        return rendered(
            "internal.html", report=self, evaluation=found, cards=self.cards, charts=charts,
            most_shown=MOST_SHOWN, undrawn=max(0, len(ordered) - MOST_DRAWN),
            table1=[table1_line(row) for row in found.table1], moved=moved, blocks=blocks,
            pair_map=self._pair_map(), contents=_contents(moved=bool(moved), blocks=blocks),
            measured=_measured(found), outlet=self._outlet(), **promise_values(self.statement),
        )  # fmt: skip

    def save_html(self, path: str | PathLike[str]) -> Path:
        """Write the page; return its path."""
        path = Path(path)
        path.write_text(self.html(), encoding="utf-8")
        return path

    def to_dict(self) -> dict[str, object]:
        """The page's content under stable names, for JSON."""
        return {
            "notice": NOTICE,
            "cards": [asdict(card) for card in self.cards],
            "budget": [asdict(share) for share in _shares(self.statement)],
            "leaks": [
                {**asdict(x), "advantage": x.advantage}
                for x in leaks(self.evaluation, promise_of(self.statement))
            ],
            "evaluation": self.evaluation.to_dict(),
            "statement": self.statement.to_dict() if self.statement else None,
            "details": dict(self.details),
        }

    def save_json(self, path: str | PathLike[str]) -> Path:
        """Write the same figures under stable names; return the path."""
        path = Path(path)
        text = json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)
        path.write_text(text + "\n", encoding="utf-8")
        return path

    def _repr_html_(self) -> str:
        """The head strip, for notebooks."""
        return rendered("strip.html", cards=self.cards, notice=NOTICE, tone="#8f1d24")

    def _blocks(self, columns: list[str]) -> Iterator[Block]:
        yield from evidence.blocks(self.evaluation)
        yield from leak_blocks(self.evaluation, promise_of(self.statement))
        for block in (
            usual(self.evaluation.seed_figures, columns),
            evidence.measured(self.evaluation),
        ):
            if block is not None:
                yield block

    def _pair_map(self) -> str:
        columns = list(self.evaluation.columns)
        if not self.evaluation.pairs or len(columns) > MOST_MAPPED:
            return ""
        return pair_map(columns, self.evaluation.pairs)

    def _outlet(self) -> str:
        """What may leave the building, in a sentence."""
        if promise_of(self.statement) is None:
            return "nothing, for no privacy is promised end to end."
        return "the folder that wardveil release writes."


def evaluate(
    real: Tabular,
    synthetic: Tabular,
    *,
    holdout: Tabular | None = None,
    schema: Schema | None = None,
    statement: Promise | None = None,
    details: Mapping[str, str] | None = None,
    design: Design | None = None,
) -> Report:
    """Compare a synthetic table with the real one.

    Args:
        real: The rows the synthetic ones were made from: a frame or a `Table`.
        synthetic: The synthetic rows.
        holdout: Real rows kept apart; with them every figure is honest about new patients, and
            attacks can be tried.
        schema: What is declared; without it kinds are inferred from `real`.
        statement: What is promised, for the first card and the limits of attacks.
        details: What the page shall say beside versions, so that the run can be made again.
        design: Arms, visits and groups of the study.

    Raises:
        SchemaError: E341 to E344, the tables cannot be compared.
    """
    return Report(
        evaluation=evaluation(real, synthetic, holdout=holdout, schema=schema,
                              limit=promise_of(statement), design=design),
        statement=statement,
        details={**(details or {}), **provenance(schema)},
    )  # fmt: skip


def provenance(schema: Schema | None) -> dict[str, str]:
    """Versions, and which schema."""
    packages = ("wardveil", "numpy", "pandas", "scikit-learn")
    found = {"Versions": ", ".join(
        [f"Python {platform.python_version()}", *(f"{p} {version(p)}" for p in packages)]
    )}  # fmt: skip
    if schema:
        found["Schema (SHA-256)"] = hashlib.sha256(schema.text().encode()).hexdigest()
    return found


def promise_values(statement: Promise | None) -> dict[str, Any]:
    """What the section on the statement shows."""
    found = _shares(statement)
    parts = {f"{s.name} × {s.count}": s.share for s in found}
    return {
        "statement": str(statement).splitlines() if statement else [],
        "budget": found,
        "bar": budget(parts, label="Shares of the privacy budget") if found else "",
    }


def _shares(statement: Promise | None) -> tuple[Share, ...]:
    """Who took which share of the budget; () where the statement does not say."""
    plan = statement.to_dict().get("plan") if statement else None
    return shares(plan) if isinstance(plan, Mapping) else ()


def _contents(*, moved: bool, blocks: list[Block]) -> list[tuple[str, str]]:
    fixed = [("promise", "What is promised"), ("columns", "Columns"), ("table1", "Table 1")]
    pairs = [("pairs", "Pairs")] if moved else []
    return [*fixed, *pairs, *((b.anchor, b.title) for b in blocks), ("again", "Make it again")]


def _measured(found: Evaluation) -> str:
    return ", ".join(
        f"{name} {value:.4f} (ruler {found.rulers[name]:.4f})"
        for name, value in found.means.items()
    )
