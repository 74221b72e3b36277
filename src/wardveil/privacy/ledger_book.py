"""Book: what the entries of a ledger add up to.

A pure fold: entries in, accounts and runs out. An entry that the rules do not allow has no
meaning, so nothing after it can be trusted; the same rules are asked before one is written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

from wardveil.privacy.ledger_entry import Entry
from wardveil.privacy.ledger_price import Cap, Price

State = Literal["live", "settled", "abandoned"]


@dataclass(frozen=True, kw_only=True)
class Account:
    """What may be spent of one source of patients.

    Attributes:
        name: The custodian's name for the source.
        unit: Whose privacy, in one word.
        relation: "null" or "add-remove"; see `Plan`.
        cap: The most all runs together may cost.
        patients: Number of patients known by keyed hash; 0 when none were given.
        fingerprint: Digest of those hashes; "" when none were given.
    """

    name: str
    unit: str
    relation: str
    cap: Cap
    patients: int = 0
    fingerprint: str = ""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One plan that was let in.

    Attributes:
        id: Its name.
        source: The account that pays.
        state: "live" until it is settled or abandoned; while live, its whole plan is charged.
        plan: `Plan.to_dict()`.
        prices: Question -> price of one use.
        planned: Question -> uses.
        advanced: Question -> uses charged so far, ahead of the answers; never returned.
        used: Question -> uses answered, as told when it was settled.
        unpriced: Why the run is worth more than its price, such as "no guarantee"; "" if not.
        released: Hashes of what was made of it.
    """

    id: str
    source: str
    state: State
    plan: Mapping[str, Any]
    prices: Mapping[str, Price]
    planned: Mapping[str, int]
    advanced: Mapping[str, int] = field(default_factory=dict)
    used: Mapping[str, int] = field(default_factory=dict)
    unpriced: str = ""
    released: tuple[str, ...] = ()

    @property
    def reserved(self) -> Price:
        """The price of the whole plan."""
        return self._price(self.planned)

    @property
    def spent(self) -> Price:
        """The price of what was charged ahead of answers."""
        return self._price(self.advanced)

    @property
    def charged(self) -> Price:
        """What the account carries for it now."""
        return self.reserved if self.state == "live" else self.spent

    def _price(self, uses: Mapping[str, int]) -> Price:
        return sum((self.prices[name].times(k) for name, k in uses.items()), start=Price())


@dataclass(frozen=True, kw_only=True)
class Book:
    """All accounts and runs.

    Attributes:
        accounts: Source -> account.
        runs: Run -> run, oldest first.
    """

    accounts: Mapping[str, Account] = field(default_factory=dict)
    runs: Mapping[str, Run] = field(default_factory=dict)

    def of(self, source: str) -> tuple[Run, ...]:
        """The runs of a source, oldest first."""
        return tuple(run for run in self.runs.values() if run.source == source)

    def total(self, source: str) -> Price:
        """Everything spent, and everything reserved by live runs."""
        return sum((run.charged for run in self.of(source)), start=Price())

    def after(self, entry: Entry) -> "Book":
        """The book with one more entry.

        Raises:
            ValueError: The rules do not allow it; the message says why, and quotes only names
                from the ledger.
        """
        rule = _RULES.get(entry.kind)
        if rule is None:
            raise ValueError("its kind is not known")
        return rule(self, entry.body)

    def _live(self, body: Mapping[str, Any]) -> Run:
        run = self._run(body)
        if run.state != "live":
            raise ValueError(f"run {run.id} is {run.state}")
        return run

    def _run(self, body: Mapping[str, Any]) -> Run:
        run = self.runs.get(body["run"])
        if run is None:
            raise ValueError("it speaks of a run that was never reserved")
        return run

    def _with(self, run: Run) -> "Book":
        return replace(self, runs={**self.runs, run.id: run})


def _open(book: Book, body: Mapping[str, Any]) -> Book:
    """A new account; or a new cap for one whose unit, relation and order stay."""
    cap = Cap(epsilon=body["cap_epsilon"], delta=body["cap_delta"], order=body["order"])
    old = book.accounts.get(body["source"])
    new = Account(name=body["source"], unit=body["unit"], relation=body["relation"], cap=cap)
    if old is not None:
        new = replace(new, patients=old.patients, fingerprint=old.fingerprint)
        if (new.unit, new.relation, cap.order) != (old.unit, old.relation, old.cap.order):
            raise ValueError(f"account {old.name!r} has another unit, relation or order")
    return replace(book, accounts={**book.accounts, new.name: new})


def _reserve(book: Book, body: Mapping[str, Any]) -> Book:
    if body["run"] in book.runs:
        raise ValueError(f"run {body['run']} is reserved twice")
    account = book.accounts.get(body["source"])
    if account is None:
        raise ValueError("it speaks of a source that was never opened")
    run = Run(
        id=body["run"], source=account.name, state="live", plan=body["plan"],
        prices={name: Price(**p) for name, p in body["prices"].items()},
        planned=body["planned"], unpriced=body["unpriced"],
    )  # fmt: skip
    negative = any(min(vars(p).values()) < 0 for p in run.prices.values())
    if negative or any(k < 0 for k in run.planned.values()) or set(run.prices) != set(run.planned):
        raise ValueError("a price or a number of uses makes no sense")
    if not account.cap.carries(book.total(account.name) + run.reserved):
        raise ValueError(f"account {account.name!r} cannot carry the run")
    return book._with(run)


def _advance(book: Book, body: Mapping[str, Any]) -> Book:
    run = book._live(body)
    name, uses = body["question"], body["uses"]
    done = run.advanced.get(name, 0) + uses
    if uses < 1 or done > run.planned.get(name, 0):
        raise ValueError(f"run {run.id} did not reserve so many uses of {name!r}")
    return book._with(replace(run, advanced={**run.advanced, name: done}))


def _settle(book: Book, body: Mapping[str, Any]) -> Book:
    run = book._live(body)
    used = body["used"]
    if any(k < 0 or k > run.advanced.get(name, 0) for name, k in used.items()):
        raise ValueError(f"run {run.id} used more than it had been charged for")
    return book._with(replace(run, state="settled", used=used))


def _abandon(book: Book, body: Mapping[str, Any]) -> Book:
    return book._with(replace(book._live(body), state="abandoned"))


def _release(book: Book, body: Mapping[str, Any]) -> Book:
    run = book._run(body)
    if run.state != "settled":
        raise ValueError(f"run {run.id} is {run.state}, and only what is settled is released")
    return book._with(replace(run, released=(*run.released, body["artefact"])))


def _note(book: Book, body: Mapping[str, Any]) -> Book:
    if body["about"] != "patients":
        return book
    account = book.accounts.get(body["source"])
    if account is None:
        raise ValueError("it speaks of a source that was never opened")
    if body["patients"] < account.patients:
        raise ValueError(f"account {account.name!r} lost patients")
    known = replace(account, patients=body["patients"], fingerprint=body["fingerprint"])
    return replace(book, accounts={**book.accounts, known.name: known})


_RULES: Final[Mapping[str, Callable[[Book, Mapping[str, Any]], Book]]] = {
    "OPEN": _open, "RESERVE": _reserve, "ADVANCE": _advance, "SETTLE": _settle,
    "ABANDON": _abandon, "RELEASE": _release, "NOTE": _note,
}  # fmt: skip
