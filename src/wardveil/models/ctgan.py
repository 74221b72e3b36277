r"""CTGAN: a conditional GAN for tables of numbers and categories.

Source
    Xu, Skoularidou, Cuesta-Infante and Veeramachaneni (2019), arXiv:1907.00503.
    Private step: Abadi et al. (2016), arXiv:1607.00133, Algorithm 1.

What stands where
    encode.modes           mode-specific normalisation (section 4.2)
    encode.categories      training-by-sampling (4.3)
    networks.residual      the networks (4.4);  networks.spans  their last activations
    models.ctgan_game      Algorithm 1, step by step
    models.ctgan_page      what training and sampling share, calibration
    here                   what is asked of the vault, the private game, sampling

Symbols
    r    (W,)  a row: ones for categories and modes, then scalars
    c    (C,)  its condition: one 1 among the categories of all discrete variables
    ℓ_i = w_i (critic(r̂_i, c_i) - critic(r_i, c_i)) + λ (‖∇ critic(r̃)‖ - 1)²     one unit: a patient
    w_i  log-frequency of its condition over frequency, at most `most_weight`

Where this differs from the paper
    1. Modes come from histograms and their number from a criterion; spikes, and missing, are modes
       of their own; numbers of at most 20 admissible values are discrete.
    2. Sampling: the generator stands in evaluation mode, conditions follow the true frequencies,
       and what is asked of any column, or of several, holds in every row.
    3. Beyond the paper, each with its switch: the mean of G's weights over time (`averaging`),
       second moments matched after the game (`matching_steps`), columns moved onto the known
       one-way distributions (`calibrate`), under privacy rows accepted such that tables of pairs
       are the surrogates' (`rake`).
    `averaging=0, matching_steps=0, calibrate=false` is the paper's game and nothing else.

Where privacy is spent
    one-way, masses, moments, choice, marginal   the anchor: sums from which surrogate patients
                  are drawn; the game as above is played on these, as long as it likes (free)
    critic        its clipped, noisy gradient on patients, only where the signal law says it can
                  learn. Patients come uniformly; a condition is read off each; rare categories
                  weigh more inside the clip; one row a pack.
    one-way       without the anchor: encoder, frequencies and calibration
    The generator sees patients through these answers alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, final

import torch
from torch import Tensor

from wardveil.encode.histogram import all_peaks, distributions
from wardveil.encode.modes import Modes, split, taken_apart
from wardveil.models.base import Model, Moment, Rng, Watch, Weights, positive
from wardveil.models.ctgan_game import Game, Rules
from wardveil.models.ctgan_page import Page
from wardveil.models.raking import accepting, rake
from wardveil.models.surrogate import anchored, let_in, opened, surrogates
from wardveil.networks.matching import MATCHED_ROWS, match_moments
from wardveil.networks.mlp import parameters_of
from wardveil.networks.portrait import Portraits
from wardveil.networks.spans import TOGETHER
from wardveil.privacy import Budget, Gradients, Histograms, Question
from wardveil.schema import Schema
from wardveil.schema.where import Where, fit_into
from wardveil.vault import OpenVault, Part, Penalty, Rows, Vault, tables_of

MATCHED_AGAINST = 20_000
"""Rows that they are matched against, at most."""


@final
@dataclass(frozen=True, kw_only=True)
class CTGAN(Rules, Model):
    """Conditional GAN for tables: numbers by modes, rare categories met often.

    The settings are those of `Rules`, and:

    Attributes:
        modes: Most normals of one number.
        matching_steps: Steps after the game that move the second moments of ranks and categories
            onto those of the rows; 0 leaves what the game gave.
        matching_rate: Adam's then, at the start.
        calibrate: Whether sampled columns are moved onto the known one-way distributions.
        rake: Whether under privacy rows are accepted such that the tables of all pairs are those
            of the surrogates, one in two (`encode.raking`).
        bfloat16: Whether rows are drawn with products in bfloat16, where they are half as long on
            some processors and twice as long on others; numbers keep their digits.
        max_grad_norm: C, the norm a patient's gradient is clipped to under privacy.
        private_critic_hidden_dims: Hidden widths of the critic on patients: noise grows with √p.
        private_batch: q, share of the patients in a private step.
        private_steps: T, private steps of the critic.
        private_penalty: Where under privacy the penalty stands: "fakes", between two generated
            rows, which costs nothing; or "rows", inside the clipped unit.
        private_penalty_weight: λ of the critic on patients.
        most_weight: Largest weight of a patient of a rare category.
        learnable: Signal over noise a private step must be able to reach, or the critic does not
            see patients; 0 lets it in any case. At 10 to 30 it cost more than it brought: SUPPORT2
            at ε = 3 has `tvd2` 0.084 with it, and 0.069 where the anchor has the whole budget.
        anchor: Whether under privacy tables are bought and surrogate patients drawn from them.
        anchor_rows: Surrogate patients; 0 draws as many as there are patients. Few add an error of
            their own (SUPPORT2 at ε = 1: `tvd2` 0.096 from 6,070).
        anchor_epochs: Passes of the game over the surrogates; 10 made none of them more alike
            (adult, SUPPORT2 at ε = 3).
        anchor_matching_rate: `matching_rate` on surrogates, which bear a faster one (SUPPORT2 at
            ε = 3: `tvd2` 0.070 against 0.073; without privacy grids of normals blur).
    """

    name = "ctgan"

    modes: int = 10
    matching_steps: int = 1_500
    matching_rate: float = 1e-3
    calibrate: bool = True
    rake: bool = True
    bfloat16: bool = False
    max_grad_norm: float = 1.0
    private_critic_hidden_dims: tuple[int, ...] = (32,)
    private_batch: float = 0.1
    private_steps: int = 300
    private_penalty: Literal["fakes", "rows"] = "fakes"
    private_penalty_weight: float = 1.0
    most_weight: float = 5.0
    learnable: float = 100.0
    anchor: bool = True
    anchor_rows: int = 20_000
    anchor_epochs: int = 3
    anchor_matching_rate: float = 3e-3

    def __post_init__(self) -> None:
        positive(
            noise_dim=self.noise_dim,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            epochs=self.epochs,
            critic_steps=self.critic_steps,
            pac=self.pac,
            temperature=self.temperature,
            modes=self.modes,
            max_grad_norm=self.max_grad_norm,
            private_batch=self.private_batch,
            private_steps=self.private_steps,
            most_weight=self.most_weight,
            anchor_epochs=self.anchor_epochs,
        )

    # -- what will be asked ------------------------------------------------------------------

    def questions(
        self, schema: Schema, n: int, budget: Budget
    ) -> tuple[Sequence[Question], Sequence[str]]:
        """See `Model.questions`. Without privacy: histograms, and the rows."""
        one_way = Histograms(tables=tables_of(schema), share=0.5)
        if not budget.private:
            return (one_way,), ()
        first = anchored(schema, n=n, budget=budget) if self.anchor else (one_way,)
        critic = Gradients(
            name="critic",
            patients=n,
            batch=min(self.private_batch * n, n),
            count=self.private_steps,
            clip_norm=self.max_grad_norm,
            parameters=parameters_of(self._widest(schema), self.private_critic_hidden_dims, 1),
            share=0.2,
        )
        return let_in(first, critic, n=n, budget=budget, learnable=self.learnable)

    def _widest(self, schema: Schema) -> int:
        """Most inputs the critic can have: modes are not known before the histograms."""
        discrete, numbers = split(schema.variables)
        categories = sum(v.size for v in discrete)
        return 2 * categories + sum(self.modes + 2 for _ in numbers)

    # -- training ----------------------------------------------------------------------------

    def train(self, vault: Vault, rng: Rng, watch: Watch) -> Weights:
        """The game on the rows, or on surrogates; then under privacy perhaps on patients."""
        n = vault.count()
        planned = {q.name for q in vault.lease.plan.questions}
        rules: CTGAN = self
        seen: Vault = vault
        if vault.private and self.anchor:
            rules = replace(
                self, epochs=self.anchor_epochs, matching_rate=self.anchor_matching_rate
            )
            seen = surrogates(vault, n, rules, m=self.anchor_rows, rng=rng, watch=watch)
            n = seen.count()
        page, compact, wanted = self._page(seen, n), None, None
        if isinstance(seen, OpenVault):
            wanted = seen.rows() if vault.private and self.rake else None
            compact = rules._play(page, seen.rows(), rng, watch)
        if "critic" in planned:
            self._play_on_patients(page, vault, rng, watch)
        if compact is not None and self.matching_steps:
            rules._match(page, compact, rng, watch)
        weights = page.weights(vault.schema, rng)
        if wanted is None:
            return weights
        return weights | rake(lambda m: page.rows(m, {}, rng), wanted, page.p, vault.schema)

    def game(self, rows: Rows, schema: Schema, *, seed: int) -> Game:
        """The game before its first step, to be driven by hand; without any privacy.

        Args:
            rows: A table's `rows`.
            schema: Its schema, complete.
            seed: For weights and draws.
        """
        vault = opened(rows, schema, self, seed=seed)
        page = self._page(vault, vault.count())
        return self._begun(page, vault.rows(), Rng(seed))

    def _page(self, vault: Vault, n: int) -> Page:
        """Modes and frequencies from one-ways, and a generator that knows nothing yet."""
        answers = vault.one_way()
        p = distributions(vault.schema, answers, n)
        _, numbers = split(vault.schema.variables)
        taken = taken_apart(numbers, p, all_peaks(vault.schema, answers), n=n, most=self.modes)
        return Page.of(self, Modes(vault.schema.variables, taken), p, n)

    def _begun(self, page: Page, rows: Rows, rng: Rng) -> Game:
        """Algorithm 1 before its first step."""
        compact = page.modes.encode(rows, rng.numpy)
        return Game(self, page.modes, page.counts, rng.seed(), compact)

    def _play(self, page: Page, rows: Rows, rng: Rng, watch: Watch) -> Tensor:
        """Algorithm 1; the rows as it saw them."""
        game = self._begun(page, rows, rng)
        compact = game.rows
        steps = self.steps(len(compact))
        for k in range(steps):
            losses = game.step()
            watch(Moment(phase="training", step=k + 1, steps=steps, losses=losses))
        page.generator = game.settled()
        return compact

    def _match(self, page: Page, compact: Tensor, rng: Rng, watch: Watch) -> None:
        """What the game left over: second moments of ranks and categories, onto the rows'."""
        steps, portraits = self.matching_steps, Portraits(page.modes, page.p)
        chosen = torch.randperm(len(compact), generator=rng.torch)[:MATCHED_AGAINST]
        pieces = torch.split(compact[chosen], TOGETHER)
        match_moments(
            page.generator,
            lambda: portraits.of(page.chances(page.raw(MATCHED_ROWS, rng))),
            torch.cat([portraits.of(page.modes.hot(piece).T) for piece in pieces]),
            owner=portraits.owner, steps=steps, lr=self.matching_rate,
            watch=lambda k: watch(Moment(phase="matching", step=k, steps=steps)),
        )  # fmt: skip

    def _play_on_patients(self, page: Page, vault: Vault, rng: Rng, watch: Watch) -> None:
        """The same game; the critic's gradient is the vault's answer, and packs are single rows."""
        rules = replace(
            self, pac=1, dropout=0.0, critic_hidden_dims=self.private_critic_hidden_dims,
            penalty=self.private_penalty_weight,
        )  # fmt: skip
        game = Game(rules, page.modes, page.counts, rng.seed())
        game.generator.load_state_dict(page.generator.state_dict())
        weight = page.rarity(self.most_weight) if self.by_sampling else None
        within = self.private_penalty == "rows"

        def unit(compact: Tensor) -> Sequence[Part]:
            """ℓ_i of each patient, with a fake of the same condition."""
            at = game.read(compact)
            cond, real = game.hot(at), page.modes.hot(compact)
            fake = game.fakes(cond)
            w = torch.ones(len(at)) if weight is None or not game.asked else weight[at]
            penalty = None
            if within:
                rho = torch.rand(len(at), 1, generator=rng.torch)
                points = torch.cat([torch.lerp(fake, real, rho), cond], 1)
                penalty = Penalty(points=points, weight=rules.penalty)
            return [
                Part(
                    network=game.critic,
                    inputs=(torch.cat([real, cond], 1), torch.cat([fake, cond], 1)),
                    loss=lambda of_real, of_fake: w * (of_fake - of_real).squeeze(1),
                    penalty=penalty,
                )
            ]

        steps = vault.lease.plan.question("critic").count
        for t in range(steps):
            game.begin()
            game.generator.eval()  # batch norm must not tie a fake to who else was drawn
            gradient = vault.gradient(unit, page.modes, name="critic")[0]
            game.descend(gradient, free_penalty=not within)
            game.generator.train()
            game.generator_step()
            watch(Moment(phase="training", step=t + 1, steps=steps))
        page.generator = game.settled()

    # -- sampling ----------------------------------------------------------------------------

    def sample(self, weights: Weights, schema: Schema, n: int, where: Where, rng: Rng) -> Rows:
        """n rows; what is asked for holds in every one."""
        page = Page.restored(self, schema, weights)
        draw = accepting(lambda m: page.rows(m, where, rng), weights, page.p, schema, rng)
        rows = draw(n)
        return {name: fit_into(x, where[name]) if name in where else x for name, x in rows.items()}
