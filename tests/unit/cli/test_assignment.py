import pytest

from wardveil.cli.assignment import settings_of, where_of
from wardveil.errors import UsageError
from wardveil.schema import Column, Schema

SCHEMA = Schema(columns=(
    Column(name="age", kind="count", low=0, high=120),
    Column(name="band", kind="categorical", levels=("20..40", "41..60")),
))  # fmt: skip


def test_settings_keep_the_last_value_and_inner_signs():
    assert settings_of(["a = 1", "b=x=y", "a=2", "c="]) == {"a": "2", "b": "x=y", "c": ""}


def test_where_is_a_value_a_range_or_a_list():
    assert where_of(["age=40..60", "band=41..60"], SCHEMA) == {
        "age": ("40", "60"),
        "band": "41..60",  # a level that looks like a range is a level
    }
    assert where_of(["band=20..40", "band=41..60"], SCHEMA) == {"band": ["20..40", "41..60"]}


@pytest.mark.parametrize("texts", [["age"], ["=3"], ["", "x"]])
def test_what_is_no_assignment_is_refused_and_all_of_it_at_once(texts):
    with pytest.raises(UsageError) as error:
        settings_of(texts)
    assert [p.code for p in error.value.problems] == ["E101"] * len(texts)
