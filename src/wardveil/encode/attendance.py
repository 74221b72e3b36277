"""Attendance: who comes to which visit, where a trial says that whole visits are missed.

A generator marks every cell as missing by itself. Here the marks of a visit become one: the
participant was there or was not, and under drop-out never comes back.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
from scipy.optimize import isotonic_regression
from torch import Tensor

from wardveil.encode.matrix import KAPPA, Block, Matrix
from wardveil.schema.trial import Trial
from wardveil.schema.variable import Numeric

SURE: Final = 10.0
"""A coordinate of log-odds at which a draw is certain: e^(2 κ SURE)."""
KNOTS: Final = 1025


class Attendance:
    """The visits that can be missed, and how many come to each.

    Attributes:
        share: Participants who come to each visit that can be missed, (v,): the mean over the
            measures, and under drop-out the nearest curve that does not rise.
    """

    def __init__(self, trial: Trial, matrix: Matrix) -> None:
        by_name = {b.variable.name: b for b in matrix.blocks if b.variable.nullable}
        visits = [[by_name[name] for m in trial.measures if (name := trial.column(m, v)) in by_name]
                  for v in trial.visits]  # fmt: skip
        self.visits = [blocks for blocks in visits if blocks]
        self.dropout = trial.missed == "dropout"
        missing = [np.mean([matrix.p[b.variable.name][-1] for b in blocks])
                   for blocks in self.visits]  # fmt: skip
        self.share = 1 - np.array(missing, dtype=np.float64)
        if self.dropout and len(self.share):
            self.share = np.asarray(isotonic_regression(self.share, increasing=False).x)

    def fitted(self, x: Tensor) -> Mapping[str, Tensor]:
        """What `marked` needs, from calibrated rows of a generator: who stays how long."""
        if not self.visits or not self.dropout:
            return {}
        stay = (-self._odds(x).mean(dim=1)).sort().values
        at = (torch.linspace(0, 1, KNOTS, dtype=torch.float64) * (len(x) - 1)).long()
        return {"stay": stay[at]}

    def marked(self, x: Tensor, fitted: Mapping[str, Tensor], rng: np.random.Generator) -> Tensor:
        """Rows whose cells at a visit are all missing for certain, or none is, (n, d)."""
        if not self.visits:
            return x
        odds = self._odds(x)
        if self.dropout:
            knots = fitted["stay"].numpy() + 1e-12 * np.arange(KNOTS)  # strictly rising
            u = np.interp((-odds.mean(dim=1)).numpy(), knots, np.linspace(0, 1, KNOTS))
            gone = u[:, None] < 1 - self.share  # who stays longest comes to the last visit
        else:
            gone = rng.random(odds.shape) < torch.sigmoid(odds).numpy()
        out = x.clone()
        for blocks, missed in zip(self.visits, torch.from_numpy(gone).T, strict=True):
            for b in blocks:
                _mark(out, b, missed)
        return out

    def _odds(self, x: Tensor) -> Tensor:
        """Log-odds of missing each visit, the mean over its measures, (n, v)."""
        each = [torch.stack([_log_odds(x, b) for b in blocks]).mean(dim=0)
                for blocks in self.visits]  # fmt: skip
        return torch.stack(each, dim=1)


def _log_odds(x: Tensor, block: Block) -> Tensor:
    """Log-odds of a cell's being missing, (n,)."""
    if isinstance(block.variable, Numeric):
        return 2 * KAPPA * x[:, block.stop - 1]
    odds = KAPPA * x[:, block.odds]
    return odds[:, -1] - torch.logsumexp(odds[:, :-1], dim=1)


def _mark(x: Tensor, block: Block, missed: Tensor) -> None:
    """Make a cell missing, or not, for certain; in place."""
    last = block.stop - 1
    x[:, last] = torch.where(missed, SURE, -SURE).to(x.dtype)
    if not isinstance(block.variable, Numeric):
        x[:, block.odds] = torch.where(
            missed[:, None], torch.where(torch.arange(block.choices) == block.choices - 1, SURE,
                                         -SURE).to(x.dtype), x[:, block.odds],
        )  # fmt: skip
