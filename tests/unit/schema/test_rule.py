"""Rules: what can be written, what it means, and what is refused."""

from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wardveil.errors import SchemaError
from wardveil.schema import Schema
from wardveil.schema.rule import Rule

NAMES = frozenset(["a", "b", "c", "sex", "wt 82"])
SEX = np.array(["male", "female", None], dtype=object)
NAN = np.nan


def broken(text, **columns):
    return Rule(text, NAMES).broken(
        {k.replace("_", " "): np.asarray(v) if k == "sex" else np.asarray(v, float)
         for k, v in columns.items()}
    ).tolist()  # fmt: skip


@pytest.mark.parametrize(
    ("text", "columns", "want"),
    [
        ("a < b", {"a": [1, 2, NAN], "b": [2, 2, 1]}, [False, True, False]),
        ("a <= b < c", {"a": [1, 3, 1], "b": [1, 2, 3], "c": [2, 9, 3]}, [False, True, True]),
        ("a <= b < c", {"a": [5, 1], "b": [NAN, NAN], "c": [1, 2]}, [False, False]),
        ("a - 2 * b >= -c ^ 2", {"a": [0, 0], "b": [1, 9], "c": [2, 2]}, [False, True]),
        ("`wt 82` != 3", {"wt_82": [3, 4]}, [True, False]),
        ("if sex = male then a = 0", {"sex": SEX, "a": [1, 1, 1]}, [True, False, False]),
        ("if sex != 'male' and a > 1 then b < 5",
         {"sex": SEX, "a": [2, 2, 2], "b": [9, 9, 9]}, [False, True, False]),
        ("if a > 1 then b < 5 and c = 1",
         {"a": [2, 2, 0], "b": [1, NAN, 9], "c": [2, 1, 2]}, [True, False, False]),
    ],
)  # fmt: skip
def test_what_breaks_a_rule(text, columns, want):
    assert broken(text, **columns) == want


@given(st.lists(st.tuples(st.floats(1, 300), st.floats(1, 300)), min_size=1))
def test_a_computed_column_keeps_its_own_rule_and_a_moved_one_does_not(rows):
    rule = Rule("a := b / (c / 100) ^ 2", NAMES)
    b, c = np.array(rows).T
    a = np.round(rule.compute({"b": b, "c": c}), 1)
    assert rule.derived == "a"
    assert not rule.broken({"a": a, "b": b, "c": c}, unit=0.1).any()
    assert rule.broken({"a": a + 0.2, "b": b, "c": c}, unit=0.1).all()


def test_what_cannot_be_computed_is_missing():
    rule = Rule("a := b / c", NAMES)
    found = rule.compute({"b": np.array([1.0, 1.0, NAN]), "c": np.array([2.0, 0.0, 1.0])})
    assert np.array_equal(found, [0.5, NAN, NAN], equal_nan=True)


@given(st.text(alphabet="ab<=>!if then and:=^*/-+()'`. 12\t", max_size=30))
def test_any_text_is_a_rule_or_a_value_error(text):
    with suppress(ValueError):
        Rule(text, NAMES)


SCHEMA = """
[table]
rules = ["RULE"]
[columns.a]
kind = "count"
low = 0
high = 9
[columns.b]
kind = "count"
low = 0
high = 9
[columns.sex]
kind = "categorical"
levels = ["female", "male"]
[columns.drugs]
kind = "codes"
levels = ["x", "y"]
"""


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        ("a <", "E233"), ("a b", "E233"), ("if a = 1", "E233"), ("x := a", "E233"),
        ("a ; b", "E233"), ("sex < a", "E234"), ("a := b + sex", "E234"), ("drugs = x", "E234"),
        ("if sex = man then a = 1", "E234"), ("a := a + 1", "E234"), ("sex := a", "E234"),
    ],
)  # fmt: skip
def test_what_is_refused(rule, code):
    with pytest.raises(SchemaError, match=code):
        Schema.parse(SCHEMA.replace("RULE", rule))


def test_rules_go_through_files_and_json():
    schema = Schema.parse(SCHEMA.replace("RULE", "if sex = male then a <= b"))
    assert Schema.parse(schema.text()) == schema
    assert Schema.from_dict(schema.to_dict()) == schema
    assert schema.constraints[0].columns == ("sex", "a", "b")
