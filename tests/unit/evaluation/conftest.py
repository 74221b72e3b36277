"""Tables of one population, small enough to be attacked in a second."""

import numpy as np
import pandas as pd
import pytest


def cohort_of(n: int, seed: int) -> pd.DataFrame:
    """Numbers, levels and an outcome that hang together."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=n)
    y = 0.8 * x + 0.6 * rng.normal(size=n)
    grade = np.digitize(y + 0.5 * rng.normal(size=n), [-0.7, 0.7])
    return pd.DataFrame({
        "x": x.round(3), "y": y.round(3), "z": rng.normal(size=n).round(3),
        "arm": rng.choice(["a", "b"], n),
        "grade": np.array(["I", "II", "III"])[grade],
        "dead": (x + y + 0.7 * rng.normal(size=n) > 0).astype(int).astype(str),
    })  # fmt: skip


@pytest.fixture(scope="session")
def cohorts() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Three tables without a common patient: real, other, holdout."""
    return cohort_of(300, 0), cohort_of(300, 1), cohort_of(300, 2)
