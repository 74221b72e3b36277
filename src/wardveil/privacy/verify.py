"""Verify: does a release hold what it says? Needs no patients, no network and no torch.

Whoever receives a synthetic table can hash its files, price the mechanisms of its statement again,
and compare. What cannot be checked from here is that nothing else read the table: that is what
replay and coupling are for.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from wardveil.errors import BudgetError, Problem
from wardveil.privacy.accountant import spent
from wardveil.privacy.manifest import differences, digest_of
from wardveil.privacy.mechanism import Mechanism, restore
from wardveil.privacy.statement import Statement

CLOSE = 1e-6
"""Two computations of one ε agree to this."""
WORDS: Final = ("statement.txt", "README.txt", "MODEL_CARD.md", "DATASHEET.md")
"""Files of a release that must carry the statement's first sentence."""


def verify_statement(stored: Mapping[str, Any]) -> list[Problem]:
    """Everything in a stored statement that does not follow from its mechanisms.

    Args:
        stored: `Statement.to_dict()`, as read from JSON.

    Returns:
        Problems (E601 to E604); empty when the statement holds.
    """
    try:
        made = Statement.from_dict(stored)
        lists = (stored["looked"], made.plan["mechanisms"], made.plan["remarks"])
        if not all(isinstance(part, list) for part in lists):
            raise TypeError("list")
        mechanisms = [_sound(restore(dict(m))) for m in made.plan["mechanisms"]]
        claimed, delta, n = made.plan["epsilon"], made.plan["delta"], made.plan["patients"]
        again = made.to_dict()
        problems = list(_sentences(stored, again, made))
        if claimed is None:
            if mechanisms:
                problems.append(
                    _problem("E603", "A run without a guarantee must list no mechanism.")
                )
            return problems
        problems += _price(mechanisms, made, float(claimed), float(delta))
        if not 0 < delta <= 1 / (10 * n):
            problems.append(
                _problem("E604", f"delta must be above 0 and at most 1/(10 n) for {n} patients.")
            )
    # Parts of the wrong type or size; nothing of the statement is printed.
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError):
        return [_problem("E601", "The statement must have all its parts; some are missing.")]
    return problems


def verify_release(folder: Path, *, digest: str = "") -> list[Problem]:
    """Everything in a release folder that is not as it was released.

    Args:
        folder: As `wardveil release` wrote it.
        digest: SHA-256 of its manifest, received by another way; "" when there is none.

    Returns:
        Problems: those of the manifest (E605 to E608) and the statement (E601 to E604); E609, a
        document does not carry the statement's first sentence; E611, the schema names looked-at
        facts that the statement does not; E612, nothing is promised; E613, another digest.
    """
    problems = differences(folder)
    stored = read_statement(folder / "statement.json")
    problems += verify_statement(stored)
    if any(p.code == "E601" for p in problems):
        return problems
    if digest and not any(p.code == "E605" for p in problems) and digest_of(folder) != digest:
        problems.append(
            _problem("E613", "The digest of the manifest is not the one you gave.", str(folder))
        )
    if stored["plan"]["epsilon"] is None or stored["noise"] != "release":
        problems.append(_problem("E612", "A release must come with a guarantee; this has none."))
    text = str(Statement.from_dict(stored))
    claim = text.partition("\n")[0]
    for name in WORDS:
        found = _text(folder / name)
        if claim not in found or (name == "statement.txt" and found.strip() != text):
            problems.append(
                _problem("E609", "The document must carry the statement as it is.", name)
            )
    hidden = _looked(folder / "schema.json") - set(stored["looked"])
    if hidden:
        problems.append(
            _problem("E611", f"The schema marks {len(hidden)} columns as looked at that the "
                     "statement does not name.", "schema.json")
        )  # fmt: skip
    return problems


def read_statement(file: Path) -> dict[str, Any]:
    """A statement from its JSON file, or from a run's; {} when there is none to read."""
    try:
        stored = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    stored = stored.get("statement", stored) if isinstance(stored, dict) else {}
    return stored if isinstance(stored, dict) else {}


def _sentences(
    stored: Mapping[str, Any], again: Mapping[str, Any], made: Statement
) -> Iterator[Problem]:
    for part in ("claim", "text", "epsilon", "delta"):
        if stored.get(part) != again[part]:
            yield _problem("E602", f"{part!r} does not follow from the rest of the statement.")
    if made.facts.get("looked", 0) and not made.looked:
        yield _problem("E602", "Facts are counted as looked at, and no column is named for them.")


def _price(
    mechanisms: list[Mechanism], made: Statement, claimed: float, delta: float
) -> list[Problem]:
    """What does not agree with pricing the list again."""
    try:
        cost = spent(mechanisms, delta)
    except BudgetError as error:
        return list(error.problems)
    problems = []
    for name, found in (("epsilon", cost.epsilon), ("PLD", cost.pld), ("RDP", cost.rdp)):
        said = claimed if name == "epsilon" else made.plan["accountants"].get(name)
        # Two infinities differ by NaN, which is close to nothing.
        if said is None or not (said == found or abs(said - found) <= CLOSE):
            problems.append(
                _problem("E603", f"{name} must be {found:.6f} for the listed mechanisms.")
            )
    return problems


def _sound(mechanism: Mechanism) -> Mechanism:
    """The mechanism, if all its numbers are ones that a plan can hold."""
    for name, value in vars(mechanism).items():
        if name == "name":
            sound = isinstance(value, str)
        elif name in ("count", "tables", "patients", "batch_limit"):
            sound = type(value) is int and 1 <= value <= 10**9
        else:
            sound = type(value) in (int, float) and 0 < value < 1e12
        if not sound:
            raise ValueError(name)
    return mechanism


def _looked(file: Path) -> set[str]:
    """Columns of a release's schema of which a fact was looked at."""
    try:
        columns = json.loads(file.read_text(encoding="utf-8"))["columns"]
        return {c["name"] for c in columns if "looked" in c.get("sources", {}).values()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return set()  # a schema that is missing or was changed is in the manifest's problems


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _problem(code: str, what: str, where: str = "statement") -> Problem:
    return Problem(code=code, what=what, where=where, do=("Do not rely on this release.",))
