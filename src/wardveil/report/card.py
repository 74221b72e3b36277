"""Card: one verdict of the head strip, in a number, a colour and words.

The limits were fixed before any table was looked at, and are the same for every table. How they are
combined was changed after pages were seen; docs/evaluation.md says what.
"""

import math
from dataclasses import dataclass
from typing import Final, Literal, Protocol

from wardveil.evaluation import Evaluation
from wardveil.report.leaks import leaks

Verdict = Literal["good", "look", "stop", "none"]
WORSE: Final[tuple[Verdict, ...]] = ("good", "look", "stop")
"""From the best verdict to the worst."""

PROTECTED: Final = (1.0, 5.0)
"""ε up to which protection is called strong, and moderate."""
ALIKE: Final = (0.05, 0.15)
"""Excess of tvd1 over its ruler up to which a table is called close, and loose."""
TOLD_APART: Final = (0.65, 0.85)
"""AUC up to which a classifier is called hardly, and often, able to tell rows apart."""
USEFUL: Final = (0.03, 0.10)
"""Loss of AUC up to which a table is called as useful, and less useful."""
LEAKING: Final = (0.01, 0.05)
"""Certain advantage of the worst attack up to which a table is quiet, and is to be looked at."""


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
        verdict: Its colour: "good", "look" (read on), "stop", or "none" (not measured).
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
    """The four verdicts: Protected, Looks alike, Works alike, Leaks."""
    return (
        protected(statement),
        _alike(evaluation),
        _useful(evaluation),
        _leaking(evaluation, promise_of(statement)),
    )


def promise_of(statement: Promise | None) -> tuple[float, float] | None:
    """(ε, δ) of a statement, or None when nothing is promised end to end."""
    if statement is None or statement.epsilon is None or statement.delta is None:
        return None
    return None if math.isinf(statement.epsilon) else (statement.epsilon, statement.delta)


def protected(statement: Promise | None) -> Card:
    """What is promised, as a chance of guessing right."""
    if statement is None:
        return Card(title="Protected", figure="ε unknown", verdict="stop", word="No statement",
                    text="This table came without a privacy statement.")  # fmt: skip
    promise = promise_of(statement)
    if promise is None:
        return Card(title="Protected", figure="No guarantee", verdict="stop",
                    word="Treat it like the real table",
                    text="Nothing is promised end to end to the patients behind this table.",
                    )  # fmt: skip
    epsilon, delta = promise
    # The best test of one patient's presence is right with (e^ε + δ) / (1 + e^ε) when both
    # answers are as likely: from TPR ≤ e^ε FPR + δ.
    right = (math.exp(epsilon) + delta) / (1 + math.exp(epsilon))
    verdict, word = _graded(epsilon, PROTECTED, ("Strong", "Moderate", "Weak"))
    return Card(
        title="Protected", verdict=verdict, word=word,
        figure=f"ε = {math.ceil(epsilon * 1000) / 1000:g}",
        text="Guessing whether one particular patient was in the table is right at most "
        f"{math.ceil(100 * right)} times in 100, with all that was made from it.",
        ruler=f"by chance: 50 in 100; δ = {delta:g}",
    )  # fmt: skip


def _alike(evaluation: Evaluation) -> Card:
    tvd1, ruler = evaluation.means["tvd1"], evaluation.rulers["tvd1"]
    verdict, word = _graded(tvd1 - ruler, ALIKE, ("Close", "Loose", "Far"))
    text = f"{100 * tvd1:.1f} of 100 patients would have to move for one column to match"
    rulers = f"real rows: {100 * ruler:.1f}"
    if "tvd2" in evaluation.means:
        text += f", {100 * evaluation.means['tvd2']:.1f} for two together"
        rulers += f", {100 * evaluation.rulers['tvd2']:.1f} for two"
    if "c2st" in evaluation.means:
        auc = evaluation.means["c2st"]
        other, words = _graded(auc, TOLD_APART, ("hardly ever", "often", "nearly always"))
        text += f". A classifier {words} tells its rows from real ones (AUC {auc:.2f})"
        rulers += f", AUC {evaluation.rulers['c2st']:.2f}"
        if WORSE.index(other) > WORSE.index(verdict):
            verdict = other
            word = f"{word} by column, rows told apart"
    return Card(title="Looks alike", figure=f"{100 * tvd1:.1f} in 100", verdict=verdict, word=word,
                text=f"{text}.", ruler=rulers)  # fmt: skip


