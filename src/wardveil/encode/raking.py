r"""Raking: drawn rows are accepted by chance, so that the tables of all pairs come out right.

Moving columns onto their known laws one by one (`encode.calibrate`) leaves what a generator makes
of two of them together. Levels drawn from odds that are not quite sure go apart where they never
do among patients: of adult's rows every fifth had years of school that its degree does not have.
So more rows are drawn than are needed, and each is accepted with a chance that hangs on its bins.

    b_i(x)    bin of variable i, of K
    η(x)      c + Σ_i a_i[b_i(x)] + Σ_{i<j} S_ij[b_i(x), b_j(x)]
    σ(η(x))   chance that x is accepted
    P*        tables of all pairs, and p* of all variables, of the rows to be like

    min over c, a, S  of  U · mean log(1 + e^η) - ⟨(c, a, S), (1, p*, P*)⟩ + λ / 2m (|a|² + |S|²)

over m rows is convex, and there, but for λ, one in U is accepted and the tables of these are P*.
λ = K²: before anything is seen a row's log-odds, a sum over K²/2 pairs, are taken to spread by 0.7,
whatever K is. Rare bins bend it little, so it is minimised in units of its own curvature,
(1 - 1/U) P + λ/m before the first step, P the tables of what was drawn: as far in 60 evaluations as
otherwise in 200.

Source: Deville and Särndal (1992), "Calibration Estimators in Survey Sampling", their logit method
    (weights between 0 and U). The counts of all pairs, and the ridge, are our choice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, log
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import softplus

from wardveil.encode.bins import Bins
from wardveil.encode.parts import joined
from wardveil.vault import Rows

DRAWN: Final = 2.0
"""U. adult at ε = 3, one fit each: `tvd2` of table-GAN 0.0259 before, 0.0225 with 2, 0.0226 with 3;
of CTGAN 0.0283, 0.0230, 0.0233."""
MOST_BINS: Final = 16
"""Of a variable. CTGAN, as above: 0.0245 with 10, λ = K²/4 and 50,000 rows; 20 brought no more."""
FEWEST_ROWS, MOST_ROWS, NUMBERS = 6_000, 150_000, 15_000_000
"""Rows that chances are found on, and how many numbers these hold at most. Chances found on few fit
their luck: the same fit with 20,000 rows instead of 100,000, `tvd2` 0.0313 and 0.0296."""
TIMES: Final = 5
"""At most so many for each row to be like, whose own luck is there in any case."""
EVALUATIONS: Final = 80
"""Of what is minimised."""
REMEMBERED: Final = 10
"""Of these, each D² numbers twice."""
SPARE: Final = 1.05
"""How many more are drawn, so that a second draw for a few is rare."""
AT_LEAST, AT_MOST = 256, 10_000
"""Rows drawn at a time: which of a few is accepted hangs on the others, many need memory."""


@dataclass(frozen=True, kw_only=True)
class Raking:
    """Which rows are accepted.

    Attributes:
        bins: Of every variable.
        S: Log-odds of two bins together, symmetric, 0 inside a variable, (D, D).
        a: Log-odds of a bin, (D,).
        c: Log-odds of every row, (1,).
    """

    bins: Bins
    S: Tensor
    a: Tensor
    c: Tensor

    def accepted(self, draw: Callable[[int], Rows], n: int, rng: np.random.Generator) -> Rows:
        """n accepted rows.

        Args:
            draw: Gives that many fresh rows.
            n: Rows.
            rng: Its coins accept.
        """
        parts: list[Rows] = []
        found = 0
        while found < n:
            wished = ceil(SPARE * DRAWN * (n - found))
            rows = draw(min(max(wished, AT_LEAST), AT_MOST))
            chance = torch.sigmoid(_log_odds(_hot(self.bins, rows), self.S, self.a, self.c)).numpy()
            # rows that were asked for may all be rare ones: only the ratios of chances count
            good = rng.random(len(chance)) * chance.max() < chance
            parts.append({name: x[good] for name, x in rows.items()})
            found += int(good.sum())
        return joined(parts, n)

    def tensors(self) -> Mapping[str, Tensor]:
        """All but the bins, by name."""
        return {"S": self.S, "a": self.a, "c": self.c}


def raking_rows(width: int, wanted: int) -> int:
    """Rows to draw of a generator, for bins of that many in all and so many rows to be like."""
    return max(FEWEST_ROWS, min(MOST_ROWS, NUMBERS // max(width, 1), TIMES * wanted))


def raked(bins: Bins, drawn: Rows, wanted: Rows) -> Raking:
    """What makes the tables of accepted rows those of others.

    Args:
        bins: D in all.
        drawn: m rows of a generator; m·D numbers in memory three times, and D² twenty times.
        wanted: Rows to be like; nobody's, or such that may be seen.
    """
    K, Z, P = len(bins.sizes), _hot(bins, drawn), _tables(bins, wanted)
    ridge = K**2 / (2 * len(Z))
    unit = ((1 - 1 / DRAWN) * (Z.T @ Z) / len(Z) + 2 * ridge).rsqrt()
    owner = torch.repeat_interleave(torch.tensor(list(bins.sizes.values())))
    apart = (owner[:, None] != owner).float()
    upper = torch.zeros_like(P, requires_grad=True)
    lone = torch.zeros(bins.width, requires_grad=True)
    c = torch.full((1,), -log(DRAWN - 1), requires_grad=True)

    def odds() -> tuple[Tensor, Tensor]:
        """S and a."""
        return apart * unit * (upper + upper.T) / 2, unit.diagonal() * lone

    lbfgs = torch.optim.LBFGS(
        [upper, lone, c], max_iter=EVALUATIONS, max_eval=EVALUATIONS, history_size=REMEMBERED,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def loss() -> Tensor:
        lbfgs.zero_grad()
        S, a = odds()
        total: Tensor = DRAWN * softplus(_log_odds(Z, S, a, c)).mean()
        total = total - (S * P).sum() / 2 - a @ P.diagonal() - c.sum()
        total = total + ridge * (a.square().sum() + S.square().sum() / 2)
        torch.autograd.backward(total)
        return total

    lbfgs.step(loss)  # type: ignore[no-untyped-call]
    S, a = odds()
    return Raking(bins=bins, S=S.detach(), a=a.detach(), c=c.detach())


def _log_odds(Z: Tensor, S: Tensor, a: Tensor, c: Tensor) -> Tensor:
    """η of rows, (m,)."""
    return ((Z @ S) * Z).sum(dim=1) / 2 + Z @ a + c


def _tables(bins: Bins, rows: Rows) -> Tensor:
    """Share of the rows that are in every two bins, (D, D); counted some rows at a time."""
    n, found = len(next(iter(rows.values()))), torch.zeros(bins.width, bins.width)
    for first in range(0, n, AT_MOST):
        Z = _hot(bins, {name: x[first : first + AT_MOST] for name, x in rows.items()})
        found += Z.T @ Z
    return found / n


def _hot(bins: Bins, rows: Rows) -> Tensor:
    """A one at the bin of each variable, (m, D)."""
    at = np.stack([bins.starts[name] + cell for name, cell in bins.cells(rows).items()], axis=1)
    return torch.zeros(len(at), bins.width).scatter_(1, torch.from_numpy(at).long(), 1.0)
