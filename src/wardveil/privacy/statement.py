"""Statement: what a release promises, in sentences and as data.

Every number comes from the plan, hence from the accountant. When there is no guarantee, the
first sentence says so and no ε is printed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, exp
from typing import Any, Final

from wardveil.privacy.mechanism import restore
from wardveil.privacy.plan import Plan, noise_of


@dataclass(frozen=True, kw_only=True)
class Statement:
    """What is promised to each patient, and what is not.

    Attributes:
        plan: `Plan.to_dict()` of the plan that was carried out, in full.
        model: Name of the model.
        unit: Whose privacy, in one word.
        facts: Source of schema facts -> how many facts.
        looked: Columns of which a fact was read from the patients without noise.
        noise: "release" (secret keys, exact samplers) or "seeded" (tests; no claim).
        versions: Package -> version.
        ledger: `Stamp.to_dict()` of the entry that settled the run; `UNACCOUNTED` if it was
            decided to keep no account; None where none is expected, and nothing is said.
    """

    plan: Mapping[str, Any]
    model: str
    unit: str
    facts: Mapping[str, int]
    looked: tuple[str, ...]
    noise: str
    versions: Mapping[str, str]
    ledger: Mapping[str, Any] | None = None

    @classmethod
    def of(  # noqa: PLR0913
        cls,
        plan: Plan,
        *,
        model: str,
        unit: str,
        facts: Mapping[str, int],
        looked: tuple[str, ...],
        noise: str,
        versions: Mapping[str, str],
        ledger: Mapping[str, Any] | None = None,
    ) -> "Statement":
        """The statement of a plan that was carried out."""
        return cls(
            plan=plan.to_dict(), model=model, unit=unit, facts=dict(facts),
            looked=looked, noise=noise, versions=dict(versions),
            ledger=None if ledger is None else dict(ledger),
        )  # fmt: skip

    @property
    def epsilon(self) -> float | None:
        """ε of the whole run, or None when nothing is promised end to end."""
        promised = not self.looked and self.noise == "release"
        return self.plan["epsilon"] if promised else None

    @property
    def delta(self) -> float | None:
        """δ of the whole run, or None when nothing is promised end to end."""
        return self.plan["delta"] if self.epsilon is not None else None

    @property
    def claim(self) -> str:
        """The first sentence."""
        epsilon, delta = self.plan["epsilon"], self.plan["delta"]
        if epsilon is None:
            return (
                "No privacy guarantee: the model was trained on the patients without noise "
                "(ε = ∞), so treat the synthetic table like the real one."
            )
        if self.noise != "release":
            return "Seeded: no privacy claim. The noise of this run can be computed again."
        if self.looked:
            return (
                "No end-to-end guarantee: facts of the schema were read from the patients "
                f"without noise ({_listed(self.looked)}). What was asked after that cost "
                f"ε = {epsilon:.4f}, δ = {delta:g}."
            )
        return (
            f"Differentially private for each {self.unit}: ε = {epsilon:.4f}, δ = {delta:g}, "
            "everything that read the table included."
        )

    def __str__(self) -> str:
        if self.plan["epsilon"] is None:
            return "\n".join([self.claim, *self._account()])
        lines = [*self._meaning(), *self._made(), *self._account(), *self._limits()]
        return "\n".join([self.claim, *lines])

    def _meaning(self) -> list[str]:
        if self.epsilon is None:
            return []
        odds = exp(self.epsilon)
        return [
            f"Meaning: whoever thinks it as likely as not that a person is in the table can, from "
            f"everything released here, become at most {ceil(100 * odds / (1 + odds))} % sure "
            f"(but for a chance of δ).",
            _RELATION[self.plan["relation"]].format(unit=self.unit, n=self.plan["patients"]),
        ]

    def _made(self) -> list[str]:
        stored = self.plan["mechanisms"]
        both = self.plan["accountants"]
        return [
            f"Accounting: {self.plan['stated']} over the whole plan "
            f"(PLD {both['PLD']:.4f}, RDP {both['RDP']:.4f}); model {self.model}.",
            *(f"  {m['name']} × {m['count']}: {noise_of(restore(dict(m)))}" for m in stored),
            "Noise and batches: the operating system's randomness, keys never kept, no seed; exact "
            "samplers for counts and choices."
            if self.noise == "release"
            else "Noise and batches: seeded, so they can be computed again.",
            *self.plan["remarks"],
            "Schema facts: "
            + ", ".join(f"{count} {source}" for source, count in self.facts.items() if count)
            + ".",
        ]

    def _account(self) -> list[str]:
        """Who keeps count of this and of everything else that is asked of the same source."""
        if self.ledger is None:
            return []
        if self.ledger == UNACCOUNTED:
            return [
                "Ledger: unaccounted. No ledger adds this run to others from the same source, so "
                "no cap on them together is kept."
            ]
        return [
            f"Ledger: charged to the account {self.ledger['source']!r} as run "
            f"{self.ledger['run']}; entry {self.ledger['sequence']}, {self.ledger['head']}."
        ]

    def _limits(self) -> list[str]:
        return [
            "Not covered: facts about the population, which hold whether or not a person took "
            f"part; groups (k {self.unit}s together are protected at k·ε); the schema as declared; "
            "any report that compares with the real table; other releases from the same source; "
            "the machine this ran on."
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "claim": self.claim,
            "text": str(self),
            "epsilon": self.epsilon,
            "delta": self.delta,
            "unit": self.unit,
            "model": self.model,
            "facts": dict(self.facts),
            "looked": list(self.looked),
            "noise": self.noise,
            "versions": dict(self.versions),
            "ledger": None if self.ledger is None else dict(self.ledger),
            "plan": dict(self.plan),
        }

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> "Statement":
        """The inverse of `to_dict`; the sentences are made anew."""
        return cls(
            plan=stored["plan"], model=stored["model"], unit=stored["unit"],
            facts=stored["facts"], looked=tuple(stored["looked"]), noise=stored["noise"],
            versions=stored["versions"], ledger=stored.get("ledger"),
        )  # fmt: skip


UNACCOUNTED: Final[Mapping[str, Any]] = {"unaccounted": True}

_RELATION = {
    "null": "Compared are two tables that differ in one {unit}, whose rows are blank in one of "
    "them; the number of {unit}s ({n}) is public.",
    "add-remove": "Compared are two tables one of which has one {unit} more; the number of "
    "{unit}s was bought.",
}


def _listed(names: tuple[str, ...], most: int = 8) -> str:
    """Names in a row, the tail counted."""
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"
