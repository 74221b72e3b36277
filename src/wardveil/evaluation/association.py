"""Association: how strongly columns hang together, in one matrix for every kind of pair."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Associations:
    """The mixed association of every pair of columns, in two tables.

    Two numbers have Pearson's correlation (-1 to 1), two columns of levels Cramér's V (0 to 1),
    a number and levels the correlation ratio η (0 to 1). Codes columns are left out.

    Attributes:
        columns: Names, in the table's order; k of them.
        numeric: Whether each column is a number, (k,).
        real: (k, k), symmetric, 1 on the diagonal; None where nothing varies.
        synthetic: The same of the synthetic table.
    """

    columns: tuple[str, ...]
    numeric: tuple[bool, ...]
    real: tuple[tuple[float | None, ...], ...]
    synthetic: tuple[tuple[float | None, ...], ...]
