r"""table-GAN: records as small square images, for convolutional networks.

Source
    Park, Mohammadi, Gorde, Jajodia, Park and Kim (2018), arXiv:1806.03384, "Data Synthesis based
    on Generative Adversarial Networks". Private step: Abadi et al. (2016), arXiv:1607.00133.

What stands where
    encode.square           a record as a square, and back
    encode.label            the label, and what it costs to guess it
    networks.convolution    generator, critic, classifier
    networks.information    the information loss
    models.tablegan_game    the game, step by step
    here                    what is asked of the vault, the game on patients, sampling

Symbols
    x    (B, d)   a record: numbers as ranks, levels and missing as log-odds, in [-1, 1]
    G, D, C       generator, critic, classifier;  losses as in `models.tablegan_game`

Where this differs from the paper
    1. Numbers are scaled by their distribution, a value that many have spread over the positions it
       takes up, and levels have a coordinate each; the paper scales codes of levels between their
       least and largest, and moves what comes back to the nearest value that a real record has,
       which gives rare values away.
    2. Columns after the record are filled for the critic, never made by the generator.
    3. The classifier sees the record without its label, in real and generated rows alike, and the
       label is a column like any other.
    4. Wasserstein loss with penalty; the original loss is a setting. Group norm stands where the
       paper's critic has batch norm.
    5. The information loss has the gradient of the batch at the value of the running means.
    6. Labels are to be as easily guessed as those of real rows and no more (`class_hinge`).
    7. Beyond the paper, each with its switch: the mean of G's weights over time (`averaging`),
       columns moved onto the known one-way distributions (`calibrate`), second moments matched
       after the game (`matching_steps`; `match_rows` for the game on real rows), and under privacy
       rows accepted such that tables of pairs are the surrogates' (`rake`).

Where privacy is spent
    one-way, masses, moments, choice, marginal   the anchor, as in `wardveil.models.surrogate`
    critic        the clipped, noisy gradient of critic and classifier, one vector a patient, only
                  where the signal law says they can learn.
    The information loss is that of the columns against the one-ways, which is free; on surrogates
    too, where after one pass a rare outcome was missing in one seed of two with the critic's
    features (adult), in none of ten with columns.
    G sees patients through these answers alone. δ_mean and δ_sd protect nobody: they keep G from
    following its table closely, and say nothing of any patient.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np
import torch
from torch import Tensor

from wardveil.encode.calibrate import calibrated, calibration_rows
from wardveil.encode.histogram import Probabilities, all_peaks, distributions
from wardveil.encode.label import Label
from wardveil.encode.matrix import Matrix, blocks_of
from wardveil.encode.modes import FEW
from wardveil.encode.waves import Waves
from wardveil.errors import Problem, UsageError
from wardveil.models.asked import drawn
from wardveil.models.base import Model, Moment, Rng, Watch, Weights, positive
from wardveil.models.bookmark import below
from wardveil.models.calibration import matrix_calibration
from wardveil.models.raking import accepting, rake
from wardveil.models.surrogate import anchored, let_in, opened, surrogates
from wardveil.models.tablegan_game import Game, Rules
from wardveil.networks.convolution import SquareGenerator
from wardveil.networks.information import Statistics, statistics_of
from wardveil.networks.matching import MATCHED_ROWS, WARM, match_moments
from wardveil.privacy import Budget, Gradients, Histograms, Question
from wardveil.schema import Schema
from wardveil.schema.variable import variables_of
from wardveil.schema.where import Where
from wardveil.vault import OpenVault, Part, Rows, Vault, tables_of

MATCHED_AGAINST = 50_000
"""Rows that they are matched against, at most."""
MATCHED_LABELS = 3
"""Coordinates of the label that every column is matched times."""
KNOWN_ROWS = 10_000
"""Rows drawn from one-ways, for the statistics of columns."""


@final
@dataclass(frozen=True, kw_only=True)
class TableGAN(Rules, Model):
    """Convolutional GAN for tables, with a classifier of the outcome and an information loss.

    The settings are those of `Rules`, and:

    Attributes:
        matching_steps: Steps after the game that move second moments of G's rows, and of waves
            of their numbers, over all and by label, onto those of what was played on; 0 leaves
            what the game gave.
        match_rows: Whether that is done after a game on real rows too, or on surrogates alone.
            The game keeps numbers badly (SUPPORT2: `tvd2` 0.059 with, 0.134 without; macro F1 of
            classifiers 0.73 and 0.47), and the margins of a preset are no limit to matching.
        matching_rate: Adam's then, after the warm-up. adult at ε = 1: `tvd2` 0.042 with 0.001,
            0.039 with 0.003 or 0.006.
        calibrate: Whether sampled columns are moved onto the known one-way distributions.
        rake: Whether under privacy rows are accepted such that the tables of all pairs are those
            of the surrogates, one in two (`encode.raking`).
        max_grad_norm: C, the norm to which the gradient of a patient, critic and classifier
            together, is clipped under privacy.
        classifier_scale: The classifier's part of that gradient is divided by it before the clip.
        private_channels: Of critic and classifier on patients: noise grows with √p.
        private_group_norm: Whether these normalise groups of channels.
        private_batch: q, share of the patients in a private step.
        private_steps: T, private steps of critic and classifier.
        private_penalty: Where under privacy the penalty stands: "fakes", between two generated
            rows, which costs nothing; or "rows", inside the clipped unit.
        private_penalty_weight: λ on patients.
        learnable: Signal over noise a private step must be able to reach, or patients are not
            seen; 0 lets them be seen in any case. At 10 they were seen on adult at ε = 3, which
            then had `tvd2` 0.086, and 0.045 where the anchor has the whole budget.
        anchor: Whether under privacy tables are bought and surrogate patients drawn from them.
        anchor_rows: Surrogate patients; 0 draws as many as there are patients, at least 2,000.
        anchor_epochs: Passes of the game over the surrogates.
        anchor_matching: Times `matching_steps` after the game on surrogates. adult at ε = 3, one
            noise: `tvd2` 0.028 with 1, 0.026 with 2, 0.024 and 0.022 of accepted rows.
    """

    name = "tablegan"

    matching_steps: int = 4_000
    match_rows: bool = True
    matching_rate: float = 3e-3
    calibrate: bool = True
    rake: bool = True
    max_grad_norm: float = 1.0
    classifier_scale: float = 1.0
    private_channels: tuple[int, ...] = (4, 8)
    private_group_norm: bool = True
    private_batch: float = 0.1
    private_steps: int = 300
    private_penalty: Literal["fakes", "rows"] = "fakes"
    private_penalty_weight: float = 1.0
    learnable: float = 100.0
    anchor: bool = True
    anchor_rows: int = 0
    anchor_epochs: int = 1
    anchor_matching: int = 2

    def __post_init__(self) -> None:
        sizes = ("noise_dim", "batch_size", "epochs", "critic_steps", "generator_steps",
                 "max_grad_norm", "classifier_scale", "private_batch", "private_steps",
                 "anchor_epochs", "anchor_matching")  # fmt: skip
        positive(**{name: getattr(self, name) for name in sizes})
        self._refuse_contradictions()

    def _refuse_contradictions(self) -> None:
        """Settings that are no shares, or not as many numbers as are needed (E127)."""
        wrong = [
            (len(getattr(self, f"{who}_adam")) != 3, f"{who}_adam", "be learning rate, β1 and β2")
            for who in ("generator", "critic", "classifier")
        ]
        wrong += [
            (not 0 <= self.information_decay < 1, "information_decay", "be at least 0, below 1"),
            (not 0 <= self.dropout < 1, "dropout", "be at least 0 and below 1"),
            (not self.channels or not self.private_channels, "channels", "have a width"),
        ]
        problems = [
            Problem(code="E127", what=f"{name} must {what}.", where=f"tablegan.{name}",
                    do=("wardveil models tablegan lists the settings.",))
            for bad, name, what in wrong if bad
        ]  # fmt: skip
        if problems:
            raise UsageError(problems)

    # -- what will be asked ------------------------------------------------------------------

    def questions(
        self, schema: Schema, n: int, budget: Budget
    ) -> tuple[Sequence[Question], Sequence[str]]:
        """See `Model.questions`. Without privacy: histograms, and the rows."""
        label = label_of(schema)
        blind = () if label.columns else (
            "No column is declared a target, so there is no classifier.",
        )  # fmt: skip
        one_way = Histograms(tables=tables_of(schema), share=0.5)
        p = self._parameters(schema, label)  # refuses a side that does not fit
        if not budget.private:
            return (one_way,), blind
        first = anchored(schema, n=n, budget=budget) if self.anchor else (one_way,)
        critic = Gradients(
            name="critic",
            patients=n,
            batch=min(self.private_batch * n, n),
            count=self.private_steps,
            clip_norm=self.max_grad_norm,
            parameters=p,
            share=0.2,
        )
        asked, remarks = let_in(first, critic, n=n, budget=budget, learnable=self.learnable)
        return asked, (*remarks, *blind)

    def _parameters(self, schema: Schema, label: Label) -> int:
        """Weights that a private step moves."""
        width, rules = blocks_of(schema.variables)[-1].stop, self._on_patients()
        with torch.device("meta"):
            networks = rules.critic(width), rules.classifier(width, label)
        return sum(p.numel() for N in networks if N is not None for p in N.parameters())

    def _on_patients(self) -> "TableGAN":
        """The rules of the game on patients."""
        return replace(
            self, channels=self.private_channels, group_norm=self.private_group_norm, dropout=0.0,
            penalty=self.private_penalty_weight,
        )  # fmt: skip

    # -- training ----------------------------------------------------------------------------

    def train(self, vault: Vault, rng: Rng, watch: Watch) -> Weights:
        """The game on the rows, or on surrogates; then under privacy perhaps on patients."""
        n = vault.count()
        planned = {q.name for q in vault.lease.plan.questions}
        rules: TableGAN = self
        seen: Vault = vault
        if vault.private and self.anchor:
            rules = replace(
                self,
                epochs=self.anchor_epochs,
                matching_steps=self.anchor_matching * self.matching_steps,
            )
            seen = surrogates(vault, n, rules, m=self.anchor_rows, rng=rng, watch=watch)
            n = seen.count()
        matrix, wanted = _matrix(seen, n), None
        if isinstance(seen, OpenVault):
            x, label = matrix.encode(seen.rows(), rng.numpy), label_of(vault.schema)
            known = _known(matrix, rng) if vault.private else None
            wanted = seen.rows() if vault.private and self.rake else None
            game = Game(rules, matrix.width, label, rng.seed(), x, known=known)
            G = self._play(game, rules.steps(len(x)), watch)
            if self.matching_steps and (vault.private or self.match_rows):
                rules._match(matrix, label, G, x, rng, watch)
        else:
            G = self.generator(matrix.width).eval()
        if "critic" in planned:
            G = self._play_on_patients(matrix, G, vault, rng, watch)
        return self._weights(matrix, vault.schema, G, wanted, rng)

    def game(self, rows: Rows, schema: Schema, *, seed: int) -> Game:
        """The game before its first step, to be driven by hand; without any privacy.

        Args:
            rows: A table's `rows`.
            schema: Its schema, complete.
            seed: For weights and draws.
        """
        vault = opened(rows, schema, self, seed=seed)
        rng, matrix = Rng(seed), _matrix(vault, vault.count())
        x = matrix.encode(vault.rows(), rng.numpy)
        return Game(self, matrix.width, label_of(schema), rng.seed(), x)

    def _play(self, game: Game, steps: int, watch: Watch) -> SquareGenerator:
        """The game on rows that may be seen."""
        for k in range(steps):
            losses = game.step()
            watch(Moment(phase="training", step=k + 1, steps=steps, losses=losses))
        return game.settled()

    def _match(
        self, matrix: Matrix, label: Label, G: SquareGenerator, x: Tensor, rng: Rng, watch: Watch
    ) -> None:
        """Second moments of what G makes onto those of rows, over all and by label."""
        steps = self.matching_steps
        waves = Waves(matrix)
        shown = label.columns[:MATCHED_LABELS]

        def told(x: Tensor) -> Tensor:
            """What is matched: columns, waves of numbers, and both times some of the label's."""
            x = waves(x)
            return torch.cat([x, *(x * x[:, k : k + 1] for k in shown)], dim=1)

        def produced() -> Tensor:
            return told(G(self._noise(MATCHED_ROWS, rng)))

        chosen = torch.randperm(len(x), generator=rng.torch)[:MATCHED_AGAINST]
        match_moments(
            G, produced, told(x[chosen]), owner=waves.owner.repeat(1 + len(shown)),
            steps=steps, lr=self.matching_rate, warm=WARM,
            watch=lambda k: watch(Moment(phase="matching", step=k, steps=steps)),
        )  # fmt: skip

    def _play_on_patients(
        self, matrix: Matrix, G: SquareGenerator, vault: Vault, rng: Rng, watch: Watch
    ) -> SquareGenerator:
        """The same game; the gradient of critic and classifier is the vault's answer."""
        label, known = label_of(vault.schema), _known(matrix, rng)
        game = Game(self._on_patients(), matrix.width, label, rng.seed(), known=known, generator=G)
        within, steps = self.private_penalty == "rows", self.private_steps

        def unit(x: Tensor) -> Sequence[Part]:
            """ℓ_D and ℓ_C of each patient."""
            critic, *classifier = game.unit(x, within=within)
            return [critic, *(replace(c, scale=self.classifier_scale) for c in classifier)]

        for t in range(steps):
            game.begin()
            gradients = vault.gradient(unit, matrix, name="critic")
            game.descend(gradients, free_penalty=not within)
            game.generator_step()
            watch(Moment(phase="training", step=t + 1, steps=steps))
        return game.settled()

    def _noise(self, n: int, rng: Rng) -> Tensor:
        return torch.randn(n, self.noise_dim, generator=rng.torch)

    # -- sampling ----------------------------------------------------------------------------

    def _weights(
        self, matrix: Matrix, schema: Schema, G: SquareGenerator, wanted: Rows | None, rng: Rng
    ) -> Weights:
        """Everything sampling needs: calibration, and raking onto wanted rows, included."""
        found = {f"p/{name}": torch.from_numpy(np.asarray(q)) for name, q in matrix.p.items()}
        found |= {f"peak/{name}": torch.from_numpy(q) for name, q in matrix.peak.items()}
        found |= {f"G/{k}": w.detach() for k, w in G.state_dict().items()}
        fitted: Weights = {}
        if self.calibrate:
            x = self._made(G, calibration_rows(matrix.width), rng)
            fitted |= matrix_calibration(
                matrix, x, schema, lambda moved: matrix.decode(moved, rng.numpy)
            )
            found |= {f"fit/{k}": w for k, w in fitted.items()}
        if wanted is not None:
            found |= rake(lambda m: self._rows(matrix, G, fitted, m, rng), wanted, matrix.p, schema)
        return found

    def _made(self, G: SquareGenerator, n: int, rng: Rng) -> Tensor:
        """What G makes of n draws, (n, d)."""
        with torch.no_grad():
            x: Tensor = G(self._noise(n, rng))
        return x

    def _rows(self, matrix: Matrix, G: SquareGenerator, fitted: Weights, n: int, rng: Rng) -> Rows:
        """n rows of it, calibrated if it was."""
        x = self._made(G, n, rng)
        return matrix.decode(calibrated(matrix, x, fitted) if fitted else x, rng.numpy)

    def sample(self, weights: Weights, schema: Schema, n: int, where: Where, rng: Rng) -> Rows:
        """n rows; what is asked for holds in every one."""
        p, peak = ({k: w.numpy() for k, w in below(weights, part).items()}
                   for part in ("p", "peak"))  # fmt: skip
        matrix = Matrix(schema.variables, p, peak, few=FEW)
        with torch.device("meta"):
            G = self.generator(matrix.width).eval()
        G.load_state_dict(below(weights, "G"), assign=True)
        fitted = below(weights, "fit")
        draw = accepting(
            lambda m: self._rows(matrix, G, fitted, m, rng), weights, matrix.p, schema, rng
        )
        return drawn(draw, schema, matrix.p, n, where, rng.numpy)


def label_of(schema: Schema) -> Label:
    """Where the targets of a schema stand in its matrix."""
    targets = [v.name for c in schema.modelled if c.target for v in variables_of(c)]
    return Label(blocks_of(schema.variables), targets)


def _matrix(vault: Vault, n: int) -> Matrix:
    """How rows are written, from one-ways."""
    answers = vault.one_way()
    p = distributions(vault.schema, answers, n)
    return Matrix(vault.schema.variables, p, all_peaks(vault.schema, answers), few=FEW)


def _known(matrix: Matrix, rng: Rng) -> Statistics:
    """Mean and sd of each column under the one-ways, (d,) each."""
    rows = {
        v.name: v.draw(_cells(matrix.p[v.name], rng), rng.numpy)
        for v in (b.variable for b in matrix.blocks)
    }
    x = matrix.encode(rows, rng.numpy)
    return statistics_of(x.mean(dim=0), x.square().mean(dim=0))


def _cells(p: Probabilities, rng: Rng) -> np.ndarray:
    """Cells drawn from a distribution."""
    return rng.numpy.choice(len(p), size=KNOWN_ROWS, p=p / p.sum()).astype(np.int32)
