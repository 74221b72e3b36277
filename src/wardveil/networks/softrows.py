"""Soft rows: R rows, each a distribution over the bins of every variable, fitted to tables."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.encode.bins import Bins


class SoftRows:
    """The generator of `marginal`: logits of R rows over the bins of K variables.

    Variables are padded to the widest one, so that a table of many pairs is one batched product.

    Attributes:
        bins: The bins.
        logits: (K, B, R); padding is -∞ in the softmax.
    """

    def __init__(self, bins: Bins, *, rows: int, generator: torch.Generator) -> None:
        self.bins = bins
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
        self._pairs: list[tuple[int, int]] = []
        self._targets: list[Tensor] = []
        self._weights: list[float] = []
        self._one_way_weight = 1.0

    def soft(self) -> Tensor:
        """(K, B, R), a distribution over B for each variable and row."""
        masked = self.logits.masked_fill(~self._real[:, :, None], -1e9)
        return torch.softmax(masked, dim=1)

    def membership(self, name: str) -> Tensor:
        """(R, bins) of one variable."""
        k = self.place[name]
        return self.soft()[k, : self.bins.sizes[name]].T.detach().contiguous()

    def all_pairs(self) -> NDArray[np.float64]:
        """Tables of all pairs, (D, D), from one product."""
        with torch.no_grad():
            flat = self.soft()[self._real]  # (D, R)
            table: NDArray[np.float64] = (flat @ flat.T / flat.shape[1]).double().numpy()
        return table

    def measure_one_ways(self, *, weight: float) -> None:
        """Fit the one-ways of the bins with this weight."""
        self._one_way_weight = weight

    def measure(self, a: str, b: str, table: NDArray[np.float64], weight: float) -> None:
        """Add the table of a pair, (bins of a, bins of b) probabilities, to what is fitted."""
        padded = torch.zeros(self._mass.shape[1], self._mass.shape[1])
        padded[: table.shape[0], : table.shape[1]] = torch.from_numpy(table.astype(np.float32))
        self._pairs.append((self.place[a], self.place[b]))
        self._targets.append(padded)
        self._weights.append(weight)

    def fit(self, steps: int, *, lr: float, decay: bool = False) -> None:
        """Adam on Σ w‖P_ij - M_ij‖² + Σ w₁‖P_v - p_v‖².

        Args:
            steps: Number of steps.
            lr: Learning rate.
            decay: Whether it falls to 0 along a cosine.
        """
        adam = torch.optim.Adam([self.logits], lr=lr, betas=(0.9, 0.95))
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(adam, steps) if decay else None
        left = torch.tensor([i for i, _ in self._pairs], dtype=torch.long)
        right = torch.tensor([j for _, j in self._pairs], dtype=torch.long)
        targets = torch.stack(self._targets) if self._targets else None
        weights = torch.tensor(self._weights)[:, None, None]
        for _ in range(steps):
            soft = self.soft()
            loss = self._one_way_weight * ((soft.mean(dim=2) - self._mass) ** 2).sum()
            if targets is not None:
                tables = torch.bmm(soft[left], soft[right].transpose(1, 2)) / soft.shape[2]
                loss = loss + (weights * (tables - targets) ** 2).sum()
            adam.zero_grad()
            torch.autograd.backward(loss)
            adam.step()
            if schedule is not None:
                schedule.step()
