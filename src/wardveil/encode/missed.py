"""Missed: which visits a participant did not come to, as a short vector."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from wardveil.encode.histogram import Probabilities
from wardveil.schema import Schema
from wardveil.vault import Rows


class Missed:
    """For each visit that may be missed 1 or 0, less the share that is known to miss it.

    A visit is missed when all its measures are.

    Attributes:
        visits: The variables of each such visit.
        share: Share of the participants who miss each, as known before, (v,).
        unit: What is multiplied with in `encode`, so that nobody is longer than 1.
    """

    def __init__(self, schema: Schema, p: Mapping[str, Probabilities]) -> None:
        trial = schema.trial
        assert trial is not None
        variables = {v.name: v for v in schema.variables}
        grid = [[variables[trial.column(m, v)] for m in trial.measures] for v in trial.visits]
        self.visits = [each for each in grid if each[0].nullable]
        self.share = np.array([np.mean([p[v.name][-1] for v in each]) for each in self.visits])
        longest = np.linalg.norm(np.maximum(self.share, 1 - self.share))
        self.unit = 1 / max(float(longest), 1e-6)

    def encode(self, rows: Rows) -> Tensor:
        """(n, v) float32, each row by itself."""
        missing = [[v.cell(rows[v.name]) == v.cells for v in each] for each in self.visits]
        gone = np.array(missing).all(axis=1)
        return torch.from_numpy((self.unit * (gone.T - self.share)).astype(np.float32))
