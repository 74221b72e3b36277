"""SVG: the few small figures of the report, as text.

Colours come from CSS classes of the page, so that one figure serves light, dark and paper.
Every figure has a title and a label; nothing is drawn by a script.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Final

from wardveil.evaluation.profile import Profile

WIDTH: Final = 260
HEIGHT: Final = 108
ROW: Final = 15
"""Height of one level's bar."""
LABEL: Final = 92
"""Width of the names of levels."""
GAUGE: Final = 34
"""Width kept for the bar of missing cells beside a histogram."""
LETTERS: Final = 16
"""Letters of a level's name that fit."""


def profile_chart(profile: Profile, *, alone: bool = False) -> str:
    """Real as a grey outline, synthetic as filled bars, missing apart.

    Args:
        profile: What is drawn.
        alone: Whether there is no real table, and only the synthetic one is drawn.
    """
    label = f"{profile.column}: {'' if alone else 'real and '}synthetic distribution"
    if profile.kind == "numbers":
        parts, height = _histogram(profile, alone=alone), HEIGHT + 18
    else:
        parts, height = _rows(profile, alone=alone)
    return figure(parts, WIDTH, height, label)


def smd_dot(smd: float) -> str:
    """A dot on a scale from -0.5 to 0.5, with the band of ±0.1 in which nobody worries."""
    width, middle = 120, 8
    center, unit = width / 2, width - 12
    parts = [
        f'<line class="axis" x1="0" y1="{middle}" x2="{width}" y2="{middle}"/>',
        f'<rect class="band" x="{center - 0.1 * unit:.1f}" y="1" width="{0.2 * unit:.1f}" '
        'height="14" rx="2"/>',
        f'<line class="axis" x1="{center}" y1="1" x2="{center}" y2="15"/>',
    ]
    label = "SMD not defined"
    if math.isfinite(smd):
        label = f"SMD {smd:.2f}"
        x = center + max(-0.5, min(0.5, smd)) * unit
        far = " far" if abs(smd) > 0.1 else ""
        parts.append(f'<circle class="dot{far}" cx="{x:.1f}" cy="{middle}" r="4"/>')
    return figure(parts, width, 16, label)


