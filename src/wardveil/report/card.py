"""Card: one verdict of the head strip, in a number, a colour and words.

The thresholds were fixed before any table was looked at, and are the same for every table.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from wardveil.evaluation import Evaluation

Verdict = Literal["good", "look", "stop"]

PROTECTED: Final = (1.0, 5.0)
"""ε up to which protection is called strong, and moderate."""
ALIKE: Final = (0.05, 0.15)
"""Excess of tvd1 over its ruler up to which a table is called close, and loose."""
TOLD_APART: Final = (0.65, 0.85)
"""AUC up to which a classifier is called hardly, and often, able to tell rows apart."""
USEFUL: Final = (0.03, 0.10)
"""Loss of AUC up to which a table is called as useful, and less useful."""


class Promise(Protocol):
    """What a report needs of a statement."""

    @property
    def epsilon(self) -> float | None:
        """ε, or None when nothing is promised."""
        ...

    @property
    def delta(self) -> float | None:
        """δ, or None when nothing is promised."""
        ...

    def __str__(self) -> str: ...

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        ...


@dataclass(frozen=True, kw_only=True)
class Card:
    """One verdict.

    Attributes:
        title: What is judged.
        figure: The number that decides.
        verdict: Its colour: "good", "look" (read on), or "stop".
        word: The verdict in words.
        text: What the number means.
        ruler: The same number for real rows, or "".
    """

    title: str
    figure: str
    verdict: Verdict
    word: str
    text: str
    ruler: str = ""


def cards(evaluation: Evaluation, statement: Promise | None) -> tuple[Card, ...]:
    """The verdicts that can be given; what was not measured has no card."""
    found = [_protected(statement), _alike(evaluation)]
    if "c2st" in evaluation.means:
        found.append(_told_apart(evaluation))
    if "tstr_gap" in evaluation.means:
        found.append(_useful(evaluation))
    return tuple(found)


def _protected(statement: Promise | None) -> Card:
    if statement is None:
        return Card(title="Protected", figure="ε unknown", verdict="stop", word="No statement",
                    text="This table came without a privacy statement.")  # fmt: skip
    epsilon, delta = statement.epsilon, statement.delta
    if epsilon is None or delta is None or math.isinf(epsilon):
        return Card(title="Protected", figure="No guarantee", verdict="stop",
                    word="Treat it like the real table",
                    text="Nothing is promised to the patients behind this table.")  # fmt: skip
    # The best test of one patient's presence is right with (e^ε + δ) / (1 + e^ε) when both
    # answers are as likely: from TPR ≤ e^ε FPR + δ.
    right = (math.exp(epsilon) + delta) / (1 + math.exp(epsilon))
    verdict, word = _graded(epsilon, PROTECTED, ("Strong", "Moderate", "Weak"))
    return Card(
        title="Protected", verdict=verdict, word=word,
        figure=f"ε = {math.ceil(epsilon * 1000) / 1000:g}",
        text="Guessing whether one particular patient was in the table is right 50 times in "
        f"100 by chance, and at most {math.ceil(100 * right)} times in 100 with all that was "
        f"made from it. δ = {delta:g}.",
    )  # fmt: skip


def _alike(evaluation: Evaluation) -> Card:
    tvd1, ruler = evaluation.means["tvd1"], evaluation.rulers["tvd1"]
    words = ("Close", "Loose", "Far")
    verdict, word = _graded(tvd1 - ruler, ALIKE, words)
    text = f"On average {tvd1:.1%} of patients would have to move for one column to match"
    rulers = f"real rows: {ruler:.3f}"
    if "tvd2" in evaluation.means:
        text += f", {evaluation.means['tvd2']:.1%} for two together"
        rulers += f", pairs {evaluation.rulers['tvd2']:.3f}"
    return Card(title="Looks alike", figure=f"{tvd1:.3f}", verdict=verdict, word=word,
                text=f"{text}.", ruler=rulers)  # fmt: skip


def _told_apart(evaluation: Evaluation) -> Card:
    auc = evaluation.means["c2st"]
    words = ("Hardly", "Often", "Nearly always")
    verdict, word = _graded(auc, TOLD_APART, words)
    return Card(
        title="Told apart", figure=f"{auc:.2f}", verdict=verdict, word=word,
        text="AUC of a classifier that tells synthetic rows from real ones: 0.5 is a coin, "
        "1 is always right.",
        ruler=f"real rows: {evaluation.rulers['c2st']:.2f}",
    )  # fmt: skip


def _useful(evaluation: Evaluation) -> Card:
    gap = evaluation.means["tstr_gap"]
    verdict, word = _graded(gap, USEFUL, ("As useful", "Less useful", "Not useful"))
    names = ", ".join(evaluation.aucs)
    return Card(
        title="Works alike", figure=f"{gap:+.3f}", verdict=verdict, word=word,
        text=f"AUC lost when models of {names} are trained on synthetic instead of real rows; "
        "both are tested on held-out patients.",
        ruler="real rows: 0",
    )  # fmt: skip


def _graded(
    value: float, limits: tuple[float, float], words: tuple[str, str, str]
) -> tuple[Verdict, str]:
    good, look = limits
    # ε is stated rounded up to four digits, so that 1.00004 is not "above 1".
    if value <= good + 1e-3:
        return "good", words[0]
    return ("look", words[1]) if value <= look + 1e-3 else ("stop", words[2])
