r"""Medical conditional GAN: records given conditions, with or without privacy.

Source
    "Medical Conditional GAN with Differential Privacy" (the report this model is named after):
    generator and discriminator of 256, 512, 256; conditions enter both; binary cross-entropy.
    Private step: Abadi et al. (2016), arXiv:1607.00133, Algorithm 1.

Symbols
    z    (B, noise_dim)      standard normal
    c    (B, condition_dim)  conditions, 0 or 1
    x    (B, feature_dim)    a record in [-1, 1]
    G    z, c -> x           [linear, batch-norm, LeakyReLU 0.2, dropout] × 3, linear, tanh
    D    x, c -> log-odds    [linear, LeakyReLU 0.2, dropout] × 3, linear

    ℓ_D = -log σ(D(x, c)) - log(1 - σ(D(G(z, c), c)))        one unit: a patient and its fake
    ℓ_G = -log σ(D(G(z, c), c))                              non-saturating

Where this differs from the report
    1. Conditions are not generated again as features: they come back exactly as asked.
    2. Numbers are scaled by their distribution, not by mean and sd: tanh can reach all of it.
    3. Medication lists are flags over declared drugs, not one ordinal number.
    4. Missing is a state of its own, not zero.
    5. Columns are calibrated to the known one-way distributions after training.
    6. Privacy exists. The report's run printed ε from its configuration.

Where privacy is spent
    one-way, masses, moments, choice, marginal   the anchor: sums from which surrogate patients
                  are drawn; the adversarial game is played on these, as long as it likes (free)
    discriminator its clipped, noisy gradient on patients; only where the signal law says it can
                  learn
    conditions    without the anchor: the joint table of the conditions, where it is small enough
    The generator sees patients through these answers alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from wardveil.encode.calibrate import Ranks, calibrated, calibration_rows
from wardveil.encode.condition import JOINT_LIMIT, Conditions, joint_size
from wardveil.encode.histogram import Probabilities, distributions, simplex
from wardveil.encode.matrix import Matrix, blocks_of
from wardveil.errors import Problem, UsageError
from wardveil.models.base import Model, Moment, Rng, Watch, Weights, positive, refuse_unasked
from wardveil.models.calibration import matrix_calibration
from wardveil.models.surrogate import anchored, let_in, surrogates
from wardveil.networks.matching import MATCHED_ROWS, match_moments
from wardveil.networks.mlp import discriminator_mlp, generator_mlp, parameters_of
from wardveil.privacy import (
    Budget,
    Gradients,
    Histograms,
    Marginals,
    Question,
)
from wardveil.schema import Schema
from wardveil.schema.variable import Variable, variables_of
from wardveil.schema.where import Where
from wardveil.vault import Part, Rows, Vault, tables_of


@final
@dataclass(frozen=True, kw_only=True)
class MedicalCGAN(Model):
    """Conditional GAN for medical records: ask for any combination of declared conditions.

    Attributes:
        noise_dim: Width of z.
        condition_dim: Width of c; derived from the schema, checked if given.
        feature_dim: Width of x; derived from the schema, checked if given.
        generator_hidden_dims: Hidden widths of G.
        discriminator_hidden_dims: Hidden widths of D without privacy.
        dropout: Share of hidden units dropped in training, both networks.
        learning_rate: Adam's, both networks; betas are (0.5, 0.999).
        batch_size: Rows in a step without privacy.
        epochs: Passes over the table without privacy.
        max_grad_norm: C, the norm a patient's gradient is clipped to under privacy.
        private_discriminator_hidden_dims: Hidden widths of D under privacy: noise grows with √p.
        private_batch: q, share of the patients in a private step.
        private_steps: T, private steps of D.
        learnable: Signal over noise a private step must be able to reach, or D does not see
            patients; 0 lets it in any case. The law asks for 0.5, but up to 2 a noisy D undid what
            the tables had taught (diabetes at ε = 10: `tvd2` 0.187 with it), so the default is
            well above.
        anchor: Whether under privacy tables are bought and surrogate patients drawn from them.
        anchor_rows: Surrogate patients; 0 draws as many as there are patients, at least 2,000.
        anchor_epochs: Passes of the game over the surrogates. More of them leave a generator that
            the matching mends less (SUPPORT2, ε = 1: `tvd2` 0.085 after 1, 0.098 after 10).
        matching_steps: Steps after the game that move G's second moments onto the surrogates'.
    """

    name = "medical-cgan"

    noise_dim: int = 100
    condition_dim: int | None = None
    feature_dim: int | None = None
    generator_hidden_dims: tuple[int, ...] = (256, 512, 256)
    discriminator_hidden_dims: tuple[int, ...] = (256, 512, 256)
    dropout: float = 0.3
    learning_rate: float = 2e-4
    batch_size: int = 32
    epochs: int = 100
    max_grad_norm: float = 1.0
    private_discriminator_hidden_dims: tuple[int, ...] = (32,)
    private_batch: float = 0.1
    private_steps: int = 300
    learnable: float = 10.0
    anchor: bool = True
    anchor_rows: int = 0
    anchor_epochs: int = 1
    matching_steps: int = 1_500

    def __post_init__(self) -> None:
        positive(
            noise_dim=self.noise_dim,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size - 1,  # batch-norm needs two rows
            epochs=self.epochs,
            anchor_epochs=self.anchor_epochs,
            max_grad_norm=self.max_grad_norm,
            private_batch=self.private_batch,
            private_steps=self.private_steps,
        )

    # -- what will be asked ------------------------------------------------------------------

    def questions(
        self, schema: Schema, n: int, budget: Budget
    ) -> tuple[Sequence[Question], Sequence[str]]:
        """See `Model.questions`. The faithful way asks histograms and gradients only."""
        conditions, features = _split(schema)
        width = _widths(conditions, features)
        self._check_widths(*width)
        one_way = Histograms(tables=tables_of(schema), share=0.5)
        joint = [Marginals(name="conditions", count=1, share=0.1)]
        joint = joint if 0 < joint_size(conditions) <= JOINT_LIMIT else []
        if not budget.private:
            steps = max(1, self.epochs * (n // min(self.batch_size, n)))
            d = self._gradients(n, self.batch_size, steps, self.discriminator_hidden_dims, width)
            return (one_way, *joint, d), ()
        first: Sequence[Question] = (one_way, *joint)
        if self.anchor:
            first = anchored(schema, n=n, budget=budget)
        d = self._gradients(
            n, self.private_batch * n, self.private_steps,
            self.private_discriminator_hidden_dims, width,
        )  # fmt: skip
        return let_in(first, d, n=n, budget=budget, learnable=self.learnable)

    def _gradients(
        self, n: int, batch: float, steps: int, hidden: tuple[int, ...], width: tuple[int, int]
    ) -> Gradients:
        """The question of D's training."""
        return Gradients(
            name="discriminator",
            patients=n,
            batch=min(batch, n),
            count=steps,
            clip_norm=self.max_grad_norm,
            parameters=parameters_of(sum(width), hidden, 1),
            share=0.2,
        )

    def _check_widths(self, condition_dim: int, feature_dim: int) -> None:
        """Refuse declared widths that the schema does not give (E125)."""
        wanted = (
            ("condition_dim", self.condition_dim, condition_dim),
            ("feature_dim", self.feature_dim, feature_dim),
        )
        problems = [
            Problem(
                code="E125",
                what=f"{name} must be {derived} for this schema, found {given}.",
                where=f"medical-cgan.{name}",
                do=("Leave it out: it follows from the schema.",),
            )
            for name, given, derived in wanted
            if given is not None and given != derived
        ]
        if problems:
            raise UsageError(problems)

    # -- training ----------------------------------------------------------------------------

    def train(self, vault: Vault, rng: Rng, watch: Watch) -> Weights:
        """The tables and the game on surrogates (private), then the game on patients."""
        n = vault.count()
        planned = {q.name for q in vault.lease.plan.questions}
        if vault.private and self.anchor:
            faithful = replace(self, epochs=self.anchor_epochs)
            nobody = surrogates(vault, n, faithful, m=self.anchor_rows, rng=rng, watch=watch)
            page = self._page(nobody, nobody.count())
            self._play(nobody, page, self.discriminator_hidden_dims, rng, watch)
            self._match(nobody.rows(), page, rng, watch)
        else:
            page = self._page(vault, n)
        if "discriminator" in planned:
            hidden = self.private_discriminator_hidden_dims
            hidden = hidden if vault.private else self.discriminator_hidden_dims
            self._play(vault, page, hidden, rng, watch)
        return page.weights(vault.schema, rng)

    def _match(self, rows: Rows, page: "_Page", rng: Rng, watch: Watch) -> None:
        """Second moments of G's patients onto those of the surrogates: what the game left over."""
        d, steps = page.matrix.width, self.matching_steps
        ranks = Ranks(page.matrix)

        def softened(x: Tensor, c: Tensor) -> Tensor:
            return torch.cat([page.matrix.softened(x), c], dim=1)

        def produced() -> Tensor:
            z, c = page.latents(MATCHED_ROWS, rng)
            return softened(ranks(page.generator(torch.cat([z, c], dim=1))), c)

        whole = page.encoder.encode(rows)
        match_moments(
            page.generator, produced, softened(whole[:, :d], whole[:, d:]),
            owner=page.encoder.owner, steps=steps, lr=1e-3,
            watch=lambda k: watch(Moment(phase="matching", step=k, steps=steps)),
        )  # fmt: skip

    def _page(self, vault: Vault, n: int) -> "_Page":
        """Layout, conditions and a fresh generator, from one-ways and the conditions' table."""
        p = distributions(vault.schema, vault.one_way(), n)
        return _Page.of(self, vault.schema, p, self._joint(vault, p, n))

    def _joint(self, vault: Vault, p: Mapping[str, Probabilities], n: int) -> Probabilities | None:
        """The joint distribution of all conditions, where it was planned."""
        if not any(q.name == "conditions" for q in vault.lease.plan.questions):
            return None
        variables, _ = _split(vault.schema)
        bins = Conditions(variables, p).bins
        answer = vault.marginal(list(bins.sizes), bins, name="conditions")
        return simplex(answer.counts.ravel(), n).reshape(answer.counts.shape) / n

    def _play(
        self, vault: Vault, page: "_Page", hidden: tuple[int, ...], rng: Rng, watch: Watch
    ) -> None:
        """Alternate a step of D on the vault's patients and a step of G on D."""
        G, d = page.generator, page.matrix.width
        D = discriminator_mlp(d + page.conditions.width, hidden, self.dropout).train()
        adam = torch.optim.Adam(G.parameters(), lr=self.learning_rate, betas=(0.5, 0.999))
        adam_d = torch.optim.Adam(D.parameters(), lr=self.learning_rate, betas=(0.5, 0.999))
        real_loss = fake_loss = torch.zeros(())

        def unit(rows: Tensor) -> Sequence[Part]:
            """ℓ_D of each patient with a fake of the same conditions."""
            z = torch.randn(len(rows), self.noise_dim, generator=rng.torch)
            with torch.no_grad():
                fake = torch.cat([G(torch.cat([z, rows[:, d:]], dim=1)), rows[:, d:]], dim=1)
            return [Part(network=D, inputs=(rows, fake), loss=discriminator_loss)]

        def discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
            nonlocal real_loss, fake_loss
            real_loss, fake_loss = softplus(-real).squeeze(1), softplus(fake).squeeze(1)
            return real_loss + fake_loss

        steps = vault.lease.plan.question("discriminator").count
        rows = min(self.batch_size, vault.lease.plan.n)
        for t in range(steps):
            # G's batch-norm must not tie a patient's fake to who else was drawn.
            G.train(mode=not vault.private)
            gradient = vault.gradient(unit, page.encoder, name="discriminator")[0]
            _apply(adam_d, D, gradient)

            G.train()
            z, c = page.latents(rows, rng)
            adam.zero_grad()
            fake = G(torch.cat([z, c], dim=1))
            score = D(torch.cat([fake, c], dim=1))
            loss_g = binary_cross_entropy_with_logits(score, torch.ones_like(score))
            torch.autograd.backward(loss_g)
            adam.step()
            losses = {
                "discriminator": float((real_loss + fake_loss).detach().mean()),
                "generator": float(loss_g.detach()),
            }
            shown = None if vault.private else losses
            watch(Moment(phase="training", step=t + 1, steps=steps, losses=shown))

    # -- sampling ----------------------------------------------------------------------------

    def sample(self, weights: Weights, schema: Schema, n: int, where: Where, rng: Rng) -> Rows:
        """n records whose conditions are drawn from the prior, given what is asked."""
        conditions, _ = _split(schema)
        refuse_unasked(where, [v.name for v in conditions])
        page = _Page.restored(self, schema, weights)
        cells, given = page.conditions.draw(n, where, rng.numpy)
        z = torch.randn(n, self.noise_dim, generator=rng.torch)
        x = page.generate(z, page.condition_vectors(cells, n))
        x = calibrated(page.matrix, x, {k: weights[k] for k in ("knots", "offsets")})
        return {**page.matrix.decode(x, rng.numpy), **given}


