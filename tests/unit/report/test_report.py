import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from evidence_support import table
from wardveil.report import Report, evaluate
from wardveil.report.card import cards
from wardveil.report.svg import smd_dot


class Promised:
    """A statement as the report sees it."""

    def __init__(self, epsilon: float | None, delta: float | None = 1e-6) -> None:
        self.epsilon, self.delta = epsilon, delta

    def __str__(self) -> str:
        return f"The claim, ε = {self.epsilon}.\n  mechanism <b>one</b>"

    def to_dict(self) -> dict[str, object]:
        return {"epsilon": self.epsilon}


@pytest.fixture(scope="module", params=["measured", "every part"])
def report(request, full):
    if request.param == "measured":
        return evaluate(table(0), table(1), statement=Promised(1.0), details={"Seed": "7"})
    return Report(evaluation=full, statement=Promised(1.0), details={"Seed": "7"})


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


def test_the_page_stands_alone_and_runs_nothing(report):
    html = report.html()
    parser = Tags()
    parser.feed(html)
    tags = {tag for tag, _ in parser.found}
    assert not tags & {"script", "link", "img", "iframe", "object", "form", "base", "video"}
    inside = {attrs["id"] for _, attrs in parser.found if "id" in attrs}
    assert {a["href"].removeprefix("#") for tag, a in parser.found if tag == "a"} <= inside
    assert all(a["href"].startswith("#") for tag, a in parser.found if tag == "a")
    assert not any(name.startswith("on") for _, attrs in parser.found for name in attrs)
    assert not re.search(r"https?:|url\(|@import|src=", html)
    assert len(html) < 2_000_000


def test_the_first_thing_said_is_not_to_share(report, tmp_path):
    body = report.html().split("<body>")[1]
    assert re.match(r'\s*<header>\s*<div class="warning" role="note">Computed from real', body)
    assert "Do not share" in report._repr_html_()
    assert "Do not share" in json.loads(report.save_json(tmp_path / "r.json").read_text())["notice"]


def test_names_and_levels_of_a_table_cannot_become_markup(report):
    html = report.html()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "&lt;/svg&gt;" in html
    assert "mechanism &lt;b&gt;one" in html


def test_every_figure_has_a_label_and_a_title(report):
    figures = re.findall(r"<svg[^>]*>.*?</svg>", report.html(), re.S)
    assert len(figures) > 5
    for figure in figures:
        assert re.search(r'role="img" aria-label="[^"]+"><title>[^<]+</title>', figure)


def test_a_table_stands_under_every_figure_of_the_evidence(full):
    html = Report(evaluation=full).html()
    for anchor in ("levels", "associations", "told-apart", "learning", "coefficients", "survival",
                   "visits", "leaks", "usual"):  # fmt: skip
        (section,) = re.findall(rf'<section id="{anchor}">.*?</section>', html, re.S)
        assert "<svg" in section, anchor
        assert "<table" in section, anchor


def test_every_id_is_unique_and_every_table_has_heads(report):
    parser = Tags()
    parser.feed(report.html())
    ids = [attrs["id"] for _, attrs in parser.found if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert report.html().count("<table") == report.html().count("<thead")


def test_worst_columns_come_first(report):
    shown = re.findall(r'<span class="tvd">([\d.]+)', report.html())
    assert [float(v) for v in shown] == sorted((float(v) for v in shown), reverse=True)
    assert len(shown) == 3


def test_the_page_is_the_same_every_time():
    pages = {
        evaluate(table(0), table(1), statement=Promised(1.0), details={"Seed": "7"}).html()
        for _ in range(2)
    }
    assert len(pages) == 1


def test_a_wide_table_stays_light_and_says_what_is_not_drawn():
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 130)).round(1))
    frame.columns = [f"lab_{i}" for i in range(130)]
    html = evaluate(frame, frame[::-1].reset_index(drop=True)).html()
    assert "10 columns closer than these are not drawn" in html
    assert "106 more columns" not in html
    assert "96 more columns" in html
    assert len(html) < 2_000_000


def test_saved_files_hold_the_page_and_the_figures(report, tmp_path):
    assert report.save_html(tmp_path / "r.html").read_text("utf-8") == report.html()
    saved = json.loads(report.save_json(tmp_path / "r.json").read_text("utf-8"))
    assert saved["evaluation"]["means"] == report.evaluation.means
    assert saved["statement"] == {"epsilon": 1.0}
    assert saved["details"]["Seed"] == "7"


@pytest.mark.parametrize(
    ("epsilon", "verdict"),
    [(0.5, "good"), (1.0, "good"), (1.1, "look"), (5.0, "look"), (8.0, "stop"), (None, "stop"),
     (math.inf, "stop")],
)  # fmt: skip
def test_protection_is_graded_by_epsilon(report, epsilon, verdict):
    card = cards(report.evaluation, Promised(epsilon))[0]
    assert card.verdict == verdict


@pytest.mark.parametrize(("epsilon", "delta"), [(0.1, 1e-6), (1.0, 1e-3), (3.0, 1e-2)])
def test_the_chance_on_the_card_bounds_the_best_test_of_randomised_response(report, epsilon, delta):
    # The worst (ε, δ) mechanism: with δ it tells the truth outright, else randomised response.
    best = delta + (1 - delta) * math.exp(epsilon) / (1 + math.exp(epsilon))
    said = int(re.search(r"at most (\d+) times in 100", cards(
        report.evaluation, Promised(epsilon, delta))[0].text).group(1))  # fmt: skip
    assert best <= said / 100 < best + 0.011


def test_no_statement_is_said_and_nothing_is_promised(report):
    page = evaluate(table(0), table(1)).html()
    assert "No statement came with this table" in page
    assert cards(report.evaluation, None)[0].verdict == "stop"


def test_a_far_mean_is_marked_and_an_undefined_one_has_no_dot():
    assert "far" in smd_dot(0.2)
    assert "far" not in smd_dot(0.05)
    assert "circle" not in smd_dot(math.nan)


def test_one_column_or_constant_columns_are_no_fault():
    frame = pd.DataFrame({"x": [1.0] * 20})
    assert "<svg" in evaluate(frame, frame).html()
    wide = pd.DataFrame({"x": [1.0] * 20, "y": [None] * 20, "z": np.arange(20.0)})
    assert "<svg" in evaluate(wide, wide).html()
