"""Patients judge a generator by what its patients teach."""

import torch

from wardveil.networks.judge import class_judge


def people(n, seed, sign):
    """x tells the class by its sign; with sign = -1 it lies, with 0 there is one class only."""
    x = torch.randn(n, 2, generator=torch.Generator().manual_seed(seed))
    level = (sign * x[:, 0] > 0).long()
    return torch.cat([x, torch.eye(2)[level]], dim=1)


def test_who_teaches_the_truth_is_right_more_often():
    judge = class_judge([people(300, 1, -1), people(300, 2, 0), people(300, 3, 1)], 2, [2])
    scores = judge(people(200, 4, 1))
    assert scores.shape == (200, 3)
    assert ((scores >= 0) & (scores <= 1)).all()
    lie, nothing, truth = scores.mean(dim=0)
    assert lie < 0.1
    assert 0.3 < nothing < 0.7
    assert truth > 0.9


def test_each_patient_is_judged_by_itself():
    judge = class_judge([people(100, 1, 1)], 2, [2])
    rows = people(30, 5, 1)
    assert torch.equal(judge(rows)[:7], judge(rows[:7]))
