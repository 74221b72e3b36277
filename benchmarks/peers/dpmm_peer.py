"""dpmm: AIM, MST and PrivBayes with PrivTree bins."""

from typing import Any

import exchange
import pandas as pd
from dpmm.pipelines import AIMPipeline, MSTPipeline, PrivBayesPipeline

PIPELINES = {"aim": AIMPipeline, "mst": MSTPipeline, "privbayes": PrivBayesPipeline}
PROCESSING = 0.1
"""Share of ε for its bins; it adds this to the ε it is given, so we take it off first."""


def fit(train: pd.DataFrame, task: dict[str, Any]) -> Any:
    """A fitted pipeline under the declared domain."""
    levels = exchange.categories(task)
    train = train.astype(dict.fromkeys(levels, "category"))
    domain = {c["name"]: {"lower": c["low"], "upper": c["high"]} for c in exchange.numbers(task)}
    for c in task["columns"]:
        if c["kind"] == "category":
            domain[c["name"]] = {"categories": list(range(c["size"]))}
    epsilon = task["epsilon"]
    pipeline = PIPELINES[task["method"]](
        epsilon=(1 - PROCESSING) * epsilon, proc_epsilon=PROCESSING * epsilon,
        delta=task["delta"], n_jobs=1,
    )  # fmt: skip
    pipeline.fit(train, domain=domain, random_state=task["seed"])
    return lambda n: pipeline.generate(n_records=n, random_state=task["seed"])


if __name__ == "__main__":
    exchange.run(fit)
