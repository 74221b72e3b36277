"""Follow-up: who came to which visit, how long patients were followed, and how that ended.

    attendance  Σ m, m who missed which visit (`encode.missed`): all measures of a visit are
                missing together, and said once that is told several times as precisely
    survival    for each pair of a time and an event the table of bands of time × event: censoring
                and events at a time belong together, and a curve needs both

Where a schema declares them, these are asked for by themselves, and what histograms said of the
same columns is put right by them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression

from wardveil.encode.bins import Bins, corrected
from wardveil.encode.histogram import Probabilities, to_total
from wardveil.encode.missed import Missed
from wardveil.encode.pairs import planned_noise
from wardveil.privacy import Marginals, Moments, Question
from wardveil.schema import Schema
from wardveil.schema.variable import Numeric, Variable
from wardveil.vault import Vault

BANDS = 12
"""Bands of time, at most; and a band has at least `FIRM` times the noise on it."""
FIRM = 4.0

Known = Mapping[str, Probabilities]


@dataclass(frozen=True, kw_only=True)
class Ending:
    """A time and an event together.

    Attributes:
        bins: Bands of the time, and whether the event was seen.
        table: Share of the patients in each, (bands, ends).
        sd: Noise on a share.
    """

    bins: Bins
    table: NDArray[np.float64]
    sd: float

    @property
    def names(self) -> tuple[str, str]:
        """Of the time and the event."""
        time, event = self.bins.variables
        return time.name, event.name

    def bands(self, name: str) -> NDArray[np.float64]:
        """Which band each cell of one of them is in, (size, bands) of 0 and 1."""
        return np.eye(self.bins.sizes[name])[self.bins.group[name]]


def questions(schema: Schema, *, attendance: float, survival: float) -> list[Question]:
    """What is asked, at these shares of the budget, where the schema declares it."""
    asked: list[Question] = []
    trial = schema.trial
    can = trial is not None and any(schema.by_name[name].nullable for name in trial.grid)
    if trial is not None and trial.whole_visits and can:
        asked.append(Moments(name="attendance", share=attendance))
    if pairs := _pairs(schema):
        asked.append(Marginals(name="survival", count=len(pairs), share=survival))
    return asked


def impossible(schema: Schema, bins: Bins) -> Iterator[tuple[str, str, NDArray[np.float64]]]:
    """Under drop-out: measures at two visits in turn, and 1 where the first alone is missing."""
    trial = schema.trial
    if trial is None or trial.missed != "dropout":
        return
    for m in trial.measures:
        for v, then in pairwise(trial.visits):
            a, b = trial.column(m, v), trial.column(m, then)
            if schema.by_name[a].nullable:
                table = np.zeros((bins.sizes[a], bins.sizes[b]))
                table[-1, :-1] = 1.0
                yield a, b, table


def attended(vault: Vault, n: int, p: Known) -> Known:
    """Distributions in which as many miss a visit as the answer says."""
    missed = Missed(vault.schema, p)
    answer = vault.mean(missed, name="attendance")
    share = missed.share + answer.counts / (n * missed.unit)
    trial = vault.schema.trial
    assert trial is not None
    if trial.missed == "dropout":
        share = np.asarray(isotonic_regression(share).x)
    found = dict(p)
    for each, gone in zip(missed.visits, np.clip(share, 0.0, 1 - 1e-6), strict=True):
        for v in each:
            here = np.maximum(p[v.name][:-1], 0.0)
            here = here / here.sum() if here.sum() > 0 else np.full(len(here), 1 / len(here))
            found[v.name] = np.append(here * (1 - gone), gone)
    return found


def survived(vault: Vault, n: int, p: Known) -> tuple[Known, list[Ending]]:
    """Distributions of times and events put right, and how they go together."""
    found, endings = dict(p), []
    sd = planned_noise(vault, "survival")
    most = int(np.clip(n / (FIRM * max(sd, 1e-9)), 2, BANDS))
    for time, event in _pairs(vault.schema):
        bins = Bins((time, event), found, most)
        answer = vault.marginal((time.name, event.name), bins, name="survival")
        counts = {time.name: answer.counts.sum(axis=1), event.name: answer.counts.sum(axis=0)}
        bands, ends = answer.counts.shape
        noise = {time.name: answer.sd * sqrt(ends), event.name: answer.sd * sqrt(bands)}
        gaps = {v.name: _gap(v, counts[v.name] - n * bins.mass(v.name)) for v in (time, event)}
        found |= corrected(bins, gaps, noise, n)
        table = to_total(answer.counts.ravel(), n).reshape(answer.counts.shape) / n
        endings.append(Ending(bins=bins, table=table, sd=answer.sd / n))
    return found, endings


def _gap(variable: Variable, gap: NDArray[np.float64]) -> NDArray[np.float64]:
    """As `corrected` reads it: nothing about heaps, and of two bins the second alone."""
    heaps = len(variable.heaps) if isinstance(variable, Numeric) else 0
    return np.concatenate([np.zeros(heaps), gap[1:] if len(gap) == 2 else gap])


def _pairs(schema: Schema) -> Sequence[tuple[Variable, Variable]]:
    """Variables of each time with its event."""
    variables = {v.name: v for v in schema.variables}
    return [(variables[c.name], variables[c.pair]) for c in schema.modelled if c.kind == "time"]
