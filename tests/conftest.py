"""Small clinical tables and hypothesis profiles shared by all tests."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # tests run side by side; threads would fight

import numpy as np
import pandas as pd
import pytest
from hypothesis import settings

from wardveil.schema import Schema

settings.register_profile("house", deadline=None, max_examples=50, derandomize=True)
settings.load_profile("house")

SCHEMA = """
[table]
key = "id"

[columns.id]
kind = "id"

[columns.age]
kind = "count"
low = 18
high = 90

[columns.bmi]
kind = "continuous"
low = 12
high = 60
decimals = 1
nullable = true

[columns.sex]
kind = "categorical"
levels = ["female", "male"]
condition = true

[columns.stage]
kind = "ordinal"
levels = ["I", "II", "III", "IV"]

[columns.drugs]
kind = "codes"
levels = ["aspirin", "insulin", "metformin"]
max_codes = 2

[columns.diabetes]
kind = "binary"
levels = ["0", "1"]
condition = true

[columns.died]
kind = "binary"
levels = ["0", "1"]
target = true
"""


def cohort(n: int, seed: int = 0) -> pd.DataFrame:
    """n patients whose columns hang together: age, stage and death; diabetes and drugs."""
    rng = np.random.default_rng(seed)
    age = np.clip(rng.normal(60, 12, n).round(), 18, 90).astype(int)
    diabetes = (rng.random(n) < 0.3).astype(int)
    stage = np.clip(((age - 30) // 15) + rng.integers(-1, 2, n), 0, 3)
    bmi = np.where(rng.random(n) < 0.1, np.nan, rng.normal(26 + 4 * diabetes, 3, n).round(1))
    drugs = np.array(["aspirin", "insulin; metformin", "metformin", ""])
    return pd.DataFrame(
        {
            "id": [f"P{i:05d}" for i in range(n)],
            "age": age,
            "bmi": bmi,
            "sex": np.where(rng.random(n) < 0.5, "female", "male"),
            "stage": np.array(["I", "II", "III", "IV"])[stage],
            "drugs": drugs[
                np.where(diabetes == 1, rng.integers(1, 3, n), rng.integers(0, 2, n) * 3)
            ],
            "diabetes": diabetes,
            "died": (rng.random(n) < 0.1 + 0.2 * stage / 3).astype(int),
        }
    )


@pytest.fixture(scope="session")
def schema() -> Schema:
    """Every column kind that models meet: count, number with gaps, level, order, codes, flags."""
    return Schema.parse(SCHEMA, "cohort.toml")


@pytest.fixture(scope="session")
def frame() -> pd.DataFrame:
    return cohort(600)
