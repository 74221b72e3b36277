"""Disclosure: guesses about patients, right more often for members than for others?"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.neighbors import NearestNeighbors

from wardveil.evaluation.cells import Cells, axes
from wardveil.evaluation.features import Features, features, standardised
from wardveil.evaluation.interval import wilson
from wardveil.evaluation.prepared import Floats, Prepared

MOST_PEOPLE: Final = 1_000
"""Members, and others, that guesses are made about."""
MOST_SYNTHETIC: Final = 10_000
NEIGHBOURS: Final = 5
NEAREST: Final = 1e-3
POOL: Final = 100
"""Candidates that a person's second record is looked for among."""
ATTEMPTS: Final = 500
CELLS: Final = 8
FEWEST: Final = 8
"""People on each side that guesses need."""


@dataclass(frozen=True, kw_only=True)
class Disclosure:
    """One way to use the synthetic table against a person, with control and baseline.

    What works as well on patients who were not in the real table is knowledge about the
    population; only the excess of `rate` over `control` comes from having taken part.

    Attributes:
        name: "attribute_inference", "singling_out" or "linkability".
        secret: The guessed column; "" where none is guessed.
        guesses: Guesses made about members; as many are made about the others.
        rate: Share of right guesses about members.
        low: Lower end of its 95 % interval (Wilson).
        high: Upper end.
        control: Share of right guesses about held-out patients.
        control_low: Lower end.
        control_high: Upper end.
        baseline: Share of right guesses by somebody without the synthetic table's joint
            structure.
    """

    name: Literal["attribute_inference", "singling_out", "linkability"]
    secret: str = ""
    guesses: int
    rate: float
    low: float
    high: float
    control: float
    control_low: float
    control_high: float
    baseline: float


def disclosures(
    real: Prepared, synthetic: Prepared, holdout: Prepared, *, secrets: Sequence[str]
) -> tuple[Disclosure, ...]:
    """Attribute inference of each secret, singling out, and linkability.

    At most 1,000 members and as many others, drawn with a fixed seed, and 10,000 synthetic rows;
    singling out has as many members and others as there are, up to 10,000.

    Args:
        real: The rows the synthetic ones were made from.
        synthetic: Synthetic rows.
        holdout: Rows of the same population that they were not made from.
        secrets: Columns an attacker would like to know.

    Returns:
        () where a table has fewer than 8 rows; no guess of the only column there is.
    """
    people = min(real.rows, holdout.rows, MOST_PEOPLE)
    if people < FEWEST:
        return ()
    rng = np.random.default_rng(0)
    members = real.take(rng.permutation(real.rows)[:people])
    others = holdout.take(rng.permutation(holdout.rows)[:people])
    if synthetic.rows > MOST_SYNTHETIC:
        synthetic = synthetic.take(np.arange(MOST_SYNTHETIC))
    tables = [synthetic, members, others]
    found = features(tables)
    space = standardised(found)
    most = min(real.rows, holdout.rows, MOST_SYNTHETIC)
    crowds = [t.take(rng.permutation(t.rows)[:most]) for t in (real, holdout)]
    singled = singling_out([synthetic, *crowds], rng)
    linked = linkability(space, rng)
    return (
        *(
            attribute_inference(tables, space, name)
            for name in secrets
            if set(space.columns) - {name}
        ),
        *(() if singled is None else (singled,)),
        *(() if linked is None else (linked,)),
    )


def attribute_inference(tables: Sequence[Prepared], space: Features, secret: str) -> Disclosure:
    """Guess a secret from everything else known of a person.

    The five synthetic rows nearest to the person in all other columns vote, each by the
    reciprocal of its distance. A guess is right when it is the person's cell: the level, or for
    numbers the same of 8 quantiles. The baseline guesses the most frequent synthetic cell.

    Args:
        tables: Synthetic, members, others.
        space: Their standardised features.
        secret: A column that is no set of codes.
    """
    axis = next(a for a in axes(tables, CELLS) if a.column == secret)
    known = np.array([c != secret for c in space.columns], dtype=bool)
    S, *people = space.where(known).X
    cells, *truths = axis.cells
    usual = int(np.bincount(cells).argmax())
    right = [_voted(S, P, cells, axis.size) == t for P, t in zip(people, truths, strict=True)]
    return _disclosure("attribute_inference", right[0], right[1],
                       float(np.mean(truths[0] == usual)), secret=secret)  # fmt: skip


