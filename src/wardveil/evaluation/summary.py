"""Summary: the rows of a Table 1, real beside synthetic."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from wardveil.evaluation.prepared import DISTINCT, Flags, Floats, Prepared
from wardveil.evaluation.profile import Profile

Pair = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a Table 1. Pairs are (real, synthetic).

    Attributes:
        column: Column name.
        level: The level a share is of; "" for a mean; "missing" for the share of missing cells.
        lone: Whether this share alone says all of its column: a yes or no.
        measure: "mean" (over known values) or "share" (of all rows).
        value: Means in the column's unit, or shares between 0 and 1.
        sd: Standard deviations; NaN for shares.
        smd: Standardised mean difference, (synthetic - real) / pooled standard deviation; NaN
            where nothing varies.
        unit: The column's unit; "date" means days since 1970-01-01.
    """

    column: str
    level: str
    lone: bool
    measure: Literal["mean", "share"]
    value: Pair
    sd: Pair
    smd: float
    unit: str


def summary(real: Prepared, synthetic: Prepared, profiles: tuple[Profile, ...]) -> tuple[Row, ...]:
    """Table 1: means of numbers, shares of levels, shares of missing cells."""
    return tuple(row for p in profiles for row in _rows(p, real, synthetic))


def _rows(profile: Profile, real: Prepared, synthetic: Prepared) -> Iterator[Row]:
    column, match = real.columns[profile.column], synthetic.columns[profile.column]
    number = not isinstance(column, Flags) and column.dtype != object
    if number and profile.kind == "numbers":
        assert not isinstance(column, Flags)
        assert not isinstance(match, Flags)
        yield _mean(profile, column.astype(np.float64), match.astype(np.float64))
    else:
        shares = list(zip(profile.labels, profile.real, profile.synthetic, strict=True))
        lone = set(profile.labels) in ({"0", "1"}, {"no", "yes"})
        for label, ours, theirs in shares[: DISTINCT + 1]:
            if not lone or label in ("1", "yes"):
                yield _share(profile, label, (ours, theirs), lone=lone)
    if max(profile.missing) > 0:
        yield _share(profile, "missing", profile.missing)


def _mean(profile: Profile, real: Floats, synthetic: Floats) -> Row:
    known = [t[~np.isnan(t)] for t in (real, synthetic)]
    mean = [float(t.mean()) if len(t) else float("nan") for t in known]
    sd = [float(t.std(ddof=1)) if len(t) > 1 else float("nan") for t in known]
    return Row(column=profile.column, level="", lone=False, measure="mean", unit=profile.unit,
               value=(mean[0], mean[1]), sd=(sd[0], sd[1]),
               smd=_smd((mean[0], mean[1]), (sd[0] ** 2, sd[1] ** 2)))  # fmt: skip


def _share(profile: Profile, level: str, shares: Pair, *, lone: bool = False) -> Row:
    variances = (shares[0] * (1 - shares[0]), shares[1] * (1 - shares[1]))
    return Row(column=profile.column, level=level, lone=lone, measure="share", value=shares,
               sd=(float("nan"), float("nan")), unit=profile.unit,
               smd=_smd(shares, variances))  # fmt: skip


def _smd(value: Pair, variances: Pair) -> float:
    pooled = float(np.sqrt(max(0.0, sum(variances) / 2)))
    return (value[1] - value[0]) / pooled if pooled > 0 else float("nan")
