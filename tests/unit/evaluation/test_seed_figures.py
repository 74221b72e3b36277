import numpy as np
import pytest
from sklearn.decomposition import PCA

from wardveil.evaluation.association import associations
from wardveil.evaluation.features import features
from wardveil.evaluation.prediction import ModelScore
from wardveil.evaluation.prepared import prepare
from wardveil.evaluation.seed_figures import seed_figures


def score(table: str, value: float) -> ModelScore:
    return ModelScore(target="dead", task="classification", model="m", trained_on=table,
                      tested_on="holdout", metric="auc", value=value)  # fmt: skip


def test_the_figures_hold_the_numbers_they_are_named_for(cohorts):
    real, other, _ = cohorts
    tables = prepare(real, other)
    found = seed_figures(*tables, associations(*tables))
    x = found.columns.index("x")
    assert found.log_mean[x][0] == pytest.approx(np.log10(abs(real["x"].mean()) + 1e-5))
    assert found.log_std[x][1] == pytest.approx(np.log10(other["x"].std(ddof=0) + 1e-5))
    curve = found.cumulative[x]
    assert curve.synthetic[25] == pytest.approx((other["x"] <= curve.values[25]).mean())
    X = features(tables).X[0]
    X = X[:, X.std(axis=0) > 0]
    ratio = PCA().fit((X - X.mean(axis=0)) / X.std(axis=0)).explained_variance_ratio_
    assert found.pca_variance == pytest.approx(tuple(ratio[:2]))
    assert len(found.pca_real) == len(real)


def test_the_score_is_1_for_the_same_table_and_lower_for_another(cohorts):
    real, other, _ = cohorts
    same = prepare(real, real)
    equal = [score("real", 0.8), score("synthetic", 0.8)]
    perfect = seed_figures(*same, associations(*same), equal)
    assert set(perfect.similarity) == {
        "basic_statistics", "correlations", "columns", "estimators", "pca",
    }  # fmt: skip
    assert perfect.score == pytest.approx(1)
    broken = prepare(real, other.assign(x=-np.exp(3 * other["x"]), y=0.0))
    half = [score("real", 0.8), score("synthetic", 0.4)]
    poor = seed_figures(*broken, associations(*broken), half)
    assert poor.similarity["estimators"] == pytest.approx(0.5)
    assert poor.score < 0.8