class _Page:
    """What training and sampling share: layout, conditions, generator."""

    def __init__(
        self,
        matrix: Matrix,
        conditions: Conditions,
        G: nn.Sequential,
        noise_dim: int,
        p: Mapping[str, Probabilities],
    ) -> None:
        self.matrix, self.conditions, self.generator = matrix, conditions, G
        self.noise_dim, self.p = noise_dim, p
        self.encoder = _RowsWithConditions(matrix, conditions)

    @classmethod
    def of(
        cls,
        model: MedicalCGAN,
        schema: Schema,
        p: Mapping[str, Probabilities],
        joint: Probabilities | None,
    ) -> "_Page":
        """A fresh generator for known distributions."""
        variables, features = _split(schema)
        conditions = Conditions(variables, p, joint)
        matrix = Matrix(features, p)
        G = generator_mlp(
            model.noise_dim + conditions.width,
            model.generator_hidden_dims,
            matrix.width,
            model.dropout,
        )
        return cls(matrix, conditions, G, model.noise_dim, p)

    @classmethod
    def restored(cls, model: MedicalCGAN, schema: Schema, weights: Weights) -> "_Page":
        """The page that `weights` were made of."""
        p = {v.name: weights[f"p/{v.name}"].numpy() for v in schema.variables}
        joint = weights["joint"].numpy() if "joint" in weights else None
        page = cls.of(model, schema, p, joint)
        stored = {k.removeprefix("G/"): w for k, w in weights.items() if k.startswith("G/")}
        page.generator.load_state_dict(stored)
        return page

    def weights(self, schema: Schema, rng: Rng) -> Weights:
        """Everything sampling needs, the calibration included."""
        found = {f"p/{name}": torch.from_numpy(q) for name, q in self.p.items()}
        found |= {f"G/{k}": w.detach() for k, w in self.generator.state_dict().items()}
        if self.conditions.joint is not None:
            found["joint"] = torch.from_numpy(self.conditions.joint)
        n = calibration_rows(self.matrix.width)
        cells, given = self.conditions.draw(n, {}, rng.numpy)
        z = torch.randn(n, self.noise_dim, generator=rng.torch)
        drawn = self.generate(z, self.condition_vectors(cells, n))
        return found | dict(matrix_calibration(
            self.matrix, drawn, schema, lambda x: {**self.matrix.decode(x, rng.numpy), **given}
        ))  # fmt: skip

    def latents(self, n: int, rng: Rng) -> tuple[Tensor, Tensor]:
        """z and c of n rows, c drawn from the prior."""
        cells, _ = self.conditions.draw(n, {}, rng.numpy)
        z = torch.randn(n, self.noise_dim, generator=rng.torch)
        return z, self.condition_vectors(cells, n)

    def condition_vectors(self, cells: Mapping[str, np.ndarray], n: int) -> Tensor:
        """c of n rows, (n, condition_dim)."""
        return self.conditions.encode(cells) if cells else torch.empty(n, 0)

    def generate(self, z: Tensor, c: Tensor) -> Tensor:
        """G in evaluation mode, (n, feature_dim); the mode it had is put back."""
        was = self.generator.training
        self.generator.eval()
        with torch.no_grad():
            x: Tensor = self.generator(torch.cat([z, c], dim=1))
        self.generator.train(mode=was)
        return x


