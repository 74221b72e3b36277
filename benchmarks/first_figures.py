"""Usefulness of every model on the tables at hand, as the docs quote it.

    python benchmarks/first_figures.py --data FOLDER [--tables nhefs diabetes] [--seeds 3] [--write]

FOLDER holds support2_survset.csv.gz, heart_disease_uci.csv, simulated/diabetes_messy.csv; NHEFS,
diabetes come with the project. A third of the patients is held out (seed 0) before anything else;
the synthesizer sees the others and makes as many rows. δ = 1e-5 throughout. --write keeps
benchmarks/results/first_figures.json and the table in docs/figures.md.
"""

import argparse
import json
import math
import platform
import statistics
import time
from pathlib import Path

import wardveil as wv
from wardveil.evaluation import tstr_gap, tvd1, tvd2
from wardveil.models import MODELS, settings
from wardveil.tables import demo_schema, demo_table_path

ROOT = Path(__file__).parents[1]
SCHEMAS = ROOT / "examples" / "schemas"
TARGETS = {
    "nhefs": "died_by_1992", "diabetes": "neuropathy", "diabetes_messy": "neuropathy",
    "heart_disease": "num", "support2": "event",
}  # fmt: skip
FILES = {
    "diabetes_messy": "simulated/diabetes_messy.csv", "heart_disease": "heart_disease_uci.csv",
    "support2": "support2_survset.csv.gz",
}  # fmt: skip
EPSILONS = (1.0, math.inf)


def table_of(name: str, data: Path) -> wv.Table:
    """A table by name."""
    if name == "nhefs":
        return wv.read_table(demo_table_path(), demo_schema())
    path = ROOT / "examples" / "data" / "diabetes.csv" if name == "diabetes" else data / FILES[name]
    return wv.read_table(path, wv.Schema.read(SCHEMAS / f"{name}.toml"))


def measure(table: wv.Table, name: str, model: str, epsilon: float, seed: int) -> dict[str, float]:
    """One fit and its figures."""
    train, holdout = table.split(1 / 3, 0)
    schema, target = table.schema, TARGETS[name]
    start = time.perf_counter()
    synth = wv.fit(train, model=settings(model, {}), epsilon=epsilon, seed=seed,
                   delta=None if math.isinf(epsilon) else 1e-5)  # fmt: skip
    seconds = time.perf_counter() - start
    held, real = holdout.to_frame(), train.to_frame()
    fake = synth.sample(train.n, seed=seed)[held.columns]
    start = time.perf_counter()
    synth.sample(100_000, seed=seed)
    pace = 100_000 / (time.perf_counter() - start)
    return {
        "spent": synth.statement.epsilon or math.inf,
        "tvd1": tvd1(held, fake, schema=schema),
        "tvd2": tvd2(held, fake, schema=schema),
        "tstr_gap": tstr_gap(real, fake, held, target=target, schema=schema),
        "ruler_tvd1": tvd1(held, real, schema=schema),
        "ruler_tvd2": tvd2(held, real, schema=schema),
        "fit_seconds": seconds,
        "rows_per_second": pace,
    }


def page(results: list[dict]) -> str:
    """The Markdown table."""
    lines = [
        "# Figures", "",
        "Made by `python benchmarks/first_figures.py --data FOLDER --models marginal independent",
        "--epsilons 1 --write`; definitions: a third of the patients held",
        "out, δ = 1e-5, median of the seeds (range). `tvd1`, `tvd2`: share of",
        "patients that would have to move for one column, or a pair, to match held-out rows;",
        "`tstr_gap`: AUC lost when models learn from synthetic instead of real rows. The ruler is",
        "the same figure for real training rows.", "",
        "| table | ε | model | tvd1 (ruler) | tvd2 (ruler) | tstr_gap | fit s | rows/s |",
        "|---|---|---|---|---|---|---|---|",
    ]  # fmt: skip
    for r in results:

        def shown(key: str, digits: int = 3, r: dict = r) -> str:
            values = [run[key] for run in r["runs"]]
            middle = statistics.median(values)
            return f"{middle:.{digits}f} ({min(values):.{digits}f}–{max(values):.{digits}f})"

        rulers = [r["runs"][0][f"ruler_tvd{k}"] for k in (1, 2)]
        lines.append(
            f"| {r['table']} | {r['epsilon']} | {r['model']} | {shown('tvd1')} ({rulers[0]:.3f}) | "
            f"{shown('tvd2')} ({rulers[1]:.3f}) | {shown('tstr_gap')} | "
            f"{shown('fit_seconds', 0)} | "
            f"{statistics.median(x['rows_per_second'] for x in r['runs']):,.0f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, and keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--tables", nargs="*", default=list(TARGETS))
    parser.add_argument("--models", nargs="*", default=list(MODELS))
    parser.add_argument("--epsilons", nargs="*", type=float, default=list(EPSILONS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    results = []
    for name in options.tables:
        table = table_of(name, options.data)
        for model in options.models:
            for epsilon in options.epsilons:
                runs = [measure(table, name, model, epsilon, s) for s in range(options.seeds)]
                shown = "∞" if math.isinf(epsilon) else f"{epsilon:g}"
                results.append({"table": name, "model": model, "epsilon": shown, "runs": runs})
                print(name, model, shown, {k: round(v, 4) for k, v in runs[0].items()}, flush=True)
    if options.write:
        machine = {"python": platform.python_version(), "machine": platform.machine()}
        kept = {"machine": machine, "seeds": options.seeds, "results": results}
        target = ROOT / "benchmarks" / "results" / "first_figures.json"
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(kept, indent=1), encoding="utf-8")
        (ROOT / "docs" / "figures.md").write_text(page(results), encoding="utf-8")


if __name__ == "__main__":
    main()
