"""Evaluation → one page for the custodian, and JSON."""

from wardveil.report.public import PublicReport
from wardveil.report.report import Report, evaluate

__all__ = ["PublicReport", "Report", "evaluate"]
