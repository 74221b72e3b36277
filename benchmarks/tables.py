"""The tables of the benchmarks, by name: patients, schema, outcome, rules.

Files are read from the data folder that a benchmark is given, and never copied. Bounds and levels
are those of the schema and free for every method alike. Identifiers and columns that leak the
outcome are dropped.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd

from wardveil.schema import Column, Schema
from wardveil.schema.column import NUMERIC
from wardveil.tables import Table, demo_schema, demo_table_path, read_table

ROOT: Final = Path(__file__).parents[1]
SCHEMAS: Final = ROOT / "examples" / "schemas"
VISITS: Final = ("RZ", "1M", "2M", "3M", "6M", "9M", "12M", "15M", "18M", "21M", "24M", "27M")
PRESSURES: Final = ("diastolic_bp_mmHg >= systolic_bp_mmHg",)
CODES: Final = 100
"""Codes of the simulated hospital that are kept: the most frequent ones."""


@dataclass(frozen=True, kw_only=True)
class Benchmark:
    """One table and what it is judged on.

    Attributes:
        table: All patients, under their schema.
        target: The outcome of `tstr_gap`; "" when there is none.
        positive: Levels of the outcome that count as yes; () leaves it as it is.
        rules: Expressions over columns; a row breaks one where it is false.
    """

    table: Table
    target: str = ""
    positive: tuple[int, ...] = ()
    rules: tuple[str, ...] = ()

    def judged(self, frame: pd.DataFrame) -> pd.DataFrame:
        """The rows with the outcome as yes or no."""
        if not self.positive:
            return frame
        return frame.assign(**{self.target: frame[self.target].isin(self.positive).astype(int)})

    @property
    def judged_schema(self) -> Schema:
        """The schema of `judged`."""
        schema = self.table.schema
        if not self.positive:
            return schema
        return schema.replace(self.target, kind="binary", levels=("0", "1"))

    def violations(self, frame: pd.DataFrame) -> float | None:
        """Share of rows that break a rule; None when there is no rule.

        A comparison with a missing value is false, so rules say what must *not* be.
        """
        if not self.rules:
            return None
        known = frame.astype({c: float for c in frame if pd.api.types.is_numeric_dtype(frame[c])})
        broken = np.zeros(len(frame), dtype=bool)
        for rule in self.rules:
            broken |= known.eval(rule).to_numpy(bool)
        return float(broken.mean())


def benchmark(name: str, data: Path) -> Benchmark:
    """The table `name`, read from the folder `data`."""
    return TABLES[name](data)


def _own(path: Path | None, name: str, data: Path, **judged: Any) -> Benchmark:
    """A table whose schema is among the examples; `path` within the data folder."""
    source = ROOT / "examples" / "data" / f"{name}.csv" if path is None else data / path
    return Benchmark(table=read_table(source, Schema.read(SCHEMAS / f"{name}.toml")), **judged)


def _nhefs(_: Path) -> Benchmark:
    return Benchmark(
        table=read_table(demo_table_path(), demo_schema()), target="died_by_1992",
        rules=("diastolic_bp_1982 >= systolic_bp_1982", "smoking_years > age"),
    )  # fmt: skip


def _support2(data: Path) -> Benchmark:
    """Without the time to death or censoring, which leaks the outcome."""
    schema = Schema.read(SCHEMAS / "support2.toml")
    leak = Column(name="time", kind="drop", reason="leaks the outcome")
    changed = {"time": leak, "event": replace(schema.by_name["event"], kind="binary")}
    columns = tuple(changed.get(c.name, c) for c in schema.columns)
    return Benchmark(
        table=read_table(data / "support2_survset.csv.gz", replace(schema, columns=columns)),
        target="event",
        # Six months are survived by nobody who did not survive two.
        rules=("surv6m > surv2m", "dzclass == 'Cancer' and ca == 'no'"),
    )


def _observed(benchmark: Benchmark) -> Benchmark:
    """The same patients, every bound narrowed to what the table holds.

    Methods that cut a range into equal parts lose by wide bounds; this shows how much.
    """
    table, columns = benchmark.table, []
    for column in table.schema.columns:
        if column.kind in NUMERIC:
            low, high = (float(f(table.rows[column.name])) for f in (np.nanmin, np.nanmax))
            column = replace(column, low=low, high=high)
        columns.append(column)
    schema = replace(table.schema, columns=tuple(columns))
    return replace(benchmark, table=replace(table, schema=schema))


def _codes(data: Path) -> Benchmark:
    """Patients × diagnosis codes of three digits, yes or no; simulated in MIMIC-III's layout."""
    rows = pd.read_csv(data / "simulated/mimic_layout/DIAGNOSES_ICD.csv.gz", dtype=str)
    code = rows["ICD9_CODE"]
    codes = code.str[:4].where(code.str.startswith("E"), code.str[:3])  # E codes have four
    kept = codes.value_counts().index[:CODES]
    matrix = pd.crosstab(rows["SUBJECT_ID"], codes).reindex(columns=kept).gt(0).astype(int)
    matrix.columns = [f"icd9_{code}" for code in kept]
    columns = tuple(Column(name=c, kind="binary", levels=("0", "1")) for c in matrix.columns)
    return Benchmark(table=read_table(matrix.reset_index(drop=True), Schema(columns=columns)))


