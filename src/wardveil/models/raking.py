"""Raking among the rows that keep the declared rules, and what is stored of it."""

from collections.abc import Callable, Mapping
from math import ceil

from wardveil.encode.bins import Bins
from wardveil.encode.histogram import Probabilities
from wardveil.encode.parts import joined
from wardveil.encode.raking import AT_MOST, MOST_BINS, Raking, raked, raking_rows
from wardveil.models.base import Rng, Weights
from wardveil.models.bookmark import below
from wardveil.models.obedience import kept
from wardveil.schema import Schema
from wardveil.vault import Rows


def rake(
    draw: Callable[[int], Rows], wanted: Rows, p: Mapping[str, Probabilities], schema: Schema
) -> Weights:
    """Tensors by name, of the raking that makes kept rows like others.

    Args:
        draw: Gives that many fresh rows of a generator.
        wanted: Rows to be like, that may be seen; they keep the rules.
        p: Known distribution of every variable.
        schema: Complete.
    """
    bins = Bins(schema.variables, p, MOST_BINS)
    parts: list[Rows] = []
    n = len(next(iter(wanted.values())))
    for _ in range(ceil(raking_rows(bins.width, n) / AT_MOST)):
        rows, good = kept(draw(AT_MOST), schema, {})
        parts.append({name: x[good] for name, x in rows.items()})
    drawn = joined(parts)
    if not len(next(iter(drawn.values()))):  # nothing is known of rows that would be released
        return {}
    found = raked(bins, drawn, wanted)
    return {f"rake/{k}": w for k, w in found.tensors().items()}


def accepting(
    draw: Callable[[int], Rows], weights: Weights, p: Mapping[str, Probabilities], schema: Schema,
    rng: Rng,
) -> Callable[[int], Rows]:  # fmt: skip
    """Draws accepted rows, where a raking was stored; else as it was."""
    stored = below(weights, "rake")
    if not stored:
        return draw
    raking = Raking(bins=Bins(schema.variables, p, MOST_BINS), **stored)
    return lambda m: raking.accepted(draw, m, rng.numpy)
