"""The public page: a function of the plan and of synthetic rows, and of nothing else."""

import inspect
import json
import re

import numpy as np
import pandas as pd
import pytest

from tests_support import planned
from wardveil.privacy import Histograms, Statement
from wardveil.report import PublicReport
from wardveil.schema import Schema

SCHEMA = Schema.parse(
    """
[table]
rows = 2000
[columns.age]
kind = "count"
low = 0
high = 120
unit = "years"
[columns."<b>sex"]
kind = "binary"
levels = ["female", "<i>male"]
"""
)


def statement(**changes) -> Statement:
    plan = planned([Histograms(tables=2, share=1.0)], 2000, 1.0)
    given = {"model": "independent", "unit": "patient", "facts": {"declared": 3}, "looked": (),
             "noise": "release", "versions": {}}  # fmt: skip
    return Statement.of(plan, **{**given, **changes})


@pytest.fixture(scope="module")
def page():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.integers(20, 90, 200),
                          "<b>sex": rng.choice(["female", "<i>male"], 200)})  # fmt: skip
    return PublicReport(statement=statement(), schema=SCHEMA, table=frame, details={"Model": "x"})


def test_no_part_of_it_takes_a_real_row():
    assert set(inspect.signature(PublicReport).parameters) == {
        "statement", "schema", "table", "details",
    }  # fmt: skip
    assert "real" not in "".join(inspect.signature(PublicReport.html).parameters)


def test_it_shows_the_synthetic_table_alone(page):
    html = page.html()
    assert "May be shared" in html
    assert "Do not share" not in html
    assert 'class="real"' not in html
    assert not re.search(r"\breal \d", html)
    assert not re.search(r"https?:|url\(|@import|src=|<script|<b>|<i>", html)
    figures = re.findall(r"<svg[^>]*>.*?</svg>", html, re.S)
    drawn = [f for f in figures if 'aria-hidden="true"' not in f]
    assert len(drawn) >= 3
    for figure in drawn:
        assert re.search(r'role="img" aria-label="[^"]+"><title>[^<]+</title>', figure)


def test_the_error_on_the_card_is_that_of_the_plan(page):
    (mechanism,) = page.statement.plan["mechanisms"]
    said = float(re.search(r"± ([\d.]+) in 100", page.cards[2].figure).group(1))
    assert said == pytest.approx(100 * mechanism["sd"] / 2000, abs=0.05)


def test_the_twin_holds_the_same_shares(page, tmp_path):
    saved = json.loads(page.save_json(tmp_path / "p.json").read_text("utf-8"))
    assert saved["statement"]["claim"] == page.statement.claim
    male = dict(zip(*(saved["columns"]["<b>sex"][k] for k in ("labels", "shares")), strict=True))
    assert male["<i>male"] == pytest.approx((page.table["<b>sex"] == "<i>male").mean())
    assert sum(s["share"] for s in saved["budget"]) == pytest.approx(1)
    assert page.save_html(tmp_path / "p.html").read_text("utf-8") == page.html()


def test_a_lost_claim_stands_at_the_top(page):
    lost = PublicReport(statement=statement(looked=("age",)), schema=SCHEMA, table=page.table)
    body = lost.html().split("<body>")[1]
    assert body.index("No end-to-end guarantee") < body.index("<h1>")
    assert "May be shared" not in body
    assert lost.cards[0].verdict == "stop"
    assert "No end-to-end" in lost._repr_html_()
