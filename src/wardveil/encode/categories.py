"""Categories: training-by-sampling, so that rare categories are met often.

A batch is drawn in three steps: a discrete variable, uniformly; one of its categories, with
chances proportional to the logarithm of its frequency; a row that has it, uniformly. The rows of
each category stand in an index that is made once, so a batch is drawn without any loop.

Source: Xu, Skoularidou, Cuesta-Infante and Veeramachaneni (2019), arXiv:1907.00503, section 4.3.
"""

from collections.abc import Sequence

import torch
from torch import Tensor


class Conditions:
    """Which category a row is asked for: one of one variable.

    Attributes:
        width: Categories of all variables.
    """

    def __init__(self, mass: Sequence[Tensor]) -> None:
        """Chances of each variable's categories, (size,) each, to be drawn by; scaled here."""
        self.width = sum(len(m) for m in mass)
        self.variables = len(mass)
        steps = [k + (m.double() / m.double().sum()).cumsum(0) for k, m in enumerate(mass)]
        self._below = torch.cat(steps) if mass else torch.zeros(0, dtype=torch.float64)
        sizes = torch.tensor([len(m) for m in mass], dtype=torch.int64)
        self._last = sizes.cumsum(0) - 1

    def draw(self, m: int, generator: torch.Generator) -> Tensor:
        """m categories as positions among those of all variables, (m,)."""
        k = torch.randint(self.variables, (m,), generator=generator)
        u = torch.rand(m, dtype=torch.float64, generator=generator)
        found = torch.searchsorted(self._below, k + u, right=True)
        return torch.minimum(found, self._last[k])


class Index:
    """The rows of each category.

    Attributes:
        counts: Rows of each category, (C,).
    """

    def __init__(self, codes: Tensor, sizes: Sequence[int]) -> None:
        """Sort the rows by each variable once; memory is 4 bytes a row and variable.

        Args:
            codes: (n, D), the category of each row.
            sizes: Categories of each variable.
        """
        n = len(codes)
        parts, order, first = [], [], []
        for k, size in enumerate(sizes):
            code = codes[:, k].long()
            count = torch.bincount(code, minlength=size)
            parts.append(count)
            order.append(code.argsort(stable=True).to(torch.int32))
            first.append(k * n + count.cumsum(0) - count)
        none = torch.zeros(0, dtype=torch.int64)
        self.counts = torch.cat(parts) if parts else none
        self._order = torch.cat(order) if order else none
        self._first = torch.cat(first) if first else none

    def rows(self, category: Tensor, generator: torch.Generator) -> Tensor:
        """A row of each category, (m,); every category must have one."""
        u = torch.rand(len(category), dtype=torch.float64, generator=generator)
        place = (u * self.counts[category]).long()
        return self._order[self._first[category] + place].long()
