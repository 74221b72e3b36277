"""The bundled public cohort: NHEFS, 1,629 people, 25 columns. See data/NOTICE."""

from pathlib import Path
from typing import Final

from wardveil.schema.schema import Schema

_DATA: Final = Path(__file__).parent / "data"


def demo_table_path() -> Path:
    """The CSV of the demo cohort."""
    return _DATA / "nhefs_demo.csv"


def demo_schema() -> Schema:
    """The hand-written schema of the demo cohort: 1,629 patients, all facts declared."""
    return Schema.read(_DATA / "nhefs.toml")
