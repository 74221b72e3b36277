"""Synthetic patients with a privacy statement that is true.

import wardveil as wv

schema = wv.Schema.read("cohort.toml")
synth = wv.fit("cohort.csv", schema=schema, epsilon=1.0)
fake = synth.sample(5_000)
print(synth.statement)
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wardveil.errors import WardveilError
    from wardveil.models import (
        ACGAN,
        CTGAN,
        Independent,
        MarginalGAN,
        MedGAN,
        MedicalCGAN,
        TableGAN,
    )
    from wardveil.report import evaluate
    from wardveil.schema import Column, Schema, draft_schema
    from wardveil.synthesizer import Synthesizer, fit, load, plan
    from wardveil.tables import Table, read_table

__all__ = [
    "ACGAN", "CTGAN", "Column", "Independent", "MarginalGAN", "MedGAN", "MedicalCGAN", "Schema",
    "Synthesizer", "Table", "TableGAN", "WardveilError", "draft_schema", "evaluate", "fit",
    "load", "plan", "read_table",
]  # fmt: skip

__version__ = version("wardveil")

_HOME = {
    "wardveil.errors": ("WardveilError",),
    "wardveil.models": (
        "ACGAN", "CTGAN", "Independent", "MarginalGAN", "MedGAN", "MedicalCGAN", "TableGAN",
    ),
    "wardveil.report": ("evaluate",),
    "wardveil.schema": ("Column", "Schema", "draft_schema"),
    "wardveil.synthesizer": ("Synthesizer", "fit", "load", "plan"),
    "wardveil.tables": ("Table", "read_table"),
}  # fmt: skip


def __getattr__(name: str) -> Any:
    """Public names, imported when first used: `wardveil --help` needs no torch."""
    for module, names in _HOME.items():
        if name in names:
            return getattr(import_module(module), name)
    raise AttributeError(f"module 'wardveil' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
