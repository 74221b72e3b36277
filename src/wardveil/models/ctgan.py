r"""CTGAN: a conditional GAN for tables of numbers and categories.

Source
    Xu, Skoularidou, Cuesta-Infante and Veeramachaneni (2019), arXiv:1907.00503.
    Private step: Abadi et al. (2016), arXiv:1607.00133, Algorithm 1.

What stands where
    encode.modes           mode-specific normalisation (section 4.2)
    encode.categories      training-by-sampling (4.3)
    networks.residual      the networks (4.4);  networks.spans  their last activations
    models.ctgan_game      Algorithm 1, step by step
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
       one-way distributions (`calibrate`).
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

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.encode.categories import Conditions
from wardveil.encode.histogram import Probabilities, all_peaks, distributions
from wardveil.encode.modes import Modes, split, taken_apart
from wardveil.models.base import Model, Moment, Rng, Watch, Weights, positive
from wardveil.models.ctgan_game import Game, Rules
from wardveil.models.obedience import kept, ruled
from wardveil.models.surrogate import anchored, let_in, opened, surrogates
from wardveil.networks.matching import MATCHED_ROWS, match_moments
from wardveil.networks.mlp import parameters_of
from wardveil.networks.portrait import Portraits
from wardveil.networks.residual import ResidualGenerator
from wardveil.networks.spans import Spans
from wardveil.privacy import Budget, Gradients, Histograms, Question
from wardveil.schema import Schema
from wardveil.schema.where import Where, cells_asked, fit_into
from wardveil.vault import OpenVault, Part, Penalty, Rows, Vault, tables_of

MATCHED_AGAINST = 20_000
"""Rows that they are matched against, at most."""
MEAN_WEIGHT = 10.0
"""Of means against covariances (SUPPORT2 at ε = 1: `tvd2` 0.090 with it, 0.094 with 1)."""
CALIBRATION_ROWS = 10_000
TURNS = 6
"""Times that offsets are looked for, where rows that break rules are drawn again."""
BANDS = 16
"""Parts of equal mass in which the law of a number is compared."""
LEAST = 1e-9
"""Smallest share of a category; its logarithm is taken."""
MOST_BROKEN = 20
"""Rows drawn for each that keeps the rules, beyond which the kept ones say too little."""
KNOTS = 1_025
"""Quantiles kept of what the generator makes of each number."""
TOGETHER = 2_000
"""Rows made at a time; bounds memory, and fits the processor's cache."""
CANDIDATES = 8
"""Rows drawn for each that is kept, where several things are asked of it."""


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
        anchor_epochs: Passes of the game over the surrogates.
    """

    name = "ctgan"

    modes: int = 10
    matching_steps: int = 1_500
    matching_rate: float = 1e-3
    calibrate: bool = True
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
    anchor_epochs: int = 10

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
            rules = replace(self, epochs=self.anchor_epochs)
            seen = surrogates(vault, n, rules, m=self.anchor_rows, rng=rng, watch=watch)
            n = seen.count()
        page, compact = self._page(seen, n), None
        if isinstance(seen, OpenVault):
            compact = rules._play(page, seen.rows(), rng, watch)
        if "critic" in planned:
            self._play_on_patients(page, vault, rng, watch)
        if compact is not None and self.matching_steps:
            self._match(page, compact, rng, watch)
        return page.weights(vault.schema, rng)

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

    def _page(self, vault: Vault, n: int) -> "_Page":
        """Modes and frequencies from one-ways, and a generator that knows nothing yet."""
        answers = vault.one_way()
        p = distributions(vault.schema, answers, n)
        _, numbers = split(vault.schema.variables)
        taken = taken_apart(numbers, p, all_peaks(vault.schema, answers), n=n, most=self.modes)
        return _Page.of(self, Modes(vault.schema.variables, taken), p, n)

    def _begun(self, page: "_Page", rows: Rows, rng: Rng) -> Game:
        """Algorithm 1 before its first step."""
        compact = page.modes.encode(rows, rng.numpy)
        return Game(self, page.modes, page.counts, rng.seed(), compact)

    def _play(self, page: "_Page", rows: Rows, rng: Rng, watch: Watch) -> Tensor:
        """Algorithm 1; the rows as it saw them."""
        game = self._begun(page, rows, rng)
        compact = game.rows
        steps = self.steps(len(compact))
        for k in range(steps):
            losses = game.step()
            watch(Moment(phase="training", step=k + 1, steps=steps, losses=losses))
        page.generator = game.settled()
        return compact

    def _match(self, page: "_Page", compact: Tensor, rng: Rng, watch: Watch) -> None:
        """What the game left over: second moments of ranks and categories, onto the rows'."""
        steps, portraits = self.matching_steps, Portraits(page.modes, page.p)
        chosen = torch.randperm(len(compact), generator=rng.torch)[:MATCHED_AGAINST]
        pieces = torch.split(compact[chosen], TOGETHER)
        match_moments(
            page.generator,
            lambda: portraits.of(page.chances(page.raw(MATCHED_ROWS, rng))),
            torch.cat([portraits.of(page.modes.hot(piece).T) for piece in pieces]),
            steps=steps, lr=self.matching_rate, mean_weight=MEAN_WEIGHT,
            watch=lambda k: watch(Moment(phase="matching", step=k, steps=steps)),
        )  # fmt: skip

    def _play_on_patients(self, page: "_Page", vault: Vault, rng: Rng, watch: Watch) -> None:
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
        page = _Page.restored(self, schema, weights)
        parts = []
        for first in range(0, n, TOGETHER):
            m = min(TOGETHER, n - first)
            parts.append(page.asked(m, where, rng) if where else page.drawn(m, rng))
        rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return {name: fit_into(x, where[name]) if name in where else x for name, x in rows.items()}


