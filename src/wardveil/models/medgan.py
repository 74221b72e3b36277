r"""medGAN: flags or counts of many codes, by a GAN that speaks through an autoencoder.

Source
    Choi, Biswal, Malin, Duke, Stewart and Sun (2017), arXiv:1703.06490.
    Private step: Abadi et al. (2016), arXiv:1607.00133, Algorithm 1.

What stands where
    encode.records         codes as bytes, counts, mixed tables; calibration
    networks.autoencoder, networks.shortcut, networks.averaging   Enc and Dec, G, D
    models.medgan_game     both phases, step by step, with the paper's symbols
    here                   what is asked of the vault, the private game, sampling

Where this differs from the paper
    1. Training draws from all training rows at every epoch. The published code drew from the
       validation rows from the second epoch on, a tenth of the table, and needed 10,000 rows.
    2. Widths may differ: where a block changes the width its shortcut is a linear map.
    3. A flag is drawn with its chance, a count between two numbers is one of them with its chance;
       `nearest` rounds, as the paper does, and loses what is rare.
    4. Any table: numbers as ranks, a category as a flag a level of which one is drawn (`mixed`).
    5. Beyond the paper, each with its switch: second moments matched after the game
       (`matching_steps`), columns moved onto the known one-way distributions (`calibrate`).
    `nearest=true, matching_steps=0, calibrate=false` is the paper's game and nothing else.

Where privacy is spent
    one-way, masses, moments, choice, marginal   the anchor: sums from which surrogate patients
                  are drawn; both phases are run on these, as long as they like (free)
    autoencoder   only if asked for: Enc and Dec, or Dec behind an Enc that knows nobody, by
                  clipped, noisy gradients; or both from noisy second moments (`components`)
    discriminator its clipped, noisy gradient on patients, only where the signal law says it can
                  learn. x̄ is the known mean of all patients in place of a batch's, and of a batch
                  of fakes whose size is public; D has no batch norm.
    The generator sees patients through these answers alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from wardveil.encode.calibrate import calibration_rows
from wardveil.encode.histogram import distributions
from wardveil.encode.records import Records, kind_of, width_of
from wardveil.errors import Problem, UsageError
from wardveil.models.asked import drawn
from wardveil.models.base import Model, Moment, Rng, Watch, Weights, positive
from wardveil.models.bookmark import below
from wardveil.models.calibration import matrix_calibration
from wardveil.models.medgan_game import Game, Rules, networks_of
from wardveil.models.surrogate import anchored, let_in, surrogates
from wardveil.networks.autoencoder import activated, damp
from wardveil.networks.components import Centred, linear_autoencoder
from wardveil.networks.matching import MATCHED_ROWS, WARM, match_moments
from wardveil.networks.mlp import parameters_of
from wardveil.privacy import Budget, Gradients, Histograms, Moments, Question
from wardveil.schema import Schema
from wardveil.schema.where import Where
from wardveil.vault import OpenVault, Part, Rows, Vault, tables_of

AutoencoderWay = Literal["surrogates", "both", "decoder", "components", "none"]

MATCHED_AGAINST = 10_000
"""Rows that they are matched against, at most: 43 MB at 1,071 columns."""
RATE = 3e-3
"""Adam's while matching, at most."""
LEAST_SD = 0.05
"""What columns are divided by at least, before their moments are matched: divided by nothing, rare
codes count for nothing."""


