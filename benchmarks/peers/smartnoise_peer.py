"""smartnoise-synth: MST, AIM, DPCTGAN, PATECTGAN under declared bounds, so no ε goes to them."""

from typing import Any

import exchange
import numpy as np
import pandas as pd
import torch
from snsynth import Synthesizer
from snsynth.transform import (
    BinTransformer,
    ChainTransformer,
    LabelTransformer,
    MinMaxTransformer,
    OneHotEncoder,
    TableTransformer,
)

BATCH = 500
"""What its networks take at a time by default."""


def transformer(column: dict[str, Any], method: str) -> Any:
    """Bins and labels for marginals, scaled numbers and indicators for networks."""
    marginal = method in ("mst", "aim")
    if column["kind"] == "category":
        labels = LabelTransformer(nullable=False)
        return labels if marginal else ChainTransformer([labels, OneHotEncoder()])
    bounds = {"lower": column["low"], "upper": column["high"], "nullable": False}
    return BinTransformer(**bounds) if marginal else MinMaxTransformer(**bounds)


def fit(train: pd.DataFrame, task: dict[str, Any]) -> Any:
    """A fitted synthesizer."""
    np.random.seed(task["seed"])  # noqa: NPY002 - the peer draws from it
    torch.manual_seed(task["seed"])
    method = task["method"]
    table = TableTransformer([transformer(c, method) for c in task["columns"]])
    options: dict[str, Any] = {}
    if method in ("dpctgan", "patectgan") and len(train) < BATCH:
        options = {"batch_size": len(train) // 4 * 2}  # its own is larger than the table
    model = Synthesizer.create(
        method, epsilon=float(task["epsilon"]), delta=task["delta"], **options
    )
    model.fit(train, transformer=table, preprocessor_eps=0.0)

    def sample(n: int) -> pd.DataFrame:
        rows = model.sample(n)
        return pd.DataFrame(np.asarray(rows, dtype=float), columns=train.columns)

    return sample


if __name__ == "__main__":
    exchange.run(fit)
