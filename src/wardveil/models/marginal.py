"""Marginal: soft rows fitted to noisy sums over all patients. Strongest at small ε.

Papers
    McKenna, Mullins, Sheldon and Miklau (2022), arXiv:2201.12677 (AIM: the score, the loop).
    Liu, Vietri and Wu (2021), arXiv:2106.07153 (GEM: a generator fitted to noisy answers).

The algorithm, its symbols and its two halves, asking and drawing, stand in
`wardveil.networks.anchor`, where the other models find them as well.

Differences from the papers
    The generator is a table of soft rows: no network, no latents, nothing to under-train.
    Before any table of a pair, the second moments of ranks and levels are bought: one clipped
    Gaussian sum holds all pairs, with so little noise that single tables are left for ample n·ε.
    Bins come from the noisy histograms and are measured once more, centred on these; values are
    drawn inside them from the fine distribution.
    Answers are shrunk as far as noise explains them. Everything is priced together by privacy
    loss distributions.

Where privacy is spent
    one-way, masses, moments, and where n·ε allows choice, marginal. All else is post-processing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from wardveil.models.base import Model, Moment, Rng, Watch, Weights, positive
from wardveil.networks.anchor import Fit, bought, questions
from wardveil.networks.population import Population
from wardveil.privacy import Budget, Question
from wardveil.schema import Schema
from wardveil.schema.where import Where
from wardveil.vault import Rows, Vault


@final
@dataclass(frozen=True, kw_only=True)
class MarginalGAN(Fit, Model):
    """Soft rows fitted to histograms, second moments and pair tables: strongest at small ε.

    The settings are those of `Fit`.
    """

    name = "marginal"

    def __post_init__(self) -> None:
        positive(**{k: v for k, v in vars(self).items() if k not in ("bins", "pairs_per_variable")})

    def questions(
        self,
        schema: Schema,
        n: int,
        budget: Budget,
    ) -> tuple[Sequence[Question], Sequence[str]]:
        """Histograms, masses and moments; then as many choices as pair tables."""
        return questions(schema, self, n=n, budget=budget), ()

    def train(self, vault: Vault, rng: Rng, watch: Watch) -> Weights:
        """Rounds of choose, buy, fit."""

        def told(done: int, rounds: int) -> None:
            watch(Moment(phase="tables", step=done, steps=rounds))

        return bought(vault, vault.count(), self, rng.torch, told).weights()

    def sample(self, weights: Weights, schema: Schema, n: int, where: Where, rng: Rng) -> Rows:
        """n patients drawn from the soft rows; anything can be asked for."""
        return Population.of(weights).draw(schema, n, where, rng.numpy)
