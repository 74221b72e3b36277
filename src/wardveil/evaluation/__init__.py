"""How near a synthetic table is to the real one: pure functions of tables."""

from wardveil.evaluation.association import Associations, correlation_rank
from wardveil.evaluation.blinded import blinded
from wardveil.evaluation.c2st import Confusion, c2st
from wardveil.evaluation.coefficients import Coefficients
from wardveil.evaluation.copies import Copies
from wardveil.evaluation.design import Design
from wardveil.evaluation.dimension import DimensionWise
from wardveil.evaluation.disclosure import Disclosure
from wardveil.evaluation.effect import Effect, treatment_effect
from wardveil.evaluation.evaluation import Evaluation, evaluation
from wardveil.evaluation.fidelity import coverage, tvd1, tvd2
from wardveil.evaluation.group import GroupResult
from wardveil.evaluation.measure import Measure
from wardveil.evaluation.membership import Attack
from wardveil.evaluation.prediction import Importance, ModelScore, tstr_gap
from wardveil.evaluation.seed_figures import Cumulative, SeedFigures
from wardveil.evaluation.survival import KaplanMeier
from wardveil.evaluation.trajectory import Trajectory
from wardveil.evaluation.transfer import Transferred, transfer

__all__ = [
    "Associations", "Attack", "Coefficients", "Confusion", "Copies", "Cumulative", "Design",
    "DimensionWise", "Disclosure", "Effect", "Evaluation", "GroupResult", "Importance",
    "KaplanMeier", "Measure", "ModelScore", "SeedFigures", "Trajectory", "Transferred", "blinded",
    "c2st", "correlation_rank", "coverage", "evaluation", "transfer", "treatment_effect",
    "tstr_gap", "tvd1", "tvd2",
]  # fmt: skip
