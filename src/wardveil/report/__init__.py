"""Evaluation → one page for the custodian, and JSON."""

from wardveil.report.report import Report, evaluate

__all__ = ["Report", "evaluate"]
