"""A statement that was changed anywhere no longer follows from its mechanisms."""

import json
from functools import cache
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardveil.privacy import Budget, Histograms, Marginals, Statement, make_plan
from wardveil.privacy.verify import verify_statement


@cache
def planned(epsilon):
    questions = [Histograms(tables=9, share=0.5), Marginals(count=4, share=0.5)]
    return make_plan(questions, budget=Budget.for_patients(2000, epsilon), n=2000)


def stored(epsilon=1.0, **changes):
    plan = planned(epsilon)
    given = {"model": "m", "unit": "patient", "facts": {"declared": 3}, "looked": (),
             "noise": "release", "versions": {}}  # fmt: skip
    made = Statement.of(plan, **{**given, **changes})
    return json.loads(json.dumps(made.to_dict()))


@pytest.mark.parametrize("epsilon", [0.5, 3.0, inf])
def test_a_true_statement_verifies(epsilon):
    assert verify_statement(stored(epsilon)) == []
    assert verify_statement(stored(epsilon, looked=("bmi",))) == []


def edit(path, value):
    def change(s):
        *parents, last = path
        for p in parents:
            s = s[p]
        s[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (edit(("epsilon",), 0.5), "E602"),
        (edit(("claim",), "Perfectly private."), "E602"),
        (edit(("plan", "epsilon"), 0.5), "E603"),
        (edit(("plan", "mechanisms", 0, "sd"), 1.0), "E603"),
        (edit(("plan", "mechanisms", 1, "count"), 40), "E603"),
        (edit(("plan", "accountants", "RDP"), 0.1), "E603"),
        (edit(("plan", "delta"), 1e-3), "E604"),
        (edit(("noise",), "seeded"), "E602"),
        (edit(("looked",), ["bmi"]), "E602"),
        (lambda s: s.pop("plan"), "E601"),
        (lambda s: s["plan"]["mechanisms"][0].pop("sd"), "E601"),
        (edit(("plan", "mechanisms", 0, "sd"), -20.0), "E601"),
        (edit(("plan", "mechanisms", 0, "sd"), 0), "E601"),
        (edit(("plan", "mechanisms", 0, "count"), 0), "E601"),
        (edit(("plan", "mechanisms", 0, "count"), True), "E601"),
        (edit(("plan", "delta"), 0.0), "E604"),
        (edit(("plan", "delta"), -1.0), "E604"),
        (edit(("plan", "epsilon"), inf), "E601"),
        (edit(("plan", "epsilon"), 1e6), "E601"),
        (edit(("facts",), {"declared": 2, "looked": 1}), "E602"),
    ],
)
def test_every_lie_is_noticed(change, code):
    statement = stored()
    change(statement)
    assert code in {p.code for p in verify_statement(statement)}


def test_a_looked_at_fact_cannot_be_hidden():
    statement = stored(looked=("bmi",))
    statement["looked"] = []
    assert verify_statement(statement)


PLACES = [
    ("claim",), ("text",), ("epsilon",), ("delta",), ("unit",), ("facts",), ("looked",), ("noise",),
    ("plan",), ("plan", "epsilon"), ("plan", "delta"), ("plan", "patients"), ("plan", "relation"),
    ("plan", "accountants"), ("plan", "accountants", "PLD"), ("plan", "stated"),
    ("plan", "mechanisms"), ("plan", "mechanisms", 0), ("plan", "mechanisms", 0, "kind"),
    ("plan", "mechanisms", 0, "sd"), ("plan", "mechanisms", 1, "count"), ("plan", "remarks"),
]  # fmt: skip
JUNK = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3),
    st.lists(st.integers(), max_size=2), st.dictionaries(st.text(max_size=2), st.none()),
)  # fmt: skip


@given(place=st.sampled_from(PLACES), junk=JUNK)
def test_junk_in_any_place_is_a_problem_and_never_a_fault(place, junk):
    statement = stored()
    found = statement
    for part in place:
        found = found[part]
    edit(place, junk)(statement)
    if junk != found:
        assert verify_statement(statement)
