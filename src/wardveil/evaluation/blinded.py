"""Blinded: real and synthetic patients in random order, for experts who shall tell them apart."""

import numpy as np
import pandas as pd

from wardveil.errors import Problem, UsageError
from wardveil.evaluation.prepared import Tabular
from wardveil.schema.schema import Schema


def blinded(
    real: Tabular, synthetic: Tabular, *, each: int, schema: Schema, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A sheet for reviewers and its key; both hold real patients and never leave the building.

    Args:
        real: Real rows.
        synthetic: Synthetic rows.
        each: Patients of either table, drawn at random.
        schema: Which columns are shown: the modelled ones; identifiers never.
        seed: Of the draw and the order. Keep it as safe as the key.

    Returns:
        The sheet: `case` 1, 2, …, the columns, and an empty `realism` for a mark from 0 to 10.
        The key: `case` and whether it is "real" or "synthetic".

    Raises:
        UsageError: E133, a table has fewer patients, or none are asked for.
    """
    rng = np.random.default_rng(seed)
    frames = [t if isinstance(t, pd.DataFrame) else t.to_frame() for t in (real, synthetic)]
    if not 1 <= each <= min(map(len, frames)):
        raise UsageError(
            Problem(code="E133", where="each",
                    what=f"Between 1 and {min(map(len, frames))} patients of either table can be "
                    f"shown, found {each}.", do=("Ask for another number.",))
        )  # fmt: skip
    names = [c.name for c in schema.modelled]
    parts = [f.iloc[rng.permutation(len(f))[:each]][names] for f in frames]
    order = rng.permutation(2 * each)
    case = pd.Series(np.arange(1, 2 * each + 1), name="case")
    sheet = pd.concat([p.astype(object) for p in parts], ignore_index=True).iloc[order]
    sheet = sheet.reset_index(drop=True)
    sheet.insert(0, "case", case)
    sheet["realism"] = ""
    source = np.where(order < each, "real", "synthetic")
    return sheet, pd.DataFrame({"case": case, "source": source})
