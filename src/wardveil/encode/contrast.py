"""Contrast: what a trial's arm does to its endpoint, as a short vector of each patient.

Second moments hold it too, as one entry among hundreds, of ranks, and a little drawn towards 0 by
clipping. Asked for by itself, in values, it is told about three times as precisely.
"""

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.encode.forbidden import values_of
from wardveil.encode.histogram import Probabilities
from wardveil.schema.variable import Variable
from wardveil.vault import Rows

FAR: Final = 3.0
"""Standard deviations at which an endpoint is cut: patients beyond count as there, which limits
what anybody can move. Few are beyond. Soft rows are not cut: noise of histograms puts mass where no
patient is, and what that would do to the effect has to be seen."""


class Contrast:
    """a·y, with a the patient's arm, centred, and y the endpoint, standardised and, in it, cut.

    Attributes:
        arm: Centred indicators of every level but the first, by cell, (size, levels - 1).
        endpoint: y by cell, not cut, 0 for missing, (size, 1).
        names: Of arm and endpoint.
        unit: What a·y is multiplied by in `encode`, so that nobody is longer than 1.
    """

    def __init__(
        self, arm: Variable, p_arm: Probabilities, endpoint: Variable, p_endpoint: Probabilities
    ) -> None:
        """From variables and their known distributions over cells."""
        self._variables = (arm, endpoint)
        self.names = (arm.name, endpoint.name)
        self.arm = (np.eye(arm.size) - p_arm)[:, 1 : arm.cells]
        self.endpoint = _standardised(endpoint, p_endpoint)[:, None]
        self._cut = np.clip(self.endpoint, -FAR, FAR)
        longest = np.linalg.norm(self.arm, axis=1).max() * np.abs(self._cut).max()
        self.unit = 1 / max(float(longest), 1e-6)

    def encode(self, rows: Rows) -> Tensor:
        """(n, levels - 1) float32, each row by itself."""
        arm, endpoint = self._variables
        y = self._cut[endpoint.cell(rows[endpoint.name])]
        x = self.unit * self.arm[arm.cell(rows[arm.name])] * y
        return torch.from_numpy(x.astype(np.float32))


def _standardised(variable: Variable, p: Probabilities) -> NDArray[np.float64]:
    known = np.asarray(values_of(variable), dtype=np.float64)[: variable.cells]
    mass = np.maximum(p[: variable.cells], 0) + 1e-12
    mass /= mass.sum()
    centred = known - mass @ known
    spread = max(float(np.sqrt(mass @ centred**2)), 1e-12)
    return np.concatenate([centred / spread, np.zeros(variable.size - variable.cells)])
