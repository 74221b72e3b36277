"""MIMIC-III: the folder of a hospital export in that layout becomes one row a patient.

Layout: Johnson et al. (2016), MIMIC-III, a freely accessible critical care database, Sci Data 3.
Choi et al. (2017), arXiv:1703.06490, make the same matrix of patients and ICD-9 codes, with the
codes that were seen; here the codes are declared, or those of the export's own dictionary,
D_ICD_DIAGNOSES, which is the published standard and holds no patient.
"""

from collections import Counter
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from wardveil.doors.declared import Item, Items, items_of
from wardveil.doors.export import file_in, require_file, require_files
from wardveil.doors.imported import Block, Imported, assembled
from wardveil.doors.long import DataType, Long, code_block, value_block
from wardveil.doors.moment import moments, years_between
from wardveil.doors.roster import levelled, places, roster
from wardveil.doors.setting import require_choice
from wardveil.doors.stream import texts_of
from wardveil.schema.column import Column

Digits = Literal["3", "full"]
PEOPLE: Final = ("sex", "age", "stay", "died")
"""Facts of a patient that may be asked for."""

OLDEST: Final = 90.0
"""Ages from here on are one: the export shifts them by two centuries for the same reason."""


def read_mimic(
    source: str | PathLike[str],
    *,
    data_type: DataType = "binary",
    digits: Digits = "3",
    codes: Items = (),
    values: Items = (),
    columns: Sequence[str] = (),
    most: int = 0,
) -> Imported:
    """Patients of a MIMIC-III folder, one a row, with a column for each declared diagnosis.

    Every patient of ADMISSIONS and PATIENTS is there, with or without a diagnosis. No identifier
    and no date leaves.

    Args:
        source: The folder: ADMISSIONS and DIAGNOSES_ICD, and what else is asked for, as .csv or
            .csv.gz, names in any case.
        data_type: "binary", whether a code was ever recorded; "count", how often.
        digits: "3" for categories (E codes: 4 characters), "full" for whole codes.
        codes: Declared list of codes, in the form `digits` gives them; () for D_ICD_DIAGNOSES.
        values: Declared ITEMIDs of LABEVENTS: each patient's last value.
        columns: Of `PEOPLE`: sex, age in years at the first admission (90 and older are 90), days
            of the first stay, death in hospital.
        most: Largest count that can occur; 0 leaves it open in the schema.

    Raises:
        UsageError: E331, what is declared does not make sense; E332, a file is absent.
        SchemaError: A file or list cannot be read.
    """
    root = Path(source)
    require_choice("digits", digits, ("3", "full"))
    for name in columns:
        require_choice("columns", name, PEOPLE)
    needed = ["ADMISSIONS", "DIAGNOSES_ICD"]
    needed += ["PATIENTS"] if {"sex", "age"} & set(columns) else []
    needed += ["LABEVENTS"] if values else []
    needed += [] if codes else ["D_ICD_DIAGNOSES"]
    require_files(root, needed)
    everyone = [path for name in ("PATIENTS", "ADMISSIONS") if (path := file_in(root, name))]
    known = roster(dict.fromkeys(everyone, "SUBJECT_ID"))
    left: dict[str, Counter[str]] = {}
    blocks = [_people(root, known, columns, left)] if columns else []
    shorten = _category if digits == "3" else _plain
    items = items_of(codes) if codes else _dictionary(root, shorten)
    blocks.append(
        code_block(
            Long(path=require_file(root, "DIAGNOSES_ICD"), patient="SUBJECT_ID", code="ICD9_CODE",
                 shorten=shorten),
            known, items, "icd9", data_type, most, _counter(left, "DIAGNOSES_ICD"),
        )
    )  # fmt: skip
    if values:
        labs = Long(path=require_file(root, "LABEVENTS"), patient="SUBJECT_ID", code="ITEMID",
                    time="CHARTTIME", value="VALUENUM")  # fmt: skip
        blocks.append(
            value_block(labs, known, items_of(values), "lab", _counter(left, "LABEVENTS"))
        )
    return assembled(blocks, left=left)


def _counter(left: dict[str, Counter[str]], name: str) -> Counter[str]:
    return left.setdefault(name, Counter())


