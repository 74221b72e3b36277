"""The ledger: what it lets in, what it refuses, and what it notices."""

import json
import subprocess
import sys

import pytest

from wardveil.errors import BudgetError, LedgerError, VaultError
from wardveil.privacy import (
    Budget,
    Histograms,
    Lease,
    Ledger,
    OpenLevels,
    SampledGaussian,
    Stamp,
    charged,
    make_plan,
    spent,
)
from wardveil.privacy.ledger_price import PER_NAT, Cap, Price, cap_of, price
from wardveil.privacy.ledger_spent import settled

N, DELTA = 5000, 1e-6


def refused(error: type[Exception], code: str):
    return pytest.raises(error, match=rf"^{code}  ")


# -- prices and caps ------------------------------------------------------------------------


@pytest.mark.parametrize("epsilon", [0.3, 1.0, 3.0, 10.0])
@pytest.mark.parametrize("delta", [1e-5, 1e-9])
def test_a_full_cap_is_what_the_conversion_says_and_its_order_is_the_best(epsilon, delta):
    from dp_accounting.rdp.rdp_privacy_accountant import compute_epsilon

    cap = cap_of(epsilon, delta)
    full = cap.divergence / PER_NAT
    assert compute_epsilon([cap.order], [full], 0.8 * delta)[0] == pytest.approx(epsilon, abs=1e-9)
    gaussian = full / cap.order
    for other in (cap.order - 1, cap.order + 1):
        if 2 <= other < 64:
            rival = Cap(epsilon=epsilon, delta=delta, order=other)
            assert rival.divergence / PER_NAT / other <= gaussian + 1e-9


def test_the_account_needs_about_a_tenth_more_than_one_run_alone(plan):
    def fits(epsilon: float) -> bool:
        cap = cap_of(epsilon, DELTA)
        return cap.carries(sum((price(m, cap.order).times(m.count) for m in plan.mechanisms),
                               start=Price()))  # fmt: skip

    assert not fits(0.99)
    assert not fits(1.0)
    assert fits(1.15)


def test_whatever_fits_the_cap_is_private_at_the_cap_by_the_other_accountant(counts):
    cap = cap_of(2.0, DELTA)
    one = price(counts.mechanisms[0], cap.order)
    most = next(k for k in range(1, 99) if not cap.carries(one.times(k))) - 1
    assert most >= 2
    assert spent(list(counts.mechanisms) * most, DELTA).pld <= 2.0


def test_what_lies_outside_the_divergence_is_charged_too():
    open_levels = make_plan(
        [OpenLevels(count=2, share=1)], budget=Budget(epsilon=0.1, delta=DELTA), n=N
    )
    cap = cap_of(50.0, DELTA)
    one = price(open_levels.mechanisms[0], cap.order)
    assert cap.carries(one.times(3))  # a twentieth of δ a column, a fifth is there
    assert not cap.carries(one.times(5))
    assert cap.divergence > one.times(5).divergence


