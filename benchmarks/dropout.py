"""Visits that are missed, and survival: what private rows keep of both.

    python benchmarks/dropout.py --data FOLDER [--epsilons 1 3] [--seeds 3] [--write]

Two tables: 2,000 made-up participants of a trial who miss visits, and 312 real patients of the
Mayo trial in primary biliary cirrhosis, whose irregular days become yearly visits. Attendance is
the share of patients that were seen at a visit, among all and in each arm; the survival curve, of
the second table, is that of everybody. Both are compared with the table that was learnt from, at
the worst visit and at the worst moment; curves also at the worst moment that 10 real patients
reached, and as large a share of the others, since the last one alone moves a curve by all that is
left of it. All of it for as many rows as there are patients, and for 20,000, which luck in drawing
moves little. Results go to benchmarks/results/dropout.jsonl; the last line of a fit counts.
"""

import argparse
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
from compare import KEY, append

import wardveil as wv
from wardveil.doors import Imported, Item, read_visits
from wardveil.evaluation.survival import kaplan_meier
from wardveil.models import settings
from wardveil.schema import Column

RESULTS: Final = Path(__file__).parent / "results" / "dropout.jsonl"
MODELS: Final = ("marginal", "acgan")
DELTA: Final = 1e-5
MANY: Final = 20_000
AT_RISK: Final = 10
MONTHS: Final = (0, 6, 12, 24, 36, 48, 60, 72, 84, 96)
"""Planned visits of the Mayo trial."""
DAYS_A_MONTH: Final = 30.4375
SPRINT_VISITS: Final = ("RZ", "1M", "2M", "3M", "6M", "9M", "12M", "15M", "18M", "21M", "24M",
                        "27M")  # fmt: skip


