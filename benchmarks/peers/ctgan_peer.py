"""ctgan: CTGAN and TVAE, without privacy, with their default settings unless told otherwise."""

from typing import Any

import exchange
import numpy as np
import pandas as pd
import torch
from ctgan import CTGAN, TVAE

MODELS = {"ctgan": CTGAN, "tvae": TVAE}


def fit(train: pd.DataFrame, task: dict[str, Any]) -> Any:
    """A fitted model."""
    np.random.seed(task["seed"])  # noqa: NPY002 - the peer draws from it
    torch.manual_seed(task["seed"])
    model = MODELS[task["method"]](enable_gpu=False, **task.get("set", {}))
    model.fit(train, exchange.categories(task))
    return model.sample


if __name__ == "__main__":
    exchange.run(fit)
