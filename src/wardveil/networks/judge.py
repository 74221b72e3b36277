"""Judge: classifiers taught by synthetic patients, to be tried on real ones."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from torch import Tensor

TREES = 50


def class_judge(
    taught: Sequence[Tensor], d: int, sizes: Sequence[int]
) -> Callable[[Tensor], Tensor]:
    """How many classifiers, taught by each candidate's patients, know the class of a patient.

    Args:
        taught: K tables of synthetic patients [x | c], (m, d + classes).
        d: Width of x.
        sizes: Levels of each class.

    Returns:
        Patients (n, d + classes) -> the share of a candidate's classifiers that are right, in
        [0, 1], (n, K): a random forest and a logistic regression for each class.
    """
    segments = [slice(a, b) for a, b in pairwise((d + np.cumsum([0, *sizes])).tolist())]
    learnt = [
        [(s, _learnt(model, t[:, :d], t[:, s]))
         for s in segments
         for model in (RandomForestClassifier(TREES, random_state=0), LogisticRegression())]
        for t in taught
    ]  # fmt: skip

    def judge(rows: Tensor) -> Tensor:
        x = rows[:, :d].numpy()
        right = [
            np.mean([m.predict(x) == rows[:, s].argmax(dim=1).numpy() for s, m in models], axis=0)
            for models in learnt
        ]
        return torch.from_numpy(np.stack(right, axis=1))

    return judge


def _learnt(model: Any, x: Tensor, c: Tensor) -> Any:
    """A fitted classifier; where there is one level only, that level."""
    level = c.argmax(dim=1).numpy()
    model = model if len(np.unique(level)) > 1 else DummyClassifier()
    return model.fit(x.numpy(), level)
