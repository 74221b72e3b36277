"""Copies: synthetic rows that are somebody's, and how near the nearest patient is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from wardveil.evaluation.c2st import thinned
from wardveil.evaluation.features import features, standardised
from wardveil.evaluation.prepared import Flags, Floats, Prepared

MOST_ROWS: Final = 4_000
"""Rows of each table that distances are taken of; copies are looked for among all."""


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Rows equal in every compared column, and distances to the closest real row.

    Distances to the closest record are no measure of privacy: tables that pass them have been
    attacked with success (arXiv 2505.01524). They are drawn last, as a smoke test for copying.

    Attributes:
        synthetic: Share of synthetic rows equal to a row they were made from.
        holdout: Share of held-out rows equal to such a row: what chance does.
        repeated: Share of synthetic rows equal to another synthetic row.
        repeated_real: The same in the real table.
        closer: Share of synthetic rows nearer to a row they were made from than to any of as
            many held-out rows; 0.5 is what chance does.
        dcr: Deciles, 0 to 10, of the distance from a synthetic row to the closest real one.
        dcr_holdout: The same from held-out rows to the real ones.
    """

    synthetic: float
    holdout: float
    repeated: float
    repeated_real: float
    closer: float
    dcr: tuple[float, ...]
    dcr_holdout: tuple[float, ...]


def copies(real: Prepared, synthetic: Prepared, holdout: Prepared) -> Copies:
    """Equal rows, and distances to the closest record."""
    ours, theirs, kept = _keys([real, synthetic, holdout])
    rows = min(real.rows, holdout.rows, MOST_ROWS)
    thin = [thinned(real, rows), thinned(synthetic, MOST_ROWS), thinned(holdout, rows)]
    R, S, H = standardised(features(thin)).X
    to_real, to_holdout = _closest(R, S), _closest(H, S)
    # A tie says nothing, so that it counts half.
    closer = (to_real < to_holdout) + 0.5 * (to_real == to_holdout)
    tenths = np.linspace(0, 1, 11)
    return Copies(
        synthetic=float(np.isin(theirs, ours).mean()),
        holdout=float(np.isin(kept, ours).mean()),
        repeated=float(pd.Series(theirs).duplicated(keep=False).mean()),
        repeated_real=float(pd.Series(ours).duplicated(keep=False).mean()),
        closer=float(closer.mean()),
        dcr=tuple(np.quantile(to_real, tenths).tolist()),
        dcr_holdout=tuple(np.quantile(_closest(R, H), tenths).tolist()),
    )


def _closest(table: Floats, people: Floats) -> Floats:
    index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(table)
    return index.kneighbors(people)[0][:, 0].astype(np.float64)


def _keys(tables: Sequence[Prepared]) -> list[NDArray[np.int64]]:
    """One number a row, the same for the same values in every column, (n,) a table."""
    starts = np.cumsum([0, *(t.rows for t in tables)])
    whole: NDArray[np.int64] = np.zeros(starts[-1], dtype=np.int64)
    for name in tables[0].columns:
        columns = [t.columns[name] for t in tables]
        values = np.concatenate([_texts(c) if isinstance(c, Flags) else c for c in columns])
        column = pd.factorize(values, use_na_sentinel=False)[0].astype(np.int64)
        # Numbered anew after each column, so that nothing overflows.
        whole = np.unique(whole * (column.max() + 1) + column, return_inverse=True)[1]
    return [whole[a:b] for a, b in pairwise(starts)]


def _texts(flags: Flags) -> NDArray[np.object_]:
    """Each set of codes as one text, whatever order the table knows the codes in, (n,)."""
    codes = np.array(sorted(flags.codes), dtype=object)
    held = flags.held[:, [flags.codes.index(code) for code in codes]]
    patterns, which = np.unique(np.column_stack([held, flags.missing]), axis=0, return_inverse=True)
    names = [";".join(codes[p[:-1]]) + "?" * int(p[-1]) for p in patterns]
    return np.array(names, dtype=object)[which]
