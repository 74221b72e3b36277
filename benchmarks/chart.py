"""A small chart as SVG text: one measure against ε or n, a line a method, the ruler dashed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

WIDTH: Final = 640
HEIGHT: Final = 300
LEFT: Final = 52
RIGHT: Final = 200
TOP: Final = 30
BOTTOM: Final = 36
Point = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Where values are drawn: ε on a logarithmic axis with a place for ∞, the measure upwards.

    Attributes:
        epsilons: All finite ε, ascending.
        top: The largest value of the measure.
    """

    epsilons: Sequence[float]
    top: float

    def x(self, epsilon: float) -> float:
        """Pixels from the left."""
        low, high = math.log(self.epsilons[0]), math.log(self.epsilons[-1])
        span = (high - low) * 1.3 or 1.0
        place = 1.0 if math.isinf(epsilon) else (math.log(epsilon) - low) / span
        return LEFT + 12 + place * (WIDTH - LEFT - RIGHT - 24)

    def y(self, value: float) -> float:
        """Pixels from the top."""
        shown = min(max(value, 0.0), self.top)
        return HEIGHT - BOTTOM - shown / self.top * (HEIGHT - TOP - BOTTOM)


def chart(
    title: str,
    lines: Mapping[str, Sequence[Point]],
    ruler: float,
    colours: Mapping[str, str],
    axis: str = "ε",
) -> str:
    """The figure; a line is (ε, value) by ascending ε, ∞ last. Negative values stand at 0.

    With another axis the first numbers are not ε, but as much above 0.
    """
    points = [p for line in lines.values() for p in line]
    finite = sorted({e for e, _ in points if not math.isinf(e)}) or [1.0]
    frame = Frame(epsilons=finite, top=max([v for _, v in points] + [ruler, 0.05]) * 1.05)
    parts = _axes(frame, axis, any(math.isinf(e) for e, _ in points))
    parts += [
        f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{frame.y(ruler):.1f}" '
        f'y2="{frame.y(ruler):.1f}" stroke="#999" stroke-dasharray="4 4"/>',
        _text(WIDTH - RIGHT - 2, frame.y(ruler) - 4, "ruler", "end", "#777"),
    ]
    for i, (name, line) in enumerate(lines.items()):
        parts += _line(frame, line, name, colours[name], TOP + 4 + 16 * i)
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
         f'font-family="sans-serif" role="img" aria-label="{escape(title)}">',
         f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
         _text(LEFT, 18, title, "start", "#222", 13), *parts, "</svg>", ""]
    )  # fmt: skip


def _axes(frame: Frame, axis: str, unbounded: bool) -> list[str]:  # noqa: FBT001
    base = HEIGHT - BOTTOM
    parts = [f'<path d="M{LEFT} {TOP}V{base}H{WIDTH - RIGHT}" fill="none" stroke="#444"/>']
    for k in range(5):
        value = frame.top * k / 4
        parts.append(_text(LEFT - 6, frame.y(value) + 4, f"{value:.2f}", "end"))
    ticks = [(frame.x(e), f"{e:,g}") for e in frame.epsilons]
    ticks += [(frame.x(math.inf), "∞")] if unbounded else []
    parts += [_text(x, base + 16, label, "middle") for x, label in ticks]
    return [*parts, _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 4, axis, "middle")]


def _line(frame: Frame, line: Sequence[Point], name: str, colour: str, legend: float) -> list[str]:
    places = [(frame.x(e), frame.y(v)) for e, v in line]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    width = 2.5 if legend == TOP + 4 else 1.2  # the first is ours
    return [
        f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="{width}"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places),
        f'<rect x="{WIDTH - RIGHT + 14}" y="{legend - 5}" width="12" height="6" fill="{colour}"/>',
        _text(WIDTH - RIGHT + 32, legend + 2, name, "start", "#222"),
    ]


def _text(x: float, y: float, text: str, anchor: str, fill: str = "#444", size: int = 11) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{fill}" '
        f'font-size="{size}">{escape(text)}</text>'
    )
