"""The anchor: a generator is fitted to noisy tables, which costs no privacy.

Each generated row is read softly: a number's position belongs to bins by a smooth edge, a level's
log-odds are a distribution. Given its latent a row's variables are independent, so the generated
pair tables are S_iᵀS_j / B, all of them one matrix product.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from wardveil.encode.bins import Bins
from wardveil.encode.matrix import KAPPA, Block, Matrix
from wardveil.schema.variable import Numeric

EDGE = 0.2
"""Width of a bin's soft edge, in bins."""


class SoftBins:
    """Reads generator output as memberships in bins.

    Attributes:
        width: D, bins of all variables together, conditions included.
    """

    def __init__(self, matrix: Matrix, bins: Bins) -> None:
        self.bins, self.width = bins, bins.width
        self._readers = [(b, *_reader(matrix, b, bins)) for b in matrix.blocks]

    def __call__(self, x: Tensor, given: dict[str, Tensor]) -> Tensor:
        """(B, d) output and exact memberships of condition variables -> (B, D)."""
        parts = dict(given)
        for block, edges, group in self._readers:
            parts[block.variable.name] = _memberships(x, block, edges, group)
        return torch.cat([parts[name] for name in self.bins.sizes], dim=1)


def _reader(matrix: Matrix, block: Block, bins: Bins) -> tuple[Tensor, Tensor]:
    """Inner edges of a number's bins in u, and the fine → bin map of levels, (m, k)."""
    name = block.variable.name
    group = bins.group[name]
    if isinstance(block.variable, Numeric):
        p = matrix.p[name][: block.variable.cells]
        inside = group[: block.variable.cells]
        mass = np.bincount(inside, weights=p)
        edges = 2 * np.cumsum(mass / max(mass.sum(), 1e-12))[:-1] - 1
        return torch.from_numpy(edges.astype(np.float32)), torch.empty(0)
    hot = np.eye(bins.sizes[name], dtype=np.float32)[group]
    return torch.empty(0), torch.from_numpy(hot)


def _memberships(x: Tensor, block: Block, edges: Tensor, group: Tensor) -> Tensor:
    """Memberships of one variable, (B, k), rows sum to 1."""
    odds = KAPPA * x[:, block.odds]
    odds = torch.cat([-odds, odds], dim=1) if block.choices == 1 else odds
    chance = torch.softmax(odds, dim=1) if block.choices else None
    if not block.number:
        assert chance is not None
        return chance @ group
    u = x[:, block.start : block.start + 1]
    soft = EDGE * 2 / (len(edges) + 1)
    above = torch.sigmoid((u - edges) / soft)  # (B, k - 1)
    one, zero = torch.ones_like(u), torch.zeros_like(u)
    inside = torch.cat([one, above], dim=1) - torch.cat([above, zero], dim=1)
    if chance is None:
        return inside
    return torch.cat([inside * chance[:, :1], chance[:, 1:]], dim=1)


@dataclass(frozen=True, kw_only=True)
class Targets:
    """Noisy pair tables and one-ways as one masked (D, D) target.

    Attributes:
        table: Target probabilities, (D, D) symmetric; the diagonal holds one-ways.
        weight: Weight of each entry, 0 where nothing was measured.
    """

    table: Tensor
    weight: Tensor

    @classmethod
    def of(cls, bins: Bins, pairs: Sequence[tuple[str, str, np.ndarray]]) -> "Targets":
        """Targets of one-ways (from `bins`) and measured pair tables of probabilities."""
        table = np.zeros((bins.width, bins.width), dtype=np.float32)
        weight = np.zeros_like(table)
        for name in bins.sizes:
            at = np.arange(bins.sizes[name]) + bins.starts[name]
            table[at, at], weight[at, at] = bins.mass(name), 1.0
        for a, b, p in pairs:
            rows = slice(bins.starts[a], bins.starts[a] + bins.sizes[a])
            columns = slice(bins.starts[b], bins.starts[b] + bins.sizes[b])
            table[rows, columns], weight[rows, columns] = p, 1.0
        return cls(table=torch.from_numpy(table), weight=torch.from_numpy(weight))

    def loss(self, soft: Tensor) -> Tensor:
        """Σ weight·(generated - target)² over measured entries, in units of 1/1000."""
        pairs = soft.T @ soft / len(soft)
        ones = torch.diag_embed(soft.mean(dim=0))
        eye = torch.eye(len(pairs), device=pairs.device)
        generated = pairs * (1 - eye) + ones
        return 1000 * (self.weight * (generated - self.table) ** 2).sum()
