"""By class: numbers of a generator that is told a class get the law that they have in it.

`encode.calibrate` moves a column onto its law over all. Where patients of each class are known too,
as surrogates or without privacy, each number's law in a class can be had as well: a second fixed
monotone map of positions, one for each class. So the difference between two arms is theirs.
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
import torch
from torch import Tensor

from wardveil.encode.matrix import Block, Matrix

KNOTS: Final = 33
"""Quantiles of each law: few, for what is wanted of them is where a class stands."""
FEWEST: Final = 3 * KNOTS
"""Patients of a class with a number, below which its law is left as it is."""


def class_laws(matrix: Matrix, x: Tensor, hot: Tensor) -> Tensor:
    """Quantiles of each number's positions in each class.

    Args:
        matrix: The layout.
        x: Rows as `matrix` writes them, (n, d).
        hot: The class of each, (n, classes), 1 for the one it is.

    Returns:
        (classes, KNOTS, d); nan where too few are known, and for what is no number.
    """
    laws = torch.full((hot.shape[1], KNOTS, matrix.width), torch.nan, dtype=torch.float64)
    levels = torch.linspace(0, 1, KNOTS, dtype=torch.float64)
    for b in matrix.blocks:
        for k, mine in enumerate(_known(x, b) & (hot.T > 0)) if b.number else ():
            column = x[mine, b.start].double()
            if len(column) >= FEWEST:
                laws[k, :, b.start] = torch.quantile(column, levels)
    return laws


def moved_by_class(x: Tensor, hot: Tensor, fitted: Mapping[str, Tensor]) -> Tensor:
    """Calibrated rows with each number moved from its law in the row's class onto the known one.

    Args:
        x: Calibrated rows, (n, d), float64.
        hot: The class of each, (n, classes).
        fitted: "class_from" and "class_to", laws of generated and of known rows; without, x.
    """
    if "class_to" not in fitted:
        return x
    found, wanted = fitted["class_from"].numpy(), fitted["class_to"].numpy()
    found = found + 1e-12 * np.arange(KNOTS)[:, None]  # strictly rising
    out = x.clone()
    for k, column in np.argwhere(~np.isnan(found + wanted).any(axis=1)):
        mine = hot[:, k] > 0
        u = np.interp(x[mine, column].numpy(), found[k, :, column], wanted[k, :, column])
        out[mine, column] = torch.from_numpy(u)
    return out


def _known(x: Tensor, block: Block) -> Tensor:
    """Rows that rather have a number than not, (n,)."""
    if block.choices:
        return x[:, block.stop - 1] < 0
    return torch.ones(len(x), dtype=torch.bool)
