"""Parts: rows that were drawn some at a time."""

from collections.abc import Sequence

import numpy as np

from wardveil.vault import Rows


def joined(parts: Sequence[Rows], n: int | None = None) -> Rows:
    """The rows of all parts, one part below the other; the first n of them, or all."""
    return {name: np.concatenate([part[name] for part in parts])[:n] for name in parts[0]}
