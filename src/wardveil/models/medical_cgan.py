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
    one-way       all histograms: encoder, prior of conditions, calibration
    conditions    their joint table, where it is small enough
    choice, marginal   the strongest pair tables: the generator is fitted to them (the anchor)
    discriminator its clipped, noisy gradient; only where the signal law says it can learn
    The generator sees patients through these answers alone.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits, softplus

from wardveil.encode.bins import Bins
from wardveil.encode.calibrate import calibrated, calibration
from wardveil.encode.condition import JOINT_LIMIT, Conditions, joint_size
from wardveil.encode.histogram import Probabilities, distributions, simplex
from wardveil.encode.matrix import Matrix, blocks_of
from wardveil.encode.pairs import bins_for, pairs_planned, planned_sd, strongest_pairs
from wardveil.errors import Problem, UsageError
from wardveil.models.base import Model, Moment, Rng, Watch, Weights, positive
from wardveil.networks.marginal_loss import SoftBins, Targets
from wardveil.networks.mlp import discriminator_mlp, generator_mlp, parameters_of
from wardveil.privacy import (
    Budget,
    Choices,
    Gradients,
    Histograms,
    Marginals,
    Question,
    gaussian_mu,
)
from wardveil.schema import Schema
from wardveil.schema.variable import Variable, variables_of
from wardveil.schema.where import Where
from wardveil.vault import Part, Rows, Vault, tables_of

