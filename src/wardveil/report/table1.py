"""Table 1: the rows of a summary as texts, and the numbers under a chart."""

import math
from collections.abc import Iterator
from typing import Any

from wardveil.evaluation.profile import Profile, number_text
from wardveil.evaluation.summary import Row
from wardveil.report.svg import smd_dot


def table1_line(row: Row) -> dict[str, Any]:
    """One line of Table 1 as texts."""
    if row.measure == "share":
        cells = [f"{value:.1%}" for value in row.value]
    elif row.unit == "date":
        cells = [_date_text(v, sd) for v, sd in zip(row.value, row.sd, strict=True)]
    else:
        cells = [_mean_text(v, sd) for v, sd in zip(row.value, row.sd, strict=True)]
    return {"column": row.column, "level": row.level, "real": cells[0], "synthetic": cells[1],
            "unit": "" if row.unit == "date" else row.unit, "lone": row.lone,
            "smd": _smd_text(row.smd), "far": abs(row.smd) > 0.1, "dot": smd_dot(row.smd),
            }  # fmt: skip


def numbers(profile: Profile) -> Iterator[tuple[str, str, str]]:
    """The shares behind a chart: label, real, synthetic."""
    for label, real, synthetic in zip(profile.labels, profile.real, profile.synthetic, strict=True):
        yield label, f"{real:.1%}", f"{synthetic:.1%}"
    if max(profile.missing) > 0:
        yield "missing", f"{profile.missing[0]:.1%}", f"{profile.missing[1]:.1%}"


def _smd_text(smd: float) -> str:
    if not math.isfinite(smd):
        return "–"
    return "0.00" if abs(smd) < 0.005 else f"{smd:+.2f}".replace("-", "−")


def _mean_text(mean: float, sd: float) -> str:
    if math.isnan(mean) or math.isnan(sd):
        return "–" if math.isnan(mean) else number_text(mean, "")
    digits = 0 if sd >= 100 or sd == 0 else 1 if sd >= 1 else 1 - math.floor(math.log10(sd))
    return f"{mean:,.{digits}f} ({sd:,.{digits}f})"


def _date_text(mean: float, sd: float) -> str:
    if math.isnan(mean):
        return "–"
    return f"{number_text(mean, 'date')} ({0 if math.isnan(sd) else sd:.0f} d)"
