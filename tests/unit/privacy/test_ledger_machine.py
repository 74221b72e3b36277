"""The ledger against a model of a few lines, over any order of events."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from wardveil.errors import BudgetError, LedgerError
from wardveil.privacy import Budget, Gradients, Histograms, Ledger, make_plan
from wardveil.privacy.ledger_price import Price, price

PLAN = make_plan(
    [
        Histograms(tables=8, share=0.15),
        Gradients(patients=5000, batch=250, count=9, clip_norm=1.0, parameters=1000, share=0.85),
    ],
    budget=Budget(epsilon=1.0, delta=1e-6),
    n=5000,
)
COUNTS = {m.name: m.count for m in PLAN.mechanisms}
LIVE, OVER = "live", "over"


class Accounts(RuleBasedStateMachine):
    """The model: for each run whether it lives, and what it was charged."""

    runs = Bundle("runs")

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(self.folder.name) / "ledger.sqlite"
        self.ledger = Ledger(self.path, create=True)
        cap = self.ledger.open_source(
            "cohort", unit="patient", relation="null", cap_epsilon=2.2, cap_delta=1e-6
        ).cap
        self.cap = cap
        self.prices = {m.name: price(m, cap.order) for m in PLAN.mechanisms}
        self.model: dict[str, tuple[str, dict[str, int]]] = {}

    def teardown(self):
        self.folder.cleanup()

    def cost(self, uses: dict[str, int]) -> Price:
        return sum((self.prices[k].times(n) for k, n in uses.items()), start=Price())

    def total(self) -> Price:
        return sum((self.cost(COUNTS if state == LIVE else done)
                    for state, done in self.model.values()), start=Price())  # fmt: skip

    @rule(target=runs)
    def reserve(self):
        if self.cap.carries(self.total() + self.cost(COUNTS)):
            run = self.ledger.reserve("cohort", PLAN)
            self.model[run] = (LIVE, dict.fromkeys(COUNTS, 0))
            return run
        with pytest.raises(BudgetError):
            self.ledger.reserve("cohort", PLAN)
        return "none"

    @rule(run=runs, name=st.sampled_from(sorted(COUNTS)), uses=st.integers(-1, 10))
    def advance(self, run, name, uses):
        state, done = self.model.get(run, (OVER, {}))
        if state == LIVE and 1 <= uses <= COUNTS[name] - done[name]:
            self.ledger.advance(run, name, uses)
            done[name] += uses
        else:
            with pytest.raises(LedgerError):
                self.ledger.advance(run, name, uses)

    @rule(run=runs, used=st.integers(-1, 10))
    def settle(self, run, used):
        state, done = self.model.get(run, (OVER, {}))
        if state == LIVE and 0 <= used <= done["gradient"]:
            self.ledger.settle(run, {"gradient": used})
            self.model[run] = (OVER, done)
        else:
            with pytest.raises(LedgerError):
                self.ledger.settle(run, {"gradient": used})

    @rule(run=runs)
    def abandon(self, run):
        state, done = self.model.get(run, (OVER, {}))
        if state == LIVE:
            self.ledger.abandon(run)
            self.model[run] = (OVER, done)
        else:
            with pytest.raises(LedgerError):
                self.ledger.abandon(run)

    @rule()
    def recover(self):
        live = {run for run, (state, _) in self.model.items() if state == LIVE}
        assert set(self.ledger.recover()) == live
        self.model = {run: (OVER, done) for run, (_, done) in self.model.items()}

    @rule()
    def another_process_takes_over(self):
        self.ledger = Ledger(self.path)

    @invariant()
    def totals_agree(self):
        book = self.ledger.book
        assert book.total("cohort") == self.total()
        assert self.cap.carries(self.total())
        for run, (state, done) in self.model.items():
            assert (book.runs[run].state == "live") == (state == LIVE)
            assert {k: v for k, v in done.items() if v} == dict(book.runs[run].advanced)


TestAccounts = Accounts.TestCase
TestAccounts.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
