"""Verify: does a stored statement follow from its own list of mechanisms? Needs no patients.

Whoever receives a synthetic table can price the mechanisms again and compare. What cannot be
checked from here is that nothing else read the table: that is what replay and coupling are for.
"""

from collections.abc import Mapping
from typing import Any

from wardveil.errors import Problem
from wardveil.privacy.accountant import spent
from wardveil.privacy.mechanism import restore
from wardveil.privacy.statement import Statement

CLOSE = 1e-6
"""Two computations of one ε agree to this."""


def verify_statement(stored: Mapping[str, Any]) -> list[Problem]:
    """Everything in a stored statement that does not follow from its mechanisms.

    Args:
        stored: `Statement.to_dict()`, as read from JSON.

    Returns:
        Problems (E601 to E604); empty when the statement holds.
    """
    try:
        made = Statement.from_dict(stored)
        mechanisms = [restore(dict(m)) for m in made.plan["mechanisms"]]
        claimed, delta, n = made.plan["epsilon"], made.plan["delta"], made.plan["patients"]
        again = made.to_dict()
    except (KeyError, TypeError, ValueError):
        return [_problem("E601", "The statement must have all its parts; some are missing.")]
    problems = [
        _problem("E602", f"{part!r} does not follow from the rest of the statement.")
        for part in ("claim", "text", "epsilon", "delta")
        if stored.get(part) != again[part]
    ]
    if claimed is None:
        if mechanisms:
            problems.append(_problem("E603", "A run without a guarantee must list no mechanism."))
        return problems
    cost = spent(mechanisms, delta)
    for name, found in (("epsilon", cost.epsilon), ("PLD", cost.pld), ("RDP", cost.rdp)):
        said = claimed if name == "epsilon" else made.plan["accountants"].get(name)
        if said is None or abs(said - found) > CLOSE:
            problems.append(
                _problem("E603", f"{name} must be {found:.6f} for the listed mechanisms.")
            )
    if delta > 1 / (10 * n):
        problems.append(_problem("E604", f"delta must be at most 1/(10 n) for {n} patients."))
    return problems


def _problem(code: str, what: str) -> Problem:
    return Problem(code=code, what=what, where="statement", do=("Do not rely on this release.",))
