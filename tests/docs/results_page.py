"""The measured tables of docs/choose.md and docs/models, made from the committed results.

`python tests/docs/results_page.py` writes them, each between its two marks; the text around them is
written by hand.
"""

import json
import math
import re
import sys
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))  # scripts beside one another, no package

import ctgan_speed  # noqa: E402
import likelihood  # noqa: E402
import papers_page  # noqa: E402
from compare import METHODS, OURS, REAL, RESULTS, known  # noqa: E402
from page import Group, cost, epsilon_text, groups  # noqa: E402
from papers_page import markdown  # noqa: E402

from wardveil.models import ENOUGH, choose_model  # noqa: E402

Runs = dict[tuple[str, str, float], Group]
MODELS = ROOT / "docs" / "models"
CHOOSE = ROOT / "docs" / "choose.md"


def pages() -> dict[Path, str]:
    """The pages as they should be."""
    found = groups(known(RESULTS).values())
    runs = {(g.table, g.method, g.epsilon): g for g in found}
    choose = {"auto": auto, "epsilon": by_epsilon, "columns": by_columns, "models": by_model,
              "open": without_privacy}  # fmt: skip
    made = {CHOOSE: _filled(CHOOSE, {mark: table(runs) for mark, table in choose.items()})}
    for path in sorted(MODELS.glob("*.md")):
        marks = set(re.findall(r"<!-- (\w+) -->", path.read_text(encoding="utf-8")))
        tables = {
            "results": lambda name=path.stem: beside(runs, name),
            "likelihood": lambda name=path.stem: likelihoods(name),
            "parts": papers_page.parts_of_ctgan,
            "speed": speed_of_ctgan,
            "presets": papers_page.presets,
            "attacks": papers_page.attacks,
            "versions": papers_page.versions,
            "counts": papers_page.counts,
            "followup": papers_page.followup,
        }
        if found := {mark: tables[mark]() for mark in tables if mark in marks}:
            made[path] = _filled(path, found)
    return made


def auto(runs: Runs) -> str:
    """What `auto` takes on each table, and what both candidates keep; n·ε ascending."""
    rows = []
    for table, epsilon in _where(runs, "independent"):
        a, b = (runs.get((table, m, epsilon)) for m in ("marginal", "independent"))
        if a is None or b is None:
            continue
        n, columns = _size(a)
        taken, _ = choose_model(n, columns, epsilon)
        cells = [table, f"{n:,}", str(columns), epsilon_text(epsilon), f"{n * epsilon:,.0f}", taken]
        cells += [_shown(g, m) for m in ("tvd2", "tstr_gap") for g in (a, b)]
        rows.append((n * epsilon, cells))
    head = ["table", "n", "columns", "ε", "n·ε", "`auto` takes", "tvd2 marginal",
            "tvd2 independent", "tstr_gap marginal", "tstr_gap independent"]  # fmt: skip
    rule = (
        f"`auto` takes `independent` where n·ε < {ENOUGH} or fewer than 2 columns are modelled, "
        "else `marginal`.\n\n"
    )
    return rule + markdown(head, [cells for _, cells in sorted(rows)])


def by_epsilon(runs: Runs) -> str:
    """`tvd2` of `marginal` by ε, beside the ruler."""
    epsilons = sorted({e for _, m, e in runs if m == "marginal"})
    rows = [
        [table, f"{_size(real)[0]:,}", _shown(real, "tvd2"),
         *(_shown(runs.get((table, "marginal", e)), "tvd2") for e in epsilons)]
        for table, real in _real(runs)
    ]  # fmt: skip
    return markdown(
        ["table", "n", "real rows", *(f"ε = {epsilon_text(e)}" for e in epsilons)], rows
    )


def by_columns(runs: Runs) -> str:
    """What columns cost `marginal` at ε = 1; columns ascending."""
    rows = []
    for table, real in _real(runs):
        g = runs.get((table, "marginal", 1.0))
        if g is not None:
            n, columns = _size(g)
            cells = [table, str(columns), f"{n:,}", _shown(real, "tvd2"), _shown(g, "tvd2"),
                     cost(g, "fit_cpu_seconds", ""), cost(g, "peak_mb", "")]  # fmt: skip
            rows.append((columns, cells))
    head = ["table", "columns", "n", "tvd2 real rows", "tvd2", "fit s", "MB"]
    return markdown(head, [cells for _, cells in sorted(rows)])


def by_model(runs: Runs) -> str:
    """Ours at ε = 1, on the tables where any ran but the two that `auto` takes."""
    ours = {k: g for k, g in runs.items() if k[1] != REAL and METHODS[k[1]].peer == OURS}
    told = {t for t, m, e in ours if e == 1 and m not in ("marginal", "independent")}
    return _models({k: g for k, g in ours.items() if k[0] in told}, 1.0)