def test_batches_that_may_be_cut_weigh_e_to_the_epsilon():
    tight = SampledGaussian(name="g", patients=N, sampling_prob=0.05, batch_limit=335,
                            noise_multiplier=9.0, clip_norm=1.0, count=1)  # fmt: skip
    one = price(tight, cap_of(1.0, DELTA).order)
    assert one.cut * 1e-48 == pytest.approx(tight.truncation)
    many = Price(cut=int(0.15 * DELTA / one.cut * 1e48) * one.cut)  # below a fifth of δ
    assert not cap_of(1.0, DELTA).carries(many)
    assert cap_of(1.0, DELTA).carries(Price(cut=many.cut // 4))  # 1 + e < 4
    assert not cap_of(2.0, DELTA).carries(Price(cut=many.cut // 4))


@pytest.mark.parametrize(("epsilon", "delta"), [
    (0, 1e-6), (-1, 1e-6), (float("nan"), 1e-6), (float("inf"), 1e-6), (1, 0), (1, 1),
    (1e-6, 1e-300),
])  # fmt: skip
def test_a_cap_that_is_none_is_refused(epsilon, delta):
    with refused(LedgerError, "E412"):
        cap_of(epsilon, delta)


# -- the life of a run ----------------------------------------------------------------------


def test_blocks_are_charged_ahead_and_settling_returns_the_rest(ledger, plan):
    before = ledger.book.total("cohort")
    assert before == Price()
    run = ledger.reserve("cohort", plan)
    whole = ledger.book.total("cohort")
    assert whole == ledger.book.runs[run].reserved
    ledger.advance(run, "one-way", 1)
    ledger.advance(run, "gradient", 50)
    assert ledger.book.total("cohort") == whole  # live: the plan in full
    stamp = ledger.settle(run, {"one-way": 1, "gradient": 37})
    left = ledger.book.runs[run]
    assert left.spent == left.prices["one-way"] + left.prices["gradient"].times(50)
    assert ledger.book.total("cohort") == left.spent
    assert ledger.verify([stamp]).sequence == stamp.sequence
    assert ledger.release(run, "ab" * 32).sequence == stamp.sequence + 1
    assert ledger.book.runs[run].released == ("ab" * 32,)


def test_a_lease_charges_steps_by_fifty_and_everything_else_one_by_one(ledger, plan):
    with charged(ledger, plan, source="cohort", unit="patient") as charge:
        lease = Lease(plan, charge)
        lease.charge("one-way")
        seen = []
        for _ in range(120):
            lease.charge("gradient")
            seen.append(ledger.book.runs[charge.run].advanced["gradient"])
        assert seen == [50] * 50 + [100] * 50 + [120] * 20
        with refused(VaultError, "E423"):
            lease.charge("gradient")
        charge.settle(lease.used)
    kinds = [e.kind for e in ledger.entries()]
    assert kinds == ["OPEN", "RESERVE", *["ADVANCE"] * 4, "SETTLE"]


@pytest.mark.parametrize("failure", [RuntimeError("x"), KeyboardInterrupt()])
def test_a_run_that_fails_is_abandoned_at_what_it_was_charged(ledger, plan, failure):
    def life():
        with charged(ledger, plan, source="cohort", unit="patient") as charge:
            Lease(plan, charge).charge("gradient")
            raise failure

    with pytest.raises(type(failure)):
        life()
    (run,) = ledger.book.runs.values()
    assert (run.state, dict(run.advanced)) == ("abandoned", {"gradient": 50})
    assert ledger.book.total("cohort") == run.prices["gradient"].times(50)


def test_nothing_is_granted_that_the_ledger_did_not_take(ledger, plan):
    with charged(ledger, plan, source="cohort", unit="patient") as charge:
        lease = Lease(plan, charge)
        lease.charge("gradient")
        assert ledger.recover() == (charge.run,)  # somebody ends the run while it works
        for _ in range(49):
            lease.charge("gradient")  # the block was paid
        with refused(LedgerError, "E414"):
            lease.charge("gradient")
        assert lease.used["gradient"] == 50
        charge.stamp = Stamp(sequence=0, head="", run="", source="")  # over already


@pytest.mark.parametrize("act", [
    lambda ledger, run: ledger.advance(run, "gradient", 121),
    lambda ledger, run: ledger.advance(run, "gradient", 0),
    lambda ledger, run: ledger.advance(run, "gradient", -5),
    lambda ledger, run: ledger.advance(run, "unplanned", 1),
    lambda ledger, run: ledger.advance("nobody", "gradient", 1),
    lambda ledger, run: ledger.settle(run, {"gradient": 1}),
    lambda ledger, run: ledger.release(run, "ab"),
    lambda ledger, run: ledger.note("patients", {"source": "cohort"}),
])  # fmt: skip
def test_what_the_rules_forbid_is_refused_and_not_written(ledger, plan, act):
    run = ledger.reserve("cohort", plan)
    before = ledger.entries()
    with refused(LedgerError, "E414"):
        act(ledger, run)
    assert ledger.entries() == before
    ledger.advance(run, "gradient", 1)  # and the run lives on


def test_a_run_ends_once(ledger, plan):
    run = ledger.reserve("cohort", plan)
    ledger.settle(run, {})
    for again in (lambda: ledger.settle(run, {}), lambda: ledger.abandon(run)):
        with refused(LedgerError, "E414"):
            again()


def test_recover_returns_what_was_only_reserved(ledger, plan):
    kept, lost = ledger.reserve("cohort", plan), ledger.reserve("cohort", plan)
    ledger.advance(lost, "one-way", 1)
    ledger.settle(kept, {})
    assert ledger.recover() == (lost,)
    assert ledger.book.total("cohort") == ledger.book.runs[lost].prices["one-way"]
    assert ledger.recover() == ()


def test_a_full_account_lets_nothing_in_until_the_cap_is_raised(ledger, counts):
    runs = 0
    with refused(BudgetError, "E410"):
        for _ in range(99):
            run = ledger.reserve("cohort", counts)
            ledger.advance(run, "one-way", 1)
            ledger.settle(run, {"one-way": 1})
            runs += 1
    assert runs >= 3
    book = ledger.book
    assert spent([m for r in book.runs.values() for m in counts.mechanisms], DELTA).pld <= 3.0
    assert settled(book, "cohort") == pytest.approx(
        spent(list(counts.mechanisms) * runs, DELTA).pld, rel=0.01
    )
    order = ledger.account("cohort").cap.order
    ledger.open_source("cohort", unit="patient", relation="null", cap_epsilon=6.0,
                       cap_delta=DELTA, revise=True)  # fmt: skip
    ledger.reserve("cohort", counts)
    assert ledger.account("cohort").cap.order == order != cap_of(6.0, DELTA).order


def test_reservations_count_until_they_end(ledger, counts):
    held = []
    with refused(BudgetError, "E410"):
        held.extend(ledger.reserve("cohort", counts) for _ in range(99))
    live = [r.id for r in ledger.book.runs.values() if r.state == "live"]
    ledger.abandon(live[0])
    ledger.reserve("cohort", counts)  # nothing was asked by the first, so it all came back


def test_a_run_without_a_guarantee_is_noted_at_no_price(ledger):
    free = make_plan([Histograms(tables=8, share=1)], budget=Budget(epsilon=float("inf"), delta=0),
                     n=N)  # fmt: skip
    with charged(ledger, free, source="cohort", unit="patient") as charge:
        lease = Lease(free, charge)
        lease.charge("one-way")
        charge.settle({})
    run = ledger.book.runs[charge.run]
    assert (run.unpriced, run.charged) == ("no guarantee", Price())


def test_accounts_of_another_kind_are_refused(ledger, plan):
    with refused(LedgerError, "E411"):
        ledger.reserve("nobody", plan)
    with refused(LedgerError, "E413"):
        ledger.open_source("cohort", unit="visit", relation="null", cap_epsilon=3, cap_delta=DELTA)
    bought = make_plan([Histograms(tables=8, share=1)], budget=Budget(epsilon=1, delta=DELTA), n=N,
                       relation="add-remove")  # fmt: skip
    with refused(LedgerError, "E413"):
        ledger.reserve("cohort", bought)
    with (
        refused(LedgerError, "E412"),
        charged(ledger, plan, source="cohort", unit="patient", cap=9.0),
    ):
        raise AssertionError("the body must not run")


def test_a_first_run_opens_its_account_with_room_for_it(tmp_path, plan):
    made = Ledger(tmp_path / "l.sqlite", create=True)
    with charged(made, plan, source="new", unit="patient", cap=2.0) as charge:
        charge.settle({})
    assert made.account("new").cap == cap_of(2.0, DELTA)


# -- whose patients -------------------------------------------------------------------------


def hashes(*numbers: int) -> tuple[bytes, ...]:
    return tuple(n.to_bytes(8, "big") for n in numbers)


def test_patients_of_another_account_are_recognised(ledger, plan):
    ledger.identify(ledger.reserve("cohort", plan), hashes(1, 2, 3))
    ledger.open_source("other", unit="patient", relation="null", cap_epsilon=9, cap_delta=DELTA)
    run = ledger.reserve("other", plan)
    with refused(LedgerError, "E415"):
        ledger.identify(run, hashes(3, 4))
    ledger.identify(run, hashes(4, 5))
    with refused(LedgerError, "E415"):  # and the cohort cannot take them back
        ledger.identify(ledger.reserve("cohort", plan), hashes(1, 5))


def test_a_table_that_grew_is_the_same_source_and_a_foreign_one_is_not(ledger, plan):
    ledger.identify(ledger.reserve("cohort", plan), hashes(1, 2, 3))
    ledger.identify(ledger.reserve("cohort", plan), hashes(2, 3, 4))
    assert ledger.account("cohort").patients == 4
    with refused(LedgerError, "E415"):
        ledger.identify(ledger.reserve("cohort", plan), hashes(7, 8))
    ledger.identify(ledger.reserve("cohort", plan), None)  # no key column: noted
    assert ledger.entries()[-1].body["about"] == "no patient key"


def test_the_secret_stays_in_the_file(ledger, plan, tmp_path):
    ledger.identify(ledger.reserve("cohort", plan), hashes(1, 2, 3))
    told = json.dumps([e.to_dict() for e in ledger.entries()])
    assert ledger.key.hex() not in told
    assert all(h.hex() not in told for h in hashes(1, 2, 3))
    assert ledger.path.stat().st_mode & 0o077 == 0
    assert ledger.key != Ledger(tmp_path / "second.sqlite", create=True).key


# -- together -------------------------------------------------------------------------------

RACE = """
import sys
from pathlib import Path
from wardveil.errors import BudgetError
from wardveil.privacy import Budget, Histograms, Ledger, make_plan
plan = make_plan([Histograms(tables=8, share=1)],
                 budget=Budget(epsilon=float(sys.argv[2]), delta=1e-6), n=5000)
ledger = Ledger(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
try:
    ledger.reserve("cohort", plan)
    print("in")
except BudgetError as error:
    print(error.problems[0].code)
"""


def test_of_two_processes_that_race_for_the_last_of_a_budget_one_is_refused(tmp_path):
    path = tmp_path / "ledger.sqlite"
    made = Ledger(path, create=True)
    last = make_plan([Histograms(tables=8, share=1)], budget=Budget(epsilon=0.1, delta=1e-6), n=N)
    room = cap_of(1.0, 1e-6)
    one = price(last.mechanisms[0], room.order)
    made.open_source("cohort", unit="patient", relation="null", cap_epsilon=1.0, cap_delta=1e-6)
    while made.account("cohort").cap.carries(made.book.total("cohort") + one.times(2)):
        made.reserve("cohort", last)
    racers = [
        subprocess.Popen([sys.executable, "-c", RACE, str(path), "0.1"], text=True,
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]  # fmt: skip
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    said = sorted(racer.communicate(timeout=60)[0].strip() for racer in racers)
    assert said == ["E410", "in"]
    made.verify()
    assert made.account("cohort").cap.carries(made.book.total("cohort"))
