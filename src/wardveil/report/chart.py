"""Chart: the figures of the evidence. Every one gets parts of an evaluation and gives an SVG."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from wardveil.evaluation.dimension import DimensionWise
from wardveil.evaluation.membership import Attack
from wardveil.evaluation.survival import KaplanMeier
from wardveil.evaluation.trajectory import Trajectory
from wardveil.report.plot import Axis, Plot, linear, shares
from wardveil.report.svg import figure, short

LEAST: Final = 1e-3
"""Where a logarithmic axis of shares begins."""


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One estimate on a line of `forest`.

    Attributes:
        value: The estimate.
        low: Lower end of its interval, or None.
        high: Upper end, or None.
        style: "real", "synthetic" or "limit".
    """

    value: float
    low: float | None = None
    high: float | None = None
    style: str = "synthetic"


def scatter(points: DimensionWise, *, label: str, shown: str) -> str:
    """A dot a level: real across, synthetic up; on the diagonal they agree.

    Args:
        points: What is drawn.
        label: What the figure shows, for those who do not see it.
        shown: "share" or "AUC".
    """
    if shown == "share":
        least = LEAST if points.real and min(points.real) < 0.01 else 0.0
        axis = shares(least=least)
        across = shares(least=least, name="real")
    else:
        axis = linear([*points.real, *points.synthetic, 0.5, 1.0])
        across = Axis(low=axis.low, high=axis.high, ticks=axis.ticks, name="trained on real")
    plot = Plot(x=across, y=axis, width=230, height=230)
    dots = [
        plot.dot(a, b, "synthetic", tip=f"{name}: real {_number(a, shown)}, synthetic "
                 f"{_number(b, shown)}", radius=2.6)
        for name, a, b in zip(points.labels, points.real, points.synthetic, strict=True)
    ]  # fmt: skip
    diagonal = plot.line([axis.low, axis.high], [axis.low, axis.high], "guide")
    return figure([*plot.frame(), diagonal, *dots], *plot.size, label)


def survival(curves: Sequence[KaplanMeier], *, label: str) -> str:
    """Kaplan-Meier curves with their bands: real as an outline, synthetic filled."""
    longest = max(c.times[-1] for c in curves)
    unit = curves[0].unit
    name = f"{curves[0].time}, {unit}" if unit else curves[0].time
    ticks = tuple(t for t in linear([0.0, longest], zero=True).ticks if t[0] <= longest)
    across = Axis(low=0.0, high=longest or 1.0, ticks=ticks, name=name)
    plot = Plot(x=across, y=shares(), width=300, height=190)
    parts = plot.frame()
    for curve in curves:
        xs, low, high = _stepped(curve)
        parts.append(plot.band(xs, low, high, curve.table))
    parts += [plot.line(c.times, c.survival, c.table, step=True) for c in curves]
    return figure(parts, *plot.size, label)


def _stepped(curve: KaplanMeier) -> tuple[list[float], list[float], list[float]]:
    """The band's corners, so that it steps with its curve."""
    xs, low, high = [curve.times[0]], [curve.low[0]], [curve.high[0]]
    for i in range(1, len(curve.times)):
        xs += [curve.times[i], curve.times[i]]
        low += [curve.low[i - 1], curve.low[i]]
        high += [curve.high[i - 1], curve.high[i]]
    return xs, low, high


def trajectory(tracks: Sequence[Trajectory], *, within: Sequence[Trajectory], label: str) -> str:
    """Medians over visits, with the quartiles as a ribbon.

    Args:
        tracks: What is drawn.
        within: What the vertical axis has room for, so that figures side by side compare.
        label: For those who do not see it.
    """
    values = [v for t in within for v in (*t.low, *t.high) if v is not None]
    visits = tracks[0].visits
    last = max(1, len(visits) - 1)
    ticks = (
        ((0.0, visits[0]), (float(last), visits[-1])) if len(visits) > 1 else ((0.0, visits[0]),)
    )
    plot = Plot(x=Axis(low=0.0, high=float(last), ticks=ticks), y=linear(values or [0.0, 1.0]))
    parts = plot.frame()
    lines = []
    for track in tracks:
        seen = [i for i, m in enumerate(track.median) if m is not None]
        xs = [float(i) for i in seen]
        low, high, median = (
            [float(v) for i in seen if (v := part[i]) is not None]
            for part in (track.low, track.high, track.median)
        )
        parts.append(plot.band(xs, low, high, track.table))
        lines.append(plot.line(xs, median, track.table))
        lines += [plot.dot(x, y, track.table, radius=2) for x, y in zip(xs, median, strict=True)]
    return figure([*parts, *lines], *plot.size, label)


