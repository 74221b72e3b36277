"""Exact counts, for the vault's eyes only: what a mechanism adds its noise to."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wardveil.schema import Column, Schema
from wardveil.schema.variable import Numeric, Variable, flag_name, missing_name

if TYPE_CHECKING:
    from wardveil.vault.vault import Binning, Rows

CHUNK = 1 << 16
"""Rows counted at a time in `pair_counts`; bounds its memory to CHUNK × cells × 4 bytes."""


def flags_of(column: Column) -> list[str]:
    """Names of the flags of a `codes` column, in declared order."""
    return [flag_name(column.name, code) for code in column.levels or ()]


def tables_of(schema: Schema) -> int:
    """How many histograms one patient can touch in `histograms`.

    One for each variable; for a codes column as many as codes are kept of one cell (which is at
    least the single "missing" flag).
    """
    return sum(c.max_codes if c.kind == "codes" else 1 for c in schema.modelled)


def keep_first_codes(rows: "Rows", schema: Schema) -> "Rows":
    """The same rows with at most `max_codes` flags set in each codes column, none if missing."""
    kept = dict(rows)
    for column in schema.modelled:
        if column.kind == "codes":
            names = flags_of(column)
            flags = np.stack([rows[f] for f in names], axis=1)
            allowed = np.cumsum(flags, axis=1) <= column.max_codes
            if column.nullable:  # who is missing here has no codes
                allowed &= (rows[missing_name(column.name)] == 0)[:, None]
            if not allowed[flags == 1].all():
                kept |= dict(zip(names, (flags * allowed).T.astype(np.int32), strict=True))
    return kept


def histograms(rows: "Rows", schema: Schema) -> dict[str, NDArray[np.int64]]:
    """Variable -> counts of its cells, (size,); flags of codes give the number set, (1,)."""
    flags = {f for c in schema.modelled if c.kind == "codes" for f in flags_of(c)}
    flags |= {missing_name(c.name) for c in schema.modelled if c.kind == "codes" and c.nullable}
    return {
        v.name: (
            np.array([np.count_nonzero(rows[v.name] == 1)], dtype=np.int64)
            if v.name in flags
            else np.bincount(v.cell(rows[v.name]), minlength=v.size).astype(np.int64)
        )
        for v in schema.variables
    }


def resolution(n: int, sd: float) -> int:
    """Most cells of a number that are worth counting apart, a power of two in 16 to 512.

    The noise of a range of k cells is sd·√k, so fewer cells make ranges sharper and shapes
    coarser; 1.2·n/sd was the break-even on the public tables.
    """
    return int(2 ** np.clip(np.floor(np.log2(1.2 * n / sd)), 4, 9))


def stride_of(variable: Variable, most: int) -> int:
    """Fine cells counted together so that at most `most` remain; 1 for levels."""
    return -(-variable.cells // most) if isinstance(variable, Numeric) else 1


def coarse(counts: NDArray[np.int64], variable: Variable, stride: int) -> NDArray[np.int64]:
    """Counts of `stride` neighbouring cells together; "missing" stays apart."""
    if stride == 1:
        return counts
    values = np.add.reduceat(counts[: variable.cells], np.arange(0, variable.cells, stride))
    return np.concatenate([values, counts[variable.cells :]])


def table(rows: "Rows", variables: Sequence[str], binning: "Binning") -> NDArray[np.int64]:
    """Joint counts, one axis a variable."""
    cells = binning.cells(rows)
    shape = tuple(binning.sizes[v] for v in variables)
    flat = np.ravel_multi_index(tuple(cells[v] for v in variables), shape)
    return np.bincount(flat, minlength=int(np.prod(shape))).astype(np.int64).reshape(shape)


def pair_counts(rows: "Rows", binning: "Binning") -> NDArray[np.int64]:
    """Counts of all pairs of cells of all variables, (D, D): one matrix product a chunk."""
    cells: Mapping[str, NDArray[np.int32]] = binning.cells(rows)
    starts = np.concatenate([[0], np.cumsum(list(binning.sizes.values()))])
    at = np.stack([cells[v] + s for v, s in zip(binning.sizes, starts, strict=False)], axis=1)
    total = np.zeros((starts[-1], starts[-1]), dtype=np.int64)
    for first in range(0, len(at), CHUNK):
        part = at[first : first + CHUNK]
        hot = np.zeros((len(part), starts[-1]), dtype=np.float32)
        np.put_along_axis(hot, part, 1.0, axis=1)
        total += (hot.T @ hot).astype(np.int64)  # exact: a chunk's counts are below 2²⁴
    return total
