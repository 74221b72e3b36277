import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from wardveil.evaluation.dimension import dimension_prediction
from wardveil.evaluation.learner import auc, macro_f1
from wardveil.evaluation.prediction import predicted, task_of
from wardveil.evaluation.prepared import prepare


def test_scores_of_several_levels_are_scikit_learns():
    rng = np.random.default_rng(0)
    y = rng.choice(np.array(["a", "b", "c"], dtype=object), 200)
    p = rng.dirichlet(np.ones(3), 200)
    levels = ("a", "b", "c")
    ours, error = auc(y, p, levels)
    assert ours == pytest.approx(roc_auc_score(y.astype(str), p, multi_class="ovr"))
    assert 0 < error < 0.1
    guess = np.array(levels)[p.argmax(axis=1)]
    assert macro_f1(y, p, levels) == pytest.approx(f1_score(y.astype(str), guess, average="macro"))


@pytest.mark.parametrize(("target", "metric"), [("dead", "auc"), ("grade", "auc"), ("y", "r2")])
def test_every_kind_of_target_is_learnt_from_real_and_synthetic_rows(cohorts, target, metric):
    found = predicted(*prepare(*cohorts), target=target)
    cells = {(s.model, s.trained_on, s.tested_on) for s in found.scores if s.metric == metric}
    assert len(cells) == 9  # three models: real, synthetic on held-out rows, real on synthetic
    assert min(found.means) > 0.5 if metric == "r2" else 0.75
    assert found.gap[1] <= found.gap[0] <= found.gap[2]
    assert abs(found.gap[0]) < 0.1
    assert found.importance is not None
    assert sum(found.importance.real) == pytest.approx(1)
    assert found.importance.columns[0] in ("x", "y", "grade", "dead")
    assert target not in found.importance.columns


def test_a_target_that_does_not_vary_among_synthetic_rows_teaches_nothing(cohorts):
    real, other, holdout = cohorts
    found = predicted(*prepare(real, other.assign(dead="1"), holdout), target="dead")
    assert found.means[1] == 0.5
    assert found.importance is None
    assert {s.tested_on for s in found.scores} == {"holdout"}


def test_tasks_follow_the_number_of_levels(cohorts):
    table = prepare(cohorts[0])[0]
    assert [task_of(table, t) for t in ("grade", "x")] == ["classification", "regression"]


def test_dimensions_are_predicted_from_the_others_only(cohorts):
    real, other, holdout = cohorts
    leak = [t.assign(twin=t["dead"]) for t in (real, other, holdout)]
    found = dimension_prediction(*prepare(*leak))
    assert found is not None
    place = {label: i for i, label in enumerate(found.labels)}
    dead = next(i for label, i in place.items() if label.startswith("dead="))
    assert found.real[dead] == found.synthetic[dead] == pytest.approx(1)  # its twin gives it away
    arm = next(i for label, i in place.items() if label.startswith("arm="))
    assert found.real[arm] == pytest.approx(0.5, abs=0.14)  # four errors; nothing predicts it
    assert len([label for label in found.labels if label.startswith("dead=")]) == 1
