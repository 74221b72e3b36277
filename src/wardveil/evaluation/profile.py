"""Profile: the distribution of one column in two tables, ready to be drawn."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from wardveil.evaluation.prepared import DISTINCT, Flags, Floats, Prepared, Texts

BARS: Final = 24
MOST_LEVELS: Final = 12


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Shares of both tables over the same bars.

    Attributes:
        column: Column name.
        kind: "numbers": bars of equal width over the real values; "levels": one bar a level;
            "codes": one bar a code, which need not add up to 1.
        unit: The column's unit, for people.
        labels: What each bar stands for.
        ticks: Labels of the left and the right end of the axis; empty for levels.
        real: Shares of the real rows, (bars,).
        synthetic: Shares of the synthetic rows, (bars,).
        missing: Shares of missing cells, real and synthetic.
    """

    column: str
    kind: Literal["numbers", "levels", "codes"]
    unit: str
    labels: tuple[str, ...]
    ticks: tuple[str, ...]
    real: tuple[float, ...]
    synthetic: tuple[float, ...]
    missing: tuple[float, float]


def profiles(real: Prepared, synthetic: Prepared) -> tuple[Profile, ...]:
    """One profile a column, in the table's order."""
    return tuple(_profile(name, real, synthetic) for name in real.columns)


def _profile(name: str, real: Prepared, synthetic: Prepared) -> Profile:
    ours, theirs, unit = real.columns[name], synthetic.columns[name], real.units.get(name, "")
    if isinstance(ours, Flags):
        assert isinstance(theirs, Flags)
        return _codes(name, ours, theirs)
    assert not isinstance(theirs, Flags)
    if ours.dtype == object:
        return _levels(name, unit, ours, theirs, order=real.levels.get(name, ()))
    known = ours[~np.isnan(ours.astype(np.float64))].astype(np.float64)
    if len(np.unique(known)) <= DISTINCT:
        return _levels(name, unit, _named(ours, unit), _named(theirs, unit))
    return _numbers(name, unit, ours.astype(np.float64), theirs.astype(np.float64))


def _numbers(name: str, unit: str, real: Floats, synthetic: Floats) -> Profile:
    """Bars of equal width between the real 0.5 % and 99.5 % quantiles; tails go to the ends."""
    low, high = np.quantile(real[~np.isnan(real)], [0.005, 0.995])
    if low == high:
        low, high = np.nanmin(real), np.nanmax(real)
    edges = np.linspace(low, high, BARS + 1)
    if unit != "date" and _whole(real) and (width := np.ceil((high - low + 1) / BARS)) >= 1:
        # Whole numbers: bars of the same whole width, or some bars would hold more numbers.
        edges = np.arange(low - 0.5, high + width, width)
    shown = [number_text(float(e), unit) for e in edges]
    return Profile(
        column=name, kind="numbers", unit=unit,
        labels=(f"up to {shown[1]}", *(f"{a} to {b}" for a, b in pairwise(shown[1:-1])),
                f"{shown[-2]} and more"),
        ticks=(number_text(float(np.ceil(edges[0])) if _whole(real) else float(edges[0]), unit),
               number_text(float(np.floor(edges[-1])) if _whole(real) else float(edges[-1]),
                           unit)),
        real=_histogram(real, edges), synthetic=_histogram(synthetic, edges),
        missing=(float(np.isnan(real).mean()), float(np.isnan(synthetic).mean())),
    )  # fmt: skip


def _histogram(values: Floats, edges: Floats) -> tuple[float, ...]:
    known = np.clip(values[~np.isnan(values)], edges[0], edges[-1])
    return tuple((np.histogram(known, edges)[0] / len(values)).tolist())


def _levels(
    name: str,
    unit: str,
    real: Floats | Texts,
    synthetic: Floats | Texts,
    *,
    order: tuple[str, ...] = (),
) -> Profile:
    """The most frequent real levels in their own order, the others as one bar."""
    found, counts = np.unique(_known(real), return_counts=True)
    frequent = np.sort(np.argsort(-counts, kind="stable")[:MOST_LEVELS])
    levels = [str(level) for level in found[frequent]]
    if order:
        levels.sort(key=order.index)
    elif all(_is_number(level) for level in levels):
        levels.sort(key=float)
    shares = [[float(np.mean(t == level)) for level in levels] for t in (real, synthetic)]
    absent = [float(np.mean(t == None)) for t in (real, synthetic)]  # noqa: E711 (elementwise)
    rest = [max(0.0, 1.0 - sum(s) - m) for s, m in zip(shares, absent, strict=True)]
    if max(rest) > 1e-9:
        levels.append("other")
        shares = [[*s, r] for s, r in zip(shares, rest, strict=True)]
    return Profile(column=name, kind="levels", unit=unit, labels=tuple(levels), ticks=(),
                   real=tuple(shares[0]), synthetic=tuple(shares[1]),
                   missing=(absent[0], absent[1]))  # fmt: skip


def _codes(name: str, real: Flags, synthetic: Flags) -> Profile:
    """The most frequent real codes."""
    place = {code: i for i, code in enumerate(synthetic.codes)}
    ours = real.held.mean(axis=0)
    order = np.argsort(-ours, kind="stable")[:MOST_LEVELS]
    labels = tuple(real.codes[i] for i in order)
    theirs = [
        float(synthetic.held[:, place[code]].mean()) if code in place else 0.0 for code in labels
    ]
    return Profile(column=name, kind="codes", unit="", labels=labels, ticks=(),
                   real=tuple(ours[order].tolist()), synthetic=tuple(theirs),
                   missing=(float(real.missing.mean()), float(synthetic.missing.mean())),
                   )  # fmt: skip


def number_text(value: float, unit: str) -> str:
    """A number for people; the unit "date" makes it a day."""
    if unit == "date":
        return str(np.datetime64(round(value), "D"))
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value + 0.0:.3g}"  # no -0


def _named(column: Floats | Texts, unit: str) -> NDArray[np.object_]:
    """Numbers as level names, missing -> None."""
    numbers = column.astype(np.float64)
    return np.array([None if np.isnan(v) else number_text(v, unit) for v in numbers], dtype=object)


def _known(column: Floats | Texts) -> NDArray[np.object_]:
    return np.array([v for v in column if v is not None], dtype=object)


def _whole(values: Floats) -> bool:
    known = values[~np.isnan(values)]
    return bool(np.all(known == np.rint(known)))


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).removeprefix("-").isdecimal()
