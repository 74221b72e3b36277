"""Leaks: attacks against the synthetic table, beside their controls and what (ε, δ) allows."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from scipy.stats import norm

from wardveil.evaluation import Evaluation
from wardveil.evaluation.disclosure import Disclosure
from wardveil.evaluation.membership import Attack
from wardveil.report import chart
from wardveil.report.block import Block, Drawing, Numbers
from wardveil.report.chart import Mark

CONFIDENCE: Final = 0.95
"""Of all intervals together, when the worst of several attacks is judged."""

NAMES = {
    "density_ratio": "Membership, from the density of rows",
    "shadow": "Membership, with a model of the attacker's own",
    "attribute_inference": "Guessing a hidden column",
    "singling_out": "Singling a person out",
    "linkability": "Linking two halves of a record",
}


@dataclass(frozen=True, kw_only=True)
class Leak:
    """What one attack gains by a patient's taking part.

    Attributes:
        name: The attack, in words.
        rate: How often it is right about members, 0 to 1; for membership, how often it puts a
            member before another patient (the AUC).
        control: How often the same attack is right about patients who did not take part.
        error: Standard error of `rate - control`.
        limit: The largest `rate` that (ε, δ) allows at this control; None without a guarantee.
    """

    name: str
    rate: float
    control: float
    error: float
    limit: float | None

    @property
    def advantage(self) -> float:
        """What taking part adds, -1 to 1."""
        return self.rate - self.control

    def surely(self, attacks: int) -> float:
        """The advantage that is certain when the worst of so many attacks is looked at.

        The lower end of a one-sided interval, widened by Bonferroni's inequality.
        """
        z = float(norm.isf((1 - CONFIDENCE) / attacks))
        return self.advantage - z * self.error


def leaks(evaluation: Evaluation, promise: tuple[float, float] | None) -> tuple[Leak, ...]:
    """Every attack that was made, the one with the largest advantage first.

    Args:
        evaluation: What was measured.
        promise: (ε, δ), or None when nothing is promised.
    """
    found = [
        *(_of_attack(a) for a in evaluation.attacks),
        *(_of_disclosure(d, promise) for d in evaluation.disclosures),
    ]
    return tuple(sorted(found, key=lambda leak: -leak.advantage))


def _of_attack(attack: Attack) -> Leak:
    return Leak(name=NAMES[attack.name], rate=attack.auc, control=0.5, limit=attack.limit_auc,
                error=_error(attack.low, attack.high))  # fmt: skip


def _of_disclosure(found: Disclosure, promise: tuple[float, float] | None) -> Leak:
    name = NAMES[found.name] + (f": {found.secret}" if found.secret else "")
    limit = None
    if promise is not None:
        # P(right | took part) ≤ e^ε P(right | did not) + δ, and the same for being wrong.
        epsilon, delta = promise
        growth = math.exp(min(epsilon, 700.0))
        limit = max(
            found.control,
            min(growth * found.control + delta, 1 - (1 - found.control - delta) / growth, 1.0),
        )
    error = math.hypot(_error(found.low, found.high), _error(found.control_low, found.control_high))
    return Leak(name=name, rate=found.rate, control=found.control, error=error, limit=limit)


def _error(low: float, high: float) -> float:
    """The standard error behind a 95 % interval."""
    return (high - low) / (2 * float(norm.isf(0.025)))


def leak_blocks(evaluation: Evaluation, promise: tuple[float, float] | None) -> Iterator[Block]:
    """Attacks with their limits; copies last."""
    yield _attacks(evaluation, promise)
    if evaluation.copies is not None:
        yield _copies(evaluation)


def _attacks(evaluation: Evaluation, promise: tuple[float, float] | None) -> Block:
    found = leaks(evaluation, promise)
    if not found:
        return Block(
            anchor="leaks", title="Attacks", real=False,
            note="Not measured: no patients were held out. An attack must be tried on patients who "
            "took part and on others who did not; else a leak looks like knowledge about the "
            "population. Give rows that the model has not seen with --holdout.",
        )  # fmt: skip
    drawings = [
        Drawing(svg=chart.roc(a, label=f"{NAMES[a.name]}: members found against others accused, "
                              "with the limit of (ε, δ)"),
                caption=f"{NAMES[a.name]}. The attacker knows: {a.knows[0].lower()}{a.knows[1:]}")
        for a in evaluation.attacks
    ]  # fmt: skip
    if evaluation.disclosures:
        drawings.append(
            Drawing(
                svg=chart.forest(
                    [(f"{d.secret}, guessed" if d.secret else NAMES[d.name],
                      [Mark(value=d.control, low=d.control_low, high=d.control_high, style="real"),
                       Mark(value=d.rate, low=d.low, high=d.high)])
                     for d in evaluation.disclosures],
                    label="Share of right guesses about members and about others",
                    name="share right",
                ),
                caption="Right guesses: grey about others, colour about members",
            )
        )  # fmt: skip
    return Block(
        anchor="leaks", title="Attacks", real=False, drawings=tuple(drawings),
        note="Each attack is tried on patients the table was made from, and on others it was not "
        "made from. What works on both is knowledge about the population; only the difference "
        "comes from having taken part."
        + (" The dashed line is the most that the statement allows." if promise else ""),
        numbers=(
            Numbers(
                caption="Right in 100", shown=True,
                head=("Attack", "Members", "Others", "Difference", "Limit of the statement"),
                rows=tuple(
                    (x.name, f"{100 * x.rate:.1f}", f"{100 * x.control:.1f}",
                     f"{100 * x.advantage:+.1f}".replace("-", "−"),
                     "none" if x.limit is None else f"{100 * x.limit:.1f}") for x in found
                ),
            ),
            *_at_one_percent(evaluation.attacks),
        ),
    )  # fmt: skip


def _at_one_percent(attacks: tuple[Attack, ...]) -> Iterator[Numbers]:
    if attacks:
        yield Numbers(
            caption="Members found where 1 in 100 of the others is accused",
            head=("Attack", "Found", "95 % interval", "Limit of the statement"),
            rows=tuple(
                (NAMES[a.name], f"{a.tpr:.1%}", f"{a.tpr_low:.1%} to {a.tpr_high:.1%}",
                 "none" if a.limit_tpr is None else f"{a.limit_tpr:.1%}") for a in attacks
            ),
        )  # fmt: skip


def _copies(evaluation: Evaluation) -> Block:
    c = evaluation.copies
    assert c is not None
    return Block(
        anchor="copies", title="Copies and distances", real=False, folded=True,
        note="A smoke test for copying. Distances to the closest real row do not measure privacy: "
        "tables that passed such tests have been attacked with success.",
        numbers=(
            Numbers(
                caption="Rows", shown=True, head=("Share of rows", "Synthetic", "Held out"),
                rows=(
                    ("equal to a row it was made from", f"{c.synthetic:.2%}", f"{c.holdout:.2%}"),
                    ("nearer to a row it was made from than to a held-out one", f"{c.closer:.1%}",
                     "50.0%"),
                ),
            ),
            Numbers(
                caption="Distance to the closest real row, deciles",
                head=("Decile", "Synthetic", "Held out"),
                rows=tuple(
                    (f"{10 * i} %", f"{a:.3f}", f"{b:.3f}")
                    for i, (a, b) in enumerate(zip(c.dcr, c.dcr_holdout, strict=True))
                ),
            ),
        ),
    )  # fmt: skip