class _Page:
    """What training and sampling share: modes, frequencies, generator, calibration."""

    def __init__(
        self, model: CTGAN, modes: Modes, p: Mapping[str, Probabilities], n: int,
        generator: ResidualGenerator,
    ) -> None:  # fmt: skip
        self.modes, self.p, self.generator = modes, p, generator
        self.noise_dim, self.calibrated = model.noise_dim, model.calibrate
        self.spans = Spans(modes.sizes)
        mass = [torch.from_numpy(np.asarray(p[v.name])) for v in modes.discrete]
        self.counts = n * torch.cat(mass) if mass else torch.zeros(0)
        self.frequent = Conditions(mass)
        self.condition_dim = modes.discrete_width if model.condition else 0
        self.shift = torch.zeros(modes.hot_width, 1)
        self.knots: dict[str, NDArray[np.float64]] | None = None

    @classmethod
    def of(cls, model: CTGAN, modes: Modes, p: Mapping[str, Probabilities], n: int) -> "_Page":
        """A fresh generator for known distributions."""
        inputs = model.noise_dim + (modes.discrete_width if model.condition else 0)
        G = ResidualGenerator(inputs, model.generator_hidden_dims, modes.width).eval()
        return cls(model, modes, p, n, G)

    @classmethod
    def restored(cls, model: CTGAN, schema: Schema, weights: Weights) -> "_Page":
        """The page that `weights` were made of."""
        p = {v.name: weights[f"p/{v.name}"].numpy() for v in schema.variables}
        page = cls.of(model, Modes.restored(schema.variables, weights), p, 1)
        stored = {k.removeprefix("G/"): w for k, w in weights.items() if k.startswith("G/")}
        page.generator.load_state_dict(stored)
        if model.calibrate:
            page.shift = weights["shift"]
            page.knots = {x.variable.name: weights[f"knots/{x.variable.name}"].numpy()
                          for x in page.modes.numbers}  # fmt: skip
        return page

    def weights(self, schema: Schema, rng: Rng) -> Weights:
        """Everything sampling needs; the generator is calibrated for it."""
        found = {f"p/{name}": torch.from_numpy(q) for name, q in self.p.items()}
        found |= {f"G/{k}": w.detach() for k, w in self.generator.state_dict().items()}
        found |= self.modes.tensors()
        if self.calibrated:
            self._calibrate(schema, rng)
            knots = self.knots or {}
            found |= {f"knots/{name}": torch.from_numpy(x) for name, x in knots.items()}
            found |= {"shift": self.shift}
        return found

    def raw(self, n: int, rng: Rng, at: Tensor | None = None) -> Tensor:
        """G before its last activations, (W, n); conditions by true frequency if not given."""
        z = torch.randn(self.noise_dim, n, generator=rng.torch)
        if self.condition_dim:
            at = self.frequent.draw(n, rng.torch) if at is None else at
            cond = torch.zeros(self.condition_dim, n).scatter_(0, at[None], 1.0)
            z = torch.cat([z, cond])
        raw: Tensor = self.generator(z)
        return raw

    def chances(self, raw: Tensor) -> Tensor:
        """Chances of categories, then scalars, (W, n)."""
        hot = self.modes.hot_width
        return torch.cat([self.spans.softmax(raw[:hot] + self.shift), raw[hot:].tanh()])

    def drawn(self, n: int, rng: Rng) -> Rows:
        """n rows."""
        with torch.no_grad():
            return self._decoded(self.raw(n, rng), rng)

    def _decoded(self, raw: Tensor, rng: Rng) -> Rows:
        hot = self.modes.hot_width
        codes = self.spans.draw(raw[:hot] + self.shift, rng.torch)
        scalars = raw[hot:].tanh().double().numpy()
        return self.modes.decode(codes.numpy().astype(np.int32), scalars, self.knots)

    def asked(self, n: int, where: Where, rng: Rng) -> Rows:
        """n rows that keep what is asked, out of `CANDIDATES` times as many.

        A candidate is kept with chance proportional to that of drawing what is asked from it;
        then it is drawn, given that it is.
        """
        m = CANDIDATES * n
        with torch.no_grad():
            raw = self.raw(m, rng, self._lit(m, where, rng))
            hot = raw[: self.modes.hot_width]
            allowed = self._allowed(raw, where)
            chance = self.spans.softmax(hot + self.shift) * allowed
            fit = self.spans.total(chance).clamp_(min=1e-12).log_().sum(dim=0)
            luck = -torch.rand(m, generator=rng.torch).clamp_(min=1e-9).log_().neg_().log_()
            kept = (fit + luck).topk(n).indices[torch.randperm(n, generator=rng.torch)]
            hot.masked_fill_(allowed == 0, -1e9)
            return self._decoded(raw[:, kept], rng)

    def _lit(self, m: int, where: Where, rng: Rng) -> Tensor | None:
        """For each of m rows one of the asked categories; None where only numbers are asked."""
        mass = [
            np.where(cells_asked(v, where[v.name]), np.maximum(self.p[v.name], 1e-9), 0.0)
            if v.name in where else None
            for v in self.modes.discrete
        ]  # fmt: skip
        if all(x is None for x in mass) or not self.condition_dim:
            return None
        starts = self.modes.starts[: len(mass)]
        asked = [k for k, x in enumerate(mass) if x is not None]
        conditions = Conditions([torch.from_numpy(mass[k]) for k in asked])
        found = conditions.draw(m, rng.torch)
        sizes = torch.tensor([self.modes.sizes[k] for k in asked])
        place = torch.cat([torch.arange(self.modes.sizes[k]) + starts[k] for k in asked])
        assert len(place) == int(sizes.sum())
        return place[found]

    def _allowed(self, raw: Tensor, where: Where) -> Tensor:
        """Which categories and modes of each row keep what is asked, (hot_width, m) 0 or 1."""
        modes, found = self.modes, torch.ones(self.modes.hot_width, raw.shape[1])
        names = [v.name for v in modes.discrete] + [x.variable.name for x in modes.numbers]
        for name, start, size in zip(names, modes.starts.tolist(), modes.sizes, strict=True):
            if name not in where:
                continue
            k = names.index(name) - len(modes.discrete)
            if k < 0:
                mask = cells_asked(modes.discrete[k + len(modes.discrete)], where[name])
                found[start : start + size] = torch.from_numpy(mask.astype(np.float32))[:, None]
            else:
                found[start : start + size] = self._inside(k, raw, where)
        return found

    def _inside(self, k: int, raw: Tensor, where: Where) -> Tensor:
        """Which modes of a number put it where it is asked, (size, m); all that know it if none."""
        number = self.modes.numbers[k]
        name, m = number.variable.name, raw.shape[1]
        mask = cells_asked(number.variable, where[name])
        scalar = np.tile(raw[self.modes.hot_width + k].tanh().double().numpy(), number.size)
        mode = np.repeat(np.arange(number.size, dtype=np.int32), m)
        values = number.values(mode, scalar, self.knots[name] if self.knots else None)
        good = mask[number.variable.cell(values)].reshape(number.size, m)
        known = np.arange(number.size) < number.size - number.variable.nullable
        good |= known[:, None] & ~good.any(axis=0)
        return torch.from_numpy(good.astype(np.float32))

    def rarity(self, most: float) -> Tensor:
        """Weight of a patient by its condition: log-frequency over frequency, (C,)."""
        sizes = [v.size for v in self.modes.discrete]
        parts = []
        for count in torch.split(self.counts, sizes):
            log = count.log1p()
            parts.append((log / log.sum()) / (count / count.sum()).clamp(min=1e-9))
        return torch.cat(parts).clamp(max=most).float() if parts else torch.zeros(0)

    def _calibrate(self, schema: Schema, rng: Rng) -> None:
        """Offsets in log-odds, and quantiles of what G makes of each number.

        Rows that break a rule are drawn again, and that changes every column's law: offsets and
        quantiles are sought that make the law of the kept rows the known one.
        """
        modes, hot = self.modes, self.modes.hot_width
        pieces = range(CALIBRATION_ROWS // TOGETHER)
        with torch.no_grad():
            raw = torch.cat([self.raw(TOGETHER, rng) for _ in pieces], dim=1)
        scalars = raw[hot:].tanh().double().numpy()
        masses = [self.p[v.name] for v in modes.discrete]
        masses += [x.masses(self.p[x.variable.name]) for x in modes.numbers]
        known = torch.from_numpy(np.concatenate([np.maximum(m, LEAST) for m in masses])).float()
        wanted, good = known, np.arange(raw.shape[1])
        best, least = (self.shift, self.knots), np.inf
        for _ in range(TURNS):
            self.shift = self._shift_to(raw[:hot], wanted)
            codes = self.spans.draw(raw[:hot] + self.shift, rng.torch).numpy().astype(np.int32)
            self.knots = self._knots(codes[len(modes.discrete) :, good], scalars[:, good])
            if not ruled(schema):
                return
            _, good = kept(modes.decode(codes, scalars, self.knots), schema, {})
            if len(good) < raw.shape[1] / MOST_BROKEN:
                break
            if (gap := self._gap(codes[:, good], scalars[:, good], known)) < least:
                best, least = (self.shift, self.knots), gap
            wanted = known * self._shares(codes) / self._shares(codes[:, good])

        if np.isfinite(least):
            self.shift, self.knots = best

    def _gap(self, codes: NDArray[np.int32], scalars: NDArray[np.float64], known: Tensor) -> float:
        """How far the laws of some rows are from the known ones, Σ TVD over variables."""
        modes, spans = self.modes, self.spans
        wanted = known / spans.spread(spans.total(known[:, None]))[:, 0]
        gap = 0.5 * float((self._shares(codes) - wanted).abs().sum())
        parts = zip(modes.numbers, codes[len(modes.discrete) :], scalars, strict=True)
        knots = self.knots or {}
        for x, mode, scalar in parts:
            places = x.placed(mode, scalar)[mode < x.normals]
            edges = knots[x.variable.name][:: KNOTS // BANDS]
            share = np.histogram(places, edges)[0] / max(len(places), 1)
            gap += 0.5 * float(np.abs(share - 1 / BANDS).sum())
        return gap

    def _shift_to(self, raw: Tensor, wanted: Tensor) -> Tensor:
        """Offsets that give each category, and the normals of each number together, their share.

        Normals of a number share one offset: their places are calibrated by quantiles, and
        offsets of their own would move rows between modes without regard to what goes with them.

        Args:
            raw: (hot_width, m) log-odds.
            wanted: (hot_width,) shares, not normalised.

        Returns:
            (hot_width, 1).
        """
        modes = self.modes
        sizes = [v.size for v in modes.discrete] + [x.size - x.normals + 1 for x in modes.numbers]
        first = torch.ones(modes.hot_width, dtype=torch.int64)
        for x, start in zip(modes.numbers, modes.starts[len(modes.discrete) :], strict=True):
            first[start + 1 : start + x.normals] = 0
        tied, spans = first.cumsum(0) - 1, Spans(sizes)
        odds = raw.new_zeros(spans.width, raw.shape[1])
        odds.index_add_(0, tied, self.spans.softened(raw).exp()).log_()
        share = wanted.new_zeros(spans.width).index_add_(0, tied, wanted)
        share /= spans.spread(spans.total(share[:, None]))[:, 0]
        return spans.shift_to(odds, share)[tied]

    def _shares(self, codes: NDArray[np.int32]) -> Tensor:
        """How many rows have each category and mode, and half a row more, as a share."""
        hot = torch.from_numpy(codes).long() + self.modes.starts[:, None]
        count = torch.bincount(hot.flatten(), minlength=self.modes.hot_width)
        return (count + 0.5) / codes.shape[1]

    def _knots(
        self, codes: NDArray[np.int32], scalars: NDArray[np.float64]
    ) -> dict[str, NDArray[np.float64]]:
        """Number -> quantiles of where drawn rows put it, rising."""
        found = {}
        for x, mode, scalar in zip(self.modes.numbers, codes, scalars, strict=True):
            places = np.sort(x.placed(mode, scalar)[mode < x.normals])
            places = places if len(places) else x.mixture.mean
            rising = np.quantile(places, np.linspace(0, 1, KNOTS)) + 1e-9 * np.arange(KNOTS)
            found[x.variable.name] = rising
        return found
