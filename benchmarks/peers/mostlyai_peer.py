"""mostlyai-engine: TabularARGN, with differential privacy when there is an ε and without."""

import tempfile
from typing import Any

import exchange
import pandas as pd
from mostlyai.engine import TabularARGN

KINDS = {"category": "TABULAR_CATEGORICAL", "number": "TABULAR_NUMERIC_AUTO"}


def fit(train: pd.DataFrame, task: dict[str, Any]) -> Any:
    """A fitted model. Bounds and levels are free, so value protection is off and takes no ε."""
    privacy = None
    if task["epsilon"] is not None:
        privacy = {"max_epsilon": task["epsilon"], "delta": task["delta"]}
    model = TabularARGN(
        differential_privacy=privacy, value_protection=False, device="cpu",
        tgt_encoding_types={c["name"]: KINDS[c["kind"]] for c in task["columns"]},
        random_state=task["seed"], workspace_dir=tempfile.mkdtemp(),
    )  # fmt: skip
    model.fit(train)
    return lambda n: model.sample(n_samples=n)


if __name__ == "__main__":
    exchange.run(fit)
