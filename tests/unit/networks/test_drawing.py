"""Latents of patients: mirrored in pairs of one class, in an order that shows no pairs."""

import numpy as np
import torch

from wardveil.encode.labelled import Labelled
from wardveil.networks.drawing import Drawing
from wardveil.schema import Schema

SCHEMA = Schema.parse(
    """
[columns]
sbp = { kind = "count", low = 0, high = 99 }
arm = { kind = "categorical", levels = ["a", "b", "c"], condition = true }
""",
    "arms.toml",
)


def drawing(seed=0):
    p = {v.name: np.full(v.size, 1 / v.size) for v in SCHEMA.variables}
    return Drawing(Labelled(SCHEMA, p, None), 5, torch.Generator().manual_seed(seed),
                   np.random.default_rng(0))  # fmt: skip


def test_every_patient_mirrors_another_of_its_class_but_one_where_they_are_odd():
    cells = torch.tensor([0] * 40 + [1] * 31 + [2] * 30)
    cells = cells[torch.randperm(len(cells), generator=torch.Generator().manual_seed(1))]
    z = drawing().mirrored(torch.eye(3)[cells])
    sums = torch.stack([z[cells == k].sum(dim=0) for k in range(3)])
    assert sums[0].abs().max() < 1e-5
    assert (sums[1:].abs().max(dim=1).values < 1.0 + 1e-5).all()  # one is alone, or mirrored there
    pairs = (z[:-1] + z[1:]).abs().amax(dim=1) < 1e-6
    assert pairs.float().mean() < 0.1  # in the paired order it would be a half
    assert z.abs().max() < 1
    assert abs(float(z.square().mean()) - 1 / 3) < 0.05


def test_without_classes_all_are_mirrored():
    z = drawing().mirrored(torch.zeros(10, 0))
    assert z.sum(dim=0).abs().max() < 1e-5
