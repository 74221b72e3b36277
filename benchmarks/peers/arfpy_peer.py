"""arfpy: adversarial random forests, without privacy, 30 trees as it has by default."""

from typing import Any

import exchange
import numpy as np
import pandas as pd
from arfpy import arf


def fit(train: pd.DataFrame, task: dict[str, Any]) -> Any:
    """Fitted forests and the densities of their leaves."""
    np.random.seed(task["seed"])  # noqa: NPY002 - the peer draws from it
    # Texts of dtype category: it looks levels up by name, and averages columns of dtype object.
    levels = exchange.categories(task)
    train = train.astype(dict.fromkeys(levels, str)).astype(dict.fromkeys(levels, "category"))
    model = arf.arf(x=train, random_state=task["seed"])
    model.forde()
    return lambda n: model.forge(n=n)


if __name__ == "__main__":
    exchange.run(fit)