def pair_map(columns: Sequence[str], pairs: Mapping[tuple[str, str], float]) -> str:
    """The TVD of every pair as a lower triangle; the darker, the farther apart."""
    side = max(6, min(18, 620 // max(1, len(columns))))
    left = 130
    parts = []
    place = {name: i for i, name in enumerate(columns)}
    for (a, b), tvd in pairs.items():
        row, column = max(place[a], place[b]), min(place[a], place[b])
        parts.append(
            f'<rect class="cell" x="{left + column * side}" y="{row * side}" '
            f'width="{side - 1}" height="{side - 1}" fill-opacity="{min(1.0, tvd / 0.4):.2f}">'
            f"<title>{escape(a)} × {escape(b)}: {tvd:.3f}</title></rect>"
        )
    if side >= 9:
        parts += [
            f'<text class="tick end" x="{left - 6}" y="{i * side + side - 4}">'
            f"{escape(short(name, 22))}</text>"
            for i, name in enumerate(columns)
        ]
    size = len(columns) * side
    return figure(parts, left + size, size, "TVD of every pair of columns")


def _histogram(profile: Profile, *, alone: bool) -> list[str]:
    has_missing = max(profile.missing) > 0
    width = WIDTH - (GAUGE if has_missing else 0)
    top = max(*profile.real, *profile.synthetic, 1e-9)
    step = width / len(profile.real)
    ys = [HEIGHT - share / top * (HEIGHT - 6) for share in profile.real]
    outline = f"M0 {HEIGHT}" + "".join(f"V{y:.1f}H{(i + 1) * step:.1f}" for i, y in enumerate(ys))
    drawn = [] if alone else [f'<path class="real" d="{outline}V{HEIGHT}"/>']
    parts = [
        _bar(i * step + 0.4, HEIGHT - h, step - 0.8, h, tip)
        for i, (share, tip) in enumerate(_tips(profile, alone=alone))
        if (h := share / top * (HEIGHT - 6)) > 0
    ]
    parts += [
        *drawn,
        f'<line class="axis" x1="0" y1="{HEIGHT}" x2="{width}" y2="{HEIGHT}"/>',
        f'<text class="tick" x="0" y="{HEIGHT + 13}">{escape(profile.ticks[0])}</text>',
        f'<text class="tick end" x="{width}" y="{HEIGHT + 13}">{escape(profile.ticks[1])}</text>',
    ]
    return [*parts, *_gauge(profile.missing, alone=alone)] if has_missing else parts


def _gauge(missing: tuple[float, float], *, alone: bool) -> list[str]:
    """The share of missing cells on its own scale of 0 to 100 %."""
    x, w = WIDTH - 17, 12
    real, synthetic = (share * HEIGHT for share in missing)
    outline = f'height="{real:.1f}"/>'
    return [
        f'<rect class="track" x="{x}" y="0" width="{w}" height="{HEIGHT}"/>',
        _bar(
            x, HEIGHT - synthetic, w, synthetic, _tip("missing", *missing, alone=alone), "missing"
        ),
        ""
        if alone
        else f'<rect class="real" x="{x}" y="{HEIGHT - real:.1f}" width="{w}" {outline}',
        f'<text class="tick end" x="{WIDTH}" y="{HEIGHT + 13}">miss.</text>',
    ]


def _rows(profile: Profile, *, alone: bool) -> tuple[list[str], int]:
    """A row a level: its name, the synthetic bar, the real outline."""
    bars = [
        (name, real, synthetic, "synthetic")
        for name, real, synthetic in zip(
            profile.labels, profile.real, profile.synthetic, strict=True
        )
    ]
    if max(profile.missing) > 0:
        bars.append(("missing", *profile.missing, "missing"))
    top = max((max(real, synthetic) for _, real, synthetic, _ in bars), default=1.0) or 1.0
    room = WIDTH - LABEL - 1
    parts: list[str] = []
    y = 1
    for name, real, synthetic, style in bars:
        y += 5 if style == "missing" else 0
        parts += [
            f'<text class="tick end" x="{LABEL - 6}" y="{y + 10}">'
            f"{escape(short(name, LETTERS))}<title>{escape(name)}</title></text>",
            _bar(
                LABEL,
                y,
                synthetic / top * room,
                ROW - 4,
                _tip(name, real, synthetic, alone=alone),
                style,
            ),
        ]
        if not alone:
            parts.append(
                f'<rect class="real" x="{LABEL}" y="{y}" '
                f'width="{real / top * room:.1f}" height="{ROW - 4}"/>'
            )
        y += ROW
    return parts, max(y, 30)


def _tips(profile: Profile, *, alone: bool) -> Iterable[tuple[float, str]]:
    for name, real, synthetic in zip(profile.labels, profile.real, profile.synthetic, strict=True):
        yield synthetic, _tip(name, real, synthetic, alone=alone)


def _tip(name: str, real: float, synthetic: float, *, alone: bool) -> str:
    if alone:
        return f"{name}: {synthetic:.1%}"
    return f"{name}: real {real:.1%}, synthetic {synthetic:.1%}"


def _bar(
    x: float, y: float, width: float, height: float, tip: str, style: str = "synthetic"
) -> str:
    return (
        f'<rect class="{style}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}"><title>{escape(tip)}</title></rect>'
    )


def short(text: str, letters: int) -> str:
    """The text, cut to a number of letters."""
    return text if len(text) <= letters else text[: letters - 1] + "…"


def figure(parts: Sequence[str], width: float, height: float, label: str) -> str:
    """An SVG of some parts, with a title and a label for those who do not see it."""
    return (
        f'<svg viewBox="-1 -1 {width + 2:g} {height + 2:g}" width="{width + 2:g}" '
        f'height="{height + 2:g}" role="img" aria-label="{escape(label)}">'
        f"<title>{escape(label)}</title>{''.join(parts)}</svg>"
    )
