"""Privacy arithmetic: budget, questions, mechanisms, accountant, plan, lease, statement.

Plain Python. Nothing here sees a patient; everything here decides how one may be seen.
"""

from wardveil.privacy.accountant import Spent, spent
from wardveil.privacy.budget import Budget
from wardveil.privacy.lease import Lease
from wardveil.privacy.ledger import Ledger
from wardveil.privacy.ledger_charge import Charge, charged
from wardveil.privacy.ledger_entry import Stamp
from wardveil.privacy.mechanism import (
    Choice,
    Counts,
    Levels,
    Mechanism,
    SampledGaussian,
    Size,
    Sums,
)
from wardveil.privacy.plan import Plan, Relation, gaussian_mu, make_plan
from wardveil.privacy.question import (
    Bounds,
    Choices,
    Gradients,
    Histograms,
    Marginals,
    Moments,
    OpenLevels,
    Patients,
    Question,
)
from wardveil.privacy.statement import UNACCOUNTED, Statement

__all__ = [
    "UNACCOUNTED", "Bounds", "Budget", "Charge", "Choice", "Choices", "Counts", "Gradients",
    "Histograms", "Lease", "Ledger", "Levels", "Marginals", "Mechanism", "Moments", "OpenLevels",
    "Patients", "Plan", "Question", "Relation", "SampledGaussian", "Size", "Spent", "Stamp",
    "Statement", "Sums", "charged", "gaussian_mu", "make_plan", "spent",
]  # fmt: skip
