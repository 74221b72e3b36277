"""The text of docs/growth.md, from results/growth.jsonl and results/hotspots.json."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from sizes import section

HERE: Final = Path(__file__).parent / "results"
PAGE: Final = Path(__file__).parents[1] / "docs" / "growth.md"
PARTS: Final = ("fit", "sample", "evaluate")
AXES: Final = {"rows": "rows, 40 columns", "columns": "columns, 3,000 rows"}
INTRO: Final = """# How it grows, and where the time goes

Made-up patients (four common causes, half of the columns numbers, half yes or no), `marginal` at
ε = 1, one thread, processor seconds; memory is the peak of the whole process, libraries and table
included (about 430 MB before anything is learnt). Sampling draws 100,000 rows; an evaluation sees
at most 10,000 real rows. `python benchmarks/growth.py`, `python benchmarks/hotspots.py --write`,
then `make docs`.

The *exponent* is the slope of a line through the logarithms of the upper half of the points: 1 is
linear, 2 quadratic.
"""


def growth_page(points: Sequence[Mapping[str, Any]], spots: Mapping[str, Any] | None) -> str:
    """Tables of both curves, and of the profiles where there are any."""
    lines = [INTRO]
    for axis, said in AXES.items():
        mine = sorted((p for p in points if p["axis"] == axis), key=lambda p: float(p[axis]))
        if not mine:
            continue
        lines += [f"## By {said}\n", *_curve(axis, mine), ""]
    lines += section()
    if spots:
        machine = spots["machine"]
        lines += [
            "## Where the time goes\n",
            f"On the bundled NHEFS cohort. The machine's limits on the same thread: "
            f"{machine['gemm_gflops']:g} GFLOP/s in single-precision products of 1,024² matrices, "
            f"{machine['copy_gb_per_s']:g} GB/s moved in memory.\n",
        ]
        for what, parts in spots["parts"].items():
            said = f"**{what}**: {parts['all']:g} s"
            if gflop := spots.get("products_gflop", {}).get(what):
                share = gflop / parts["all"] / machine["gemm_gflops"]
                said += f", {gflop:g} GFLOP in products: {share:.0%} of what the machine could do"
            lines += [f"{said}\n", "| function | s |", "|---|---|"]
            lines += [f"| `{k}` | {v:g} |" for k, v in parts.items() if k != "all"]
            lines.append("")
    return "\n".join(lines)


def _curve(axis: str, points: Sequence[Mapping[str, Any]]) -> list[str]:
    """A line a size, and the exponents below."""
    head = [axis, *(f"{p} s" for p in PARTS), *(f"{p} MB" for p in PARTS)]
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for p in points:
        cells = [f"{p[axis]:,}"]
        if "failed" in p:
            cells += [p["failed"], *[""] * 5]
        else:
            cells += [_short(p[f"{part}_s"]) for part in PARTS]
            cells += [f"{p[f'{part}_mb']:,.0f}" for part in PARTS]
        lines.append("| " + " | ".join(cells) + " |")
    slopes = [_slope(axis, points, f"{part}_{unit}") for unit in ("s", "mb") for part in PARTS]
    return [*lines, "| exponent | " + " | ".join(slopes) + " |"]


def _short(value: float) -> str:
    return f"{value:.1f}" if value < 100 else f"{value:,.0f}"


def _slope(axis: str, points: Sequence[Mapping[str, Any]], measure: str) -> str:
    """Of log measure on log size, over the upper half of the sizes."""
    known = [(p[axis], p[measure]) for p in points if measure in p]
    upper = np.log(np.array(known[len(known) // 2 :], dtype=float))
    if len(upper) < 2:
        return "–"
    slope = np.polyfit(upper[:, 0], upper[:, 1], 1)[0]
    return f"{round(slope, 2) + 0.0:.2f}"  # no minus before a zero


def growth_text() -> str:
    """The page of the committed results."""
    points: dict[tuple[Any, ...], dict[str, Any]] = {}
    path = HERE / "growth.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        point = json.loads(line)
        points[point["axis"], point["rows"], point["columns"]] = point  # the last one counts
    spots = HERE / "hotspots.json"
    found = json.loads(spots.read_text(encoding="utf-8")) if spots.is_file() else None
    return growth_page(list(points.values()), found)
