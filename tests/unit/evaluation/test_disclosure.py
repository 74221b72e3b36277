import numpy as np
import pandas as pd
import pytest

from wardveil.evaluation.copies import copies
from wardveil.evaluation.disclosure import disclosures
from wardveil.evaluation.prepared import prepare
from wardveil.schema import Column, Schema


def guessed(real, synthetic, holdout):
    found = disclosures(*prepare(real, synthetic, holdout), secrets=["grade", "z"])
    return {d.name + d.secret: d for d in found}


def test_a_copy_gives_every_secret_away_and_only_of_members(cohorts):
    real, _, holdout = cohorts
    for name, d in guessed(real, real, holdout).items():
        assert d.low > d.control_high, name
        assert d.low > d.baseline, name


def test_other_patients_give_away_what_the_population_gives_away(cohorts):
    found = guessed(*cohorts)
    assert set(found) == {"attribute_inferencegrade", "attribute_inferencez", "singling_out",
                          "linkability"}  # fmt: skip
    for name, d in found.items():
        # Two shares of 300: four standard errors of their difference.
        assert d.rate == pytest.approx(d.control, abs=0.16), name
    assert (
        found["attribute_inferencegrade"].control_low > found["attribute_inferencegrade"].baseline
    )


def test_few_patients_or_one_column_leave_guesses_out(cohorts):
    real, other, holdout = prepare(*cohorts)
    assert disclosures(real, other, holdout.take(np.arange(5)), secrets=["grade"]) == ()
    narrow = prepare(*(t[["arm"]] for t in cohorts))
    assert disclosures(*narrow, secrets=["arm"]) == ()


def test_copies_are_counted_over_every_kind_of_column():
    schema = Schema(columns=(
        Column(name="x", kind="continuous", low=0, high=9, nullable=True),
        Column(name="dx", kind="codes", levels=("A", "B"), nullable=True),
    ))  # fmt: skip
    real = pd.DataFrame({"x": [1.0, np.nan, 3.0, 4.0], "dx": ["A;B", "A", "", "B"]})
    fake = pd.DataFrame({"x": [1.0, np.nan, np.nan, 3.0], "dx": ["B;A", "A", "B", "A"]})
    other = pd.DataFrame({"x": [4.0, 5.0], "dx": ["B", "B"]})
    found = copies(*prepare(real, fake, other, schema=schema))
    assert (found.synthetic, found.holdout, found.repeated) == (0.5, 0.5, 0.0)


def test_distances_are_0_to_copies_and_those_of_chance_to_other_patients(cohorts):
    real, other, holdout = prepare(*cohorts)
    copied, fresh = copies(real, real, holdout), copies(real, other, holdout)
    assert copied.synthetic == copied.closer == 1
    assert copied.dcr[-1] == pytest.approx(0, abs=1e-3)
    assert fresh.synthetic == 0
    # A share of 300: four standard errors.
    assert fresh.closer == pytest.approx(0.5, abs=0.12)