def main() -> None:
    """Every table, model, ε and seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--epsilons", nargs="+", type=float, default=[1.0, 3.0])
    parser.add_argument("--models", nargs="+", choices=MODELS, default=list(MODELS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true", help="keep the figures")
    options = parser.parse_args()
    tables = {"sprint, visits missed": sprint(options.data), "pbcseq": pbcseq(options.data)}
    for name, imported in tables.items():
        for model in options.models:
            for epsilon in options.epsilons:
                for seed in range(options.seeds):
                    record = dict(zip(KEY, (name, model, epsilon, seed), strict=True))
                    record |= {"patients": len(imported.frame)}
                    record |= fitted(imported, model, epsilon, seed)
                    if options.write:
                        append(RESULTS, record)
                    else:
                        print(record, flush=True)


def sprint(data: Path) -> Imported:
    """Two arms, three measures at 12 visits; any visit may be missed, and is missed as a whole."""
    measures = [Item(code="SBP", low=60, high=250), Item(code="DBP", low=20, high=150),
                Item(code="NMEDS", low=0, high=12)]  # fmt: skip
    read = read_visits(
        data / "simulated" / "sprint_long_missing.csv.gz", patient="participant_id",
        visit="visit", time="month", visits=SPRINT_VISITS, values=measures, arm="arm",
        arms=("0", "1"), incomplete="missing", columns=("female",),
    )  # fmt: skip
    facts = {"arm": {"condition": True}, "female": {"kind": "binary", "levels": ("0", "1")}}
    return declared(read, facts, first="RZ")


def pbcseq(data: Path) -> Imported:
    """Bilirubin, albumin and prothrombin time, months 0 to 96; time to death beside them."""
    long = pd.read_csv(data / "pbcseq.csv")
    month = long["day"] / DAYS_A_MONTH
    planned = np.array(MONTHS)
    nearest = np.abs(month.to_numpy()[:, None] - planned).argmin(axis=1)
    long["visit"] = [f"{m}M" for m in planned[nearest]]
    long["death"] = (long["status"] == 2).astype(int)  # a transplant ends the observation
    measures = [
        Item(code="bili", low=0, high=50, decimals=1),
        Item(code="albumin", low=1, high=6, decimals=2),
        Item(code="protime", low=8, high=40, decimals=1),
    ]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pbcseq.csv"
        long.to_csv(path, index=False)
        read = read_visits(
            path, patient="id", visit="visit", time="day", visits=[f"{m}M" for m in MONTHS],
            values=measures, arm="trt", arms=("0", "1"), incomplete="missing",
            columns=("futime", "death", "sex"),
        )  # fmt: skip
    facts = {
        "trt": {"condition": True},
        "sex": {"kind": "binary", "levels": ("f", "m")},
        "death": {"kind": "event", "levels": ("0", "1"), "target": True},
        "futime": {"kind": "time", "low": 0, "high": 5_500, "decimals": 0, "pair": "death"},
    }
    return declared(read, facts, first="0M")


def declared(read: Imported, facts: Mapping[str, Mapping[str, Any]], first: str) -> Imported:
    """The draft with what is public about its columns; nobody misses the first visit."""
    assert read.schema.trial is not None
    trial = replace(read.schema.trial, missed="visits")
    begun = {trial.column(m, first) for m in trial.measures}
    columns = []
    for c in read.schema.columns:
        if c.name in facts:
            c = Column(**({"name": c.name, "kind": c.kind, "levels": c.levels} | facts[c.name]))
        columns.append(replace(c, nullable=False) if c.name in begun else c)
    schema = replace(read.schema, columns=tuple(columns), trial=trial, rows=len(read.frame))
    return Imported(frame=read.frame, schema=schema)


def fitted(imported: Imported, model: str, epsilon: float, seed: int) -> dict[str, Any]:
    """The figures of one fit."""
    schema, real = imported.schema, imported.frame
    synth = wv.fit(
        real, schema=schema, model=settings(model, {}), epsilon=epsilon, delta=DELTA, seed=seed
    )
    few, many = (gaps(real, synth.sample(n, seed=seed), schema) for n in (len(real), MANY))
    return few | {"of_20_000_rows": many}


def gaps(real: pd.DataFrame, fake: pd.DataFrame, schema: wv.Schema) -> dict[str, float]:
    """Largest distances of attendance and survival."""
    overall = np.abs(attendance(real, schema) - attendance(fake, schema))
    found = {"attendance_gap": round(float(overall.max()), 4)}
    assert schema.trial is not None
    arms = [(real[schema.trial.arm].astype(str) == a, fake[schema.trial.arm].astype(str) == a)
            for a in schema.by_name[schema.trial.arm].levels or ()]  # fmt: skip
    by_arm = [np.abs(attendance(real[a], schema) - attendance(fake[b], schema)) for a, b in arms]
    found["attendance_gap_by_arm"] = round(float(np.max(by_arm)), 4)
    if "futime" in real:
        found["survival_gap"] = round(survival_gap(real, fake), 4)
        found["survival_gap_at_risk"] = round(survival_gap(real, fake, AT_RISK / len(real)), 4)
    return found


def attendance(frame: pd.DataFrame, schema: wv.Schema) -> np.ndarray:
    """Share of patients with any measure at each visit, (visits,)."""
    trial = schema.trial
    assert trial is not None
    seen = [
        frame[[trial.column(m, v) for m in trial.measures]].notna().any(axis=1).mean()
        for v in trial.visits
    ]
    return np.array(seen, dtype=float)


def survival_gap(real: pd.DataFrame, fake: pd.DataFrame, share: float = 0.0) -> float:
    """Largest distance of the Kaplan-Meier curves while both have that share of their patients."""
    times = [f["futime"].to_numpy(float) for f in (real, fake)]
    died = [(f["death"].astype(str) == "1").to_numpy() for f in (real, fake)]
    when = np.linspace(0, min(np.quantile(t, 1 - share) for t in times), 2_000)
    ours, theirs = (kaplan_meier(t, d).at(when) for t, d in zip(times, died, strict=True))
    return float(np.abs(ours - theirs).max())


if __name__ == "__main__":
    main()
