"""The five figures and the similarity score that table comparisons usually begin with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.stats import spearmanr
from sklearn.decomposition import PCA

from wardveil.evaluation.association import Associations, is_number
from wardveil.evaluation.c2st import thinned
from wardveil.evaluation.features import features
from wardveil.evaluation.prediction import ModelScore
from wardveil.evaluation.prepared import Flags, Floats, Prepared

SMALL: Final = 1e-5
"""Added before a logarithm is taken, as the seed does."""
POINTS: Final = 50
DOTS: Final = 500
COMPONENTS: Final = 5


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


def seed_figures(
    real: Prepared,
    synthetic: Prepared,
    associations: Associations,
    scores: Sequence[ModelScore] = (),
) -> SeedFigures:
    """What table comparisons begin with, and their similarity score.

    The parts of the score: "basic_statistics", Spearman's correlation of the means, medians,
    standard deviations and variances of both tables; "correlations", Pearson's of the two
    association matrices; "columns", the mean Pearson correlation of the columns' quantiles;
    "estimators" and "pca", 1 - the mean absolute relative difference of model scores, and of the
    first five explained variances. None is below 0 or above 1.

    Args:
        real: Real rows.
        synthetic: Synthetic rows.
        associations: Of the same tables.
        scores: Of models trained on either table.
    """
    names = tuple(n for n, c in real.columns.items() if is_number(c))
    ours, theirs = ([_known(t, n) for n in names] for t in (real, synthetic))
    both = [i for i in range(len(names)) if len(ours[i]) and len(theirs[i])]
    names = tuple(names[i] for i in both)
    ours, theirs = [ours[i] for i in both], [theirs[i] for i in both]
    dots, share, variances = _components(real, synthetic)
    parts = {
        "basic_statistics": _rank_agreement(ours, theirs),
        "correlations": _matrices_agree(associations),
        "columns": _columns_agree(ours, theirs),
        "estimators": _scores_agree(scores),
        "pca": _near(*variances),
    }
    similarity = {name: min(1.0, max(0.0, v)) for name, v in parts.items() if not np.isnan(v)}
    return SeedFigures(
        columns=names, similarity=similarity,
        log_mean=tuple((_log(a.mean()), _log(b.mean())) for a, b in zip(ours, theirs, strict=True)),
        log_std=tuple((_log(a.std()), _log(b.std())) for a, b in zip(ours, theirs, strict=True)),
        cumulative=tuple(map(_cumulative, names, ours, theirs)),
        pca_real=_dots(dots[0]), pca_synthetic=_dots(dots[1]), pca_variance=share,
        score=float(np.mean(list(similarity.values()))) if similarity else float("nan"),
    )  # fmt: skip


def _known(table: Prepared, name: str) -> Floats:
    column = table.columns[name]
    assert not isinstance(column, Flags)
    numbers = column.astype(np.float64)
    return numbers[~np.isnan(numbers)]


def _log(value: float) -> float:
    return float(np.log10(abs(value) + SMALL))


def _cumulative(name: str, real: Floats, synthetic: Floats) -> Cumulative:
    values = np.unique(np.quantile(np.concatenate([real, synthetic]), np.linspace(0, 1, POINTS)))
    shares = [np.searchsorted(np.sort(t), values, side="right") / len(t) for t in (real, synthetic)]
    return Cumulative(column=name, values=tuple(values.tolist()), real=tuple(shares[0].tolist()),
                      synthetic=tuple(shares[1].tolist()))  # fmt: skip


def _components(
    real: Prepared, synthetic: Prepared
) -> tuple[tuple[Floats, Floats], tuple[float, ...], tuple[Floats, Floats]]:
    """Dots of both tables on the real plane, its shares, and the variances of five components."""
    X, S = features([thinned(real, 10 * DOTS), thinned(synthetic, 10 * DOTS)]).X
    spread = X.std(axis=0)
    X, S = ((t[:, spread > 0] - X.mean(axis=0)[spread > 0]) / spread[spread > 0] for t in (X, S))
    k = min(COMPONENTS, X.shape[1], len(X) - 1, len(S) - 1)
    if k == 0:
        none = np.zeros((0, 2))
        return (none, none), (), (np.zeros(0), np.zeros(0))
    model = PCA(n_components=k, random_state=0).fit(X)
    dots = [np.pad(model.transform(t[:DOTS]), ((0, 0), (0, 2)))[:, :2] for t in (X, S)]
    # The variances of the synthetic table along its own components.
    own = PCA(n_components=k, random_state=0).fit(S).explained_variance_
    return ((dots[0], dots[1]), tuple(model.explained_variance_ratio_[:2].tolist()),
            (model.explained_variance_, own))  # fmt: skip


def _dots(points: Floats) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in points)


def _rank_agreement(ours: Sequence[Floats], theirs: Sequence[Floats]) -> float:
    if len(ours) == 0:
        return float("nan")
    numbers = [
        np.array([f(c) for f in (np.mean, np.median, np.std, np.var) for c in side])
        for side in (ours, theirs)
    ]
    if min(float(n.std()) for n in numbers) == 0:
        return float("nan")
    return float(spearmanr(numbers[0], numbers[1]).statistic)


def _matrices_agree(associations: Associations) -> float:
    a, b = (np.array(m, dtype=np.float64) for m in (associations.real, associations.synthetic))
    if len(a) < 3:
        return float("nan")
    upper = np.triu_indices(len(a), 1)
    a, b = a[upper], b[upper]
    known = ~np.isnan(a) & ~np.isnan(b)
    return _pearson(a[known], b[known])


def _columns_agree(ours: Sequence[Floats], theirs: Sequence[Floats]) -> float:
    at = np.linspace(0, 1, 101)
    found = [_pearson(np.quantile(a, at), np.quantile(b, at))
             for a, b in zip(ours, theirs, strict=True)]  # fmt: skip
    known = [v for v in found if not np.isnan(v)]
    return float(np.mean(known)) if known else float("nan")


def _scores_agree(scores: Sequence[ModelScore]) -> float:
    """Of the models tested on held-out rows, by target, model and metric."""
    found = {(s.target, s.model, s.metric, s.trained_on): s.value
             for s in scores if s.tested_on == "holdout"}  # fmt: skip
    both = [(v, found[(*k[:3], "synthetic")]) for k, v in found.items()
            if k[3] == "real" and (*k[:3], "synthetic") in found]  # fmt: skip
    return _near(np.array([a for a, _ in both]), np.array([b for _, b in both]))


def _near(real: Floats, synthetic: Floats) -> float:
    """1 - the mean absolute difference relative to the real figure."""
    usable = np.abs(real) > SMALL
    if not usable.any():
        return float("nan")
    return 1 - float((np.abs(real - synthetic)[usable] / np.abs(real[usable])).mean())


def _pearson(a: Floats, b: Floats) -> float:
    if len(a) < 2 or min(a.std(), b.std()) == 0:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
