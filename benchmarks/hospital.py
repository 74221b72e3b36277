"""Exports of hospitals at their true size, made up, and what it costs to bring them in.

    python benchmarks/hospital.py mimic DIR      46,520 patients x 1,071 codes, as MIMIC-III
    python benchmarks/hospital.py synthea DIR    10,000 patients with Synthea's identifiers
    python benchmarks/hospital.py measure -- wardveil import DIR -o table.parquet

No patient is in these files. Which code goes with which is drawn at random: they are for time and
memory, and say nothing about usefulness.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

TOPICS = 40


def category_names(count: int, rng: np.random.Generator) -> np.ndarray:
    """Distinct three-character categories of ICD-9: 001-999, V01-V91, E800-E999."""
    every = [f"{k:03d}" for k in range(1, 1000)]
    every += [f"V{k:02d}" for k in range(1, 92)] + [f"E{k}" for k in range(800, 1000)]
    return rng.permutation(every)[:count]


def write_mimic(folder: Path, n: int, codes: int, seed: int) -> None:
    """PATIENTS, ADMISSIONS, DIAGNOSES_ICD and D_ICD_DIAGNOSES of n patients.

    A patient has a topic, a topic its own order of codes by popularity, an admission about eleven
    codes: enough for files of the true length and a matrix of the true density.
    """
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    names = category_names(codes, rng)
    digits = rng.integers(0, 10, codes).astype(str)
    popular = 1 / (np.arange(codes) + 7.0)
    orders = np.argsort(-rng.gumbel(size=(TOPICS, codes)) - np.log(popular), axis=1)
    subject = 10_000 + np.sort(rng.choice(90_000, n, replace=False))
    stays = 1 + rng.poisson(0.27, n)
    who = np.repeat(np.arange(n), stays)
    stay = 100_000 + rng.permutation(len(who))
    born = np.datetime64("2050-01-01") + rng.integers(0, 30_000, n)
    came = born[who] + np.sort(rng.integers(6_600, 33_000, len(who)))
    came = came.astype("datetime64[s]") + rng.integers(0, 86_400, len(who))
    went = came + (rng.gamma(1.4, 4.2, len(who)) * 86_400).astype("timedelta64[s]")
    held = np.minimum(1 + rng.poisson(rng.gamma(3.2, 3.1, len(who))), 39)
    event = np.repeat(np.arange(len(who)), held)
    rank = np.minimum(rng.exponential(60, len(event)).astype(int), codes - 1)
    code = orders[rng.integers(0, TOPICS, n)[who[event]], rank]
    first = np.arange(n)
    texts = np.datetime_as_string
    pd.DataFrame({
        "ROW_ID": first + 1, "SUBJECT_ID": subject, "GENDER": rng.choice(["F", "M"], n),
        "DOB": texts(born, unit="D"), "DOD": "", "EXPIRE_FLAG": 0,
    }).to_csv(folder / "PATIENTS.csv", index=False)  # fmt: skip
    pd.DataFrame({
        "ROW_ID": np.arange(len(who)) + 1, "SUBJECT_ID": subject[who], "HADM_ID": stay,
        "ADMITTIME": np.char.replace(texts(came, unit="s"), "T", " "),
        "DISCHTIME": np.char.replace(texts(went, unit="s"), "T", " "),
        "DIAGNOSIS": "MADE UP", "HOSPITAL_EXPIRE_FLAG": (rng.random(len(who)) < 0.1).astype(int),
    }).to_csv(folder / "ADMISSIONS.csv", index=False)  # fmt: skip
    full = np.char.add(names, digits)
    pd.DataFrame({
        "ROW_ID": np.arange(len(event)) + 1, "SUBJECT_ID": subject[who[event]],
        "HADM_ID": stay[event], "SEQ_NUM": 1, "ICD9_CODE": full[code],
    }).to_csv(folder / "DIAGNOSES_ICD.csv", index=False)  # fmt: skip
    pd.DataFrame({
        "ROW_ID": np.arange(codes) + 1, "ICD9_CODE": full, "SHORT_TITLE": "made up",
    }).to_csv(folder / "D_ICD_DIAGNOSES.csv", index=False)  # fmt: skip


def write_synthea(folder: Path, n: int, seed: int) -> None:
    """patients.csv with a distinct value in each identifying column, and a few conditions."""
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    number = np.arange(n).astype(str)
    born = np.datetime64("1930-01-01") + rng.integers(0, 32_000, n)
    dead = np.where(rng.random(n) < 0.15, np.datetime_as_string(born + 30_000), "")
    unique = ("SSN", "DRIVERS", "PASSPORT", "FIRST", "LAST", "MAIDEN", "ADDRESS", "BIRTHPLACE")
    pd.DataFrame({
        "Id": np.char.add("canary-id-", number), "BIRTHDATE": np.datetime_as_string(born),
        "DEATHDATE": dead,
        **{name: np.char.add(f"CANARY {name} ", number) for name in unique},
        "PREFIX": "Mx.", "SUFFIX": "", "MARITAL": rng.choice(["M", "S", "D", "W", ""], n),
        "RACE": rng.choice(["white", "black", "asian", "native", "other"], n),
        "ETHNICITY": rng.choice(["hispanic", "nonhispanic"], n),
        "GENDER": rng.choice(["F", "M"], n),
        "CITY": np.char.add("CANARY CITY ", (np.arange(n) % 400).astype(str)),
        "STATE": "Massachusetts", "COUNTY": "CANARY COUNTY", "FIPS": 25_025,
        "ZIP": np.char.add("0", (1000 + np.arange(n) % 900).astype(str)),
        "LAT": 42 + rng.random(n), "LON": -71 - rng.random(n),
        "HEALTHCARE_EXPENSES": np.round(rng.gamma(2, 40_000, n), 2),
        "HEALTHCARE_COVERAGE": np.round(rng.gamma(1, 4_000, n), 2),
        "INCOME": rng.integers(0, 200_000, n),
    }).to_csv(folder / "patients.csv", index=False)  # fmt: skip
    who = rng.integers(0, n, 3 * n)
    codes = ["44054006", "59621000", "15777000", "40055000"]
    pd.DataFrame({
        "START": "2015-01-01", "STOP": "", "PATIENT": np.char.add("canary-id-", number)[who],
        "ENCOUNTER": "", "CODE": rng.choice(codes, 3 * n),
        "DESCRIPTION": "made up",
    }).to_csv(folder / "conditions.csv", index=False)  # fmt: skip


def measure(command: list[str]) -> None:
    """Run a command; print its seconds and the peak of its memory."""
    start = time.perf_counter()
    done = subprocess.run(command, check=False)
    seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    print(f"exit {done.returncode}, {seconds:.1f} s, peak {peak:,.0f} MB")
    sys.exit(done.returncode)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb, n in (("mimic", 46_520), ("synthea", 10_000)):
        made = verbs.add_parser(verb)
        made.add_argument("folder", type=Path)
        made.add_argument("--patients", type=int, default=n)
        made.add_argument("--codes", type=int, default=1_071)
        made.add_argument("--seed", type=int, default=0)
    verbs.add_parser("measure").add_argument("command", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    if asked.verb == "measure":
        measure([word for word in asked.command if word != "--"])
    elif asked.verb == "mimic":
        write_mimic(asked.folder, asked.patients, asked.codes, asked.seed)
    else:
        write_synthea(asked.folder, asked.patients, asked.seed)


if __name__ == "__main__":
    main()
