"""How near a synthetic table is to the real one: pure functions of tables."""

from wardveil.evaluation.c2st import c2st
from wardveil.evaluation.evaluation import Evaluation, evaluation
from wardveil.evaluation.fidelity import coverage, tvd1, tvd2
from wardveil.evaluation.utility import tstr_gap

__all__ = ["Evaluation", "c2st", "coverage", "evaluation", "tstr_gap", "tvd1", "tvd2"]
