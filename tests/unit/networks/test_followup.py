"""Attendance and survival are asked for by themselves, and soft rows come to what is told."""

from math import inf

import numpy as np
import pandas as pd
import pytest
import torch

import wardveil as wv
from tests_support import SMALL, table_of
from wardveil.audit import couple, replay
from wardveil.audit.examine import audit_plan
from wardveil.encode.bins import Bins
from wardveil.encode.missed import Missed
from wardveil.evaluation.survival import kaplan_meier
from wardveil.networks.softrows import SoftRows
from wardveil.schema import Schema
from wardveil.schema.variable import Levelled, Numeric

FOLLOWED = """
[table]
rows = 2000
[columns.days]
kind = "time"
low = 0
high = 999
decimals = 0
pair = "died"
[columns.died]
kind = "event"
levels = ["0", "1"]
"""
MEASURE = 'kind = "continuous"\nlow = 0\nhigh = 9\ndecimals = 0\nnullable = {}\n'
TRIAL = '[trial]\nvisits = ["0", "1", "2"]\nmeasures = ["a", "b"]\nmissed = "{}"\n' + "".join(
    f"[columns.{m}_{v}]\n" + MEASURE.format("false" if v == "0" else "true")
    for m in "ab" for v in "012"
)  # fmt: skip


def followed(n, seed):
    """Deaths early, censoring late: neither column by itself says so."""
    rng = np.random.default_rng(seed)
    died = rng.random(n) < 0.4
    days = np.where(died, rng.integers(0, 400, n), rng.integers(300, 1_000, n))
    return pd.DataFrame({"days": days, "died": died.astype(int)})


def visits(n, seed):
    """Half are gone at visit 1 and most at visit 2."""
    rng = np.random.default_rng(seed)
    last = rng.choice(3, n, p=[0.5, 0.3, 0.2])
    frame = pd.DataFrame({f"{m}_{v}": rng.integers(0, 10, n).astype(float)
                          for m in "ab" for v in "012"})  # fmt: skip
    for v in (1, 2):
        frame.loc[last < v, [f"a_{v}", f"b_{v}"]] = np.nan
    return frame


def test_a_curve_comes_back():
    """At ε = 3 noise moves a curve of 2,000 patients by about 0.01; later few are at risk."""
    real = followed(2_000, 0)
    schema = Schema.parse(FOLLOWED, "t.toml")
    fake = wv.fit(real, schema=schema, model="marginal", epsilon=3.0, seed=1).sample(4_000, seed=1)
    when = np.arange(0, 750, 50.0)
    ours, theirs = (
        kaplan_meier(f.days.to_numpy(float), f.died.to_numpy() == 1).at(when) for f in (real, fake)
    )
    assert np.abs(ours - theirs).max() < 0.05


@pytest.mark.parametrize("missed", ["visits", "dropout"])
def test_attendance_comes_back(missed):
    real = visits(2_000, 0)
    schema = Schema.parse("[table]\nrows = 2000\n" + TRIAL.format(missed), "t.toml")
    fake = wv.fit(real, schema=schema, model="marginal", epsilon=3.0, seed=1).sample(4_000, seed=1)
    for v in "12":
        assert fake[f"a_{v}"].notna().mean() == pytest.approx(
            real[f"a_{v}"].notna().mean(), abs=0.03
        )
        assert (fake[f"a_{v}"].isna() == fake[f"b_{v}"].isna()).all()


def test_a_visit_is_missed_when_all_its_measures_are_and_nobody_is_longer_than_1():
    schema = Schema.parse(TRIAL.format("visits"), "t.toml")
    p = {v.name: np.append(np.full(10, 0.07), 0.3)[: v.size] for v in schema.variables}
    missed = Missed(schema, p)
    frame = visits(50, 3)
    frame.loc[0, "a_1"], frame.loc[0, "b_1"] = 1.0, np.nan  # half missed is not missed
    rows = {name: frame[name].to_numpy() for name in frame}
    x = missed.encode(rows).numpy()
    assert np.linalg.norm(x, axis=1).max() <= 1 + 1e-6
    alone = missed.encode({name: values[:1] for name, values in rows.items()}).numpy()
    assert np.array_equal(alone, x[:1])  # whoever else is there
    gone = x / missed.unit + missed.share
    wanted = np.stack([frame[[f"a_{v}", f"b_{v}"]].isna().all(axis=1) for v in "12"], axis=1)
    assert gone == pytest.approx(wanted.astype(float), abs=1e-5)


def test_what_is_declared_has_its_price_and_what_is_not_costs_nothing():
    curve = str(
        wv.plan(Schema.parse(FOLLOWED, "t.toml"), rows=2_000, epsilon=1.0, model="marginal")
    )
    assert "survival" in curve
    assert "attendance" not in curve
    text = "[table]\nrows = 2000\n" + TRIAL.format("cells")
    cells = str(wv.plan(Schema.parse(text, "t.toml"), rows=2_000, epsilon=1.0, model="marginal"))
    assert "attendance" not in cells


def test_without_noise_the_answers_are_exact():
    real = followed(2_000, 5)
    schema = Schema.parse(FOLLOWED, "t.toml")
    fake = wv.fit(real, schema=schema, model="marginal", epsilon=inf, seed=1).sample(8_000, seed=1)
    assert fake.died.mean() == pytest.approx(real.died.mean(), abs=0.01)


def test_soft_rows_come_to_the_told_product():
    a, b = (Levelled(name=n, levels=("x", "y", "z"), nullable=False) for n in "ab")
    number = Numeric(name="u", low=0, high=9, decimals=0, nullable=False)
    p = {"a": np.full(3, 1 / 3), "b": np.full(3, 1 / 3), "u": np.full(10, 0.1)}
    soft = SoftRows(
        Bins((a, b, number), p, 10), rows=200, generator=torch.Generator().manual_seed(0)
    )
    told = np.array([[0.3, 0.03, 0.0033], [0.03, 0.27, 0.0333], [0.0033, 0.0333, 0.2968]])
    soft.measure_one_ways(weight=1e4)
    soft.measure_product(("a", "b"), (np.eye(3), np.eye(3)), told, 1e4)
    soft.fit(400, lr=0.1)
    x, y = (soft.memberships()[name] for name in "ab")
    assert x.T @ y / len(x) == pytest.approx(told, abs=0.01)


# -- privacy ------------------------------------------------------------------------------------

WHOLE = Schema.parse(FOLLOWED + TRIAL.format("dropout"), "t.toml")
MODEL = SMALL["marginal"]
PLAN = audit_plan(MODEL, WHOLE, 201, 3.0)


def patients(n, seed):
    return dict(table_of(pd.concat([followed(n, seed), visits(n, seed)], axis=1), WHOLE).rows)


def test_what_is_learnt_of_follow_up_is_a_function_of_the_answers():
    assert {"attendance", "survival"} <= {q.name for q in PLAN.questions}
    one, two = replay(MODEL, patients(200, 0), patients(150, 5), WHOLE, plan=PLAN)
    assert one == two


@pytest.mark.parametrize("gone", [True, False])
def test_one_patient_more_moves_attendance_and_survival_by_no_more_than_1(gone):
    hostile = pd.concat([followed(2, 9), visits(2, 9)], axis=1)
    later = [f"{m}_{v}" for m in "ab" for v in "12"]
    hostile[later] = np.nan if gone else 9.0
    rows = {k: v[:1] for k, v in table_of(hostile, WHOLE).rows.items()}
    found = couple(MODEL, patients(200, 0), rows, WHOLE, plan=PLAN)
    assert found.calls[0] == found.calls[1]
    assert max(found.worst.values()) <= 1.0
