"""Rows keep the declared rules, whatever was drawn."""

import numpy as np
import pytest

from wardveil.errors import UsageError
from wardveil.models.obedience import obedient
from wardveil.schema import Schema
from wardveil.schema.where import parse_where

TEXT = """
[table]
rules = [RULES]
[columns.systolic]
kind = "count"
low = 60
high = 250
nullable = true
[columns.diastolic]
kind = "count"
low = 30
high = 150
[columns.pulse]
kind = "count"
low = 0
high = 220
[columns.sex]
kind = "categorical"
levels = ["female", "male"]
[columns.pregnant]
kind = "binary"
levels = ["0", "1"]
"""
RULES = ["diastolic < systolic", "pulse := systolic - diastolic",
         "if sex = male then pregnant = 0"]  # fmt: skip


def schema_of(rules):
    return Schema.parse(TEXT.replace("RULES", ", ".join(f'"{r}"' for r in rules)))


def uniform(schema, seed=0):
    rng = np.random.default_rng(seed)

    def draw(n):
        return {v.name: v.draw(rng.integers(0, v.size, n).astype(np.int32), rng)
                for v in schema.variables}  # fmt: skip

    return draw


def test_every_row_keeps_every_rule():
    schema = schema_of([*RULES, "pulse >= 1"])
    rows = obedient(uniform(schema), schema, 5_000, {})
    known = ~np.isnan(rows["systolic"])
    assert len(known) == 5_000
    assert (rows["diastolic"] < rows["systolic"])[known].all()
    assert (rows["pulse"] == rows["systolic"] - rows["diastolic"])[known].all()
    assert (rows["pregnant"][rows["sex"] == 1] == 0).all()
    assert known.all()  # or the pulse would be missing, which it may not be


def test_what_was_asked_of_a_computed_column_holds():
    schema = schema_of(RULES)
    where = parse_where({"pulse": (40, 60)}, schema)
    rows = obedient(uniform(schema), schema, 300, where)
    assert rows["pulse"].min() >= 40
    assert rows["pulse"].max() <= 60


def test_rules_that_contradict_each_other_end_in_an_error():
    schema = schema_of(["diastolic < pulse", "pulse < diastolic - 1"])
    with pytest.raises(UsageError, match="E138"):
        obedient(uniform(schema), schema, 10, {})


def test_without_rules_nothing_is_drawn_twice():
    schema, calls = schema_of([]), []
    obedient(lambda n: calls.append(n) or uniform(schema)(n), schema, 10, {})
    assert calls == [10]
