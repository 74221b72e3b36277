"""The figures of a synthetic table, taken against held-out patients, and those of real rows."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from tables import Benchmark

from wardveil.evaluation import c2st, coverage, tvd1, tvd2
from wardveil.evaluation.prediction import predicted
from wardveil.evaluation.prepared import prepare
from wardveil.tables import Table

HOLDOUT = 1 / 3
SPLIT_SEED = 0


@dataclass(frozen=True, kw_only=True)
class Judge:
    """One table, split: a third of the patients is held out before anything else.

    Attributes:
        benchmark: The table and what it is judged on.
        most: Patients that a method sees, at most; 0 for all that are not held out.
    """

    benchmark: Benchmark
    most: int = 0

    @cached_property
    def parts(self) -> tuple[Table, Table]:
        """The patients a method sees, and those held out."""
        seen, held = self.benchmark.table.split(HOLDOUT, SPLIT_SEED)
        if not self.most:
            return seen, held
        chosen = np.random.default_rng(SPLIT_SEED).permutation(seen.n)[: self.most]
        return seen.take(np.sort(chosen)), held

    @property
    def train(self) -> Table:
        """What a method sees; it makes as many rows."""
        return self.parts[0]

    @cached_property
    def real_auc(self) -> float:
        """Mean AUC of the three classifiers trained on the real training rows."""
        return self._aucs(self.train.to_frame())[0]

    def figures(self, frame: pd.DataFrame) -> dict[str, float | None]:
        """All measures of a table; None where there is no target or no rule."""
        b, schema = self.benchmark, self.benchmark.table.schema
        held = self.parts[1].to_frame()
        aucs = self._aucs(frame) if b.target else None
        found = {
            "tvd1": tvd1(held, frame, schema=schema),
            "tvd2": tvd2(held, frame, schema=schema),
            "tstr_gap": None if aucs is None else aucs[0] - aucs[1],
            "c2st": c2st(held, frame, schema=schema),
            "coverage": coverage(held, frame, schema=schema),
            "violations": b.violations(frame),
        }
        return {k: None if v is None or math.isnan(v) else round(v, 5) for k, v in found.items()}

    def ruler(self) -> dict[str, float | None]:
        """The same for the real training rows."""
        return self.figures(self.train.to_frame())

    def _aucs(self, frame: pd.DataFrame) -> tuple[float, float]:
        """Mean AUC of the three classifiers trained on the real rows, and on these."""
        b, held = self.benchmark, self.parts[1]
        given = (self.train.to_frame(), frame, held.to_frame())
        tables = prepare(*(b.judged(f) for f in given), schema=b.judged_schema)
        return predicted(*tables, target=b.target).means