CALIBRATION_ROWS = 6_000


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
        learnable: Signal over noise a private step must be able to reach, or D is not trained;
            0 trains it in any case.
        anchor: Whether tables are bought under privacy and G is fitted to them.
        anchor_steps: Steps of G on the bought tables under privacy (free).
        anchor_rows: Rows generated in such a step.
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
    learnable: float = 0.5
    anchor: bool = True
    anchor_steps: int = 1_500
    anchor_rows: int = 500

    def __post_init__(self) -> None:
        positive(
            noise_dim=self.noise_dim,
            learning_rate=self.learning_rate,
            batch_size=self.batch_size - 1,  # batch-norm needs two rows
            epochs=self.epochs,
            max_grad_norm=self.max_grad_norm,
            private_batch=self.private_batch,
            private_steps=self.private_steps,
            anchor_steps=self.anchor_steps,
            anchor_rows=self.anchor_rows - 1,
        )

    # -- what will be asked ------------------------------------------------------------------

    def questions(
        self, schema: Schema, n: int, budget: Budget
    ) -> tuple[Sequence[Question], Sequence[str]]:
        """See `Model.questions`. The faithful way asks histograms and gradients only."""
        conditions, features = _split(schema)
        width = _widths(conditions, features)
        self._check_widths(*width)
        one_way = Histograms(tables=tables_of(schema), share=0.2)
        joint = [Marginals(name="conditions", count=1, share=0.05)]
        joint = joint if 0 < joint_size(conditions) <= JOINT_LIMIT else []
        if not budget.private:
            steps = max(1, self.epochs * (n // min(self.batch_size, n)))
            d = self._gradients(n, self.batch_size, steps, self.discriminator_hidden_dims, width)
            return (one_way, *joint, d), ()
        rounds = pairs_planned(len(conditions) + len(features))
        anchor: list[Question] = (
            [Choices(count=rounds, share=0.1), Marginals(count=rounds, share=0.45)]
            if rounds and self.anchor
            else []
        )
        d = self._gradients(
            n, self.private_batch * n, self.private_steps,
            self.private_discriminator_hidden_dims, width,
        )  # fmt: skip
        signal = d.signal(n, gaussian_mu(budget) * sqrt(d.share))
        if signal < self.learnable:
            remark = (
                f"The discriminator was not trained: at this size and budget its signal is at "
                f"most {signal:.2g} of its noise. The generator rests on the bought tables."
            )
            return (one_way, *joint, *anchor), (remark,)
        return (one_way, *joint, *anchor, d), ("The discriminator was trained privately.",)

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
        """Histograms, then the anchor (private), then the adversarial steps."""
        n = vault.count()
        p = distributions(vault.schema, vault.one_way(), n)
        watch(Moment(phase="histograms", step=1, steps=1))
        joint = self._joint(vault, p, n)
        page = _Page.of(self, vault.schema, p, joint)
        G = page.generator
        adam = torch.optim.Adam(G.parameters(), lr=self.learning_rate, betas=(0.5, 0.999))
        asked = {q.name for q in vault.lease.plan.questions}
        anchor = None
        if "marginal" in asked:
            anchor = self._anchor(vault, page, p, n)
            self._fit_to_tables(page, anchor, rng, watch)
        if "discriminator" in asked:
            self._adversarial(vault, page, adam, anchor, rng, watch)
        return page.weights(p, joint, rng)

    def _joint(self, vault: Vault, p: Mapping[str, Probabilities], n: int) -> Probabilities | None:
        """The joint distribution of all conditions, where it was planned."""
        if not any(q.name == "conditions" for q in vault.lease.plan.questions):
            return None
        variables, _ = _split(vault.schema)
        bins = Conditions(variables, p).bins
        answer = vault.marginal(list(bins.sizes), bins, name="conditions")
        return simplex(answer.counts.ravel(), n).reshape(answer.counts.shape) / n

    def _anchor(
        self, vault: Vault, page: "_Page", p: Mapping[str, Probabilities], n: int
    ) -> Callable[[Tensor, Mapping[str, np.ndarray]], Tensor]:
        """Buy the strongest pairs; return the loss of generated rows against them."""
        conditions, features = _split(vault.schema)
        bins = Bins([*conditions, *features], p, bins_for(n, planned_sd(vault)))
        bins.group |= {v.name: page.conditions.bins.group[v.name] for v in conditions}
        favoured = {v.name for v in conditions}
        favoured |= {c.name for c in vault.schema.modelled if c.target}
        targets = Targets.of(bins, strongest_pairs(vault, bins, n, frozenset(favoured)))
        soft = SoftBins(page.matrix, bins)

        def loss(x: Tensor, cells: Mapping[str, np.ndarray]) -> Tensor:
            given = {
                name: torch.eye(bins.sizes[name])[torch.from_numpy(at).long()]
                for name, at in cells.items()
            }
            return targets.loss(soft(x, given))

        return loss

    def _fit_to_tables(
        self,
        page: "_Page",
        anchor: Callable[[Tensor, Mapping[str, np.ndarray]], Tensor],
        rng: Rng,
        watch: Watch,
    ) -> None:
        """Fit G to the bought tables: post-processing, as many steps as we like."""
        G = page.generator.train()
        _dropout(G, active=False)
        adam = torch.optim.Adam(G.parameters(), lr=1e-3, betas=(0.9, 0.99))
        decay = torch.optim.lr_scheduler.CosineAnnealingLR(adam, self.anchor_steps)
        for t in range(self.anchor_steps):
            z, c, cells = page.latents(self.anchor_rows, {}, rng)
            adam.zero_grad()
            torch.autograd.backward(anchor(G(torch.cat([z, c], dim=1)), cells))
            adam.step()
            decay.step()
            watch(Moment(phase="anchor", step=t + 1, steps=self.anchor_steps))
        _dropout(G, active=True)

    def _adversarial(
        self,
        vault: Vault,
        page: "_Page",
        adam: torch.optim.Adam,
        anchor: Callable[[Tensor, Mapping[str, np.ndarray]], Tensor] | None,
        rng: Rng,
        watch: Watch,
    ) -> None:
        """Alternate a step of D on patients (through the vault) and a step of G on D."""
        hidden = (
            self.private_discriminator_hidden_dims
            if vault.private
            else self.discriminator_hidden_dims
        )
        G, d = page.generator, page.matrix.width
        D = discriminator_mlp(d + page.conditions.width, hidden, self.dropout).train()
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
        rows = min(self.batch_size, vault.lease.plan.n) if not vault.private else self.anchor_rows
        for t in range(steps):
            # G's batch-norm must not tie a patient's fake to who else was drawn.
            G.train(mode=not vault.private)
            gradient = vault.gradient(unit, page.encoder, name="discriminator")[0]
            _apply(adam_d, D, gradient)

            G.train()
            z, c, cells = page.latents(rows, {}, rng)
            adam.zero_grad()
            fake = G(torch.cat([z, c], dim=1))
            score = D(torch.cat([fake, c], dim=1))
            loss_g = binary_cross_entropy_with_logits(score, torch.ones_like(score))
            torch.autograd.backward(loss_g if anchor is None else loss_g + anchor(fake, cells))
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
        names = {v.name for v in conditions}
        if unasked := [name for name in where if name not in names]:
            raise UsageError(
                [
                    Problem(
                        code="E132",
                        what=f"{name!r} was not declared a condition when this run was fitted.",
                        where="where",
                        do=("Declare condition = true and fit again, or filter the sample.",),
                    )
                    for name in unasked
                ]
            )
        page = _Page.restored(self, schema, weights)
        cells, given = page.conditions.draw(n, where, rng.numpy)
        z = torch.randn(n, self.noise_dim, generator=rng.torch)
        x = page.generate(z, page.condition_vectors(cells, n))
        x = calibrated(page.matrix, x, {k: weights[k] for k in ("knots", "offsets")})
        return {**page.matrix.decode(x, rng.numpy), **given}


class _Page:
    """What training and sampling share: layout, conditions, generator."""

    def __init__(self, matrix: Matrix, conditions: Conditions, G: nn.Sequential, z: int) -> None:
        self.matrix, self.conditions, self.generator, self.noise_dim = matrix, conditions, G, z
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
        return cls(matrix, conditions, G, model.noise_dim)

    @classmethod
    def restored(cls, model: MedicalCGAN, schema: Schema, weights: Weights) -> "_Page":
        """The page that `weights` were made of."""
        p = {v.name: weights[f"p/{v.name}"].numpy() for v in schema.variables}
        joint = weights["joint"].numpy() if "joint" in weights else None
        page = cls.of(model, schema, p, joint)
        stored = {k.removeprefix("G/"): w for k, w in weights.items() if k.startswith("G/")}
        page.generator.load_state_dict(stored)
        return page

    def weights(
        self, p: Mapping[str, Probabilities], joint: Probabilities | None, rng: Rng
    ) -> Weights:
        """Everything sampling needs, the calibration included."""
        found = {f"p/{name}": torch.from_numpy(q) for name, q in p.items()}
        found |= {f"G/{k}": w.detach() for k, w in self.generator.state_dict().items()}
        if joint is not None:
            found["joint"] = torch.from_numpy(joint)
        z, c, _ = self.latents(CALIBRATION_ROWS, {}, rng)
        return found | dict(calibration(self.matrix, self.generate(z, c)))

    def latents(
        self, n: int, where: Where, rng: Rng
    ) -> tuple[Tensor, Tensor, Mapping[str, np.ndarray]]:
        """z, c, and the bands of c, of n rows drawn from the prior."""
        cells, _ = self.conditions.draw(n, where, rng.numpy)
        z = torch.randn(n, self.noise_dim, generator=rng.torch)
        return z, self.condition_vectors(cells, n), cells

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


def _dropout(network: nn.Module, *, active: bool) -> None:
    """Dropout on or off, whatever mode the network is in."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.train(mode=active)
