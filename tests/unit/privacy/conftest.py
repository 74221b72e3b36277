"""A ledger with an open account, and plans to charge to it."""

from pathlib import Path

import pytest

from wardveil.privacy import Budget, Gradients, Histograms, Ledger, Plan, make_plan

N, DELTA = 5000, 1e-6


@pytest.fixture(scope="module")
def plan() -> Plan:
    questions = [
        Histograms(tables=8, share=0.15),
        Gradients(patients=N, batch=250, count=120, clip_norm=1.0, parameters=1000, share=0.85),
    ]
    return make_plan(questions, budget=Budget(epsilon=1.0, delta=DELTA), n=N)


@pytest.fixture(scope="module")
def counts() -> Plan:
    """One release, ε = 1: about a sixth of a cap of 3."""
    return make_plan([Histograms(tables=8, share=1)], budget=Budget(epsilon=1.0, delta=DELTA), n=N)


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    made = Ledger(tmp_path / "ledger.sqlite", create=True)
    made.open_source("cohort", unit="patient", relation="null", cap_epsilon=3.0, cap_delta=DELTA)
    return made
