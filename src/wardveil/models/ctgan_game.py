"""CTGAN's game: Algorithm 1 of the paper, one step at a time, on rows that may be seen.

Source
    Xu, Skoularidou, Cuesta-Infante and Veeramachaneni (2019), arXiv:1907.00503, Algorithm 1.
    Lin, Khetan, Fanti and Oh (2018), arXiv:1712.04086 (packs); Gulrajani et al. (2017),
    arXiv:1704.00028 (the penalty).

Symbols
    m, pac   batch_size, pac         rows of a batch; rows the critic sees together
    cond     (m, C) one 1            the category each row is asked for
    z        (m, noise_dim)          standard normal
    r, r̂     (m, W)                  real and generated rows: categories, then scalars
    λ        penalty                 weight of (‖∇ critic(r̃)‖ - 1)²

A step draws everything from a generator seeded with (seed, steps done). So weights, optimisers and
that number are the whole state, and a game that goes on is bit for bit the one that never stopped.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from wardveil.encode.categories import Conditions, Index
from wardveil.encode.modes import Modes
from wardveil.models.bookmark import mixed, read, written
from wardveil.networks.critic import Loss, critic_gradient, critic_mlp
from wardveil.networks.residual import ResidualGenerator
from wardveil.networks.spans import Spans
from wardveil.networks.trailing import trail

SETTLING: Final = 20
"""Batches whose statistics are averaged when the generator is taken out."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of the game; defaults are the paper's unless said otherwise.

    Attributes:
        noise_dim: Width of z.
        generator_hidden_dims: Widths of the residual blocks.
        critic_hidden_dims: Widths of the critic's layers.
        dropout: Share of the critic's units dropped.
        learning_rate: Adam's, both networks; betas are (0.5, 0.9).
        generator_decay: L2 of the generator's weights.
        critic_decay: L2 of the critic's weights.
        batch_size: m; rounded to whole packs.
        epochs: Passes over the table; a step counts for m rows.
        critic_steps: Critic steps for each of the generator's.
        pac: Rows the critic sees together.
        loss: "wasserstein" with gradient penalty, or "log-odds", the original game.
        penalty: λ; 0 leaves it out.
        temperature: Of the Gumbel-softmax.
        condition: Whether rows are asked for by category.
        by_sampling: Whether categories are drawn first and rows then; otherwise rows are drawn
            uniformly and each is asked for by a category it has.
        log_frequency: Whether categories are drawn by the logarithm of their frequency.
        averaging: What is sampled from is a running mean of the generator's weights with this
            decay; 0 takes the last weights, as the paper does.
    """

    noise_dim: int = 128
    generator_hidden_dims: tuple[int, ...] = (256, 256)
    critic_hidden_dims: tuple[int, ...] = (256, 256)
    dropout: float = 0.5
    learning_rate: float = 2e-4
    generator_decay: float = 1e-6
    critic_decay: float = 0.0
    batch_size: int = 500
    epochs: int = 300
    critic_steps: int = 1
    pac: int = 10
    loss: Loss = "wasserstein"
    penalty: float = 10.0
    temperature: float = 0.2
    condition: bool = True
    by_sampling: bool = True
    log_frequency: bool = True
    averaging: float = 0.999

    @property
    def rows(self) -> int:
        """m in whole packs, at least one, and two rows at least for batch norm."""
        packs = max(1, self.batch_size // self.pac)
        return self.pac * (max(2, packs) if self.pac == 1 else packs)

    def steps(self, n: int) -> int:
        """Steps for a table of n rows."""
        return self.epochs * max(1, n // self.rows)


class Game:
    """Generator and critic at play.

    Attributes:
        rules: The rules.
        modes: How rows are written.
        generator: G.
        critic: C.
        rows: What is played on, as `modes.encode` gives it; empty where none may be seen.
        done: Steps done.
    """

    def __init__(
        self, rules: Rules, modes: Modes, counts: Tensor, seed: int, compact: Tensor | None = None
    ) -> None:
        """A fresh game.

        Args:
            rules: The rules.
            modes: How rows are written.
            counts: Patients of each category of discrete variables, (C,), as far as known.
            seed: For weights and draws.
            compact: The rows, as `modes.encode` gives them; without, `step` cannot be called.
        """
        self.rules, self.modes, self.done = rules, modes, 0
        self._seed, self._random = seed, torch.Generator()
        self._spans = Spans(modes.sizes)
        self.asked = bool(rules.condition and modes.discrete)
        sizes = [v.size for v in modes.discrete]
        C = sum(sizes) if self.asked else 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.generator = ResidualGenerator(
                rules.noise_dim + C, rules.generator_hidden_dims, modes.width
            )
            self.critic = critic_mlp(
                rules.pac * (modes.width + C), rules.critic_hidden_dims, rules.dropout,
                self._random,
            )  # fmt: skip
        self._shown = torch.empty(3, rules.rows, modes.width + C)
        self._free = (torch.arange(modes.width + C) < modes.width).float().repeat(rules.pac)
        self._mean = deepcopy(self.generator)
        self._adam_g = self._adam(self.generator, rules.generator_decay)
        self._adam_c = self._adam(self.critic, rules.critic_decay)
        flat = rules.log_frequency and rules.by_sampling
        self._conditions = Conditions(torch.split(counts.log1p() if flat else counts, sizes))
        self.rows = torch.empty(0) if compact is None else compact
        if compact is not None:
            self._index = Index(compact[:, : len(sizes)], sizes)

    def _adam(self, network: nn.Module, decay: float) -> torch.optim.Adam:
        return torch.optim.Adam(
            network.parameters(), lr=self.rules.learning_rate, betas=(0.5, 0.9),
            weight_decay=decay, fused=True,
        )  # fmt: skip

    def step(self) -> dict[str, float]:
        """Algorithm 1 once; gradients stay on the parameters.

        Returns:
            The losses of critic and generator, and the penalty within the critic's.
        """
        self.begin()
        for _ in range(self.rules.critic_steps):
            loss_c, penalty = self._critic_step()
        loss_g = self.generator_step()
        found = {"critic": loss_c, "penalty": penalty, "generator": loss_g}
        return {name: float(value.detach()) for name, value in found.items()}

    def begin(self) -> None:
        """Seed the draws of the next step."""
        self._random.manual_seed(mixed(self._seed, self.done))

    def _critic_step(self) -> tuple[Tensor, Tensor]:
        """Lines 1 to 13."""
        rules = self.rules
        cond, real = self._batch()  # lines 1, 2 and 5
        x, W = self._shown, self.modes.width
        x[0, :, :W], x[1, :, :W] = self.fakes(cond), real  # lines 3 and 4
        x[:, :, W:] = cond
        x = x.view(3, rules.rows // rules.pac, -1)  # lines 6 to 8
        rho = torch.rand(x.shape[1], 1, generator=self._random)  # line 10
        torch.lerp(x[1], x[0], rho, out=x[2])  # line 11
        found = critic_gradient(  # lines 9 and 12
            self.critic, x, loss=rules.loss, weight=rules.penalty, free=self._free
        )
        for parameter, gradient in zip(self.critic.parameters(), found.gradient, strict=True):
            parameter.grad = gradient
        self._adam_c.step()  # line 13
        return found.loss + found.penalty, found.penalty

    def descend(self, gradient: Mapping[str, Tensor], *, free_penalty: bool) -> None:
        """Move the critic along a gradient that came from elsewhere.

        Args:
            gradient: By parameter.
            free_penalty: Add the penalty between two generated rows, which costs no privacy.
        """
        self._adam_c.zero_grad()
        if free_penalty and self.rules.penalty:
            torch.autograd.backward(self._slope())
        for name, parameter in self.critic.named_parameters():
            free = 0.0 if parameter.grad is None else parameter.grad
            parameter.grad = gradient[name] + free
        self._adam_c.step()

    def _slope(self) -> Tensor:
        """λ (‖∇ C‖ - 1)² between two generated rows of the same condition, on average."""
        cond = self.hot(self.conditions(self.rules.rows))
        rho = torch.rand(len(cond), 1, generator=self._random)
        x = torch.lerp(self.fakes(cond), self.fakes(cond), rho).requires_grad_()
        (J,) = torch.autograd.grad(self.critic(self.seen(x, cond)).sum(), x, create_graph=True)
        norm = J.reshape(len(J) // self.rules.pac, -1).norm(dim=1)
        return self.rules.penalty * (norm - 1).square().mean()

    def generator_step(self) -> Tensor:
        """Lines 14 to 16; ends the step."""
        at = self.conditions(self.rules.rows)
        cond = self.hot(at)
        raw = self._raw(cond)
        self.critic.requires_grad_(requires_grad=False)  # its gradients are nobody's here
        score = self.critic(self.seen(self._activated(raw).T, cond))
        self.critic.requires_grad_(requires_grad=True)
        loss = -score.mean() if self.rules.loss == "wasserstein" else softplus(-score).mean()
        if self.asked:
            loss = loss + self._spans.cross_entropy(raw[: self.modes.hot_width], at).mean()
        self._adam_g.zero_grad()
        torch.autograd.backward(loss)
        self._adam_g.step()
        self.done += 1
        trail(self._mean, self.generator, decay=self.rules.averaging, done=self.done)
        return loss

    def _batch(self) -> tuple[Tensor, Tensor]:
        """Conditions, (m, C), and real rows that keep them, (m, W)."""
        m = self.rules.rows
        if self.asked and self.rules.by_sampling:
            at = self.conditions(m)
            chosen = self._index.rows(at, self._random)
        else:
            chosen = torch.randint(len(self.rows), (m,), generator=self._random)
            at = self.read(self.rows[chosen])
        return self.hot(at), self.modes.hot(self.rows[chosen])

    def conditions(self, m: int) -> Tensor:
        """m categories to ask for, as positions; (m,)."""
        if not self.asked:
            return torch.zeros(m, dtype=torch.int64)
        return self._conditions.draw(m, self._random)

    def read(self, compact: Tensor) -> Tensor:
        """For each row one of the categories that it has, as a position; (m,)."""
        m = len(compact)
        if not self.asked:
            return torch.zeros(m, dtype=torch.int64)
        k = torch.randint(len(self.modes.discrete), (m,), generator=self._random)
        return self.modes.starts[k] + compact[torch.arange(m), k].long()

    def hot(self, at: Tensor) -> Tensor:
        """Condition vectors of categories, (m, C); of width 0 where none are asked for."""
        if not self.asked:
            return torch.empty(len(at), 0)
        return torch.zeros(len(at), self.modes.discrete_width).scatter_(1, at[:, None], 1.0)

    def fakes(self, cond: Tensor) -> Tensor:
        """Generated rows as the critic reads them, (m, W), without a gradient."""
        with torch.no_grad():
            return self._activated(self._raw(cond)).T

    def _raw(self, cond: Tensor) -> Tensor:
        """G before its last activations, (W, m)."""
        z = torch.randn(self.rules.noise_dim, len(cond), generator=self._random)
        raw: Tensor = self.generator(torch.cat([z, cond.T]))
        return raw

    def _activated(self, raw: Tensor) -> Tensor:
        """Gumbel-softmax of categories, tanh of scalars; (W, m)."""
        hot = self.modes.hot_width
        soft = self._spans.gumbel_softmax(raw[:hot], self.rules.temperature, self._random)
        return torch.cat([soft, raw[hot:].tanh()])

    def seen(self, x: Tensor, cond: Tensor) -> Tensor:
        """Rows and their conditions as the critic reads them, (m, d) -> (m / pac, pac · d)."""
        return torch.cat([x, cond], 1).reshape(len(x) // self.rules.pac, -1)

    def settled(self) -> ResidualGenerator:
        """The averaged generator in evaluation mode; its statistics are those of many batches."""
        found = deepcopy(self._mean).train()
        self._random.manual_seed(mixed(self._seed, self.done, 1))
        plain, self.generator = self.generator, found
        with torch.no_grad():
            for k in range(SETTLING):
                found.momentum = 1 / (k + 1)  # a plain mean of all batches
                self._raw(self.hot(self.conditions(self.rules.rows)))
        self.generator = plain
        return found.eval()

    # -- stopping and going on -------------------------------------------------------------

    def state(self) -> dict[str, Tensor]:
        """Everything that `restore` needs, by name: tensors, fit for safetensors."""
        numbers = {"done": torch.tensor(self.done), "seed": torch.tensor(self._seed)}
        return written(self._networks(), self._adams()) | numbers

    def restore(self, state: dict[str, Tensor]) -> None:
        """Go on where `state` was taken, from a game of the same rules on the same rows."""
        read(state, self._networks(), self._adams())
        self.done, self._seed = int(state["done"]), int(state["seed"])

    def _networks(self) -> dict[str, nn.Module]:
        return {"generator": self.generator, "critic": self.critic, "mean": self._mean}

    def _adams(self) -> dict[str, torch.optim.Adam]:
        return {"adam_g": self._adam_g, "adam_c": self._adam_c}
