"""Scatters side by side as SVG text: a dot a code, real across, synthetic up, on square roots."""

from collections.abc import Sequence
from html import escape
from math import sqrt
from typing import Final

SIDE: Final = 280
LEFT: Final = 44
TOP: Final = 46
BOTTOM: Final = 34
TICKS: Final = (0.001, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0)


def scatter(title: str, panels: Sequence[tuple[str, Sequence[float], Sequence[float]]]) -> str:
    """The figure.

    Args:
        title: What it shows.
        panels: (name, real, synthetic) each, values in [0, 1].
    """
    top = max(max((*real, *fake), default=0.0) for _, real, fake in panels) * 1.05 or 1.0
    width = len(panels) * (SIDE + LEFT) + 16
    parts = [part for k, panel in enumerate(panels)
             for part in _panel(panel, top, LEFT + k * (SIDE + LEFT))]  # fmt: skip
    return "\n".join(
        [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {TOP + SIDE + BOTTOM}" '
         f'font-family="sans-serif" role="img" aria-label="{escape(title)}">',
         f'<rect width="{width}" height="{TOP + SIDE + BOTTOM}" fill="#fff"/>',
         _text(LEFT, 18, title, "start", 13), *parts, "</svg>", ""]
    )  # fmt: skip


def _panel(
    panel: tuple[str, Sequence[float], Sequence[float]], top: float, left: float
) -> list[str]:
    name, real, fake = panel
    base = TOP + SIDE

    def along(value: float) -> float:
        return SIDE * sqrt(min(max(value, 0.0), top) / top)

    parts = [
        f'<path d="M{left} {TOP}V{base}H{left + SIDE}" fill="none" stroke="#444"/>',
        f'<path d="M{left} {base}L{left + SIDE} {TOP}" stroke="#999" stroke-dasharray="4 4"/>',
        _text(left + 8, TOP + 4, name, "start", 12),
    ]
    for tick in (t for t in TICKS if t <= top):
        parts.append(_text(left + along(tick), base + 14, f"{tick:g}", "middle", 10))
        parts.append(_text(left - 4, base - along(tick) + 3, f"{tick:g}", "end", 10))
    parts += [
        f'<circle cx="{left + along(a):.1f}" cy="{base - along(b):.1f}" r="2" fill="#0b6e4f" '
        'fill-opacity="0.5"/>'
        for a, b in zip(real, fake, strict=True)
    ]
    return parts


def _text(x: float, y: float, text: str, anchor: str, size: int) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="#222" '
        f'font-size="{size}">{escape(text)}</text>'
    )
