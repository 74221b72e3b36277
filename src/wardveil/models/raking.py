"""Raking among the rows that keep the declared rules, and what is stored of it."""

from collections.abc import Callable, Mapping

from wardveil.encode.bins import Bins
from wardveil.encode.calibrate import calibration_rows
from wardveil.encode.histogram import Probabilities
from wardveil.encode.raking import MOST_BINS, Raking, raked
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
    rows, good = kept(draw(calibration_rows(bins.width)), schema, {})
    if not len(good):  # nothing is known of rows that would be released
        return {}
    found = raked(bins, {name: x[good] for name, x in rows.items()}, wanted)
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