def _useful(evaluation: Evaluation) -> Card:
    if "tstr_gap" not in evaluation.means:
        held = evaluation.reference == "holdout"
        return Card(
            title="Works alike", figure="Not measured", verdict="none",
            word="No outcome was declared" if held else "No patients were held out",
            text="Mark an outcome with target = true in the schema." if held else
            "Models are judged on patients they have not seen: name some with --holdout.",
        )  # fmt: skip
    gap = evaluation.means["tstr_gap"]
    verdict, word = _graded(gap, USEFUL, ("As useful", "Less useful", "Not useful"))
    names = list(evaluation.aucs)
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    real, synthetic = (
        sum(pair[i] for pair in evaluation.aucs.values()) / len(names) for i in (0, 1)
    )
    return Card(
        title="Works alike", figure=f"AUC {synthetic:.3f}", verdict=verdict, word=word,
        text=f"Models of {shown} that learn from synthetic rows and are tested on held-out "
        f"patients. They lose {gap:.3f}.".replace("lose -", "gain "),
        ruler=f"learnt from real rows: AUC {real:.3f}",
    )  # fmt: skip


def _leaking(evaluation: Evaluation, promise: tuple[float, float] | None) -> Card:
    found = leaks(evaluation, promise)
    if not found:
        why = (
            "No patients were held out" if evaluation.reference == "real" else "No attack was made"
        )
        return Card(
            title="Leaks", figure="Not measured", verdict="none", word=why,
            text="An attack must also be tried on patients who did not take part: name some with "
            "--holdout." + (" What is promised at the left holds without it." if promise else ""),
        )  # fmt: skip
    surest = max(found, key=lambda leak: leak.surely(len(found)))
    sure = surest.surely(len(found))
    worst = surest if sure > 0 else found[0]
    verdict, word = _graded(
        sure, LEAKING, ("No attack surely gains", "An attack gains", "It leaks")
    )
    if promise is None and verdict == "good":
        # Attacks that fail today rule out none of tomorrow's; only a promise does.
        verdict, word = "look", "No attack surely gains, and none is ruled out"
    over = [x for x in found if x.limit is not None and x.control + x.surely(len(found)) > x.limit]
    if over:
        worst = over[0]
        verdict, word = "stop", "Above what is promised: do not release"
    chance = worst.advantage - worst.surely(len(found))
    limit = f"by chance: up to {100 * chance:.1f}; the statement allows "
    limit += "anything" if worst.limit is None else f"{100 * (worst.limit - worst.control):.0f}"
    return Card(
        title="Leaks", verdict=verdict, word=word,
        figure=f"{100 * worst.advantage:+.1f} in 100".replace("-", "−"),
        text=f"The worst of {len(found)} attacks: {worst.name[0].lower()}{worst.name[1:]}. "
        f"It is right {100 * worst.rate:.1f} times in 100 about those who took part, "
        f"{100 * worst.control:.1f} about others.",
        ruler=limit,
    )  # fmt: skip


def _graded(
    value: float, limits: tuple[float, float], words: tuple[str, str, str]
) -> tuple[Verdict, str]:
    good, look = limits
    # ε is stated rounded up to four digits, so that 1.00004 is not "above 1".
    if value <= good + 1e-3:
        return "good", words[0]
    return ("look", words[1]) if value <= look + 1e-3 else ("stop", words[2])