def _breast_cancer(data: Path) -> Benchmark:
    """Thirty measures of cell nuclei, and whether the tumour was benign."""
    frame = pd.read_csv(data / "breast_cancer_wdbc.csv")
    columns = tuple(
        Column(name=c, kind="binary", levels=("0", "1"), target=True)
        if c == "target"
        else Column(name=c, kind="continuous", low=0.0, high=float(np.ceil(frame[c].max())),
                    decimals=4)
        for c in frame
    )  # fmt: skip
    return Benchmark(table=read_table(frame, Schema(columns=columns)), target="target")


def _simulated(name: str, data: Path) -> Benchmark:
    """A training file of the CTGAN paper's kind: two numbers, or the nodes of a network."""
    path = data / f"simulated/ctgan_{name}_train.csv.gz"
    frame = pd.read_csv(path, keep_default_na=False)  # "None" is a level
    columns = tuple(
        Column(name=c, kind="continuous", low=float(np.floor(frame[c].min())),
               high=float(np.ceil(frame[c].max())), decimals=3)
        if pd.api.types.is_float_dtype(frame[c])
        else Column(name=c, kind="categorical", levels=tuple(sorted(map(str, frame[c].unique()))))
        for c in frame
    )  # fmt: skip
    return Benchmark(table=read_table(frame, Schema(columns=columns, missing=("",))))


TABLES: Final[Mapping[str, Callable[[Path], Benchmark]]] = {
    "pbc": partial(_own, Path("pbc.csv"), "pbc", target="status", positive=(2,)),
    "heart_disease": partial(
        _own, Path("heart_disease_uci.csv"), "heart_disease", target="num", positive=(1, 2, 3, 4)
    ),
    "nhefs": _nhefs,
    "diabetes": partial(_own, None, "diabetes", target="neuropathy", rules=PRESSURES),
    "diabetes_messy": partial(
        _own, Path("simulated/diabetes_messy.csv"), "diabetes_messy", target="neuropathy",
        rules=PRESSURES,
    ),
    "support2": _support2,
    "support2_observed": lambda data: _observed(_support2(data)),
    "adult": partial(
        _own, Path("reference_only/adult.csv.gz"), "adult", target="income",
        rules=("relationship == 'Husband' and sex == 'Female'",
               "relationship == 'Wife' and sex == 'Male'"),
    ),
    "breast_cancer": _breast_cancer,
    "breast_cancer_observed": lambda data: _observed(_breast_cancer(data)),
    "arrhythmia": partial(
        _own, Path("reference_only/arrhythmia.csv.gz"), "arrhythmia", target="class",
        positive=tuple(range(2, 17)),
    ),
    "insurance": partial(_own, Path("insurance.csv"), "insurance", target="smoker"),
    "sprint": partial(
        _own, Path("simulated/sprint.csv.gz"), "sprint", target="arm",
        rules=tuple(f"DBP_{v} >= SBP_{v}" for v in VISITS),
    ),
    "codes": _codes,
    **{
        f"ctgan_{name}": partial(_simulated, name)
        for name in ("grid", "gridr", "ring", "alarm", "asia", "child", "insurance")
    },
}  # fmt: skip
