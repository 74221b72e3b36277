"""Membership: can a reader of the synthetic table tell who was in the real one?"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from wardveil.evaluation.features import features, standardised
from wardveil.evaluation.interval import auc_interval, wilson
from wardveil.evaluation.prepared import Floats, Prepared, Tabular, prepare
from wardveil.schema.schema import Schema

Name = Literal["density_ratio", "shadow"]
Rows = NDArray[np.int64]

MOST_ROWS: Final = 2_000
"""Members, and others, that are attacked at most."""
MOST_SYNTHETIC: Final = 20_000
FEWEST: Final = 8
"""Rows of the real and of the held-out table that attacks need."""
FPR: Final = 0.01
POINTS: Final = 200
NEIGHBOURS: Final = 10
NEAREST: Final = 1e-3
"""Distances below this, in standard deviations, are equality."""


@dataclass(frozen=True, kw_only=True)
class Attack:
    """One membership attack on held-in and held-out patients.

    Attributes:
        name: "density_ratio" or "shadow".
        knows: What the attacker is taken to know, in one sentence.
        members: Attacked patients the table was made from.
        others: Attacked patients it was not made from.
        auc: 0.5 is guessing.
        low: Lower end of the 95 % interval of the AUC (DeLong).
        high: Upper end.
        tpr: Share of members found where 1 % of the others are accused.
        tpr_low: Lower end of its interval, at least 95 %: Wilson's, where Wilson's upper end of
            the share accused is 1 %. With fewer than 381 others there is no such place, and it
            is 0.
        tpr_high: Upper end, where Wilson's lower end of the share accused is 1 %.
        fpr_points: ROC: shares of the others accused, increasing from 0 to 1, (k,).
        tpr_points: ROC: shares of members found, (k,).
        limit: What (ε, δ) allows at each of `limit_fpr`, (j,); () where no limit was given.
        limit_fpr: From 1e-4 to 1, evenly in logarithm, (j,).
        limit_tpr: What (ε, δ) allows at 1 % FPR; None where no limit was given.
        limit_auc: The area under the limit; None where no limit was given.
    """

    name: Name
    knows: str
    members: int
    others: int
    auc: float
    low: float
    high: float
    tpr: float
    tpr_low: float
    tpr_high: float
    fpr_points: tuple[float, ...]
    tpr_points: tuple[float, ...]
    limit: tuple[float, ...] = ()
    limit_fpr: tuple[float, ...] = ()
    limit_tpr: float | None = None
    limit_auc: float | None = None


@dataclass(frozen=True, kw_only=True)
class Shadow:
    """A table like the attacked one, whose members the attacker knows: he made it himself.

    Attributes:
        members: The rows it was made from.
        others: Rows of the same population that it was not made from.
        synthetic: What the same model, trained on `members`, drew.
    """

    members: Prepared
    others: Prepared
    synthetic: Prepared


@dataclass(frozen=True, kw_only=True)
class Attacked:
    """All attacks, and the scores of the density-ratio attack for use by group.

    Attributes:
        attacks: The attacks.
        member_rows: Which rows of the real table were attacked, (m,).
        member_scores: The higher, the more they look like members, (m,).
        other_rows: Which held-out rows were attacked, (n,).
        other_scores: (n,).
    """

    attacks: tuple[Attack, ...]
    member_rows: Rows
    member_scores: Floats
    other_rows: Rows
    other_scores: Floats


def membership(
    real: Tabular,
    synthetic: Tabular,
    holdout: Tabular,
    *,
    schema: Schema | None = None,
    shadows: Sequence[tuple[Tabular, Tabular, Tabular]] = (),
    limit: tuple[float, float] | None = None,
) -> tuple[Attack, ...]:
    """Attack a synthetic table. See `attacked`.

    Args:
        real: The rows it was made from.
        synthetic: The synthetic rows.
        holdout: Rows of the same population that it was not made from.
        schema: What is declared.
        shadows: (members, others, synthetic) of tables the attacker made himself.
        limit: (ε, δ) the table is promised under.
    """
    given = [t for shadow in shadows for t in shadow]
    ours, theirs, kept, *more = prepare(real, synthetic, holdout, *given, schema=schema)
    made = [Shadow(members=a, others=b, synthetic=c)
            for a, b, c in zip(more[::3], more[1::3], more[2::3], strict=True)]  # fmt: skip
    found = attacked(ours, theirs, kept, shadows=made, limit=limit)
    return found.attacks if found else ()


def attacked(
    real: Prepared,
    synthetic: Prepared,
    holdout: Prepared,
    *,
    shadows: Sequence[Shadow] = (),
    limit: tuple[float, float] | None = None,
) -> Attacked | None:
    """Two membership attacks on at most 2,000 members and 2,000 others.

    One half of the held-out rows is the attacker's reference, the other is attacked.
    *Density ratio* (van Breugel et al. 2023, with nearest neighbours for the densities): who has
    a nearer neighbour among the synthetic rows than the reference explains was a member.
    *Shadow* (Shokri et al. 2017): a classifier learns from tables of known membership what the
    distances of members look like; without such tables it is told the membership of one half of
    the attacked patients, which is more than any attacker knows.

    The limit holds for one patient whose record is or is not blank. Members and others differ in
    one more record each, so that averages over patients can leave it by a hair for very few
    patients; for more than a few it is the limit.

    Returns:
        None when a table has fewer than 8 rows.
    """
    if min(real.rows, holdout.rows) < FEWEST:
        return None
    rng = np.random.default_rng(0)
    order = rng.permutation(holdout.rows)
    reference = holdout.take(order[: holdout.rows // 2][:MOST_SYNTHETIC])
    other_rows = order[holdout.rows // 2 :][:MOST_ROWS]
    member_rows = rng.permutation(real.rows)[:MOST_ROWS]
    members, others = real.take(member_rows), holdout.take(other_rows)
    inside, outside = _clues(Shadow(members=members, others=others, synthetic=synthetic), reference)
    scores = inside[:, 0], outside[:, 0]
    density = _attack("density_ratio", "Held-out patients like those attacked.", *scores, limit)
    if shadows:
        known = [_clues(s, reference) for s in shadows]
        knows = f"The model, and {len(shadows)} tables of known members made with it."
        learnt = _learn(known, inside, outside)
    else:
        knows = "Who of one half of the attacked patients was a member."
        a, b = len(inside) // 2, len(outside) // 2
        learnt = _learn([(inside[:a], outside[:b])], inside[a:], outside[b:])
    return Attacked(
        attacks=(density, _attack("shadow", knows, *learnt, limit)),
        member_rows=member_rows, member_scores=scores[0],
        other_rows=other_rows, other_scores=scores[1],
    )  # fmt: skip


def allowed(fpr: Floats, epsilon: float, delta: float) -> Floats:
    """The largest TPR that (ε, δ) allows at each FPR (Kairouz et al. 2015), (n,).

    Example:
        >>> allowed(np.array([0.01]), 0.0, 0.0).tolist()
        [0.01]
    """
    if np.isinf(epsilon):
        return np.ones_like(fpr)
    above = np.exp(epsilon) * fpr + delta
    below = 1 - np.exp(-epsilon) * (1 - fpr - delta)
    return np.clip(np.minimum(above, below), 0.0, 1.0)


def _clues(shadow: Shadow, reference: Prepared) -> tuple[Floats, Floats]:
    """What the attacker sees of members and of others, (n, clues); the first is the ratio."""
    synthetic = shadow.synthetic
    if synthetic.rows > MOST_SYNTHETIC:
        synthetic = synthetic.take(np.arange(MOST_SYNTHETIC))
    found = features([synthetic, reference, shadow.members, shadow.others])
    S, R, *people = standardised(found).X
    near = [_log_distances(S, x) for x in people]
    usual = [_log_distances(R, x) for x in people]
    both = [np.column_stack([b[:, 0] - a[:, 0], -a, b])
            for a, b in zip(near, usual, strict=True)]  # fmt: skip
    return both[0], both[1]


def _log_distances(table: Floats, people: Floats) -> Floats:
    """Logarithms of the distances to the nearest 1, 2, 5 and 10 rows, (n, up to 4)."""
    k = min(NEIGHBOURS, len(table))
    index = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(table)
    distance = index.kneighbors(people)[0].astype(np.float64)
    return np.log(np.maximum(distance[:, [i for i in (0, 1, 4, 9) if i < k]], NEAREST))


def _learn(
    known: Sequence[tuple[Floats, Floats]], inside: Floats, outside: Floats
) -> tuple[Floats, Floats]:
    """Scores by a logistic regression on the clues of known members and others."""
    X = np.vstack([part for pair in known for part in pair])
    y = np.concatenate([np.repeat([1, 0], [len(a), len(b)]) for a, b in known])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1_000)).fit(X, y)
    return model.decision_function(inside), model.decision_function(outside)


def _attack(
    name: Name,
    knows: str,
    inside: Floats,
    outside: Floats,
    limit: tuple[float, float] | None,
) -> Attack:
    """One attack's figures from the scores of members and others."""
    auc, low, high = auc_interval(inside, outside)
    truth = np.repeat([1, 0], [len(inside), len(outside)])
    fpr, tpr, _ = roc_curve(truth, np.concatenate([inside, outside]))
    caught = float(tpr[fpr <= FPR].max())
    tpr_low, tpr_high = _tpr_interval(fpr, tpr, len(inside), len(outside))
    keep = np.unique(np.linspace(0, len(fpr) - 1, POINTS).astype(np.int64))
    found = Attack(
        name=name, knows=knows, members=len(inside), others=len(outside), auc=auc, low=low,
        high=high, tpr=caught, tpr_low=tpr_low, tpr_high=tpr_high,
        fpr_points=tuple(fpr[keep].tolist()), tpr_points=tuple(tpr[keep].tolist()),
    )  # fmt: skip
    if limit is None:
        return found
    grid = np.geomspace(1e-4, 1, 81)
    fine = np.linspace(0, 1, 10_001)
    return replace(
        found,
        limit_fpr=tuple(grid.tolist()),
        limit=tuple(allowed(grid, *limit).tolist()),
        limit_tpr=float(allowed(np.array([FPR]), *limit)[0]),
        limit_auc=float(np.trapezoid(allowed(fine, *limit), fine)),
    )


def _tpr_interval(fpr: Floats, tpr: Floats, members: int, others: int) -> tuple[float, float]:
    """Of the TPR at 1 % FPR, allowing for chance on both sides."""
    accused = [wilson(round(f * others), others) for f in fpr]
    surely = tpr[np.array([high for _, high in accused]) <= FPR].max(initial=0.0)
    maybe = tpr[np.array([low for low, _ in accused]) <= FPR].max(initial=0.0)
    low = wilson(round(surely * members), members)[0] if surely > 0 else 0.0
    return low, wilson(round(maybe * members), members)[1]