@final
@dataclass(frozen=True, kw_only=True)
class MedGAN(Rules, Model):
    """Autoencoder GAN for flags and counts of many codes; other tables as well.

    The settings are those of `Rules`, and:

    Attributes:
        matching_steps: Steps after the game that move second moments onto those of what was played
            on; 0 leaves what the game gave, which is the paper's.
        calibrate: Whether sampled columns are moved onto the known one-way distributions.
        nearest: Whether flags and counts are rounded, as in the paper, instead of drawn.
        autoencoder: Where under privacy Enc and Dec come from: from surrogates; from patients,
            "both" halves by private steps, or the "decoder" alone behind an encoder that nobody
            has trained; from "components" of noisy second moments; or "none", as the weights
            begin.
        anchor: Whether under privacy tables are bought and surrogate patients drawn from them.
        anchor_rows: Surrogate patients; 0 draws as many as there are patients, at least 2,000.
        anchor_pretrain_epochs: Passes of the autoencoder over the surrogates.
        anchor_epochs: Epochs of the game on the surrogates.
        max_grad_norm: C, the norm a patient's gradient is clipped to under privacy.
        private_batch: q, share of the patients in a private step.
        autoencoder_steps: Private steps of the autoencoder.
        private_steps: T, private steps of D.
        private_discriminator_dims: Hidden widths of D on patients: noise grows with √p.
        learnable: Signal over noise a private step of D must be able to reach, or D does not see
            patients; 0 lets it in any case.
    """

    name = "medgan"

    matching_steps: int = 1_000
    calibrate: bool = True
    nearest: bool = False
    autoencoder: AutoencoderWay = "surrogates"
    anchor: bool = True
    anchor_rows: int = 0
    anchor_pretrain_epochs: int = 20
    anchor_epochs: int = 5
    max_grad_norm: float = 1.0
    private_batch: float = 0.1
    autoencoder_steps: int = 300
    private_steps: int = 300
    private_discriminator_dims: tuple[int, ...] = (32,)
    learnable: float = 10.0

    def __post_init__(self) -> None:
        positive(
            random_dim=self.random_dim,
            embedding_dim=self.embedding_dim,
            generator_dims=min((1, *self.generator_dims)),
            discriminator_dims=min(self.discriminator_dims, default=0),
            private_discriminator_dims=min(self.private_discriminator_dims, default=0),
            compress_dims=min((1, *self.compress_dims)),
            decompress_dims=min((1, *self.decompress_dims)),
            learning_rate=self.learning_rate,
            batch_size=self.batch_size,
            pretrain_batch_size=self.pretrain_batch_size,
            epochs=self.epochs,
            discriminator_steps=self.discriminator_steps,
            anchor_epochs=self.anchor_epochs,
            max_grad_norm=self.max_grad_norm,
            private_batch=self.private_batch,
            autoencoder_steps=self.autoencoder_steps,
            private_steps=self.private_steps,
        )
        self._refuse_contradictions()

    def _refuse_contradictions(self) -> None:
        """Settings that exclude each other, or are no shares (E127)."""
        inner = (*self.compress_dims, *self.decompress_dims)
        wrong = [
            (0 <= self.validation < 1, "validation", "be at least 0 and below 1"),
            (0 <= self.bn_decay < 1, "bn_decay", "be at least 0 and below 1"),
            (self.l2_scale >= 0, "l2_scale", "be at least 0"),
            (self.anchor or self.autoencoder != "surrogates", "autoencoder",
             "not be surrogates where anchor = false: there are none"),
            (not inner or self.autoencoder != "components", "autoencoder",
             "not be components where compress_dims or decompress_dims are given"),
        ]  # fmt: skip
        problems = [
            Problem(code="E127", what=f"{name} must {what}.", where=f"medgan.{name}",
                    do=("wardveil models medgan lists the settings.",))
            for good, name, what in wrong if not good
        ]  # fmt: skip
        if problems:
            raise UsageError(problems)

    # -- what will be asked ------------------------------------------------------------------

    def questions(
        self, schema: Schema, n: int, budget: Budget
    ) -> tuple[Sequence[Question], Sequence[str]]:
        """See `Model.questions`. Without privacy: histograms, and the rows."""
        kind = kind_of(schema.variables, self.data_type)
        one_way = Histograms(tables=tables_of(schema), share=0.5)
        if not budget.private:
            return (one_way,), ()
        first: list[Question] = [one_way]
        if self.anchor:
            first = [*anchored(schema, n=n, budget=budget)]
        W = width_of(schema.variables, kind)
        if self.autoencoder in ("both", "decoder"):
            first.append(self._gradients("autoencoder", self._autoencoder_size(W), n))
        if self.autoencoder == "components":
            first.append(Moments(name="components", share=0.2))
        inputs = 2 * W if self.averaging else W
        p = parameters_of(inputs, self.private_discriminator_dims, 1)
        D = self._gradients("discriminator", p, n)
        return let_in(first, D, n=n, budget=budget, learnable=self.learnable)

    def _gradients(self, name: str, parameters: int, n: int) -> Gradients:
        return Gradients(
            name=name,
            patients=n,
            batch=min(self.private_batch * n, n),
            count=self.autoencoder_steps if name == "autoencoder" else self.private_steps,
            clip_norm=self.max_grad_norm,
            parameters=parameters,
            share=0.2,
        )

    def _autoencoder_size(self, W: int) -> int:
        """Weights that a private step of the autoencoder moves."""
        inward = parameters_of(W, self.compress_dims, self.embedding_dim)
        outward = parameters_of(self.embedding_dim, self.decompress_dims, W)
        return outward if self.autoencoder == "decoder" else inward + outward

    # -- training ----------------------------------------------------------------------------

    def train(self, vault: Vault, rng: Rng, watch: Watch) -> Weights:
        """Both phases on the rows, or on surrogates; then under privacy perhaps on patients."""
        n = vault.count()
        rules: MedGAN = self
        seen: Vault = vault
        if vault.private and self.anchor:
            alone = self.autoencoder == "surrogates"
            rules = replace(
                self, epochs=self.anchor_epochs,
                pretrain_epochs=self.anchor_pretrain_epochs if alone else 0,
            )  # fmt: skip
            seen = surrogates(vault, n, rules, m=self.anchor_rows, rng=rng, watch=watch)
        if isinstance(seen, OpenVault):
            game = rules.game(seen, rng, nobodys=vault.private)
        else:
            game = Game(rules, self._records(seen, n), rng.seed())
        if vault.private:
            self._pretrain_on_patients(game, vault, n, watch)
        network = rules._play(game, rng, watch) if isinstance(seen, OpenVault) else game.settled()
        if any(q.name == "discriminator" for q in vault.lease.plan.questions):
            small = replace(self, discriminator_dims=self.private_discriminator_dims)
            game = game.anew(small, rng.seed())
            self._play_on_patients(game, vault, watch)
            network = game.settled()
        return self._weights(network, game.records, vault.schema, rng)

    def game(self, vault: OpenVault, rng: Rng, *, nobodys: bool = False) -> Game:
        """The game on the rows of an open vault before its first step, to be driven by hand.

        Args:
            vault: Of patients, or of surrogates.
            rng: For weights and draws.
            nobodys: Whether its rows are surrogates, about nobody.
        """
        records, seed = self._records(vault, vault.count()), rng.seed()
        return Game(self, records, seed, records.encode(vault.rows()), nobodys=nobodys)

    def _records(self, vault: Vault, n: int) -> Records:
        """How rows are written, from one-ways."""
        variables = vault.schema.variables
        p = distributions(vault.schema, vault.one_way(), n)
        return Records(variables, kind_of(variables, self.data_type), p)

    def _play(self, game: Game, rng: Rng, watch: Watch) -> nn.Sequential:
        """Both phases, then what they left over: second moments. z -> Dec(G(z)), settled."""
        first, second = game.steps
        for what, step, steps in (
            ("pretraining", game.pretrain_step, self.pretrain_epochs * first),
            ("training", game.step, self.epochs * second),
        ):
            for k in range(steps):
                losses = step()
                watch(Moment(phase=what, step=k + 1, steps=steps, losses=losses))
        network = game.settled()
        if self.matching_steps:
            self._match(network, game, rng, watch)
        return network

    def _match(self, network: nn.Sequential, game: Game, rng: Rng, watch: Watch) -> None:
        """Second moments of generated patients onto those of the rows, a column in its sd."""
        records, steps, output = game.records, self.matching_steps, game.autoencoder.output
        mean, variance = records.moments
        scale = variance.sqrt().clamp(min=LEAST_SD)
        damp(network[1], mean, output)

        def produced() -> Tensor:
            z = torch.randn(MATCHED_ROWS, self.random_dim, generator=rng.torch)
            return activated(network(z), output) / scale

        match_moments(
            network, produced, game.some_rows(MATCHED_AGAINST) / scale,
            owner=records.owner, steps=steps, lr=RATE, warm=WARM,
            watch=lambda k: watch(Moment(phase="matching", step=k, steps=steps)),
        )  # fmt: skip
        game.adopt(network)

    def _pretrain_on_patients(self, game: Game, vault: Vault, n: int, watch: Watch) -> None:
        """The autoencoder from priced answers, where it was asked for."""
        if self.autoencoder == "components":
            rows = Centred(game.records)
            told = vault.second_moments(rows, name="components")
            linear_autoencoder(game.autoencoder, rows, told.counts / n)
        if self.autoencoder not in ("both", "decoder"):
            return
        alone, steps = self.autoencoder == "decoder", self.autoencoder_steps

        def unit(compact: Tensor) -> Sequence[Part]:
            return [game.autoencoder.part(game.records.dense(compact), only_decoder=alone)]

        for t in range(steps):
            gradient = vault.gradient(unit, game.records, name="autoencoder")[0]
            game.descend_autoencoder(gradient, only_decoder=alone)
            watch(Moment(phase="pretraining", step=t + 1, steps=steps))

    def _play_on_patients(self, game: Game, vault: Vault, watch: Watch) -> None:
        """The second phase; D's gradient is the vault's answer, and x̄ the known mean."""
        D, records, steps = game.discriminator, game.records, self.private_steps
        mean, _ = records.moments
        fake_mean = mean

        def beside(x: Tensor, mean: Tensor) -> Tensor:
            return torch.cat([x, mean.expand(len(x), -1)], dim=1) if self.averaging else x

        def unit(compact: Tensor) -> Sequence[Part]:
            """ℓ_D of each patient with a fake of its own."""
            x = records.dense(compact)
            rows = beside(x, mean), beside(game.fakes(len(x)), fake_mean)
            return [Part(network=D, inputs=rows, loss=_discriminator_loss)]

        for t in range(steps):
            game.begin(t)
            fake_mean = game.fakes(max(2, self.batch_size)).mean(dim=0)
            game.descend(vault.gradient(unit, records, name="discriminator")[0])
            game.generator_step()
            watch(Moment(phase="training", step=t + 1, steps=steps))

    def _weights(
        self, network: nn.Sequential, records: Records, schema: Schema, rng: Rng
    ) -> Weights:
        """Everything sampling needs, the calibration included."""
        found = {f"p/{name}": torch.from_numpy(np.asarray(q)) for name, q in records.p.items()}
        found |= {f"G/{k}": w.detach() for k, w in network.state_dict().items()}
        if self.calibrate:
            y = self._drawn(network, calibration_rows(records.width), rng)
            fitted = self._calibration(records, y, schema, rng)
            found |= {f"fit/{k}": w for k, w in fitted.items()}
        return found

    def _calibration(
        self, records: Records, y: Tensor, schema: Schema, rng: Rng
    ) -> Mapping[str, Tensor]:
        """What moves columns onto p; of mixed tables among the rows that keep the rules."""
        if records.kind != "mixed":
            return records.calibration(y, rng.numpy, nearest=self.nearest)
        return matrix_calibration(
            records.matrix, records.as_matrix(y), schema,
            lambda t: records.of_matrix(t, rng.numpy, nearest=self.nearest),
        )  # fmt: skip

    # -- sampling ----------------------------------------------------------------------------

    def sample(self, weights: Weights, schema: Schema, n: int, where: Where, rng: Rng) -> Rows:
        """n rows; what is asked for holds in every one."""
        variables = schema.variables
        p = {v.name: weights[f"p/{v.name}"].numpy() for v in variables}
        records = Records(variables, kind_of(variables, self.data_type), p)
        with torch.device("meta"):
            A, G = networks_of(self, records)
        network = nn.Sequential(G, A.decoder).eval()
        network.load_state_dict(below(weights, "G"), assign=True)
        fitted = below(weights, "fit")

        def draw(m: int) -> Rows:
            y = self._drawn(network, m, rng)
            return records.decode(y, rng.numpy, fitted, nearest=self.nearest)

        return drawn(draw, schema, records.p, n, where, rng.numpy)

    def _drawn(self, network: nn.Module, n: int, rng: Rng) -> Tensor:
        """What the decoder makes of n latents, before its last activation."""
        z = torch.randn(n, self.random_dim, generator=rng.torch)
        with torch.no_grad():
            y: Tensor = network(z)
        return y


def _discriminator_loss(real: Tensor, fake: Tensor) -> Tensor:
    return (softplus(-real) + softplus(fake)).squeeze(1)