class _RowsWithConditions:
    """Encodes a patient as features and conditions side by side, (n, d + condition_dim)."""

    def __init__(self, matrix: Matrix, conditions: Conditions) -> None:
        self.matrix, self.conditions = matrix, conditions
        self.owner = torch.cat([matrix.owner, len(matrix.blocks) + conditions.owner])

    def encode(self, rows: Rows) -> Tensor:
        """Each row by itself."""
        x = self.matrix.encode(rows)
        if not self.conditions.width:
            return x
        return torch.cat([x, self.conditions.encode(self.conditions.bins.cells(rows))], dim=1)


def _split(schema: Schema) -> tuple[list[Variable], list[Variable]]:
    """Variables of condition columns, and all others."""
    asked = [v for c in schema.conditions for v in variables_of(c)]
    names = {v.name for v in asked}
    return asked, [v for v in schema.variables if v.name not in names]


def _widths(conditions: Sequence[Variable], features: Sequence[Variable]) -> tuple[int, int]:
    """(condition_dim, feature_dim); a numeric condition is counted at its most bands."""
    sizes = [joint_size([v]) for v in conditions]
    condition_dim = sum(1 if s == 2 else s for s in sizes)
    blocks = blocks_of(features)
    return condition_dim, blocks[-1].stop if blocks else 0


def _apply(adam: torch.optim.Adam, network: nn.Module, gradient: Mapping[str, Tensor]) -> None:
    """One optimiser step along a gradient."""
    for name, parameter in network.named_parameters():
        parameter.grad = gradient[name]
    adam.step()
