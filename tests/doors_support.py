"""Made-up exports, and what an import of them should give, worked out by hand."""

import csv
import gzip
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

CODES = ("0389", "03812", "25000", "V3001", "E8120", "E8190", "4019")
"""Whole codes; 038 is that of two, and E812 is not E819."""


def write(path: Path, rows, *, packed: bool = False) -> Path:
    """Rows of cells as CSV, or as CSV.gz."""
    path = path.with_name(path.name + ".gz") if packed else path
    with gzip.open(path, "wt", newline="") if packed else path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def mimic(folder: Path, *, n: int = 12, seed: int = 0, lower: bool = False, packed: bool = False):
    """A MIMIC-III folder: (patients, diagnoses); the first patient has none, the last no stay."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    subjects = [str(s) for s in rng.choice(np.arange(10_000, 99_999), n, replace=False)]
    diagnoses = [
        (s, str(rng.choice(CODES))) for s in subjects[1:-1] for _ in range(rng.integers(1, 9))
    ]
    tables = {
        "PATIENTS": [["ROW_ID", "SUBJECT_ID", "GENDER", "DOB"]]
        + [[i, s, "FM"[i % 2], "2100-03-05 00:00:00"] for i, s in enumerate(subjects)],
        "ADMISSIONS": [["ROW_ID", "SUBJECT_ID", "HADM_ID", "ADMITTIME", "DISCHTIME",
                        "DIAGNOSIS", "HOSPITAL_EXPIRE_FLAG"]]
        + [[i, s, i, "2160-03-04 10:00:00", "2160-03-06 22:00:00", 'a, "quoted" word', i % 3 % 2]
           for i, s in enumerate(subjects[:-1])],
        "DIAGNOSES_ICD": [["ROW_ID", "SUBJECT_ID", "HADM_ID", "SEQ_NUM", "ICD9_CODE"]]
        + [[i, s, i, 1, c] for i, (s, c) in enumerate(diagnoses)],
        "D_ICD_DIAGNOSES": [["ROW_ID", "ICD9_CODE", "SHORT_TITLE"]]
        + [[i, c, "a title"] for i, c in enumerate(CODES)],
    }  # fmt: skip
    for name, rows in tables.items():
        spelled = name.lower() if lower else name
        head = [cell.lower() for cell in rows[0]] if lower else rows[0]
        write(folder / f"{spelled}.csv", [head, *rows[1:]], packed=packed)
    return subjects, diagnoses


def matrix(subjects, events, codes, shorten=lambda code: code) -> np.ndarray:
    """How often each patient has each code, (patients, codes)."""
    held: dict[str, Counter[str]] = defaultdict(Counter)
    for subject, code in events:
        held[subject][shorten(code)] += 1
    return np.array([[held[s][c] for c in codes] for s in subjects])


def category(code: str) -> str:
    return code[:4] if code[0] == "E" else code[:3]
