"""Usual: the figures that comparisons of two tables often begin with."""

from collections.abc import Sequence
from typing import Final

from wardveil.evaluation.seed_figures import SeedFigures
from wardveil.report import chart
from wardveil.report.block import Block, Drawing, Numbers

MOST_CURVES: Final = 12
"""Cumulative curves that are drawn: the columns farthest apart."""
WORDS: Final = {
    "basic_statistics": "means and deviations",
    "correlations": "correlations",
    "columns": "columns",
    "estimators": "trained models",
    "pca": "principal components",
}


def usual(found: SeedFigures | None, columns: Sequence[str]) -> Block | None:
    """The figures that table comparisons usually begin with; `columns`: farthest apart first."""
    if found is None or not found.columns:
        return None
    curves = {c.column: c for c in found.cumulative}
    drawings = [
        Drawing(svg=chart.pairs_of_dots(points, label=f"{title} of each number, real and synthetic",
                                        name="real", tips=found.columns), caption=title)
        for title, points in (("log₁₀ of means", found.log_mean),
                              ("log₁₀ of standard deviations", found.log_std))
    ]  # fmt: skip
    if found.pca_real and found.pca_synthetic:
        drawings.append(
            Drawing(svg=chart.clouds(found.pca_real, found.pca_synthetic,
                                     label="First two principal components of real and synthetic "
                                     "rows"), caption="First two principal components")
        )  # fmt: skip
    drawings += [
        Drawing(svg=chart.cumulative(c.values, c.real, c.synthetic,
                                     label=f"{c.column}: cumulative shares, real and synthetic"),
                caption=c.column)
        for name in [n for n in columns if n in curves][:MOST_CURVES] if (c := curves[name]).values
    ]  # fmt: skip
    parts = tuple((WORDS.get(n, n), f"{v:.3f}") for n, v in found.similarity.items())
    return Block(
        anchor="usual", title="The usual figures", folded=True, drawings=tuple(drawings),
        note="What comparisons of two tables often begin with. Cumulative shares are drawn for the "
        f"{MOST_CURVES} numbers farthest apart.",
        numbers=(Numbers(caption="Similarity score", head=("Part", "1 is best"), shown=True,
                         rows=(*parts, ("mean", f"{found.score:.3f}"))),),
    )  # fmt: skip
