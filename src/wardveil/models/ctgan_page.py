"""The page: what CTGAN's training and sampling share, and how its columns are calibrated.

A generator with the modes and known distributions of its table. Offsets in log-odds and quantiles
of places move what it makes onto these, among the rows that keep the declared rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from wardveil.encode.calibrate import calibration_rows
from wardveil.encode.categories import Conditions
from wardveil.encode.histogram import Probabilities
from wardveil.encode.modes import Modes
from wardveil.encode.parts import joined
from wardveil.models.base import Rng, Weights
from wardveil.models.calibration import Which, among_kept, unevenness
from wardveil.networks.residual import ResidualGenerator
from wardveil.networks.spans import TOGETHER, Spans
from wardveil.schema import Schema
from wardveil.schema.where import Where, cells_asked
from wardveil.vault import Rows

Knots = dict[str, NDArray[np.float64]]
"""Number -> quantiles of its places, (KNOTS,)."""

LEAST = 1e-9
"""Smallest share of a category; its logarithm is taken."""
TIE = 1e-3
"""Scalars nearer than this are told apart at random."""
KNOTS = 1_025
"""Quantiles kept of what the generator makes of each number."""
CANDIDATES = 8
"""Rows drawn for each that is kept, where several things are asked of it."""


class Shape(Protocol):
    """The settings that a page needs."""

    @property
    def noise_dim(self) -> int:
        """Width of z."""

    @property
    def generator_hidden_dims(self) -> tuple[int, ...]:
        """Widths of the generator's blocks."""

    @property
    def condition(self) -> bool:
        """Whether the generator is told a category."""

    @property
    def calibrate(self) -> bool:
        """Whether columns are moved onto the known distributions."""

    @property
    def bfloat16(self) -> bool:
        """Whether rows are drawn with products in bfloat16."""


