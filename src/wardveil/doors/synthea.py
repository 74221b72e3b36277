"""Synthea: the folder of CSV files that the generator writes becomes one row a patient.

Layout: Walonoski et al. (2018), Synthea, JAMIA 25(3), and the columns of its CSV exporter, which
hospitals' own exports imitate. Names, addresses, numbers and dates stay behind.
"""

from collections import Counter
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from wardveil.doors.declared import Items, items_of
from wardveil.doors.export import require_file, require_files
from wardveil.doors.imported import Block, Imported, assembled
from wardveil.doors.long import DataType, Long, code_block, value_block
from wardveil.doors.moment import last_moment, moments, years_between
from wardveil.doors.roster import levelled, places, roster
from wardveil.doors.setting import require_choice, setting
from wardveil.doors.stream import texts_of
from wardveil.schema.column import Column, Kind
from wardveil.tables.cells import as_numbers

LEVELS: Final = {
    "sex": ("GENDER", ("F", "M")),
    "race": ("RACE", ("asian", "black", "hawaiian", "native", "other", "white")),
    "ethnicity": ("ETHNICITY", ("hispanic", "nonhispanic")),
    "marital": ("MARITAL", ("D", "M", "S", "W")),
}
"""Fact -> column of patients.csv and the words the generator writes there."""

MONEY: Final = {
    "expenses": "HEALTHCARE_EXPENSES",
    "coverage": "HEALTHCARE_COVERAGE",
    "income": "INCOME",
}
PEOPLE: Final = (*LEVELS, *MONEY, "age", "died")
"""Facts of a patient that may be asked for."""

USUAL: Final = ("sex", "age", "died")
"""What every version of the layout has."""


def read_synthea(  # noqa: PLR0913 - one argument a declaration
    source: str | PathLike[str],
    *,
    index_date: str,
    columns: Sequence[str] = USUAL,
    codes: Items = (),
    medications: Items = (),
    values: Items = (),
    data_type: DataType = "binary",
    most: int = 0,
) -> Imported:
    """Patients of a Synthea folder as they were on one day, one a row.

    Events after that day are left out, and so are patients who were born after it.

    Args:
        source: The folder with patients.csv and the files of what is asked for.
        index_date: The day, such as 2020-01-01: declared, since the last day of an export is a
            fact about its patients.
        columns: Of `PEOPLE`. Age is in whole years on the day, or at death; 90 and older are 90.
        codes: Declared codes of conditions.csv.
        medications: Declared codes of medications.csv.
        values: Declared codes of observations.csv: each patient's last value.
        data_type: "binary", whether a code occurs; "count", how often.
        most: Largest count that can occur; 0 leaves it open in the schema.

    Raises:
        UsageError: E331, what is declared does not make sense; E332, a file is absent.
        SchemaError: A file or list cannot be read.
    """
    root = Path(source)
    for name in columns:
        require_choice("columns", name, PEOPLE)
    until = last_moment(index_date)
    if np.isnan(until) or len(index_date) != 10:
        raise setting("Ages need the day they are counted on.", "index_date",
                      "declare it: index_date = 2020-01-01")  # fmt: skip
    asked = {"conditions": codes, "medications": medications, "observations": values}
    require_files(root, ["patients", *(name for name, items in asked.items() if items)])
    known = roster({require_file(root, "patients"): "Id"})
    left: dict[str, Counter[str]] = {"patients": Counter()}
    people, here = _people(root, known, columns, until, left["patients"])
    blocks = [people]
    for name, prefix in (("conditions", "condition"), ("medications", "medication")):
        if asked[name]:
            long = Long(path=require_file(root, name), patient="PATIENT", code="CODE",
                        time="START", until=until)  # fmt: skip
            items = items_of(asked[name])
            counter = left.setdefault(name, Counter())
            blocks.append(code_block(long, known, items, prefix, data_type, most, counter))
    if values:
        long = Long(path=require_file(root, "observations"), patient="PATIENT", code="CODE",
                    time="DATE", value="VALUE", until=until)  # fmt: skip
        counter = left.setdefault("observations", Counter())
        blocks.append(value_block(long, known, items_of(values), "value", counter))
    return assembled(blocks, left=left, keep=here)


def _people(
    root: Path, known: pa.Array, columns: Sequence[str], until: float, left: Counter[str]
) -> tuple[Block, NDArray[np.bool_]]:
    """The facts asked for, and who was born by the day, (n,)."""
    n = len(known)
    born, dead = np.full(n, np.nan), np.full(n, np.nan)
    words = {name: np.full(n, None, dtype=object) for name in columns if name in LEVELS}
    money = {name: np.full(n, np.nan) for name in columns if name in MONEY}
    names = ["Id", "BIRTHDATE", "DEATHDATE"]
    wanted = [*(LEVELS[name][0] for name in words), *(MONEY[name] for name in money)]
    for piece in texts_of(require_file(root, "patients"), [*names, *wanted]):
        place = places(piece["Id"], known)
        here = place >= 0
        place = place[here]
        born[place], dead[place] = moments(piece[names[1]])[here], moments(piece[names[2]])[here]
        for name, held in words.items():
            column, levels = LEVELS[name]
            held[place] = levelled(piece[column], levels, column, left)[here]
        for name, amount in money.items():
            amount[place] = as_numbers(piece[MONEY[name]], ()).values[here]
    later = born > until
    left["born after the day"] += int(later.sum())
    died = dead <= until
    found: dict[str, tuple[Column, NDArray[Any]]] = {
        "age": (
            Column(name="age_years", kind="continuous", low=0.0, high=90.0, decimals=0,
                   unit="years", nullable=True),
            np.clip(years_between(born, np.where(died, dead, until)), 0, 90),
        ),
        "died": (Column(name="died", kind="binary", levels=("0", "1")), died.astype(np.uint8)),
    }  # fmt: skip
    for name, held in words.items():
        levels = LEVELS[name][1]
        kind: Kind = "binary" if len(levels) == 2 else "categorical"
        found[name] = (Column(name=name, kind=kind, levels=levels, nullable=True), held)
    for name, amount in money.items():
        found[name] = (Column(name=name, kind="continuous", decimals=2, nullable=True), amount)
    chosen = [found[name] for name in columns]
    block = Block(columns=[c for c, _ in chosen], values=[array for _, array in chosen])
    return block, ~later
