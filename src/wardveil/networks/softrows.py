"""Soft rows: R rows, each a distribution over the bins of every variable, fitted to answers."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.encode.bins import Bins
from wardveil.encode.embedding import Embedding


class SoftRows:
    """The generator of `marginal`: logits of R rows over the bins of K variables.

    Variables are padded to the widest one, so that all of them together are one batched product.
    What is fitted is a sum of squares, each in units of its noise:

        L = w₁ Σ_v ‖P_v - p_v‖² + Σ_ij w_ij (gᵢ·gⱼ/R - F_ij)² + Σ_(a,b) w ‖P_ab - M_ab‖²
            + w₁ Σ_rules ⟨P_ab, V_ab⟩²

    with P_v the mean row of a variable, g the rows' mean coordinates in an `Embedding`, F its
    second moments, M the bought tables of pairs, and V the chance that two bins break a rule.

    Attributes:
        bins: The bins.
        coarse: The same joined for tables of pairs, or None.
        logits: (K, B, R); padding is -∞ in the softmax.
    """

    def __init__(
        self, bins: Bins, *, rows: int, generator: torch.Generator, coarse: Bins | None = None
    ) -> None:
        self.bins, self.coarse = bins, coarse
        self.names = list(bins.sizes)
        self.place = {name: k for k, name in enumerate(self.names)}
        widest = max(bins.sizes.values())
        mass = np.zeros((len(self.names), widest), dtype=np.float32)
        for name, k in self.place.items():
            mass[k, : bins.sizes[name]] = bins.mass(name)
        self._real = torch.zeros(len(self.names), widest, dtype=torch.bool)
        for name, k in self.place.items():
            self._real[k, : bins.sizes[name]] = True
        self._mass = torch.from_numpy(mass)
        start = torch.log(self._mass.clamp(min=1e-4))[:, :, None]
        noise = torch.randn(*mass.shape, rows, generator=generator)
        self.logits = (start + noise).requires_grad_()
        self._one_way_weight = 1.0
        self._moments: tuple[Tensor, Tensor, Tensor, Tensor] | None = None
        self._join = self._joining()
        self._forbidden: list[tuple[int, int, Tensor]] = []
        self._pairs: list[tuple[int, int]] = []
        self._targets: list[Tensor] = []
        self._weights: list[float] = []

    def soft(self) -> Tensor:
        """(K, B, R), a distribution over B for each variable and row."""
        masked = self.logits.masked_fill(~self._real[:, :, None], -1e9)
        return torch.softmax(masked, dim=1)

    def membership(self, name: str) -> Tensor:
        """(R, bins) of one variable."""
        k = self.place[name]
        return self.soft()[k, : self.bins.sizes[name]].T.detach().contiguous()

    def all_pairs(self) -> NDArray[np.float64]:
        """Tables of all pairs in the joined bins, (D, D), from one product."""
        assert self.coarse is not None
        sizes = list(self.coarse.sizes.values())
        real = torch.arange(max(sizes))[None, :] < torch.tensor(sizes)[:, None]
        with torch.no_grad():
            flat = self._joined(self.soft())[real]  # (D, R)
            table: NDArray[np.float64] = (flat @ flat.T / flat.shape[1]).double().numpy()
        return table

    def measure_one_ways(self, *, weight: float) -> None:
        """Fit the one-ways of the bins with this weight."""
        self._one_way_weight = weight

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
        widths = np.bincount(owner, minlength=len(self.names))
        K, B = self._mass.shape
        vectors = np.zeros((K, B, int(widths.max(initial=0))), dtype=np.float32)
        for name, k in self.place.items():
            vectors[k, : self.bins.sizes[name], : widths[k]] = self.bins.average(
                name, embedding.vectors[name]
            )
        mine = torch.arange(vectors.shape[2])[None, :] < torch.from_numpy(widths)[:, None]
        apart = (owner[:, None] != owner[None, :]).astype(np.float32)
        self._moments = (
            torch.from_numpy(vectors).transpose(1, 2).contiguous(),
            mine,
            torch.from_numpy(moments.astype(np.float32)),
            torch.from_numpy(0.5 * weight * apart),  # every pair stands there twice
        )

    def forbid(self, a: str, b: str, chance: NDArray[np.float64]) -> None:
        """Keep patients out of pairs of bins that break a rule, (bins of a, bins of b)."""
        table = torch.from_numpy(chance.astype(np.float32))
        self._forbidden.append((self.place[a], self.place[b], table))

    def measure(self, a: str, b: str, table: NDArray[np.float64], weight: float) -> None:
        """Add the table of a pair, (joined bins of a, of b) probabilities, to what is fitted."""
        padded = torch.zeros(self._join.shape[1], self._join.shape[1])
        padded[: table.shape[0], : table.shape[1]] = torch.from_numpy(table.astype(np.float32))
        self._pairs.append((self.place[a], self.place[b]))
        self._targets.append(padded)
        self._weights.append(weight)

    def fit(self, steps: int, *, lr: float, decay: bool = False) -> None:
        """Adam on L.

        Args:
            steps: Number of steps.
            lr: Learning rate.
            decay: Whether it falls to 0 along a cosine.
        """
        adam = torch.optim.Adam([self.logits], lr=lr, betas=(0.9, 0.95))
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps) if decay else None
        pairs = self._stacked_pairs()
        for _ in range(steps):
            soft = self.soft()
            loss = self._one_way_weight * ((soft.mean(dim=2) - self._mass) ** 2).sum()
            for a, b, chance in self._forbidden:
                rows, columns = soft[a, : chance.shape[0]], soft[b, : chance.shape[1]]
                broken = (rows * (chance @ columns)).sum() / soft.shape[2]
                loss = loss + self._one_way_weight * broken**2
            if self._moments is not None:
                vectors, mine, moments, weights = self._moments
                g = torch.bmm(vectors, soft)[mine]  # (d, R)
                loss = loss + (weights * (g @ g.T / g.shape[1] - moments) ** 2).sum()
            if pairs is not None:
                left, right, targets, weight = pairs
                joined = self._joined(soft)
                tables = torch.bmm(joined[left], joined[right].transpose(1, 2)) / soft.shape[2]
                loss = loss + (weight * (tables - targets) ** 2).sum()
            adam.zero_grad()
            torch.autograd.backward(loss)
            adam.step()
            if schedule is not None:
                schedule.step()

    def _stacked_pairs(self) -> tuple[Tensor, Tensor, Tensor, Tensor] | None:
        """Left and right variables, tables and weights of all bought pairs."""
        if not self._pairs:
            return None
        left, right = torch.tensor(self._pairs).T
        weights = torch.tensor(self._weights)[:, None, None]
        return left, right, torch.stack(self._targets), weights

    def _joining(self) -> Tensor:
        """(K, joined, B): 1 where a bin belongs to a joined one."""
        if self.coarse is None:
            return torch.zeros(len(self.names), 0, self._mass.shape[1])
        found = torch.zeros(len(self.names), max(self.coarse.sizes.values()), self._mass.shape[1])
        for name, k in self.place.items():
            to = torch.from_numpy(self.coarse.joined[name].astype(np.int64))
            found[k, to, torch.arange(len(to))] = 1.0
        return found

    def _joined(self, soft: Tensor) -> Tensor:
        """(K, joined, R)."""
        return torch.bmm(self._join, soft)
