"""Write docs/benchmarks.md with its figures, and docs/growth.md, from the committed results.

python benchmarks/page.py
"""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sizes
from chart import chart
from compare import METHODS, OURS, REAL, RESULTS, known
from growth_page import PAGE as GROWTH_PAGE
from growth_page import growth_text

PAGE: Final = Path(__file__).parents[1] / "docs" / "benchmarks.md"
FIGURES: Final = "figures"
MEASURES: Final = ("tvd1", "tvd2", "tstr_gap", "c2st")
"""Lower is better."""
MARGINAL: Final = ("mst", "aim", "privbayes")
"""Variants of peers that fit marginals."""
COLUMNS: Final = (*MEASURES, "coverage", "violations", "fit s", "rows/s", "MB")
COLOURS: Final = dict(zip(METHODS, (
    "#0b6e4f", "#6aa84f", "#a3b18a", "#2a9d8f", "#386641", "#c1121f", "#e07a5f",
    "#7f5539", "#f2a65a", "#8d6a9f",
    "#1d5fa7", "#5fa8d3", "#264653", "#7a7a7a", "#b5838d", "#444444", "#b08900", "#9d4edd",
    "#606c38", "#bc6c25",
), strict=True))  # fmt: skip
WHY: Final = """Why, and what would help:

- *breast_cancer*, ε ≤ 1: mostlyai-argn is told smallest and largest values and digits. With these
  told to all (breast_cancer_observed) ours is ahead: noise spreads 379 patients over the declared
  bounds, and narrower ones are the remedy.
- *insurance*, ε ≥ 1: dpmm-mst rounds its rows to the fitted tables, so that no luck of drawing is
  left; ours in fifty times as many rows has 0.107 at ε = 10. Surer soft rows are worth 0.002 there
  (0.1155), rows chosen for their tables out of four times as many 0.006, at ten times the time.
- A `tstr_gap` of one or two hundredths on a few hundred patients is within what seeds differ by.
"""
INTRO: Final = """# wardveil beside its peers

Made by `python benchmarks/compare.py --data FOLDER --cache FOLDER`, then
`python benchmarks/page.py`; every run is a line of
[benchmarks/results/compare.jsonl](../benchmarks/results/compare.jsonl).

A third of the patients is held out before anything else; a method sees the others and makes as
many rows. Every figure is taken against the held-out rows; *real rows* is the ruler, the same
figure for the training rows. Figures are the median over seeds, with the range. Alike for all:

- the total ε, with what a peer spends on preparation; δ = 1e-5, or 1e-6 where 1e-5 is more than a
  tenth of a patient;
- bounds and levels, which are those of the schema and free. That is how it is done for public
  tables only;
- for peers, missing cells: an indicator column, and the median in their place, put back
  afterwards. The median is a gift, nobody pays for it. Sets of codes are one column a code. Cells
  that a peer leaves empty are drawn from the column's other rows;
- processor: one thread in a process of its own. Seconds are processor seconds, since the machine
  had other work; rows/s too; MB is the peak of the whole process, Python and libraries included.

Peers run with their own defaults, but: bounds and levels are given to all that take them; the
networks of smartnoise get a batch of half the table where theirs is larger than the table; value
protection of mostlyai is off, because its values are free: it then takes the smallest and largest
value of a column, its digits and its levels from the patients themselves, which is more than the
others are given (breast_cancer_observed gives it to all). A run that fails or needs more than its
limit is a result. Whether a peer keeps the ε that it states was not checked here.

`tvd1`, `tvd2`: share of patients that would have to move for one column, or a pair, to match.
`tstr_gap`: AUC lost when a model learns from synthetic instead of real rows. `c2st`: AUC of telling
synthetic from real, 0.5 is best. `coverage`: share of real levels that appear. `violations`: share
of rows that break a rule of the table, such as diastolic above systolic pressure.
"""


@dataclass(frozen=True, kw_only=True)
class Group:
    """The runs of one method on one table at one ε, a seed each."""

    table: str
    method: str
    epsilon: float
    runs: tuple[Mapping[str, Any], ...]

    def median(self, measure: str) -> float | None:
        """Over the seeds that have it."""
        values = self.values(measure)
        return statistics.median(values) if values else None

    def values(self, measure: str) -> list[float]:
        """One a seed, without failures."""
        return [r[measure] for r in self.runs if r.get(measure) is not None]

    def failures(self) -> str:
        """How many runs failed, and how."""
        kinds = [r["failed"] for r in self.runs if "failed" in r]
        return "; ".join(f"{k} ({kinds.count(k)} of {len(self.runs)})" for k in sorted(set(kinds)))


