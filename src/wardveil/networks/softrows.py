"""Soft rows: R rows, each a distribution over the bins of every variable, fitted to answers."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.encode.bins import Bins
from wardveil.encode.embedding import Embedding
from wardveil.networks.spans import Spans


class SoftRows:
    """The generator of `marginal`: logits of R rows over the bins of K variables.

    The bins of all variables stand below each other, so that all of them together are one
    product. What is fitted is a sum of squares, each in units of its noise:

        L = w₁ Σ_v ‖P_v - p_v‖² + Σ_ij w_ij (gᵢ·gⱼ/R - F_ij)² + Σ_(a,b) w ‖P_ab - M_ab‖²
            + Σ_(a,b) w ‖A_aᵀ P_ab B_b - E_ab‖² + w₁ Σ_rules ⟨P_ab, V_ab⟩²

    with P_v the mean row of a variable, g the rows' mean coordinates in an `Embedding`, F its
    second moments, M the bought tables of pairs, E what was told of products of two variables'
    own coordinates A and B, and V the chance that two bins break a rule.

    Attributes:
        bins: The bins.
        coarse: The same joined for tables of pairs, or None.
        logits: (D, R), D the bins of all variables.
    """

    def __init__(
        self, bins: Bins, *, rows: int, generator: torch.Generator, coarse: Bins | None = None
    ) -> None:
        self.coarse = coarse
        self.expect(bins)
        self._spans = Spans(list(bins.sizes.values()))
        start = torch.log(self._mass.clamp(min=1e-4))[:, None]
        self.logits = (start + torch.randn(bins.width, rows, generator=generator)).requires_grad_()
        self._one_way_weight = 1.0
        self._moments: tuple[Tensor, Tensor, Tensor] | None = None
        self._products: list[tuple[slice, slice, Tensor, Tensor, Tensor, float]] = []
        self._join = torch.zeros(0, bins.width) if coarse is None else _joining(bins, coarse)
        self._forbidden: list[tuple[slice, slice, Tensor]] = []
        self._pairs: list[tuple[str, str]] = []
        self._targets: list[Tensor] = []
        self._weights: list[float] = []

    def soft(self) -> Tensor:
        """(D, R), a distribution over the bins of each variable in each row."""
        return self._spans.softmax(self.logits)

    def memberships(self) -> dict[str, NDArray[np.float64]]:
        """Variable -> (R, bins), each row a distribution."""
        with torch.no_grad():
            soft = self.soft().double()
            return {
                name: soft[self._place(name)].T.contiguous().numpy() for name in self.bins.sizes
            }

    def all_pairs(self) -> NDArray[np.float64]:
        """Tables of all pairs in the joined bins, (D', D'), from one product."""
        with torch.no_grad():
            flat = self._join @ self.soft()
            table: NDArray[np.float64] = (flat @ flat.T / flat.shape[1]).double().numpy()
        return table

    def measure_one_ways(self, *, weight: float) -> None:
        """Fit the one-ways of the bins with this weight."""
        self._one_way_weight = weight

    def expect(self, bins: Bins) -> None:
        """Fit to these masses from now on; the bins are those of the start."""
        mass = np.concatenate([bins.mass(name) for name in bins.sizes]).astype(np.float32)
        self.bins, self._mass = bins, torch.from_numpy(mass)

    def measure_moments(
        self, embedding: Embedding, moments: NDArray[np.float64], weight: float
    ) -> None:
        """Fit second moments of an embedding, (d, d) unscaled; own blocks of variables are left.

        Args:
            embedding: Vectors of fine cells; a bin has the mean vector of its cells.
            moments: F.
            weight: Of each pair of coordinates.
        """
        owner = embedding.owner
        vectors = np.zeros((len(owner), self.bins.width), dtype=np.float32)
        for k, name in enumerate(self.bins.sizes):
            of_bins = self.bins.average(name, embedding.vectors[name])
            vectors[np.ix_(owner == k, np.arange(self.bins.width)[self._place(name)])] = of_bins.T
        apart = (owner[:, None] != owner[None, :]).astype(np.float32)
        self._moments = (
            torch.from_numpy(vectors).to_sparse(),  # a coordinate knows one variable
            torch.from_numpy(moments.astype(np.float32)),
            torch.from_numpy(0.5 * weight * apart),  # every pair stands there twice
        )

    def measure_product(
        self,
        names: tuple[str, str],
        vectors: tuple[NDArray[np.float64], NDArray[np.float64]],
        told: NDArray[np.float64],
        weight: float,
    ) -> None:
        """Fit the mean of x·yᵀ, x and y coordinates of two variables.

        Args:
            names: Of the variables.
            vectors: x and y of each fine cell, (size, k) and (size, l).
            told: (k, l).
            weight: Of each of them.
        """
        A, B = (
            torch.from_numpy(self.bins.average(name, x).T.astype(np.float32))
            for name, x in zip(names, vectors, strict=True)
        )
        a, b = (self._place(name) for name in names)
        target = torch.from_numpy(told.astype(np.float32))
        self._products.append((a, b, A, B, target, weight))

    def forbid(self, a: str, b: str, chance: NDArray[np.float64]) -> None:
        """Keep patients out of pairs of bins that break a rule, (bins of a, bins of b)."""
        table = torch.from_numpy(chance.astype(np.float32))
        self._forbidden.append((self._place(a), self._place(b), table))

    def measure(self, a: str, b: str, table: NDArray[np.float64], weight: float) -> None:
        """Add the table of a pair, (joined bins of a, of b) probabilities, to what is fitted."""
        self._pairs.append((a, b))
        self._targets.append(torch.from_numpy(table.astype(np.float32)))
        self._weights.append(weight)

    def fit(self, steps: int, *, lr: float, decay: bool = False) -> None:
        """Adam on L.

        Args:
            steps: Number of steps.
            lr: Learning rate.
            decay: Whether it falls to 0 along a cosine.
        """
        adam = torch.optim.Adam([self.logits], lr=lr, betas=(0.9, 0.95), fused=True)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps) if decay else None
        pairs = self._stacked_pairs()
        for _ in range(steps):
            soft = self.soft()
            R = soft.shape[1]
            loss = self._one_way_weight * ((soft.mean(dim=1) - self._mass) ** 2).sum()
            for a, b, chance in self._forbidden:
                broken = (soft[a] * (chance @ soft[b])).sum() / R
                loss = loss + self._one_way_weight * broken**2
            if self._moments is not None:
                vectors, moments, weights = self._moments
                g = torch.sparse.mm(vectors, soft)  # (d, R)
                loss = loss + (weights * (g @ g.T / R - moments) ** 2).sum()
            for a, b, A, B, told, firm in self._products:
                product = (A @ soft[a]) @ (B @ soft[b]).T / R
                loss = loss + firm * ((product - told) ** 2).sum()
            if pairs is not None:
                left, right, targets, weight = pairs
                joined = torch.cat([torch.sparse.mm(self._join, soft), soft.new_zeros(1, R)])
                tables = torch.bmm(joined[left], joined[right].transpose(1, 2)) / R
                loss = loss + (weight * (tables - targets) ** 2).sum()
            adam.zero_grad()
            torch.autograd.backward(loss)
            adam.step()
            if schedule is not None:
                schedule.step()

    def sharpen(self) -> None:
        """Square the odds of every row, so that it leaves less open."""
        self.logits = (2 * self.logits.detach()).requires_grad_()

    def _place(self, name: str) -> slice:
        """Where the bins of a variable stand."""
        start = self.bins.starts[name]
        return slice(start, start + self.bins.sizes[name])

    def _stacked_pairs(self) -> tuple[Tensor, Tensor, Tensor, Tensor] | None:
        """All bought pairs: joined bins of the left and right variable, (P, B), tables, weights.

        Shorter variables are filled up with a bin that nobody is in.
        """
        if not self._pairs or self.coarse is None:
            return None
        sizes, starts = self.coarse.sizes, self.coarse.starts
        widest = max(sizes.values())
        targets = torch.zeros(len(self._pairs), widest, widest)
        for target, table in zip(targets, self._targets, strict=True):
            target[: table.shape[0], : table.shape[1]] = table
        steps = torch.arange(widest)
        left, right = (
            torch.stack(
                [torch.where(steps < sizes[v], starts[v] + steps, self.coarse.width) for v in side]
            )
            for side in zip(*self._pairs, strict=True)
        )
        return left, right, targets, torch.tensor(self._weights)[:, None, None]


def _joining(bins: Bins, coarse: Bins) -> Tensor:
    """(D', D) sparse: 1 where a bin belongs to a joined one."""
    to = np.concatenate([coarse.starts[name] + joined for name, joined in coarse.joined.items()])
    place = torch.from_numpy(np.stack([to.astype(np.int64), np.arange(bins.width)]))
    shape = (coarse.width, bins.width)
    ones = torch.ones(bins.width)
    return torch.sparse_coo_tensor(place, ones, shape, check_invariants=True).coalesce()