class Page:
    """What training and sampling share: modes, frequencies, generator, calibration."""

    def __init__(
        self, model: Shape, modes: Modes, p: Mapping[str, Probabilities], n: int,
        generator: ResidualGenerator,
    ) -> None:  # fmt: skip
        self.modes, self.p, self.generator = modes, p, generator
        self.noise_dim, self.calibrated = model.noise_dim, model.calibrate
        self.bfloat16 = model.bfloat16
        self.spans = Spans(modes.sizes)
        mass = [torch.from_numpy(np.asarray(p[v.name])) for v in modes.discrete]
        self.counts = n * torch.cat(mass) if mass else torch.zeros(0)
        self.frequent = Conditions(mass)
        self.condition_dim = modes.discrete_width if model.condition else 0
        self.shift = torch.zeros(modes.hot_width, 1)
        self.knots: Knots | None = None

    @classmethod
    def of(cls, model: Shape, modes: Modes, p: Mapping[str, Probabilities], n: int) -> "Page":
        """A fresh generator for known distributions."""
        inputs = model.noise_dim + (modes.discrete_width if model.condition else 0)
        G = ResidualGenerator(inputs, model.generator_hidden_dims, modes.width).eval()
        return cls(model, modes, p, n, G)

    @classmethod
    def restored(cls, model: Shape, schema: Schema, weights: Weights) -> "Page":
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
        """G before its last activations, (W, n); conditions by true frequency if not given.

        Products may be in bfloat16 where no gradient is asked for.
        """
        z = torch.randn(self.noise_dim, n, generator=rng.torch)
        if self.condition_dim:
            at = self.frequent.draw(n, rng.torch) if at is None else at
            cond = torch.zeros(self.condition_dim, n).scatter_(0, at[None], 1.0)
            z = torch.cat([z, cond])
        if self.bfloat16 and not torch.is_grad_enabled():
            return self.generator.rough(z, exact=len(self.modes.numbers))
        raw: Tensor = self.generator(z)
        return raw

    def chances(self, raw: Tensor) -> Tensor:
        """Chances of categories, then scalars, (W, n)."""
        hot = self.modes.hot_width
        return torch.cat([self.spans.softmax(raw[:hot] + self.shift), raw[hot:].tanh()])

    def rows(self, n: int, where: Where, rng: Rng) -> Rows:
        """n rows that keep what is asked, some at a time."""
        sizes = [min(TOGETHER, n - first) for first in range(0, n, TOGETHER)]
        parts = [self._asked(m, where, rng) if where else self._drawn(m, rng) for m in sizes]
        return joined(parts)

    def _drawn(self, n: int, rng: Rng) -> Rows:
        with torch.no_grad():
            return self._decoded(self.raw(n, rng), rng)

    def _decoded(self, raw: Tensor, rng: Rng) -> Rows:
        hot = self.modes.hot_width
        codes = self._codes(raw, self.shift, rng)
        return self.modes.decode(codes, _untied(raw[hot:], rng), self.knots)

    def _codes(self, raw: Tensor, shift: Tensor, rng: Rng) -> NDArray[np.int32]:
        """Categories and modes drawn from log-odds that are moved, (heads, n)."""
        hot = self.modes.hot_width
        drawn = [
            self.spans.draw(piece[:hot] + shift, rng.torch).int()
            for piece in torch.split(raw, TOGETHER, dim=1)
        ]
        return torch.cat(drawn, dim=1).numpy()

    def _asked(self, n: int, where: Where, rng: Rng) -> Rows:
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
            chosen = (fit + luck).topk(n).indices[torch.randperm(n, generator=rng.torch)]
            hot.masked_fill_(allowed == 0, -1e9)
            return self._decoded(raw[:, chosen], rng)

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
        raw = torch.empty(modes.width, calibration_rows(modes.width) // TOGETHER * TOGETHER)
        with torch.no_grad():
            for piece in torch.split(raw, TOGETHER, dim=1):
                piece.copy_(self.raw(TOGETHER, rng))
        scalars = _untied(raw[hot:], rng)
        masses = [self.p[v.name] for v in modes.discrete]
        masses += [x.masses(self.p[x.variable.name]) for x in modes.numbers]
        known = torch.from_numpy(np.concatenate([np.maximum(m, LEAST) for m in masses])).float()
        odds, tied, spans = self._tied(raw[:hot])

        def attempt(wanted: Tensor, among: Which) -> _Moved:
            share = wanted.new_zeros(spans.width).index_add_(0, tied, wanted)
            shift = spans.shift_to(odds, spans.normalised(share))[tied]
            codes = self._codes(raw, shift, rng)
            knots = self._knots(codes[len(modes.discrete) :, among], scalars[:, among])
            rows = modes.decode(codes, scalars, knots)
            return _Moved(
                modes=modes, codes=codes, scalars=scalars, shift=shift, knots=knots, rows=rows
            )

        found = among_kept(attempt, self.spans.normalised(known), m=raw.shape[1], schema=schema)
        self.shift, self.knots = found.shift, found.knots

    def _tied(self, raw: Tensor) -> tuple[Tensor, Tensor, Spans]:
        """Log-odds of each category, and of the normals of each number together.

        Normals of a number share one offset: their places are calibrated by quantiles, and
        offsets of their own would move rows between modes without regard to what goes with them.

        Args:
            raw: (hot_width, m) log-odds.

        Returns:
            (D, m), which of these D each category or mode belongs to, (hot_width,), and their
            groups.
        """
        modes = self.modes
        sizes = [v.size for v in modes.discrete] + [x.size - x.normals + 1 for x in modes.numbers]
        first = torch.ones(modes.hot_width, dtype=torch.int64)
        for x, start in zip(modes.numbers, modes.starts[len(modes.discrete) :], strict=True):
            first[start + 1 : start + x.normals] = 0
        tied, spans = first.cumsum(0) - 1, Spans(sizes)
        odds = raw.new_zeros(spans.width, raw.shape[1])
        for whole, piece in zip(*(torch.split(x, TOGETHER, 1) for x in (odds, raw)), strict=True):
            whole.index_add_(0, tied, self.spans.softened(piece).exp_()).log_()
        return odds, tied, spans

    def _knots(self, codes: NDArray[np.int32], scalars: NDArray[np.float64]) -> Knots:
        """Number -> quantiles of where drawn rows put it, rising."""
        found = {}
        for x, mode, scalar in zip(self.modes.numbers, codes, scalars, strict=True):
            places = np.sort(x.placed(mode, scalar)[mode < x.normals])
            places = places if len(places) else x.mixture.mean
            rising = np.quantile(places, np.linspace(0, 1, KNOTS)) + 1e-9 * np.arange(KNOTS)
            found[x.variable.name] = rising
        return found


@dataclass(frozen=True, kw_only=True)
class _Moved:
    """Columns moved by offsets and quantiles, and the rows that come of it."""

    modes: Modes
    codes: NDArray[np.int32]
    scalars: NDArray[np.float64]
    shift: Tensor
    knots: Knots
    rows: Rows

    def shares(self, among: Which) -> Tensor:
        """See `Attempt`; of categories and modes."""
        hot = torch.from_numpy(self.codes[:, among]).long() + self.modes.starts[:, None]
        count = torch.bincount(hot.flatten(), minlength=self.modes.hot_width)
        return (count + 0.5) / len(among)

    def unevenness(self, among: Which) -> float:
        """See `Attempt`."""
        gap, steps = 0.0, np.linspace(0.0, 1.0, KNOTS)
        codes = self.codes[len(self.modes.discrete) :]
        for x, mode, scalar in zip(self.modes.numbers, codes, self.scalars, strict=True):
            places = x.placed(mode[among], scalar[among])[mode[among] < x.normals]
            gap += unevenness(np.interp(places, self.knots[x.variable.name], steps))
        return gap


def _untied(raw: Tensor, rng: Rng) -> NDArray[np.float64]:
    """Scalars between -1 and 1, equal ones told apart at random.

    A tanh is ±1 in many rows, mostly those of a spike, whose scalar means nothing; where some of
    them draw a normal, quantiles would put all of them on one value.
    """
    scalars = raw.tanh().double().numpy()
    return (1 - TIE) * scalars + TIE * (2 * rng.numpy.random(scalars.shape) - 1)