def singling_out(tables: Sequence[Prepared], rng: np.random.Generator) -> Disclosure | None:
    """Name properties that exactly one person has (Cohen and Nissim 2020).

    Each of 500 attempts takes a synthetic row and adds its cells, column by column in random
    order, until no other synthetic row has them all; it succeeds when exactly one person of the
    attacked table has them. The baseline joins cells of as many unrelated synthetic rows.

    Args:
        tables: Synthetic, members, others.
        rng: Where attempts are drawn from.

    Returns:
        None where the table cannot isolate a row: all of them are repeated.
    """
    cut = [a for a in axes(tables, CELLS) if a.size > 1]
    S, M, H = (np.stack([a.cells[i] for a in cut], axis=1) for i in (0, 1, 2))
    attempts = min(ATTEMPTS, len(S))
    start = rng.permutation(len(S))[:attempts]
    order = rng.permuted(np.tile(np.arange(len(cut)), (attempts, 1)), axis=1)
    target = np.take_along_axis(S[start], order, axis=1)
    length = _isolated(S, order, target)
    kept = np.flatnonzero(length > 0)
    if len(kept) == 0:
        return None
    order, target, length = order[kept], target[kept], length[kept]
    mixed = S[rng.integers(0, len(S), target.shape), order]
    right = [_matches(T, order, target, length) == 1 for T in (M, H)]
    baseline = _matches(H, order, mixed, length) == 1
    return _disclosure("singling_out", right[0], right[1], float(baseline.mean()))


def linkability(space: Features, rng: np.random.Generator) -> Disclosure | None:
    """Find, among 100 records of one half of the columns, the one of a person's other half.

    The synthetic rows nearest to the person in the half that is known say what the other half
    should look like; the candidate nearest to that is the guess. The baseline draws lots.

    Args:
        space: Standardised features of synthetic rows, members, others.
        rng: Where halves and candidates are drawn from.

    Returns:
        None for fewer than two columns.
    """
    names = list(dict.fromkeys(space.columns))
    if len(names) < 2:
        return None
    first = set(rng.permutation(np.array(names, dtype=object))[: len(names) // 2])
    half = np.array([c in first for c in space.columns], dtype=bool)
    (A, *ours), (B, *theirs) = space.where(half).X, space.where(~half).X
    pool = min(POOL, len(ours[0]))
    right = []
    for known, wanted in zip(ours, theirs, strict=True):
        index, weight = _near(A, known)
        guess = np.einsum("ijk,ij->ik", B[index], weight)
        # Candidate 0 is the person; the others follow in the table, wherever it ends.
        step = (np.arange(len(known))[:, None] + np.arange(pool)) % len(known)
        distance = ((wanted[step] - guess[:, None, :]) ** 2).sum(axis=2)
        nearest = distance.min(axis=1)
        tied = (distance <= nearest[:, None]).sum(axis=1)
        right.append((distance[:, 0] <= nearest) & (rng.random(len(known)) * tied < 1))
    return _disclosure("linkability", right[0], right[1], 1 / pool)


def _voted(S: Floats, people: Floats, cells: Cells, size: int) -> Cells:
    """The cell with most votes for each person, (n,)."""
    index, weight = _near(S, people)
    votes = np.zeros((len(people), size))
    np.add.at(votes, (np.arange(len(people))[:, None], cells[index]), weight)
    return votes.argmax(axis=1)


def _near(S: Floats, people: Floats) -> tuple[NDArray[np.int64], Floats]:
    """The nearest synthetic rows and their weights, which add up to 1, (n, 5) each."""
    k = min(NEIGHBOURS, len(S))
    distance, index = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(S).kneighbors(people)
    weight = 1 / np.maximum(distance.astype(np.float64), NEAREST)
    return index, weight / weight.sum(axis=1, keepdims=True)


def _isolated(S: Cells, order: NDArray[np.int64], target: Cells) -> NDArray[np.int64]:
    """How many columns each attempt needs until one synthetic row is left; 0 if more remain."""
    length = np.zeros(len(order), dtype=np.int64)
    alive = np.ones((len(order), len(S)), dtype=bool)
    for step in range(order.shape[1]):
        todo = np.flatnonzero(length == 0)
        if len(todo) == 0:
            break
        alive[todo] &= S.T[order[todo, step]] == target[todo, step, None]
        length[todo[alive[todo].sum(axis=1) == 1]] = step + 1
    return length


def _matches(
    table: Cells, order: NDArray[np.int64], target: Cells, length: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How many rows of a table have all named cells, (attempts,)."""
    alive = np.ones((len(order), len(table)), dtype=bool)
    for step in range(int(length.max())):
        todo = np.flatnonzero(length > step)
        alive[todo] &= table.T[order[todo, step]] == target[todo, step, None]
    return alive.sum(axis=1)


def _disclosure(
    name: Literal["attribute_inference", "singling_out", "linkability"],
    members: NDArray[np.bool_],
    others: NDArray[np.bool_],
    baseline: float,
    *,
    secret: str = "",
) -> Disclosure:
    low, high = wilson(int(members.sum()), len(members))
    control_low, control_high = wilson(int(others.sum()), len(others))
    return Disclosure(
        name=name, secret=secret, guesses=len(members), rate=float(members.mean()), low=low,
        high=high, control=float(others.mean()), control_low=control_low,
        control_high=control_high, baseline=baseline,
    )  # fmt: skip
