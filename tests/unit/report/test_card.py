"""The four verdicts: what they say of good, bad and unmeasured tables."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence_support import AUC_LIMIT, attack, disclosure
from wardveil.report.card import cards
from wardveil.report.leaks import Leak, leaks


class Promised:
    def __init__(self, epsilon: float | None) -> None:
        self.epsilon, self.delta = epsilon, 1e-6

    def to_dict(self) -> dict[str, object]:
        return {}


def leaking(found, statement=None, **parts):
    return cards(replace(found, **{"attacks": (), "disclosures": (), **parts}), statement)[3]


def test_there_are_always_four(bare, full):
    titles = ["Protected", "Looks alike", "Works alike", "Leaks"]
    for found in (bare, full):
        assert [c.title for c in cards(found, None)] == titles


def test_what_was_not_measured_says_why(bare, full):
    useful, leaky = cards(bare, None)[2:]
    assert (useful.verdict, leaky.verdict) == ("none", "none")
    assert useful.word == leaky.word == "No patients were held out"
    means = {k: v for k, v in full.means.items() if k != "tstr_gap"}
    assert cards(replace(full, means=means), None)[2].word == "No outcome was declared"


@pytest.mark.parametrize(
    ("auc", "verdict"), [(0.5, "good"), (0.53, "good"), (0.56, "look"), (0.7, "stop")]
)
def test_a_leak_is_judged_by_what_is_certain(full, auc, verdict):
    assert leaking(full, Promised(5.0), attacks=(attack(auc, limited=False),)).verdict == verdict


def test_failed_attacks_are_no_promise(full):
    card = leaking(full, attacks=(attack(0.5, limited=False),))
    assert card.verdict == "look"
    assert "none is ruled out" in card.word


def test_an_attack_above_the_limit_stops_the_release(full):
    card = leaking(full, Promised(1.0), attacks=(attack(AUC_LIMIT + 0.05),))
    assert card.verdict == "stop"
    assert "do not release" in card.word
    assert card.ruler.endswith(f"the statement allows {100 * (AUC_LIMIT - 0.5):.0f}")


def test_an_attack_that_others_fall_to_as_well_is_no_leak(full):
    card = leaking(full, Promised(1.0), disclosures=(disclosure(0.9, 0.9),))
    assert card.verdict == "good"
    assert leaking(full, Promised(1.0), disclosures=(disclosure(0.9, 0.6),)).verdict == "stop"


def test_more_attacks_need_a_clearer_win():
    leak = Leak(name="x", rate=0.55, control=0.5, error=0.02, limit=None)
    assert leak.surely(1) > leak.surely(2) > leak.surely(20)
    # One-sided 95 % of one attack: 0.05 - 1.6449 * 0.02.
    assert leak.surely(1) == pytest.approx(0.05 - 1.6449 * 0.02, abs=1e-5)


@given(control=st.floats(0, 1), epsilon=st.floats(0.01, 8), delta=st.floats(0, 1e-2))
def test_the_limit_of_a_guess_is_the_most_that_epsilon_and_delta_allow(
    full, control, epsilon, delta
):
    found = replace(full, attacks=(), disclosures=(disclosure(0.5, control),))
    (leak,) = leaks(found, (epsilon, delta))
    # Searched, from the definition: for the event and for its complement, in both directions.
    rate = np.linspace(0, 1, 2001)
    growth = math.exp(epsilon)
    allowed = (rate <= growth * control + delta) & (1 - control <= growth * (1 - rate) + delta)
    allowed |= rate <= control
    assert leak.limit == pytest.approx(rate[allowed].max(), abs=1e-3)


def test_the_worse_of_distance_and_classifier_decides(full):
    means, rulers = {**full.means, "tvd1": 0.03}, {**full.rulers, "tvd1": 0.02}
    for auc, verdict in ((0.55, "good"), (0.75, "look"), (0.99, "stop")):
        found = replace(full, means={**means, "c2st": auc}, rulers=rulers)
        assert cards(found, None)[1].verdict == verdict
    far = replace(full, means={**means, "tvd1": 0.5, "c2st": 0.55}, rulers=rulers)
    assert cards(far, None)[1].verdict == "stop"