def without_privacy(runs: Runs) -> str:
    """Everything that ran without privacy."""
    return _models(runs, math.inf)


def _models(runs: Runs, epsilon: float) -> str:
    rows = [
        [table, method, *(_shown(g, m) for m in ("tvd1", "tvd2", "tstr_gap", "c2st")),
         cost(g, "fit_cpu_seconds", "")]
        for (table, method, e), g in runs.items()
        if e == epsilon and method != REAL
    ]  # fmt: skip
    return markdown(["table", "method", "tvd1", "tvd2", "tstr_gap", "c2st", "fit s"], rows)


def beside(runs: Runs, name: str) -> str:
    """A model and `marginal`, wherever both ran at the same finite ε."""
    rows = [
        [table, f"{_size(runs[table, m, e])[0]:,}", epsilon_text(e), m,
         *(_shown(runs[table, m, e], k) for k in ("tvd1", "tvd2", "tstr_gap", "c2st")),
         cost(runs[table, m, e], "fit_cpu_seconds", ""), str(len(runs[table, m, e].values("tvd2")))]
        for table, e in _where(runs, name)
        for m in (name, "marginal")
        if (table, "marginal", e) in runs
    ]  # fmt: skip
    head = ["table", "n", "ε", "model", "tvd1", "tvd2", "tstr_gap", "c2st", "fit s", "seeds"]
    return markdown(head, rows)


def likelihoods(model: str) -> str:
    """L_syn and L_test on the paper's simulated tables, medians over seeds; higher is better."""
    rows = []
    for found in json.loads(likelihood.RESULTS[model].read_text(encoding="utf-8"))["results"]:
        pairs = {k: [median(x) for x in zip(*v, strict=True)] for k, v in found["rows"].items()}
        order = ["identity", "independent columns", "uniform"]
        shown = [*(pairs[k] for k in order), found["paper"], pairs[model]]
        cells = [f"{syn:.2f} / {test:.2f}" for syn, test in shown]
        rows.append([found["table"], *cells, str(len(found["rows"][model]))])
    head = ["table", "identity", "independent columns", "uniform", f"{model} in the paper",
            f"`{model}`", "seeds"]  # fmt: skip
    return markdown(head, rows)


def speed_of_ctgan() -> str:
    """Ours and ctgan's, and how many times better ours is."""
    said = {
        "encode_seconds": "encoding, s", "step_milliseconds": "a training step, ms",
        "rows_per_second": "rows sampled a second", "peak_mb": "peak memory, MB",
        "own_mb": "of it beyond table and libraries, MB",
    }  # fmt: skip
    rows = []
    for found in json.loads(ctgan_speed.RESULTS.read_text(encoding="utf-8"))["results"]:
        ours, theirs = (found["figures"][name] for name in ctgan_speed.CONTESTANTS)
        for k, text in said.items():
            times = f"{found['times_better'][k]:.1f}"
            rows.append([found["table"], text, f"{ours[k]:,.3g}", f"{theirs[k]:,.3g}", times])
        if extra := ours.get("calibration_seconds"):
            rows.append([found["table"], "calibration, s", f"{extra:,.3g}", "", ""])
    return markdown(["table", "", "ours", "ctgan 0.12.1", "times better"], rows)


def _where(runs: Runs, method: str) -> list[tuple[str, float]]:
    """Tables and finite ε at which a method ran."""
    return [(t, e) for t, m, e in runs if m == method and math.isfinite(e)]


def _real(runs: Runs) -> list[tuple[str, Group]]:
    return [(table, g) for (table, method, _), g in runs.items() if method == REAL]


def _size(group: Group) -> tuple[int, int]:
    """Patients and columns."""
    return group.runs[0]["rows"], group.runs[0]["columns"]


def _shown(group: Group | None, measure: str) -> str:
    """The median over seeds; nothing when there was no run."""
    value = None if group is None else group.median(measure)
    return "" if value is None else f"{value:.3f}"


def _filled(path: Path, tables: dict[str, str]) -> str:
    """The page with each table between its marks."""
    text = path.read_text(encoding="utf-8")
    for mark, table in tables.items():
        start, stop = f"<!-- {mark} -->", f"<!-- /{mark} -->"
        assert text.count(start) == text.count(stop) == 1, (path, mark)
        whole = f"{start}\n\n{table}\n{stop}"
        text = re.sub(f"{start}.*{stop}", lambda _, whole=whole: whole, text, flags=re.DOTALL)
    return text


if __name__ == "__main__":
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")
