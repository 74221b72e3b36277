"""Asked: rows of a model that cannot be told what to draw, given what is asked of them."""

from collections.abc import Callable, Mapping

import numpy as np

from wardveil.encode.histogram import Probabilities, restrict
from wardveil.encode.parts import joined
from wardveil.schema import Schema
from wardveil.schema.variable import variables_of
from wardveil.schema.where import Where, cells_asked, fit_into
from wardveil.vault import Rows
from wardveil.vault.statistics import keep_first_codes

TOGETHER = 4_096
"""Rows drawn at a time; bounds memory."""
LOOKED_AT = 100
"""Rows drawn for each that is asked for, before asked columns are written over."""


def drawn(
    draw: Callable[[int], Rows],
    schema: Schema,
    p: Mapping[str, Probabilities],
    n: int,
    where: Where,
    rng: np.random.Generator,
) -> Rows:
    """n rows; of those that are drawn, the ones that keep what is asked.

    Rows are drawn until enough of them do, at most `LOOKED_AT` for each. Where that was not
    enough, what is asked is written over the last ones: somebody asked for must be found.

    Args:
        draw: Gives that many fresh rows.
        schema: Complete.
        p: Distribution of each asked variable over its cells.
        n: Rows.
        where: What is asked of every row.
        rng: For what is written over.
    """
    if not where:
        return joined([draw(min(TOGETHER, n - k)) for k in range(0, n, TOGETHER)], n)
    asked = [v for v in schema.variables if v.name in where]
    masks = {v.name: cells_asked(v, where[v.name]) for v in asked}
    kept: list[Rows] = []
    found = looked = 0
    while found < n and looked < LOOKED_AT * n:
        rows = keep_first_codes(draw(TOGETHER), schema)
        good = np.ones(TOGETHER, dtype=bool)
        for v in asked:
            good &= masks[v.name][v.cell(rows[v.name])]
        kept.append({name: x[good] for name, x in rows.items()})
        found, looked = found + int(good.sum()), looked + TOGETHER
    if found < n:
        rest = dict(draw(n - found))
        for v in asked:
            rest |= dict.fromkeys(_rivals(schema, v.name), np.zeros(n - found, dtype=np.int32))
        for v in asked:
            chance = restrict(v, p[v.name], masks[v.name])
            cell = rng.choice(v.size, size=n - found, p=chance).astype(np.int32)
            rest[v.name] = v.draw(cell, rng)
        kept.append(rest)
    rows = joined(kept, n)
    return {name: fit_into(x, where[name]) if name in where else x for name, x in rows.items()}


def _rivals(schema: Schema, name: str) -> list[str]:
    """All flags of the codes column that a flag belongs to: too many would push it out."""
    for column in schema.modelled:
        if column.kind == "codes":
            names = [v.name for v in variables_of(column)]
            if name in names:
                return names
    return []
