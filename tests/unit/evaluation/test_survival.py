import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import CoxPHFitter, KaplanMeierFitter
from lifelines.utils import restricted_mean_survival_time

from wardveil.evaluation.regression import cox
from wardveil.evaluation.survival import (
    Followed,
    distance,
    drawn,
    kaplan_meier,
    restricted_mean,
)


def trial(n: int, seed: int, beta=(0.7, -0.4, 0.0)):
    """Covariates, whole-numbered times with many ties, events."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, len(beta)))
    time = rng.exponential(10 * np.exp(-X @ np.array(beta)))
    censored = rng.exponential(20, n)
    return X, np.ceil(np.minimum(time, censored)), time <= censored


def patients(time, event) -> Followed:
    return Followed(rows=np.arange(len(time)), time=time, event=event)


@given(st.integers(0, 10_000), st.integers(20, 120))
@settings(max_examples=20)
def test_curve_band_and_numbers_at_risk_are_those_of_lifelines(seed, n):
    _, time, event = trial(n, seed)
    ours = drawn(patients(time, event), time="t", event="e", whose="real")
    theirs = KaplanMeierFitter().fit(time, event)
    assert ours.survival == pytest.approx(theirs.survival_function_at_times(ours.times).tolist())
    band = theirs.confidence_interval_.loc[list(ours.times[1:])].to_numpy()
    inside = np.array(ours.survival[1:]) > 0
    assert np.array(ours.low[1:])[inside] == pytest.approx(band[inside, 0])
    assert np.array(ours.high[1:])[inside] == pytest.approx(band[inside, 1])
    table = theirs.event_table
    assert ours.at_risk[1:] == tuple(table.at_risk.loc[list(ours.times[1:])].astype(int))


@given(st.integers(0, 10_000), st.floats(1.5, 25))
@settings(max_examples=20)
def test_the_restricted_mean_is_that_of_lifelines(seed, until):
    _, time, event = trial(100, seed)
    theirs = restricted_mean_survival_time(KaplanMeierFitter().fit(time, event), t=until)
    assert restricted_mean(kaplan_meier(time, event), until)[0] == pytest.approx(theirs)


def test_the_error_of_a_restricted_mean_is_that_of_a_mean_where_nobody_is_censored():
    time = np.random.default_rng(0).exponential(5, 2_000)
    mean, error = restricted_mean(kaplan_meier(time, np.ones(2_000, dtype=bool)), 8.0)
    cut = np.minimum(time, 8.0)
    assert mean == pytest.approx(cut.mean())
    assert error == pytest.approx(cut.std() / np.sqrt(2_000), rel=0.01)


@pytest.mark.parametrize("seed", range(4))
def test_hazard_ratios_and_their_errors_are_those_of_lifelines_with_ties(seed):
    X, time, event = trial(300, seed)
    ours = cox(X, time, event)
    frame = pd.DataFrame(X).assign(t=time, e=event)
    theirs = CoxPHFitter().fit(frame, "t", "e")
    assert ours.estimate == pytest.approx(theirs.params_.to_numpy(), abs=1e-4)
    assert ours.error == pytest.approx(theirs.standard_errors_.to_numpy(), rel=1e-3)


def test_the_distance_of_curves_sees_another_hazard_and_not_another_sample():
    _, time, event = trial(800, 0, beta=(0.0,))
    _, again, event2 = trial(800, 1, beta=(0.0,))
    same = distance(patients(time, event), patients(again, event2))
    slower = distance(patients(time, event), patients(again * 2, event2))
    assert distance(patients(time, event), patients(time, event))[0] == 0
    assert same[0] < 0.04
    assert slower[1] > same[2]
