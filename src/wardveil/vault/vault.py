"""Vault: the only object that holds patients.

A model asks; the vault charges the lease and answers with noise. There is no other way in: no
method of a `Vault` returns a row, a count or a gradient that no mechanism of the plan produced.
`OpenVault` (ε = ∞) answers the same questions exactly, and it alone hands out rows.

Sensitivity notes, per patient (relation: one patient's rows become null):
    one_way   a patient adds 1 to one cell of each variable's histogram, and at most `max_codes`
              to the flags of a codes column: `tables` unit steps in all.
    marginal  a patient adds 1 to one cell.
    prefer    a patient adds between 0 and 1 to the score of each candidate.
    choose    ‖T - E‖₁ of a table moves by at most 1, so w·‖T - E‖₁ by at most max w.
    gradient  a patient's whole vector is clipped to C before it is added.
    mean      a patient's vector x is clipped to ‖x‖ ≤ 1 before it is added.
    second_moments  so is x xᵀ, whose Frobenius norm is ‖x‖²; each pair is released once, times √2.
    size      1.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.errors import Problem, SchemaError
from wardveil.privacy import Choice, Counts, Lease, SampledGaussian, Size, Sums
from wardveil.privacy.question import Gradients
from wardveil.schema import Schema
from wardveil.vault.clipping import Part, clipped_sum, mean_gradient
from wardveil.vault.moments import clipped_products, clipped_total
from wardveil.vault.noise import Noise
from wardveil.vault.statistics import (
    coarse,
    histograms,
    keep_first_codes,
    pair_counts,
    resolution,
    stride_of,
    table,
)

Rows = Mapping[str, NDArray[np.float64] | NDArray[np.int32]]
Unit = Callable[[Tensor], Sequence[Part]]
Judge = Callable[[Tensor], Tensor]

CLIP_MARGIN = 0.99
"""Units are clipped to 0.99 C while C is declared: the rest covers float32 summation and the
lattice (at most 2⁻²⁰ σ C √p from rounding the sum)."""

SCORE_MARGIN = 1 + 2.0**-20
"""Scores are declared a hair more sensitive than they are: the rest covers float64 summation."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A table of counts, or of sums, as a mechanism released it.

    Attributes:
        counts: Noisy counts, any shape; may be negative.
        sd: Standard deviation of the noise on each cell; 0 from an open vault.
        stride: Public cells of a number that were counted together (see `coarse`).
    """

    counts: NDArray[np.float64]
    sd: float
    stride: int = 1


class RowEncoder(Protocol):
    """Rows to a matrix, each row by itself."""

    def encode(self, rows: Rows) -> Tensor:
        """(n, d) float32."""


class Binning(Protocol):
    """Rows to cells, each row by itself; built from public facts and answers only."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Variable -> number of cells, in a fixed order."""

    def cells(self, rows: Rows) -> Mapping[str, NDArray[np.int32]]:
        """Variable -> cell of each row, (n,)."""