def roc(attack: Attack, *, label: str) -> str:
    """The attack's ROC on logarithmic axes, the guess, and what (ε, δ) allows."""
    plot = Plot(x=shares(least=LEAST, name="others accused"), y=shares(least=LEAST), width=240,
                height=200)  # fmt: skip
    grid = [10 ** (-3 + 3 * k / 60) for k in range(61)]
    parts = [*plot.frame(), plot.line(grid, grid, "guide")]
    if attack.limit:
        inside = [(f, t) for f, t in zip(attack.limit_fpr, attack.limit, strict=True) if f >= LEAST]
        parts.append(plot.line([f for f, _ in inside], [t for _, t in inside], "limit"))
    found = [_step_at(attack, f) for f in grid]
    parts.append(plot.line(grid, found, "synthetic"))
    return figure(parts, *plot.size, label)


def _step_at(attack: Attack, fpr: float) -> float:
    """The share of members found when at most `fpr` of the others are accused."""
    reached = [t for f, t in zip(attack.fpr_points, attack.tpr_points, strict=True) if f <= fpr]
    return max(reached, default=0.0)


def forest(
    rows: Sequence[tuple[str, Sequence[Mark]]],
    *,
    label: str,
    guide: float | None = None,
    name: str = "",
    width: int = 300,
) -> str:
    """A line a name, its estimates as dots with intervals.

    Args:
        rows: Names with their estimates.
        label: For those who do not see it.
        guide: Where a vertical line stands, such as "no effect".
        name: Of the horizontal axis.
        width: Of the area, in pixels.
    """
    ends = [
        v for _, marks in rows for m in marks for v in (m.value, m.low, m.high) if v is not None
    ]
    across = linear([*ends, *([] if guide is None else [guide])], name=name)
    pitch = 11 * max(1, max(len(marks) for _, marks in rows)) + 5
    height = pitch * len(rows)
    plot = Plot(x=across, y=Axis(low=0.0, high=float(height)), width=width, height=height, left=180)
    parts = plot.frame()
    if guide is not None:
        parts.append(plot.line([guide, guide], [0.0, float(height)], "guide"))
    for i, (text, marks) in enumerate(rows):
        middle = height - pitch * (i + 0.5)
        parts.append(
            f'<text class="tick end" x="174" y="{plot.at(0, middle)[1] + 3.5:.1f}">'
            f"{escape(short(text, 30))}<title>{escape(text)}</title></text>"
        )
        for k, mark in enumerate(marks):
            y = middle - 11 * (k - (len(marks) - 1) / 2)
            if mark.low is not None and mark.high is not None:
                parts.append(plot.line([mark.low, mark.high], [y, y], mark.style))
            tip = f"{text}: {mark.style} {mark.value:.3g}"
            parts.append(plot.dot(mark.value, y, mark.style, tip=tip, radius=3.2))
    return figure(parts, *plot.size, label)


def overlaid(
    real: Sequence[float], synthetic: Sequence[float], *, label: str, name: str = ""
) -> str:
    """Two histograms over the same bars of 0 to 1: real as an outline, synthetic filled."""
    plot = Plot(x=shares(name=name), y=linear([0.0, *real, *synthetic], zero=True), width=250,
                height=120)  # fmt: skip
    step = 1 / len(real)
    parts = plot.frame()
    for i, share in enumerate(synthetic):
        x0, y = plot.at(i * step, share)
        x1, y0 = plot.at((i + 1) * step, 0)
        parts.append(f'<rect class="synthetic" x="{x0 + 0.5:.1f}" y="{y:.1f}" '
                     f'width="{x1 - x0 - 1:.1f}" height="{y0 - y:.1f}"/>')  # fmt: skip
    xs = [k * step for k in range(len(real) + 1)]
    parts.append(plot.line(xs, [*real, real[-1]], "real", step=True))
    return figure(parts, *plot.size, label)


