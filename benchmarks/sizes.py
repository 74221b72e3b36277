"""Utility against the number of patients, at ε = 1: the figure and table of docs/growth.md.

    python benchmarks/sizes.py --data FOLDER --cache FOLDER [--sizes 250 1000 4000 16000 32561]
        [--methods marginal independent smartnoise-mst] [--seeds 0 1 2]

Patients are drawn from adult; the third that is held out is the same for every size. Runs go to
results/sizes.jsonl as they finish, and what is known is not run again.
"""

import argparse
from pathlib import Path
from statistics import median
from typing import Any, Final

from chart import chart
from compare import KEY, METHODS, REAL, append, known, record_of
from judge import Judge
from tables import benchmark

RESULTS: Final = Path(__file__).parent / "results" / "sizes.jsonl"
TABLE: Final = "adult"
EPSILON: Final = 1.0
MEASURES: Final = ("tvd2", "tstr_gap")


def main() -> None:
    """Run what is asked for and not yet known."""
    options = _options()
    whole = benchmark(TABLE, options.data)
    for n in options.sizes:
        judge = Judge(benchmark=whole, most=n)
        for method in [REAL, *options.methods]:
            for seed in options.seeds if method != REAL else [0]:
                key = (f"{TABLE} {n}", method, None if method == REAL else EPSILON, seed)
                if key in known(RESULTS):
                    continue
                found = dict(zip(KEY, key, strict=True)) | record_of(judge, key, options)
                append(RESULTS, found)


def lines(measure: str) -> dict[str, list[tuple[float, float]]]:
    """Method -> (n, median over seeds) by ascending n."""
    runs: dict[tuple[str, int], list[float]] = {}
    for run in known(RESULTS).values():
        if run.get(measure) is not None:
            runs.setdefault((run["method"], run["rows"]), []).append(run[measure])
    order = [m for m in (REAL, *METHODS) if any(m == method for method, _ in runs)]
    return {
        m: sorted((float(n), median(v)) for (method, n), v in runs.items() if method == m)
        for m in order
    }


def section() -> list[str]:
    """The part of the page."""
    if not RESULTS.is_file():
        return []
    found = {measure: lines(measure) for measure in MEASURES}
    sizes = sorted({n for line in found["tvd2"].values() for n, _ in line})
    parts = [
        "## How much patients bring\n",
        f"{TABLE}, ε = {EPSILON:g}, δ as in [benchmarks.md](benchmarks.md), medians over seeds, "
        "against the same held-out third; *real rows* are the patients themselves "
        "(`python benchmarks/sizes.py --data FOLDER --cache FOLDER`).\n",
    ]
    for measure, by_method in found.items():
        parts += [f"| {measure} | " + " | ".join(f"n = {n:,.0f}" for n in sizes) + " |",
                  "|---" * (len(sizes) + 1) + "|"]  # fmt: skip
        for method, line in by_method.items():
            values = dict(line)
            cells = [f"{values[n]:.3f}" if n in values else "–" for n in sizes]
            parts.append(f"| {method} | " + " | ".join(cells) + " |")
        parts += ["", f"![{measure} against n](figures/sizes_{measure}.svg)\n"]
    return parts


def figures(colours: dict[str, str]) -> dict[str, str]:
    """File name -> SVG."""
    if not RESULTS.is_file():
        return {}
    made = {}
    for measure in MEASURES:
        found: dict[str, Any] = lines(measure)
        ruler = found.pop(REAL)[-1][1]
        title = f"{TABLE}, ε = {EPSILON:g}: {measure} against n, lower is better"
        made[f"sizes_{measure}.svg"] = chart(title, found, ruler, colours, axis="n")
    return made


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="folder of the tables")
    parser.add_argument("--cache", type=Path, required=True, help="folder of the environments")
    parser.add_argument("--sizes", nargs="+", type=int, default=[250, 1_000, 4_000, 16_000, 32_561])
    parser.add_argument(
        "--methods", nargs="+", choices=list(METHODS),
        default=["marginal", "independent", "smartnoise-mst"],
    )  # fmt: skip
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--limit", type=float, default=600, help="processor seconds a run may take")
    parser.add_argument("--busy", action="store_true", help="other work runs: times are rough")
    return parser.parse_args()


if __name__ == "__main__":
    main()