def _plain(codes: pa.ChunkedArray) -> pa.ChunkedArray:
    """Codes without a point, in capitals: as the dictionary writes them."""
    return pc.replace_substring(pc.utf8_upper(codes), ".", "")


def _category(codes: pa.ChunkedArray) -> pa.ChunkedArray:
    """The three-character category of ICD-9 codes; external causes (E800 to E999) have four."""
    codes = _plain(codes)
    return pc.if_else(
        pc.starts_with(codes, "E"),
        pc.utf8_slice_codeunits(codes, 0, 4),
        pc.utf8_slice_codeunits(codes, 0, 3),
    )


def _dictionary(root: Path, shorten: Any) -> list[Item]:
    """All codes of the standard's dictionary, in its order of codes."""
    pieces = texts_of(require_file(root, "D_ICD_DIAGNOSES"), ["ICD9_CODE"])
    codes = {c for piece in pieces for c in pc.unique(shorten(piece["ICD9_CODE"])).to_pylist() if c}
    return [Item(code=code) for code in sorted(codes)]


def _people(
    root: Path, known: pa.Array, columns: Sequence[str], left: dict[str, Counter[str]]
) -> Block:
    """The facts of patients that were asked for, in the order of `columns`."""
    first, days, died = _stays(root, known)
    found: dict[str, tuple[Column, NDArray[Any]]] = {
        "stay": (Column(name="stay_days", kind="continuous", low=0.0, high=1_000.0, decimals=1,
                        unit="days", nullable=True), days),
        "died": (Column(name="died_in_hospital", kind="binary", levels=("0", "1")), died),
    }  # fmt: skip
    if {"sex", "age"} & set(columns):
        sex, born = _births(root, known, _counter(left, "PATIENTS"))
        age = np.clip(years_between(born, first), 0, OLDEST)
        found["sex"] = (Column(name="sex", kind="binary", levels=("F", "M"), nullable=True), sex)
        found["age"] = (Column(name="age_years", kind="continuous", low=0.0, high=OLDEST,
                               decimals=0, unit="years", nullable=True), age)  # fmt: skip
    chosen = [found[name] for name in columns]
    return Block(columns=[column for column, _ in chosen], values=[array for _, array in chosen])


def _stays(
    root: Path, known: pa.Array
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.uint8]]:
    """First admission (seconds, NaN unknown), its length (days), and death in any, each (n,)."""
    names = ["SUBJECT_ID", "ADMITTIME", "DISCHTIME", "HOSPITAL_EXPIRE_FLAG"]
    first, days = np.full(len(known), np.inf), np.full(len(known), np.nan)
    died = np.zeros(len(known), dtype=np.uint8)
    for piece in texts_of(require_file(root, "ADMISSIONS"), names):
        place, came, went = (
            places(piece["SUBJECT_ID"], known), moments(piece[names[1]]), moments(piece[names[2]])
        )  # fmt: skip
        dead = pc.fill_null(pc.equal(piece[names[3]], "1"), fill_value=False).to_numpy()
        died[place[(place >= 0) & dead]] = 1
        timed = np.flatnonzero((place >= 0) & ~np.isnan(came))
        timed = timed[np.lexsort((came[timed], place[timed]))]
        who, at = np.unique(place[timed], return_index=True)
        earlier = came[timed[at]] < first[who]
        who, row = who[earlier], timed[at[earlier]]
        first[who], days[who] = came[row], np.maximum(went[row] - came[row], 0) / 86_400
    return np.where(np.isinf(first), np.nan, first), np.round(days, 1), died


def _births(
    root: Path, known: pa.Array, left: Counter[str]
) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Sex and moment of birth of each patient, (n,)."""
    sex = np.full(len(known), None, dtype=object)
    born = np.full(len(known), np.nan)
    for piece in texts_of(require_file(root, "PATIENTS"), ["SUBJECT_ID", "GENDER", "DOB"]):
        place = places(piece["SUBJECT_ID"], known)
        here = place >= 0
        sex[place[here]] = levelled(piece["GENDER"], ("F", "M"), "GENDER", left)[here]
        born[place[here]] = moments(piece["DOB"])[here]
    return sex, born
