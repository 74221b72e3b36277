"""Calibration among the rows that keep the declared rules.

Rows that break a rule are drawn again, and that changes every column's law. So the columns of a
generator are moved such that the law of the kept rows is the known one: what is wanted of a
category is what is known, times the share it had among all over the share it had among the kept.
The nearest of a few turns is taken.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from wardveil.encode.calibrate import calibrated, calibration, drawn_shares, known_shares
from wardveil.encode.matrix import Matrix
from wardveil.models.obedience import kept, ruled
from wardveil.schema import Schema
from wardveil.vault import Rows

TURNS = 6
"""Times that columns are moved, where rows that break rules are drawn again."""
BANDS = 16
"""Parts of equal mass in which the law of a number is compared."""
MOST_BROKEN = 20
"""Rows drawn for each that keeps the rules, beyond which the kept ones say too little."""

Which = NDArray[np.int64]
"""Positions of rows."""


class Attempt(Protocol):
    """Columns moved in one way, and the rows that come of it."""

    @property
    def rows(self) -> Rows:
        """By variable."""

    def shares(self, among: Which) -> Tensor:
        """How many of some rows have each category, and half a row more, as a share."""

    def unevenness(self, among: Which) -> float:
        """How far numbers of some rows are from the known law, the sum of TVD over numbers."""


Moved = TypeVar("Moved", bound=Attempt)


def among_kept(
    attempt: Callable[[Tensor, Which], Moved], known: Tensor, *, m: int, schema: Schema
) -> Moved:
    """The attempt that brings the kept rows nearest to what is known.

    Args:
        attempt: Given wanted shares of categories, and the rows whose numbers shall have the
            known law, moves the columns.
        known: Share of each category of every variable.
        m: Rows.
        schema: Complete; without rules the first attempt is taken.
    """
    every = np.arange(m)
    wanted, good = known, every
    best, least = attempt(wanted, good), np.inf
    if not ruled(schema):
        return best
    found = best
    for turn in range(TURNS):
        if turn:
            found = attempt(wanted, good)
        _, good = kept(found.rows, schema, {})
        if len(good) < m / MOST_BROKEN:
            break
        share = found.shares(good)
        gap = 0.5 * float((share - known).abs().sum()) + found.unevenness(good)
        if gap < least:
            best, least = found, gap
        wanted = known * found.shares(every) / share
    return best


def unevenness(rank: NDArray[np.float64]) -> float:
    """TVD of ranks in [0, 1] from the uniform law, in `BANDS` parts."""
    share = np.histogram(rank, BANDS, (0.0, 1.0))[0] / max(len(rank), 1)
    return 0.5 * float(np.abs(share - 1 / BANDS).sum())


def matrix_calibration(
    matrix: Matrix, drawn: Tensor, schema: Schema, decoded: Callable[[Tensor], Rows]
) -> Mapping[str, Tensor]:
    """What `encode.calibrate.calibrated` needs, found among the rows that keep the rules.

    Args:
        matrix: The layout and the known distributions.
        drawn: (m, d) generator output in [-1, 1], m large.
        schema: Complete.
        decoded: Whole rows, all variables of the schema, of calibrated output.
    """

    def attempt(shares: Tensor, among: Which) -> _OnMatrix:
        fitted = calibration(matrix, drawn, shares, among)
        x = calibrated(matrix, drawn, fitted)
        return _OnMatrix(matrix=matrix, fitted=fitted, x=x, rows=decoded(x))

    return among_kept(attempt, known_shares(matrix), m=len(drawn), schema=schema).fitted


@dataclass(frozen=True, kw_only=True)
class _OnMatrix:
    """An attempt on a matrix."""

    matrix: Matrix
    fitted: Mapping[str, Tensor]
    x: Tensor
    rows: Rows

    def shares(self, among: Which) -> Tensor:
        """See `Attempt`."""
        return drawn_shares(self.matrix, self.rows, among)

    def unevenness(self, among: Which) -> float:
        """See `Attempt`."""
        gap = 0.0
        for b in self.matrix.blocks:
            if b.number:
                known = ~np.isnan(self.rows[b.variable.name][among])
                gap += unevenness((self.x[among, b.start].numpy()[known] + 1) / 2)
        return gap