def groups(records: Iterable[Mapping[str, Any]]) -> list[Group]:
    """Runs by table, method and ε; tables in the order of the results, ε ascending."""
    found: dict[tuple[str, str, float], list[Mapping[str, Any]]] = {}
    for r in records:
        epsilon = math.inf if r["epsilon"] is None else r["epsilon"]
        found.setdefault((r["table"], r["method"], epsilon), []).append(r)
    order = [REAL, *METHODS]
    tables = list(dict.fromkeys(t for t, _, _ in found))
    keys = sorted(found, key=lambda k: (tables.index(k[0]), k[2], order.index(k[1])))
    return [Group(table=t, method=m, epsilon=e, runs=tuple(found[t, m, e])) for t, m, e in keys]


def page(all_groups: Sequence[Group]) -> str:
    """The Markdown of docs/benchmarks.md."""
    tables = list(dict.fromkeys(g.table for g in all_groups))
    parts = [INTRO, *_at_one(all_groups), *_won(all_groups), *_speed(all_groups)]
    parts += ["## Where a peer is ahead of marginal\n", *_ahead(all_groups), "", WHY]
    for table in tables:
        mine = [g for g in all_groups if g.table == table]
        real = next(g for g in mine if g.method == REAL)
        run = real.runs[0]
        parts += [f"## {table}\n", f"{run['rows']:,} training rows, {run['columns']} columns."]
        if run.get("auc") is not None:
            parts[-1] += f" Mean AUC of models trained on real rows: {run['auc']:.3f}."
        parts += ["", *_rows(real, mine), ""]
        parts += [f"![{m} against ε]({FIGURES}/{table}_{m}.svg)\n" for m in _drawn(mine)]
    return "\n".join(parts)


def figures(all_groups: Sequence[Group]) -> dict[str, str]:
    """File name -> SVG, for every table and drawn measure."""
    made = {}
    for table in dict.fromkeys(g.table for g in all_groups):
        mine = [g for g in all_groups if g.table == table]
        real = next(g for g in mine if g.method == REAL)
        for measure in _drawn(mine):
            lines: dict[str, list[tuple[float, float]]] = {}
            for g in mine:
                value = g.median(measure)
                if g.method != REAL and value is not None:
                    lines.setdefault(g.method, []).append((g.epsilon, value))
            ruler = real.median(measure) or 0.0
            ordered = {m: lines[m] for m in METHODS if m in lines}
            title = f"{table}: {measure} against ε, lower is better"
            made[f"{table}_{measure}.svg"] = chart(title, ordered, ruler, COLOURS)
    return made


def _drawn(mine: Sequence[Group]) -> list[str]:
    return [m for m in ("tvd2", "tstr_gap") if any(g.values(m) for g in mine if g.method != REAL)]


def _at_one(all_groups: Sequence[Group]) -> list[str]:
    """Medians at ε = 1, a row a table and a column a method."""
    found = {(g.table, g.method): g for g in all_groups if g.epsilon == 1 or g.method == REAL}
    tables = list(dict.fromkeys(t for t, _ in found))
    methods = [m for m in (REAL, *METHODS) if any((t, m) in found for t in tables)]
    lines: list[str] = []
    for measure in ("tvd2", "tstr_gap"):
        lines += [f"## {measure} at ε = 1\n", f"| table | {' | '.join(methods)} |",
                  "|---" * (len(methods) + 1) + "|"]  # fmt: skip
        for t in tables:
            cells = [_one(found.get((t, m)), measure) for m in methods]
            lines.append(f"| {t} | {' | '.join(cells)} |")
        lines.append("")
    return lines


def _one(group: Group | None, measure: str) -> str:
    """The median, or that no run came to an end; nothing when there was no run."""
    if group is None:
        return ""
    value = group.median(measure)
    if value is not None:
        return f"{value:.3f}"
    return "failed" if group.failures() else "–"


def _won(all_groups: Sequence[Group]) -> list[str]:
    """On how many tables the best of ours is at least as good as the best peer."""
    lines = ["## On how many tables the best of ours is ahead of every peer\n",
             "| ε | against | tvd2 | tstr_gap |", "|---|---|---|---|"]  # fmt: skip
    at: dict[float, list[Group]] = {}
    for g in all_groups:
        if g.method != REAL:
            at.setdefault(g.epsilon, []).append(g)
    open_peers = [g for g in at.get(math.inf, []) if METHODS[g.method].peer != OURS]
    for epsilon, found in sorted(at.items()):
        ours = [g for g in found if METHODS[g.method].peer == OURS]
        for against, theirs in (
            ("peers at the same ε", [g for g in found if METHODS[g.method].peer != OURS]),
            ("peers without privacy", open_peers if math.isfinite(epsilon) else []),
        ):
            cells = [_score(ours, theirs, m) for m in ("tvd2", "tstr_gap")]
            if cells != ["–", "–"]:
                lines.append(f"| {epsilon_text(epsilon)} | {against} | {' | '.join(cells)} |")
    return [*lines, ""]