class Vault:
    """Holds the patients of one table and answers the questions of one plan, with noise.

    Attributes:
        schema: What is public about the table; complete.
        lease: What may still be asked.
        private: Whether answers carry noise: True here, False for an `OpenVault`.
    """

    private = True

    def __init__(self, rows: Rows, *, schema: Schema, lease: Lease, noise: Noise) -> None:
        self.schema = schema
        self.lease = lease
        self._noise = noise
        self._rows = keep_first_codes(rows, schema)
        self._n = len(next(iter(self._rows.values())))
        self._encoded: tuple[RowEncoder, Tensor] | None = None
        self._pairs: tuple[Binning, NDArray[np.int64]] | None = None
        self._judged: tuple[Judge, NDArray[np.float64]] | None = None
        bought = lease.plan.relation == "add-remove"
        if self._n > lease.plan.n or (self._n < lease.plan.n and not bought):
            raise SchemaError(
                Problem(
                    code="E424",
                    what=f"The plan was made for {lease.plan.n} {schema.unit}s "
                    f"{'at most ' if bought else ''}and the table holds another number.",
                    do=("Declare the right number: rows = … under [table], or --rows.",),
                )
            )

    def count(self) -> int:
        """Number of patients: public under null replacement, otherwise bought (`size`)."""
        if self.lease.plan.relation == "null":
            return self.lease.plan.n
        self.lease.charge("size")
        mechanism = self.lease.plan.mechanism("size")
        assert isinstance(mechanism, Size)
        return max(2, self._noise.laplace(self._n, mechanism.epsilon))

    def one_way(self) -> dict[str, Answer]:
        """The histogram of every variable over its public cells, in one release.

        Where noise is large, neighbouring cells of a number are counted together: how many is a
        function of the plan alone, and ranges then carry less noise.
        """
        self.lease.charge("one-way")
        mechanism = self.lease.plan.mechanism("one-way")
        assert isinstance(mechanism, Counts)
        most = resolution(self.lease.plan.n, mechanism.sd)
        strides = {v.name: stride_of(v, most) for v in self.schema.variables}
        exact = {
            v.name: coarse(h, v, strides[v.name])
            for v, h in zip(
                self.schema.variables, histograms(self._rows, self.schema).values(), strict=True
            )
        }
        flat = self._noise.counts(np.concatenate(list(exact.values())), mechanism.sd)
        parts = np.split(flat, np.cumsum([len(h) for h in exact.values()])[:-1])
        return {
            name: Answer(counts=part.astype(float), sd=mechanism.sd, stride=strides[name])
            for name, part in zip(exact, parts, strict=True)
        }

    def mean(self, encoder: RowEncoder, *, name: str) -> Answer:
        """Σ_i x_i min(1, 1/‖x_i‖) + 𝒩(0, σ² I), (d,): a sum over all patients, not divided.

        Args:
            encoder: Rows to x, each row by itself; for most patients ‖x‖ should be at most 1.
            name: The question.
        """
        sigma = self._sums(name)
        limit = CLIP_MARGIN if self.private else None
        total = clipped_total(self._rows, encoder, limit)
        return Answer(counts=self._hidden(total, sigma), sd=sigma)

    def second_moments(self, encoder: RowEncoder, *, name: str) -> Answer:
        """Σ_i x_i x_iᵀ min(1, 1/‖x_i‖²) + noise, (d, d) symmetric.

        The upper triangle is released, entries beside the diagonal times √2: so written, the
        matrix of one patient has the norm ‖x‖². `Answer.sd` is that of an entry beside the
        diagonal, σ/√2; on the diagonal it is σ.

        Args:
            encoder: Rows to x, each row by itself; for most patients ‖x‖ should be at most 1.
            name: The question.
        """
        sigma = self._sums(name)
        limit = CLIP_MARGIN if self.private else None
        matrix = clipped_products(self._rows, encoder, limit)
        upper = np.triu_indices(len(matrix))
        weight = np.where(upper[0] == upper[1], 1.0, sqrt(2))
        told = self._hidden(weight * matrix[upper], sigma) / weight
        answer = np.zeros_like(matrix)
        answer[upper] = told
        answer.T[upper] = told
        return Answer(counts=answer, sd=sigma / sqrt(2))

    def _sums(self, name: str) -> float:
        """Charge a question of clipped sums; its σ, 0 without a guarantee."""
        self.lease.charge(name)
        if not self.private:
            return 0.0
        mechanism = self.lease.plan.mechanism(name)
        assert isinstance(mechanism, Sums)
        return mechanism.noise_multiplier

    def _hidden(self, total: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
        """A sum with its noise; itself without a guarantee."""
        if not self.private:
            return total
        return self._noise.lattice(torch.from_numpy(total), sigma).numpy()

    def marginal(
        self, variables: Sequence[str], binning: Binning, *, name: str = "marginal"
    ) -> Answer:
        """The joint table of a few variables, one axis each."""
        self.lease.charge(name)
        mechanism = self.lease.plan.mechanism(name)
        assert isinstance(mechanism, Counts)
        exact = table(self._rows, variables, binning)
        noisy = self._noise.counts(exact, mechanism.sd)
        return Answer(counts=noisy.astype(np.float64), sd=mechanism.sd)

    def choose(
        self,
        expected: NDArray[np.float64],
        *,
        binning: Binning,
        weights: NDArray[np.float64],
        offsets: NDArray[np.float64],
        name: str = "choice",
    ) -> tuple[int, int]:
        """The pair of variables a model knows worst: argmax of w·‖T - E‖₁ - offset, noisily.

        Args:
            expected: E, (D, D) expected counts of all pairs of cells, D cells in all.
            binning: The cells.
            weights: w ≥ 0, (K, K) for K variables; only pairs i < j with w > 0 take part.
            offsets: (K, K), subtracted from the scores; data-free.
            name: The question.

        Source: McKenna et al. (2022), arXiv:2201.12677, Algorithm 1, line 10 (AIM).
        """
        self.lease.charge(name)
        mechanism = self.lease.plan.mechanism(name)
        assert isinstance(mechanism, Choice)
        scores, pairs = self._scores(expected, binning, weights, offsets)
        declared = SCORE_MARGIN * float(weights.max())
        winner = self._noise.select(scores, declared, mechanism.epsilon)
        return int(pairs[winner, 0]), int(pairs[winner, 1])

    def _scores(
        self,
        expected: NDArray[np.float64],
        binning: Binning,
        weights: NDArray[np.float64],
        offsets: NDArray[np.float64],
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Exact scores of all pairs that take part, and which pairs they are, (m, 2)."""
        if self._pairs is None or self._pairs[0] is not binning:
            self._pairs = (binning, pair_counts(self._rows, binning))
        starts = np.concatenate([[0], np.cumsum(list(binning.sizes.values()))[:-1]])
        gaps = np.abs(self._pairs[1] - expected)
        l1 = np.add.reduceat(np.add.reduceat(gaps, starts, axis=0), starts, axis=1)
        pairs = np.argwhere(np.triu(weights > 0, k=1))
        i, j = pairs.T
        return weights[i, j] * l1[i, j] - offsets[i, j], pairs

    def prefer(
        self, judge: Judge, encoder: RowEncoder, *, without: Sequence[int], name: str
    ) -> int:
        """The candidate that patients speak for most: argmax_k Σ_i s_k(x_i), noisily.

        Args:
            judge: Rows (m, d) -> the scores of K candidates by each row alone, (m, K); cut to
                [0, 1], and one that is not finite counts for nothing.
            encoder: Rows to matrix.
            without: Candidates that do not take part.
            name: The question.

        Source: McSherry and Talwar (2007), the exponential mechanism; in its Gumbel form.
        """
        self.lease.charge(name)
        mechanism = self.lease.plan.mechanism(name)
        assert isinstance(mechanism, Choice)
        totals, left = self._totals(judge, encoder, without)
        return int(left[self._noise.select(totals, SCORE_MARGIN, mechanism.epsilon)])

    def _totals(
        self, judge: Judge, encoder: RowEncoder, without: Sequence[int]
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Exact scores of the candidates that take part, and which they are."""
        if self._judged is None or self._judged[0] is not judge:
            scores = judge(self._matrix(encoder)).double().nan_to_num(0.0, 0.0, 0.0).clamp(0, 1)
            self._judged = (judge, scores.sum(dim=0).cpu().numpy())
        totals = self._judged[1]
        left = np.setdiff1d(np.arange(len(totals)), np.asarray(without, dtype=np.int64))
        return totals[left], left

    def gradient(
        self, unit: Unit, encoder: RowEncoder, *, name: str = "gradient"
    ) -> list[dict[str, Tensor]]:
        """The noisy mean gradient of networks that see patients, one dictionary per part.

        g̃ = (Σ_i u_i min(1, C/‖u_i‖) + 𝒩(0, σ²C² I)) / (q·n),  i in a fresh secret batch

        Args:
            unit: Rows (B, d) -> the parts of each row's loss; may not mix rows. B is public:
                the batch is padded with zeros to its limit, and padding counts for nothing.
            encoder: Rows to matrix.
            name: The question.

        Guarantees:
            One patient moves the sum before noise by at most C (2C where a full batch drops
            somebody else: the accountant prices truncation).
            Places in the batch are drawn in secret: whatever a model draws by place (fakes,
            dropout) tells nobody who stood beside whom, even when its seed is known.
            The divisor is q·n of the plan, never the batch's own size.
            An empty batch still releases noise.

        Source: Abadi et al. (2016), arXiv:1607.00133, Algorithm 1.
        """
        self.lease.charge(name)
        mechanism = self.lease.plan.mechanism(name)
        assert isinstance(mechanism, SampledGaussian)
        chosen = self._batch(mechanism)
        matrix = self._matrix(encoder)
        batch = matrix.new_zeros(mechanism.batch_limit, matrix.shape[1])
        keep = torch.zeros(len(batch), dtype=torch.bool, device=batch.device)
        places = torch.from_numpy(self._noise.permutation(len(batch))[: len(chosen)])
        batch[places] = matrix[torch.from_numpy(chosen)]
        keep[places] = True
        total = clipped_sum(unit(batch), clip_norm=CLIP_MARGIN * mechanism.clip_norm, keep=keep)
        sd = mechanism.noise_multiplier * mechanism.clip_norm
        mean_batch = mechanism.sampling_prob * mechanism.patients
        flat = torch.cat([g.reshape(-1) for part in total.gradients for g in part.values()])
        sizes = [g.numel() for part in total.gradients for g in part.values()]
        noisy = iter(torch.split(self._noise.lattice(flat, sd) / mean_batch, sizes))
        return [
            {key: next(noisy).view_as(g) for key, g in part.items()} for part in total.gradients
        ]

    def _batch(self, mechanism: SampledGaussian) -> NDArray[np.int64]:
        """Who is in this step: Poisson coins, cut uniformly to the limit, in table order."""
        coins = self._noise.uniforms(self._n)
        chosen = np.flatnonzero(coins < mechanism.sampling_prob)
        if len(chosen) > mechanism.batch_limit:
            lowest = np.argpartition(coins[chosen], mechanism.batch_limit)
            chosen = np.sort(chosen[lowest[: mechanism.batch_limit]])
        return chosen

    def _matrix(self, encoder: RowEncoder) -> Tensor:
        """All rows encoded, (n, d), kept for as long as the same encoder asks."""
        if self._encoded is None or self._encoded[0] is not encoder:
            self._encoded = (encoder, encoder.encode(self._rows))
        return self._encoded[1]


class OpenVault(Vault):
    """Answers the same questions exactly: ε = ∞, no guarantee.

    Batches are windows of a fresh shuffle each epoch, as the papers train. Of the source of noise
    only `permutation` is used, so a seeded one makes runs repeatable.
    """

    private = False

    def __init__(self, rows: Rows, *, schema: Schema, lease: Lease, noise: Noise) -> None:
        super().__init__(rows, schema=schema, lease=lease, noise=noise)
        self._queue = np.empty(0, dtype=np.int64)

    def count(self) -> int:
        """Number of rows."""
        return self._n

    def one_way(self) -> dict[str, Answer]:
        """Exact histograms."""
        self.lease.charge("one-way")
        exact = histograms(self._rows, self.schema)
        return {k: Answer(counts=h.astype(np.float64), sd=0.0) for k, h in exact.items()}

    def marginal(
        self, variables: Sequence[str], binning: Binning, *, name: str = "marginal"
    ) -> Answer:
        """The exact joint table."""
        self.lease.charge(name)
        exact = table(self._rows, variables, binning)
        return Answer(counts=exact.astype(np.float64), sd=0.0)

    def choose(
        self,
        expected: NDArray[np.float64],
        *,
        binning: Binning,
        weights: NDArray[np.float64],
        offsets: NDArray[np.float64],
        name: str = "choice",
    ) -> tuple[int, int]:
        """The pair with the largest exact score."""
        self.lease.charge(name)
        scores, pairs = self._scores(expected, binning, weights, offsets)
        i, j = pairs[int(np.argmax(scores))]
        return int(i), int(j)

    def prefer(
        self, judge: Judge, encoder: RowEncoder, *, without: Sequence[int], name: str
    ) -> int:
        """The candidate with the largest exact score."""
        self.lease.charge(name)
        totals, left = self._totals(judge, encoder, without)
        return int(left[int(np.argmax(totals))])

    def gradient(
        self, unit: Unit, encoder: RowEncoder, *, name: str = "gradient"
    ) -> list[dict[str, Tensor]]:
        """The mean gradient of the next minibatch."""
        self.lease.charge(name)
        question = self.lease.plan.question(name)
        assert isinstance(question, Gradients)
        size = min(self._n, max(1, round(question.batch)))
        while len(self._queue) < size:
            self._queue = np.concatenate([self._queue, self._noise.permutation(self._n)])
        chosen, self._queue = self._queue[:size], self._queue[size:]
        return mean_gradient(unit(self._matrix(encoder)[torch.from_numpy(chosen)]))

    def rows(self) -> Rows:
        """The patients themselves."""
        return self._rows
