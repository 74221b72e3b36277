"""A hospital's codes, made up, and what medGAN's paper measures of such a matrix.

58,150 patients x 1,071 codes, four fifths for training: the size of the paper's MIMIC-III. No
patient is in it. Unlike the files of `hospital.py`, these codes go together as in a clinic: a
patient has one to four illnesses, an illness has codes of its own, and 30 codes each occur in one
sex alone.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from wardveil.schema import Column, Schema

Matrix = np.ndarray
TRAINED, HELD_OUT, CODES, TOPICS, EXCLUSIVE = 46_520, 11_630, 1_071, 40, 30


@dataclass(frozen=True, kw_only=True)
class Hospital:
    """Counts of codes, (n, codes) uint8, and which codes only men or only women have."""

    train: Matrix
    test: Matrix
    men: Matrix
    women: Matrix


def hospital(seed: int = 0) -> Hospital:
    """The made-up patients; 4 to 5 s."""
    rng = np.random.default_rng(seed)
    n = TRAINED + HELD_OUT
    popular = (np.arange(CODES) + 3.0) ** -1.3
    popular /= popular.sum()
    own = rng.gamma(0.08, 1.0, (TOPICS, CODES)) * np.sqrt(popular)
    law = 0.8 * own / own.sum(axis=1, keepdims=True) + 0.2 * popular
    men, women = np.split(rng.permutation(np.arange(20, 620))[: 2 * EXCLUSIVE], 2)
    female = rng.random(n) < 0.44
    prior = rng.dirichlet(np.full(TOPICS, 0.7))
    number = 1 + rng.binomial(3, 0.35, n)
    ill = np.argsort(-(np.log(prior) + rng.gumbel(size=(n, TOPICS))), axis=1)[:, :4]
    weight = rng.gamma(1.0, size=(n, 4)) * (np.arange(4) < number[:, None])
    edge = np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1)
    events = np.minimum(1 + rng.poisson(rng.gamma(1.6, 7.7, n)), 150)
    who = np.repeat(np.arange(n), events)
    slot = np.minimum((rng.random(len(who))[:, None] > edge[who]).sum(axis=1), 3)
    topic, code = ill[who, slot], np.empty(len(who), dtype=np.int64)
    for t in range(TOPICS):
        at = topic == t
        u = rng.random(int(at.sum()))
        code[at] = np.minimum(np.searchsorted(np.cumsum(law[t]), u), CODES - 1)
    wrong = np.where(female[who], np.isin(code, men), np.isin(code, women))
    flat = who[~wrong] * CODES + code[~wrong]
    counts = np.bincount(flat, minlength=n * CODES).reshape(n, CODES).astype(np.uint8)
    return Hospital(train=counts[:TRAINED], test=counts[TRAINED:], men=men, women=women)


def schema_of(kind: str) -> Schema:
    """What is declared: the list of codes, and the largest count."""
    facts: dict[str, Any] = {"levels": ("0", "1")} if kind == "binary" else {"low": 0, "high": 30}
    return Schema(columns=tuple(Column(name=f"c{k}", kind=kind, **facts) for k in range(CODES)))


def rows_of(X: Matrix, kind: str) -> dict[str, Matrix]:
    """A matrix as a vault holds it."""
    dtype = np.int32 if kind == "binary" else np.float64
    return {f"c{k}": column.astype(dtype) for k, column in enumerate(X.T)}


def matrix_of(rows: Any) -> Matrix:
    """The inverse of `rows_of`, (n, codes) uint8."""
    return np.stack([rows[f"c{k}"].astype(np.uint8) for k in range(CODES)], axis=1)


# -- what is measured ---------------------------------------------------------------------------


def probability(real: Matrix, fake: Matrix) -> dict[str, float]:
    """Dimension-wise probability: r and RMSE of the shares of patients with each code."""
    p, q = (real > 0).mean(axis=0), (fake > 0).mean(axis=0)
    rare = p < 0.005
    return {
        "r": float(np.corrcoef(p, q)[0, 1]),
        "rmse": float(np.sqrt(((p - q) ** 2).mean())),
        "r_of_rare": float(np.corrcoef(p[rare], q[rare])[0, 1]),
        "codes_a_patient": float((fake > 0).sum(axis=1).mean()),
        "codes_that_never_occur": int((q == 0).sum()),
    }


def togetherness(real: Matrix, fake: Matrix, most: int = 200) -> dict[str, float]:
    """How the correlations of the most frequent codes agree: r and RMSE over all pairs."""
    chosen = np.argsort(-(real > 0).mean(axis=0))[:most]
    upper = np.triu_indices(most, 1)
    a, b = ((x[:, chosen] > 0).astype(np.float32) for x in (real, fake))
    c, d = (np.nan_to_num(np.corrcoef(x.T))[upper] for x in (a, b))
    return {"pairs_r": float(np.corrcoef(c, d)[0, 1]),
            "pairs_rmse": float(np.sqrt(((c - d) ** 2).mean()))}  # fmt: skip


def violations(h: Hospital, fake: Matrix) -> float:
    """Share of patients with a code of men and one of women."""
    man, woman = ((fake[:, codes] > 0).any(axis=1) for codes in (h.men, h.women))
    return float((man & woman).mean())


def prediction(train: Matrix, test: Matrix, codes: Matrix) -> list[float]:
    """Dimension-wise prediction: F1, at 0.5, of each code from all others on held-out rows."""
    X, Y = csr_matrix((train > 0).astype(np.float64)), csr_matrix((test > 0).astype(np.float64))
    found = []
    for k in codes:
        y, truth = train[:, k] > 0, test[:, k] > 0
        if y.all() or not y.any():
            found.append(0.0)
            continue
        others = np.arange(X.shape[1]) != k
        model = LogisticRegression(solver="liblinear", C=1.0, max_iter=50)
        guess = model.fit(X[:, others], y).predict(Y[:, others])
        hits = (guess & truth).sum()
        found.append(float(2 * hits / max(guess.sum() + truth.sum(), 1)))
    return found


def attribute_disclosure(
    people: Matrix, fake: Matrix, known: int, neighbours: int, rng: np.random.Generator
) -> dict[str, float]:
    """The paper's attack: who knows some codes of a person votes on the others.

    The person's known codes are compared with those of every synthetic patient; the nearest ones
    vote on each unknown code. Sensitivity is the share of unknown codes that a person has and the
    vote says, precision the share of what it says that is so, both averaged over people.
    """
    X, S = people > 0, (fake > 0).astype(np.float32)
    says = np.zeros_like(X)
    hidden = np.ones_like(X)
    for i, person in enumerate(X):
        at = rng.permutation(X.shape[1])[:known]
        apart = np.abs(S[:, at] - person[at]).sum(axis=1) + rng.random(len(S)) * 0.5
        near = np.argpartition(apart, neighbours)[:neighbours]
        says[i], hidden[i, at] = S[near].mean(axis=0) > 0.5, False
    hits = (says & X & hidden).sum(axis=1)
    has, said = (X & hidden).sum(axis=1), (says & hidden).sum(axis=1)
    return {
        "sensitivity": float((hits / np.maximum(has, 1))[has > 0].mean()),
        "precision": float((hits / np.maximum(said, 1))[said > 0].mean()) if said.any() else 0.0,
    }


def presence_disclosure(inside: Matrix, outside: Matrix, fake: Matrix, most: int) -> list[Any]:
    """The paper's attack: a person with a synthetic twin within a Hamming distance took part.

    Returns:
        For each distance from 0 to `most`: the distance, the share of members and of others that
        are accused, and the precision where as many of either are attacked.
    """
    S = (fake > 0).astype(np.float32)
    size = S.sum(axis=1)
    nearest = []
    for people in (inside, outside):
        P = (people > 0).astype(np.float32)
        best = np.full(len(P), np.inf)
        for first in range(0, len(S), 4_096):
            part = slice(first, first + 4_096)
            apart = P.sum(axis=1)[:, None] + size[part] - 2 * P @ S[part].T
            best = np.minimum(best, apart.min(axis=1))
        nearest.append(best)
    found = []
    for d in range(most + 1):
        hit, false = (float((x <= d).mean()) for x in nearest)
        found.append([d, hit, false, hit / max(hit + false, 1e-12)])
    return found
