"""Runs are kept, skipped when known, ended at their limit, and their failures are results."""

import json
import math
import sys

import pytest
import sizes
from chart import chart
from compare import METHODS, RESULTS, _kind_of_error, known, main
from growth_page import PAGE as GROWTH_PAGE
from growth_page import growth_page, growth_text
from page import COLOURS, FIGURES, PAGE, figures, groups, page


@pytest.fixture(scope="module")
def compare(tmp_path_factory):
    """Run on the bundled cohort; the records so far."""
    folder = tmp_path_factory.mktemp("compare")
    fixed = ["compare.py", "--data", str(folder), "--cache", str(folder / "cache"), "--results",
             str(folder / "r.jsonl"), "--tables", "nhefs", "--seeds", "0"]  # fmt: skip

    def run(*options):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys, "argv", [*fixed, *options])
            main()
        return [json.loads(line) for line in (folder / "r.jsonl").read_text().splitlines()]

    return run


def test_a_run_is_measured_kept_and_not_made_twice(compare):
    records = compare("--methods", "independent")
    ruler, run = records
    assert (run["table"], run["method"], run["epsilon"]) == ("nhefs", "independent", 1.0)
    assert ruler["tvd2"] < run["tvd2"] < 0.5
    assert run["tstr_gap"] > 0.05  # nothing joint is kept
    assert run["fit_cpu_seconds"] > 0
    assert 100 < run["peak_mb"] < 4_000
    assert run["delta"] == 1e-5
    assert run["busy"] is False
    assert compare("--methods", "independent") == records


def test_a_run_beyond_its_limit_is_ended_and_kept_as_such(compare):
    run = compare("--methods", "marginal", "--limit", "1", "--busy")[-1]
    assert run["method"] == "marginal"
    assert run["failed"] == "not finished in 1 s"
    assert run["busy"] is True
    assert "tvd1" not in run
    made_anew = compare("--methods", "marginal", "--limit", "1", "--again")
    assert [r["method"] for r in made_anew][-2:] == ["marginal", "marginal"]


def test_the_last_record_of_a_run_counts(tmp_path):
    run = {"table": "t", "method": "marginal", "epsilon": None, "seed": 0}
    lines = [json.dumps(run | {"tvd1": v}) for v in (0.2, 0.1)]
    (tmp_path / "r.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert known(tmp_path / "r.jsonl") == {("t", "marginal", None, 0): run | {"tvd1": 0.1}}
    assert known(tmp_path / "none.jsonl") == {}


def test_an_error_is_kept_by_its_type_and_never_by_its_message():
    log = "Traceback (most recent call last):\n  File x\npandas.errors.ParserError: cell 4711\n"
    assert _kind_of_error(log, 1) == "pandas.errors.ParserError"
    assert _kind_of_error("Jane Doe has 4711\n", 1) == "exit 1"
    assert _kind_of_error("", -9) == "exit -9"


def test_the_page_and_its_figures_are_those_of_the_results():
    found = groups(known(RESULTS).values())
    assert PAGE.read_text(encoding="utf-8") == page(found), "run: make docs"
    drawn = figures(found) | sizes.figures(COLOURS)
    kept = {p.name: p.read_text(encoding="utf-8") for p in (PAGE.parent / FIGURES).glob("*.svg")}
    assert kept == drawn, "run: make docs"


def test_the_page_of_growth_is_that_of_the_results():
    assert GROWTH_PAGE.read_text(encoding="utf-8") == growth_text(), "run: make docs"


def test_exponents_are_slopes_of_the_upper_half():
    flat = {"fit_mb": 100.0, "sample_s": 1.0, "sample_mb": 1.0, "evaluate_mb": 1.0}
    points = [
        flat | {"axis": "rows", "rows": n, "fit_s": max(n**2, 1e8) / 1e6, "evaluate_s": n / 10}
        for n in (10, 100, 10_000, 100_000)
    ]
    text = growth_page(points, None)
    assert "| exponent | 2.00 | 0.00 | 1.00 | 0.00 | 0.00 | 0.00 |" in text


def test_tables_are_won_by_the_best_of_ours_against_the_best_peer():
    base = {"epsilon": 1.0, "seed": 0, "rows": 9, "columns": 2}
    figures_of = {
        ("a", "marginal"): 0.3, ("a", "ctgan"): 0.1, ("a", "dpmm-mst"): 0.2,
        ("b", "marginal"): 0.3, ("b", "dpmm-mst"): 0.2, ("c", "marginal"): 0.1,
    }  # fmt: skip
    runs = [base | {"table": t, "method": m, "tvd2": v} for (t, m), v in figures_of.items()]
    runs += [base | {"table": t, "method": "real rows", "epsilon": None} for t in "abc"]
    assert "| 1 | peers at the same ε | 1 of 2 | – |" in page(groups(runs))


def test_the_page_shows_failures_and_where_a_peer_is_ahead():
    base = {"table": "t", "epsilon": 1.0, "rows": 9, "columns": 2}
    runs = [
        base | {"method": "real rows", "epsilon": None, "seed": 0, "tvd2": 0.1},
        *(base | {"method": "marginal", "seed": s, "tvd2": v} for s, v in enumerate((0.3, 0.2))),
        base | {"method": "dpmm-mst", "seed": 0, "tvd2": 0.21},
        base | {"method": "dpmm-aim", "seed": 0, "failed": "not finished in 600 s"},
        base | {"method": "ctgan-ctgan", "epsilon": None, "seed": 0, "tvd2": 0.01},
    ]
    text = page(groups(runs))
    assert "| t | 1 | tvd2 | 0.250 (0.200–0.300) | dpmm-mst 0.210 | 2, 1 |" in text
    assert "dpmm-aim: not finished in 600 s (1 of 1)" in text
    assert "ctgan-ctgan 0.010" not in text  # it takes no ε


@pytest.mark.parametrize("value", [-0.2, 0.0, 0.5, 3.0])
def test_a_chart_stays_within_its_frame(value):
    lines = {"a": [(1.0, value), (math.inf, 0.1)], "b": [(3.0, 0.2)]}
    svg = chart("x < y", lines, 0.05, {"a": "#000", "b": "#111"})
    assert "x &lt; y" in svg
    heights = [float(part.split('"')[0]) for part in svg.split('cy="')[1:]]
    assert len(heights) == 3
    assert all(30 <= y <= 264 for y in heights)


def test_methods_without_privacy_take_no_epsilon():
    assert {n for n, m in METHODS.items() if not m.private} == {
        "ctgan-ctgan", "ctgan-tvae", "arfpy", "mostlyai-argn-open",
    }  # fmt: skip
