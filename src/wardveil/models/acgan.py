r"""AC-GAN: a generator that is told the arm, and a discriminator that must guess it.

Source
    Beaulieu-Jones et al. (2019), doi:10.1161/CIRCOUTCOMES.118.005122 ("Privacy-preserving
    generative deep neural networks support clinical data sharing"): trials as patients ×
    measures × visits. Game: Odena, Olah and Shlens (2017), arXiv:1610.09585.
    Private step: Abadi et al. (2016), arXiv:1607.00133, Algorithm 1.

Symbols
    z    (B, noise_dim)   uniform on (-1, 1)
    c    (B, classes)     one coordinate per level of each class: the arm, the conditions
    x    (B, d)           a patient in [-1, 1]
    G    z, c -> x        from z ∘ E c (`wardveil.networks.trial`)
    D    x -> s, k        log-odds of being real, and of each level of each class

    ℓ_D = -log σ(s) - log k_c   of a patient,  plus  -log(1 - σ(s)) - log k_c   of a fake: a unit
    ℓ_G = -log σ(s) - log k_c   of a fake

Where this differs from the paper
    1. Numbers are scaled by their distribution and come back inside their bounds, on their own
       decimals; the paper's raw integers were cut off at 0. Missing is a state of its own.
    2. A step takes a batch. The paper's loop fed one patient whatever the batch size.
    3. Noise is σ·C. The paper's runs of 2017 had σ·C², ten thousand times less.
    4. A patient and its fake are clipped together, both heads of D as one vector, and who is in a
       step is a secret coin of each patient. So a patient moves a step by C, not 2C, as one who
       is swapped for another in a step of fixed size does.
    5. The choice among states of G costs what it costs: the plan holds it.
    6. Any table can be modelled; what is in the declared trial is an image for the convolutional
       networks. Dense ones, fed z and c side by side, are the default: they take a fraction of the
       time.
    7. An AC-GAN exaggerates what tells its classes apart. After the game G's second moments, over
       all and in each arm, are moved onto the patients' (`wardveil.networks.matching`), and each
       number gets their law in each arm (`wardveil.encode.by_class`).

Where privacy is spent
    one-way, masses, moments, choice, marginal   the anchor, as in `wardveil.models.surrogate`
    discriminator   its clipped, noisy gradient on patients: where the signal law lets it learn,
                    or where noise_multiplier was given
    generator       each choice of a state of G by the patients, where there is more than one
    G sees patients through these answers alone.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import final

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, softplus

from wardveil.encode.by_class import class_laws
from wardveil.encode.calibrate import Ranks, calibrated, calibration_rows
from wardveil.encode.condition import JOINT_LIMIT, Conditions, joint_size
from wardveil.encode.grid import Grid
from wardveil.encode.histogram import distributions, simplex
from wardveil.encode.labelled import Labelled, most_levels, split
from wardveil.encode.matrix import Block, blocks_of
from wardveil.errors import Problem, UsageError
from wardveil.models.base import Model, Moment, Rng, Watch, Weights, positive, refuse_unasked
from wardveil.models.calibration import matrix_calibration
from wardveil.models.surrogate import anchored, let_in, surrogates
from wardveil.networks.drawing import Drawing, State, restored, stored
from wardveil.networks.judge import class_judge
from wardveil.networks.matching import MATCHED_ROWS, match_moments
from wardveil.networks.trial import (
    ConvolutionalDiscriminator,
    ConvolutionalGenerator,
    DenseGenerator,
    Generator,
    Kind,
    dense_discriminator,
)
from wardveil.privacy import Budget, Choices, Gradients, Histograms, Marginals, Question
from wardveil.schema import Schema
from wardveil.schema.variable import Variable
from wardveil.schema.where import Where
from wardveil.vault import OpenVault, Part, Rows, Vault, tables_of

CHOICE_SHARE = 0.05


@final
@dataclass(frozen=True, kw_only=True)
class ACGAN(Model):
    """Auxiliary-classifier GAN for trials: ask for an arm, or for any declared condition.

    Attributes:
        network: Dense, or the paper's convolutional ones, which need a declared trial.
        noise_dim: Width of z.
        generator_hidden_dims: Hidden widths of a dense G.
        discriminator_hidden_dims: Hidden widths of a dense D.
        learning_rate: Adam's, both networks; betas are (0.5, 0.999). The paper's were 2e-5 to 2e-4
            for 500 epochs.
        batch_size: Patients in a step without privacy, or with a given noise; G sees twice as
            many fakes.
        epochs: Passes over the table then.
        clip_norm: C, the norm that the gradient of a patient and its fake is cut to.
        noise_multiplier: σ of D's steps. None, and it follows from ε. A number, and D is trained
            on patients with just this noise for `epochs` of `batch_size`, whatever the signal
            law says; the plan says what that costs and the anchor has the rest of ε.
        private_discriminator_hidden_dims: Hidden widths of D where its noise follows from ε.
        private_batch: q, share of the patients in such a step.
        private_steps: Such steps.
        learnable: Signal over noise that a step must be able to reach, or D does not see
            patients; as for the medical conditional GAN.
        anchor: Whether under privacy tables are bought and surrogate patients drawn from them.
        anchor_rows: Surrogate patients; 0 draws as many as there are patients, at least 2,000. Few
            add an error of their own to what tells arms apart (SPRINT, ε = 1, three seeds: up to
            0.8 mmHg off from 4,352, 0.6 from 20,000).
        anchor_epochs: Passes of the game over the surrogates.
        matching_steps: Steps after the game that move G's second moments onto those of the
            surrogates, or without privacy of the patients; 0 leaves G as the game made it.
        restarts: Times that everything is trained anew; each is paid for.
        checkpoints: States of G, evenly spaced in its game, that are kept of each restart.
        chosen: States that are chosen of all of these, and sampled in equal parts.
        judged_rows: Synthetic patients that teach the classifiers a state is judged by.
    """

    name = "acgan"

    network: Kind = "dense"
    noise_dim: int = 100
    generator_hidden_dims: tuple[int, ...] = (256, 512, 256)
    discriminator_hidden_dims: tuple[int, ...] = (256, 256)
    learning_rate: float = 2e-4
    batch_size: int = 100
    epochs: int = 40
    clip_norm: float = 1.0
    noise_multiplier: float | None = None
    private_discriminator_hidden_dims: tuple[int, ...] = (32,)
    private_batch: float = 0.1
    private_steps: int = 300
    learnable: float = 10.0
    anchor: bool = True
    anchor_rows: int = 20_000
    anchor_epochs: int = 1
    matching_steps: int = 1_500
    restarts: int = 1
    checkpoints: int = 1
    chosen: int = 1
    judged_rows: int = 6_000

    def __post_init__(self) -> None:
        free = ("network", "noise_multiplier", "learnable", "anchor", "anchor_rows",
                "generator_hidden_dims", "discriminator_hidden_dims", "matching_steps",
                "private_discriminator_hidden_dims")  # fmt: skip
        positive(**{k: v for k, v in vars(self).items() if k not in free})
        positive(noise_multiplier=1.0 if self.noise_multiplier is None else self.noise_multiplier)
        states = self.restarts * self.checkpoints
        if self.chosen > states:
            raise UsageError(
                Problem(
                    code="E128",
                    what=f"At most restarts × checkpoints = {states} states can be chosen, "
                    f"found {self.chosen}.",
                    where="acgan.chosen",
                    do=("Keep more checkpoints, or choose fewer.",),
                )
            )

    # -- what will be asked ------------------------------------------------------------------

    def questions(
        self, schema: Schema, n: int, budget: Budget
    ) -> tuple[Sequence[Question], Sequence[str]]:
        """See `Model.questions`. The faithful way asks histograms, gradients and choices."""
        classes, _ = split(schema)
        first: Sequence[Question] = [Histograms(tables=tables_of(schema), share=0.5)]
        if len(classes) > 1 and joint_size(classes) <= JOINT_LIMIT:
            first = [*first, Marginals(name="classes", count=1, share=0.1)]
        if budget.private and self.anchor:
            first = anchored(schema, n=n, budget=budget)
        D = self._gradients(schema, n, budget)
        asked: Sequence[Question] = (*first, D)
        remarks: Sequence[str] = ()
        if budget.private and self.noise_multiplier is None:
            asked, remarks = let_in(first, D, n=n, budget=budget, learnable=self.learnable)
        if self._choosy:
            _refuse_blind(classes)
            asked = (*asked, Choices(name="generator", count=self.chosen, share=CHOICE_SHARE))
        return asked, remarks

    @property
    def _choosy(self) -> bool:
        """Whether there are more states of G than are taken."""
        return self.restarts * self.checkpoints > self.chosen

    def _gradients(self, schema: Schema, n: int, budget: Budget) -> Gradients:
        """The question of D's training, all restarts together."""
        classes, features = split(schema)
        blocks = blocks_of(features)
        grid = self._grid(schema, blocks)
        own = not budget.private or self.noise_multiplier is not None
        with torch.device("meta"):
            D = self._discriminator(grid, blocks[-1].stop, most_levels(classes), own=own)
        batch = min(self.batch_size, n)
        return Gradients(
            name="discriminator",
            patients=n,
            batch=batch if own else min(self.private_batch, 1.0) * n,
            count=(self.epochs * (n // batch) if own else self.private_steps) * self.restarts,
            clip_norm=self.clip_norm,
            parameters=sum(p.numel() for p in D.parameters()),
            share=0.2,
            noise_multiplier=self.noise_multiplier if budget.private else None,
        )

    def _grid(self, schema: Schema, blocks: Sequence[Block]) -> Grid | None:
        """The image of a patient, if the networks look at one (E129)."""
        if self.network == "dense":
            return None
        grid = Grid(schema.trial, blocks) if schema.trial else None
        if grid is None or not grid.shape[1]:
            raise UsageError(
                Problem(
                    code="E129",
                    what="The convolutional networks look at measures × visits, and the schema "
                    "declares no such columns of numbers.",
                    where="acgan.network",
                    do=("Declare visits and measures under [trial].", "--set network=dense"),
                )
            )
        return grid

    def _discriminator(self, grid: Grid | None, d: int, classes: int, *, own: bool) -> nn.Module:
        """D as set, or the small one that noise leaves something of."""
        if own and grid is not None:
            return ConvolutionalDiscriminator(grid, 1 + classes)
        hidden = self.discriminator_hidden_dims if own else self.private_discriminator_hidden_dims
        return dense_discriminator(d, hidden, 1 + classes)

    # -- training ----------------------------------------------------------------------------

    def train(self, vault: Vault, rng: Rng, watch: Watch) -> Weights:
        """The anchor (private); then, in each restart, the game on surrogates and on patients."""
        n = vault.count()
        planned = {q.name for q in vault.lease.plan.questions}
        source, m = vault, n
        if vault.private and self.anchor:
            states = self.restarts * self.checkpoints
            faithful = replace(self, epochs=self.anchor_epochs, chosen=states)
            source = surrogates(vault, n, faithful, m=self.anchor_rows, rng=rng, watch=watch)
            m = source.count()
        drawing = Drawing(_labelled(source, m), self.noise_dim, rng.torch, rng.numpy)
        games = [source] if source is not vault else []
        games += [vault] if "discriminator" in planned else []
        kept: list[Generator] = []
        for _ in range(self.restarts):
            found = [self._generator(drawing.patients)] * self.checkpoints
            for game in games:
                found = self._play(game, drawing, found[-1], watch)
                if isinstance(game, OpenVault):
                    for G in found:
                        self._match(game.rows(), drawing, G, watch)
            kept += found
        laws = _laws(drawing.patients, source)
        if self._choosy:
            kept = self._best(vault, drawing, kept, laws)
        return stored(drawing.patients, [_calibrated(drawing, G, laws) for G in kept])

    def _generator(self, patients: Labelled) -> Generator:
        """A fresh G."""
        classes, d = sum(patients.sizes), patients.matrix.width
        grid = self._grid(patients.schema, patients.matrix.blocks)
        if grid is None:
            return DenseGenerator(self.noise_dim, classes, self.generator_hidden_dims, d).eval()
        return ConvolutionalGenerator(self.noise_dim, classes, grid).eval()

    def _play(self, vault: Vault, drawing: Drawing, G: Generator, watch: Watch) -> list[Generator]:
        """Alternate a step of D on the vault's patients and a step of G on D.

        Returns:
            Copies of G at even times, the last at the end.
        """
        patients, d = drawing.patients, drawing.patients.matrix.width
        grid, sizes = self._grid(vault.schema, patients.matrix.blocks), patients.sizes
        own = not vault.private or self.noise_multiplier is not None
        D = self._discriminator(grid, d, sum(sizes), own=own).train()
        adam = torch.optim.Adam(G.parameters(), lr=self.learning_rate, betas=(0.5, 0.999))
        adam_d = torch.optim.Adam(D.parameters(), lr=self.learning_rate, betas=(0.5, 0.999))
        loss_d = torch.zeros(1)

        def unit(rows: Tensor) -> Sequence[Part]:
            """ℓ_D of each patient and a fake of the same classes."""
            c = rows[:, d:]
            with torch.no_grad():
                fake = G(drawing.noise(len(rows)), c)

            def loss(real: Tensor, fake: Tensor) -> Tensor:
                nonlocal loss_d
                source = softplus(-real[:, 0]) + softplus(fake[:, 0])
                loss_d = source + _class_loss(real, c, sizes) + _class_loss(fake, c, sizes)
                return loss_d

            return [Part(network=D, inputs=(rows[:, :d], fake), loss=loss)]

        steps = vault.lease.plan.question("discriminator").count // self.restarts
        keep = {round((k + 1) * steps / self.checkpoints) for k in range(self.checkpoints)}
        kept: list[Generator] = []
        for t in range(steps):
            # G's batch-norm must not tie a patient's fake to who else was drawn.
            G.train(mode=not vault.private)
            _step(adam_d, D, vault.gradient(unit, patients, name="discriminator")[0])

            G.train()
            z, c = drawing.latents(2 * min(self.batch_size, vault.lease.plan.n))
            judged = D(G(z, c))
            loss_g = (softplus(-judged[:, 0]) + _class_loss(judged, c, sizes)).mean()
            adam.zero_grad()
            torch.autograd.backward(loss_g)
            adam.step()
            losses = {"discriminator": float(loss_d.detach().mean()),
                      "generator": float(loss_g.detach())}  # fmt: skip
            shown = None if vault.private else losses
            watch(Moment(phase="training", step=t + 1, steps=steps, losses=shown))
            if t + 1 in keep:
                kept.append(deepcopy(G).eval())
        return kept

    def _match(self, rows: Rows, drawing: Drawing, G: Generator, watch: Watch) -> None:
        """Second moments of G's patients onto those of the rows: what the game left over."""
        steps, d = self.matching_steps, drawing.patients.matrix.width
        owner = drawing.patients.owner
        arms = range(drawing.patients.sizes[0] - 1) if drawing.patients.sizes else ()
        ranks = Ranks(drawing.patients.matrix)

        def told(x: Tensor, c: Tensor) -> Tensor:
            """What is matched: each column, and each column in each arm but the last."""
            x = drawing.patients.matrix.softened(x)
            return torch.cat([x, c, *(x * c[:, k : k + 1] for k in arms)], dim=1)

        def produced() -> Tensor:
            z, c = drawing.latents(MATCHED_ROWS)
            return told(ranks(G(z, c)), c)

        whole = drawing.patients.encode(rows)
        match_moments(
            G, produced, told(whole[:, :d], whole[:, d:]),
            owner=torch.cat([owner, *(owner[:d] for _ in arms)]), steps=steps, lr=1e-3,
            watch=lambda k: watch(Moment(phase="matching", step=k, steps=steps)),
        )  # fmt: skip

    def _best(
        self, vault: Vault, drawing: Drawing, kept: Sequence[Generator], laws: Tensor | None
    ) -> list[Generator]:
        """The states whose patients teach best what class a real patient is of."""
        patients = drawing.patients
        drawn = [drawing.draw([_calibrated(drawing, G, laws)], self.judged_rows, {}) for G in kept]
        taught = [patients.encode(rows) for rows in drawn]
        judge = class_judge(taught, patients.matrix.width, patients.sizes)
        chosen: list[int] = []
        for _ in range(self.chosen):
            chosen.append(vault.prefer(judge, patients, without=chosen, name="generator"))
        return [kept[k] for k in chosen]

    # -- sampling ----------------------------------------------------------------------------

    def sample(self, weights: Weights, schema: Schema, n: int, where: Where, rng: Rng) -> Rows:
        """n patients whose classes are drawn from the prior, given what is asked."""
        classes, _ = split(schema)
        refuse_unasked(where, [v.name for v in classes])
        p = {v.name: weights[f"p/{v.name}"].numpy() for v in schema.variables}
        joint = weights["joint"].numpy() if "joint" in weights else None
        patients = Labelled(schema, p, joint)
        drawing = Drawing(patients, self.noise_dim, rng.torch, rng.numpy)
        return drawing.draw(restored(weights, lambda: self._generator(patients)), n, where)


def _labelled(vault: Vault, n: int) -> Labelled:
    """Layout and prior of the classes, from one-ways and the joint table of several classes."""
    p = distributions(vault.schema, vault.one_way(), n)
    joint = None
    if any(q.name == "classes" for q in vault.lease.plan.questions):
        classes, _ = split(vault.schema)
        bins = Conditions(classes, p).bins
        answer = vault.marginal(list(bins.sizes), bins, name="classes")
        joint = simplex(answer.counts.ravel(), n).reshape(answer.counts.shape) / n
    return Labelled(vault.schema, p, joint)


def _laws(patients: Labelled, source: Vault) -> Tensor | None:
    """The law of each number in each arm, where there are patients who may be looked at."""
    if not isinstance(source, OpenVault):
        return None
    d = patients.matrix.width
    whole = patients.encode(source.rows())
    return class_laws(patients.matrix, whole[:, :d], patients.first(whole[:, d:]))


def _calibrated(drawing: Drawing, G: Generator, laws: Tensor | None) -> State:
    """G and what moves its columns onto the known distributions, over all and in each arm."""
    patients, attendance = drawing.patients, drawing.patients.attendance
    m = calibration_rows(patients.matrix.width)
    c, given = patients.drawn(m, {}, drawing.numpy)
    with torch.no_grad():
        x = G(drawing.noise(m), c)

    def decoded(moved: Tensor) -> Rows:
        if attendance:
            moved = attendance.marked(moved, attendance.fitted(moved), drawing.numpy)
        return {**patients.matrix.decode(moved, drawing.numpy), **given}

    fitted = dict(matrix_calibration(patients.matrix, x, patients.schema, decoded))
    x = calibrated(patients.matrix, x, fitted)
    if attendance:
        fitted |= attendance.fitted(x)
    if laws is not None:
        found = class_laws(patients.matrix, x, patients.first(c))
        fitted |= {"class_from": found, "class_to": laws}
    return G, fitted


def _class_loss(judged: Tensor, c: Tensor, sizes: Sequence[int]) -> Tensor:
    """-log k_c, summed over the classes, (B,)."""
    total, start = judged.new_zeros(len(judged)), 0
    for size in sizes:
        mine = slice(start, start + size)
        total = total + cross_entropy(judged[:, 1:][:, mine], c[:, mine], reduction="none")
        start += size
    return total


def _step(adam: torch.optim.Adam, network: nn.Module, gradient: Mapping[str, Tensor]) -> None:
    """One optimiser step along a gradient."""
    for name, parameter in network.named_parameters():
        parameter.grad = gradient[name]
    adam.step()


def _refuse_blind(classes: Sequence[Variable]) -> None:
    """Choosing needs something to judge by (E128)."""
    if not classes:
        raise UsageError(
            Problem(
                code="E128",
                what="States are chosen by how well the class of a patient can be learnt from "
                "them, and no class is declared.",
                where="acgan.checkpoints",
                do=("Declare the arm under [trial], or condition = true, or choose all states.",),
            )
        )
