"""Evaluations with and without every part."""

import pytest

from evidence_support import filled, table
from wardveil.evaluation import evaluation


@pytest.fixture(scope="session")
def bare():
    """What can be measured without patients held out."""
    return evaluation(table(0), table(1))


@pytest.fixture(scope="session")
def full(bare):
    """Every part."""
    return filled(bare)
