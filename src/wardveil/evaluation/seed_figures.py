"""The five figures and the similarity score that table comparisons usually begin with."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Cumulative:
    """Cumulative shares of one numeric column.

    Attributes:
        column: Its name.
        values: Where the shares are read, increasing, (k,).
        real: Share of real numbers at or below each value, (k,).
        synthetic: Share of the synthetic ones.
    """

    column: str
    values: tuple[float, ...] = field(repr=False)
    real: tuple[float, ...] = field(repr=False)
    synthetic: tuple[float, ...] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SeedFigures:
    """Data for drawing.

    The distributions are in `Evaluation.profiles`, the correlations in
    `Evaluation.associations`.

    Attributes:
        columns: The numeric columns, (k,).
        log_mean: log10(|mean| + 1e-5) of each, (real, synthetic), (k,).
        log_std: log10(standard deviation + 1e-5) of each, (k,).
        cumulative: Cumulative shares, one a column.
        pca_real: First two principal components of at most 500 real rows, (m, 2); the
            components are those of the real table, standardised.
        pca_synthetic: The same components of synthetic rows.
        pca_variance: Share of the real variance that each of the two has.
        similarity: The parts of the similarity score, each 1 at best: "basic_statistics",
            "correlations", "columns", "estimators", "pca"; absent where they cannot be had.
        score: Their mean.
    """

    columns: tuple[str, ...]
    log_mean: tuple[tuple[float, float], ...]
    log_std: tuple[tuple[float, float], ...]
    cumulative: tuple[Cumulative, ...]
    pca_real: tuple[tuple[float, float], ...] = field(repr=False)
    pca_synthetic: tuple[tuple[float, float], ...] = field(repr=False)
    pca_variance: tuple[float, ...]
    similarity: Mapping[str, float]
    score: float
