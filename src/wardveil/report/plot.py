"""Plot: an area with two axes, and marks on it, as parts of an SVG.

Colours and strokes come from the page's classes: `real` and `synthetic` say whose a mark is.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

LEFT: Final = 44
"""Room for the labels of the vertical axis."""
BELOW: Final = 32
"""Room for the labels of the horizontal axis and its name."""
GAP: Final = 8
"""Room above and at the right, so that marks at the border are whole."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A scale.

    Attributes:
        low: Its lower end.
        high: Its upper end, above `low`.
        ticks: Where it is labelled: (value, text).
        log: Whether it is logarithmic; then values below `low` are drawn at `low`.
        name: What it measures; "" leaves the name out.
    """

    low: float
    high: float
    ticks: tuple[tuple[float, str], ...] = ()
    log: bool = False
    name: str = ""

    def part(self, value: float) -> float:
        """Where a value lies, 0 to 1; values beyond the ends are drawn at the ends."""
        value = min(max(value, self.low), self.high)
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)


def linear(values: Sequence[float], *, name: str = "", zero: bool = False) -> Axis:
    """A linear axis around finite values, with round labels.

    Args:
        values: At least one.
        name: What they measure.
        zero: Whether the axis begins at 0.
    """
    low, high = (0.0 if zero else min(values)), max(values)
    if high <= low:
        low, high = (low, low + 1.0) if zero else (low - 0.5, high + 0.5)
    rough = (high - low) / 4
    unit = 10.0 ** math.floor(math.log10(rough))
    step = unit * next(m for m in (1, 2, 2.5, 5, 10) if m * unit >= rough * 0.999)
    low, high = math.floor(low / step + 1e-9) * step, math.ceil(high / step - 1e-9) * step
    digits = max(0, -math.floor(math.log10(step) + 1e-9) + (1 if step / unit == 2.5 else 0))
    marks = [low + k * step for k in range(round((high - low) / step) + 1)]
    ticks = tuple((v, f"{v:,.{digits}f}".replace("-", "−")) for v in marks)
    return Axis(low=low, high=high, ticks=ticks, name=name)


def shares(*, name: str = "", least: float = 0.0) -> Axis:
    """An axis of shares, 0 to 100 %; logarithmic from `least` on when that is above 0."""
    if least > 0:
        powers = range(math.floor(math.log10(least) + 1e-9), 1)
        ticks = tuple((10.0**p, f"{100 * 10.0**p:g} %") for p in powers)
        return Axis(low=least, high=1.0, ticks=ticks, log=True, name=name)
    ticks = tuple((v, f"{v:.0%}".replace("%", " %")) for v in (0.0, 0.25, 0.5, 0.75, 1.0))
    return Axis(low=0.0, high=1.0, ticks=ticks, name=name)


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A plotting area.

    Attributes:
        x: Horizontal axis.
        y: Vertical axis.
        width: Of the area between the axes, in pixels.
        height: Of the same.
        left: Room for the labels of the vertical axis.
    """

    x: Axis
    y: Axis
    width: int = 250
    height: int = 170
    left: int = LEFT

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Pixels of a point."""
        return (
            self.left + self.x.part(x) * self.width,
            GAP + (1 - self.y.part(y)) * self.height,
        )

    def line(
        self, xs: Sequence[float], ys: Sequence[float], style: str, *, step: bool = False
    ) -> str:
        """A line through points, or steps that keep each value until the next point."""
        points = [self.at(x, y) for x, y in zip(xs, ys, strict=True)]
        if not points:
            return ""
        path = f"M{points[0][0]:.1f} {points[0][1]:.1f}"
        for x, y in points[1:]:
            path += f"H{x:.1f}V{y:.1f}" if step else f"L{x:.1f} {y:.1f}"
        if step:
            path += f"H{self.left + self.width:.1f}"
        return f'<path class="line {style}" d="{path}"/>'

    def band(
        self, xs: Sequence[float], low: Sequence[float], high: Sequence[float], style: str
    ) -> str:
        """The area between two lines."""
        upper = [self.at(x, y) for x, y in zip(xs, high, strict=True)]
        lower = [self.at(x, y) for x, y in zip(xs, low, strict=True)]
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in [*upper, *lower[::-1]])
        return f'<polygon class="ribbon {style}" points="{points}"/>'

    def dot(self, x: float, y: float, style: str, *, tip: str = "", radius: float = 3) -> str:
        """A point, with a sentence of its own."""
        px, py = self.at(x, y)
        mark = f'<circle class="dot {style}" cx="{px:.1f}" cy="{py:.1f}" r="{radius:g}"'
        return f"{mark}><title>{escape(tip)}</title></circle>" if tip else f"{mark}/>"

    def frame(self) -> list[str]:
        """Both axes with their labels and a faint grid."""
        right, bottom = self.left + self.width, GAP + self.height
        parts = []
        for value, text in self.y.ticks:
            y = self.at(self.x.low, value)[1]
            parts.append(
                f'<line class="grid" x1="{self.left}" y1="{y:.1f}" x2="{right}" y2="{y:.1f}"/>'
            )
            parts.append(
                f'<text class="tick end" x="{self.left - 5}" y="{y + 3.5:.1f}">{text}</text>'
            )
        for i, (value, text) in enumerate(self.x.ticks):
            x = self.at(value, self.y.low)[0]
            parts.append(f'<line class="grid" x1="{x:.1f}" y1="{GAP}" x2="{x:.1f}" y2="{bottom}"/>')
            anchor = " start" if i == 0 else " end" if i == len(self.x.ticks) - 1 else " middle"
            parts.append(
                f'<text class="tick{anchor}" x="{x:.1f}" y="{bottom + 13}">{escape(text)}</text>'
            )
        parts.append(f'<path class="axis" d="M{self.left} {GAP}V{bottom}H{right}"/>')
        if self.x.name:
            parts.append(
                f'<text class="name end" x="{right}" y="{bottom + 26}">{escape(self.x.name)}</text>'
            )
        return parts

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole figure."""
        return self.left + self.width + GAP, GAP + self.height + BELOW