def cumulative(values: Sequence[float], real: Sequence[float], synthetic: Sequence[float], *,
               label: str) -> str:  # fmt: skip
    """Cumulative shares of one column in both tables."""
    axis = linear(list(values))
    ends = (axis.ticks[0], axis.ticks[-1])
    plot = Plot(x=Axis(low=axis.low, high=axis.high, ticks=ends), y=shares(), width=170, height=90)
    parts = [plot.line(values, real, "real"), plot.line(values, synthetic, "synthetic")]
    return figure([*plot.frame(), *parts], *plot.size, label)


def pairs_of_dots(
    points: Iterable[tuple[float, float]], *, label: str, name: str, tips: Sequence[str]
) -> str:
    """Real across, synthetic up, on one scale; on the diagonal they agree."""
    points = list(points)
    axis = linear([v for p in points for v in p])
    across = Axis(low=axis.low, high=axis.high, ticks=axis.ticks, name=name)
    plot = Plot(x=across, y=axis, width=190, height=190)
    dots = [plot.dot(a, b, "synthetic", tip=t) for (a, b), t in zip(points, tips, strict=True)]
    diagonal = plot.line([axis.low, axis.high], [axis.low, axis.high], "guide")
    return figure([*plot.frame(), diagonal, *dots], *plot.size, label)


def clouds(
    real: Sequence[tuple[float, float]], synthetic: Sequence[tuple[float, float]], *, label: str
) -> str:
    """Two clouds of points on the same axes."""
    points = [*real, *synthetic]
    plot = Plot(x=linear([p[0] for p in points], name="first component"),
                y=linear([p[1] for p in points]), width=230, height=190)  # fmt: skip
    parts = plot.frame()
    # One path a cloud: a thousand circles would weigh as much as the rest of the page.
    for cloud, style in ((real, "real"), (synthetic, "synthetic")):
        path = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in (plot.at(*p) for p in cloud))
        parts.append(f'<path class="cloud {style}" d="{path}"/>')
    return figure(parts, *plot.size, label)


def heat_map(matrix: Sequence[Sequence[float | None]], *, label: str, side: int) -> str:
    """A square of cells, -1 to 1: one colour for plus, another for minus, paler near 0."""
    cells: dict[tuple[str, int], list[str]] = {}
    for i, row in enumerate(matrix):
        for j, value in enumerate(row):
            if value is None:
                continue
            level = min(8, round(abs(value) * 8))
            if level:
                key = ("plus" if value > 0 else "minus", level)
                cells.setdefault(key, []).append(f"M{j} {i}h1v1h-1z")
    # One path a shade: sixty columns have 3,600 cells, and three maps are drawn.
    parts = [f'<rect class="track" width="{len(matrix)}" height="{len(matrix)}"/>'] + [
        f'<path class="{sign}" fill-opacity="{level / 8:g}" d="{"".join(found)}"/>'
        for (sign, level), found in sorted(cells.items())
    ]
    scaled = f'<g transform="scale({side})">{"".join(parts)}</g>'
    return figure([scaled], side * len(matrix), side * len(matrix), label)


def budget(parts: Mapping[str, float], *, label: str) -> str:
    """One bar, cut by who took which share; at most six shades."""
    width, x, drawn = 640, 0.0, []
    for i, (name, share) in enumerate(parts.items()):
        drawn.append(
            f'<rect class="shade{i % 6}" x="{x:.1f}" y="0" '
            f'width="{max(0.0, share * width - 1.5):.1f}" height="22">'
            f"<title>{escape(name)}: {share:.0%}</title></rect>"
        )
        x += share * width
    return figure(drawn, width, 22, label)


def _number(value: float, shown: str) -> str:
    return f"{value:.1%}" if shown == "share" else f"{value:.2f}"