def _speed(all_groups: Sequence[Group]) -> list[str]:
    """Seconds of a fit beside the fastest marginal method's, and rows a second, at ε = 1."""
    lines = ["## Time at ε = 1\n",
             "Fits beside the fastest peer that fits marginals under privacy; rows drawn beside "
             "the fastest of all peers.\n",
             "| table | marginal, fit s | peer, fit s | marginal, rows/s | peer, rows/s |",
             "|---|---|---|---|---|"]  # fmt: skip
    for own in all_groups:
        if own.method != "marginal" or own.epsilon != 1:
            continue
        peers = [g for g in all_groups if g.table == own.table and g.epsilon in (1, math.inf)
                 and g.method != REAL and METHODS[g.method].peer != OURS]  # fmt: skip
        fits = [(s, g.method) for g in peers if METHODS[g.method].variant in MARGINAL
                and (s := g.median("fit_cpu_seconds")) is not None]  # fmt: skip
        rates = [(s, g.method) for g in peers if (s := g.median("rows_per_second")) is not None]
        fit, rate = min(fits, default=None), max(rates, default=None)
        cells = [cost(own, "fit_cpu_seconds"), f"{fit[0]:,.1f} {fit[1]}" if fit else "–",
                 cost(own, "rows_per_second"),
                 f"{rate[0]:,.0f} {rate[1]}" if rate else "–"]  # fmt: skip
        lines.append(f"| {own.table} | {' | '.join(cells)} |")
    return [*lines, ""]


def _score(ours: Sequence[Group], theirs: Sequence[Group], measure: str) -> str:
    """ "a of b": tables where our best median is not above their best, of those both have."""
    best: list[dict[str, float]] = [{}, {}]
    for side, found in zip(best, (ours, theirs), strict=True):
        for g in found:
            value = g.median(measure)
            if value is not None:
                side[g.table] = min(value, side.get(g.table, math.inf))
    both = sorted(set(best[0]) & set(best[1]))
    return f"{sum(best[0][t] <= best[1][t] for t in both)} of {len(both)}" if both else "–"


def _ahead(all_groups: Sequence[Group]) -> list[str]:
    """Every measure on which a peer's median is below that of `marginal` at the same ε."""
    ours = {(g.table, g.epsilon): g for g in all_groups if g.method == "marginal"}
    lines = ["| table | ε | measure | marginal | peer | seeds |", "|---|---|---|---|---|---|"]
    for g in all_groups:
        own = ours.get((g.table, g.epsilon))
        if own is None or g.method == REAL or METHODS[g.method].peer == OURS:
            continue
        for m in MEASURES:
            a, b = own.median(m), g.median(m)
            if a is not None and b is not None and b < a:
                seeds = f"{len(own.values(m))}, {len(g.values(m))}"
                lines.append(f"| {g.table} | {epsilon_text(g.epsilon)} | {m} | {_shown(own, m)} | "
                             f"{g.method} {_shown(g, m)} | {seeds} |")  # fmt: skip
    return lines if len(lines) > 2 else ["On none of the runs so far."]


def _rows(real: Group, mine: Sequence[Group]) -> list[str]:
    lines = [f"| ε | method | {' | '.join(COLUMNS)} |", "|---" * (len(COLUMNS) + 2) + "|"]
    for g in [real, *(g for g in mine if g.method != REAL)]:
        cells = [_shown(g, m) for m in (*MEASURES, "coverage", "violations")]
        costs = [cost(g, m) for m in ("fit_cpu_seconds", "rows_per_second", "peak_mb")]
        failed = g.failures()
        name = g.method + (f": {failed}" if failed else "")
        where = "–" if g.method == REAL else epsilon_text(g.epsilon)
        lines.append("| " + " | ".join([where, name, *cells, *costs]) + " |")
    return lines


def _shown(group: Group, measure: str) -> str:
    """Median and range."""
    values = group.values(measure)
    if not values:
        return "–"
    middle = f"{statistics.median(values):.3f}"
    return middle if len(values) == 1 else f"{middle} ({min(values):.3f}–{max(values):.3f})"


def cost(group: Group, measure: str, none: str = "–") -> str:
    """The median of seconds, rows or MB; `none` where there was no run."""
    value = group.median(measure)
    if value is None:
        return none
    return f"{value:.1f}" if value < 10 else f"{value:,.0f}"


def epsilon_text(epsilon: float) -> str:
    """ε as it is printed."""
    return "∞" if math.isinf(epsilon) else f"{epsilon:g}"


def main() -> None:
    """Write the pages and the figures."""
    GROWTH_PAGE.write_text(growth_text(), encoding="utf-8")
    found = groups(known(RESULTS).values())
    PAGE.write_text(page(found), encoding="utf-8")
    folder = PAGE.parent / FIGURES
    folder.mkdir(exist_ok=True)
    for name, svg in (figures(found) | sizes.figures(COLOURS)).items():
        (folder / name).write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
