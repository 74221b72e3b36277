"""Privacy arithmetic: budget, questions, mechanisms, accountant, plan, lease, statement.

Plain Python. Nothing here sees a patient; everything here decides how one may be seen.
"""

from wardveil.privacy.accountant import Spent, spent
from wardveil.privacy.budget import Budget
from wardveil.privacy.lease import Lease
from wardveil.privacy.mechanism import (
    Choice,
    Counts,
    Levels,
    Mechanism,
    SampledGaussian,
    Size,
)
from wardveil.privacy.plan import Plan, Relation, gaussian_mu, make_plan
from wardveil.privacy.question import (
    Bounds,
    Choices,
    Gradients,
    Histograms,
    Marginals,
    OpenLevels,
    Patients,
    Question,
)
from wardveil.privacy.statement import Statement

__all__ = [
    "Bounds", "Budget", "Choice", "Choices", "Counts", "Gradients", "Histograms", "Lease",
    "Levels", "Marginals", "Mechanism", "OpenLevels", "Patients", "Plan", "Question",
    "Relation", "SampledGaussian", "Size", "Spent", "Statement", "gaussian_mu", "make_plan",
    "spent",
]  # fmt: skip
