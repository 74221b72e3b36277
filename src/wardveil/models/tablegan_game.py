r"""The game of table-GAN, one step at a time.

Source
    Park, Mohammadi, Gorde, Jajodia, Park and Kim (2018), arXiv:1806.03384, Algorithm 2;
    Gulrajani et al. (2017), arXiv:1704.00028 (the penalty).

Symbols
    z         (m, noise_dim)  noise
    x, x̂      (m, d)          real and generated rows in [-1, 1]
    D         x -> score, f   critic; f are its features, what the score is linear in
    C         x -> guess      classifier: sees x with the label hidden
    λ         penalty         weight of (‖∇ D(x̃)‖ - 1)², x̃ between a real and a generated row

    ℓ_D = D(x̂) - D(x) + λ (‖∇ D(x̃)‖ - 1)²        or  -log σ(D(x)) - log(1 - σ(D(x̂)))
    ℓ_C = H(label of x, C(x))                     ℓ_D and ℓ_C together are one unit: a patient
    ℓ_G = -D(x̂) + class_weight · H(label of x̂, C(x̂)) + information_weight · information loss

A step: noise; the critic and the classifier, each by its own Adam; the generator, once or more. All
is drawn from a generator seeded with (seed, steps done). So weights, optimisers, running means and
that number are the whole state, and a game that goes on is bit for bit the one that never stopped.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from wardveil.encode.label import Label
from wardveil.encode.square import Fill, Square
from wardveil.models.bookmark import mixed, read, written
from wardveil.networks.convolution import SquareGenerator, SquareReader
from wardveil.networks.information import Running, Statistics, information_loss
from wardveil.networks.shortcut import settle
from wardveil.networks.trailing import trail
from wardveil.vault import Part, Penalty
from wardveil.vault.clipping import mean_gradient

MARGINS = {"low": 0.0, "mid": 0.1, "high": 0.2}
"""δ of each preset, of means and of standard deviations: the authors' three settings."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of the game.

    Attributes:
        noise_dim: Width of z.
        noise: What z is: normal, or uniform on (-1, 1).
        side: Of the square; 0 takes the smallest that fits.
        fill: What stands in a square after the row: zeros, or copies of it.
        channels: Of the convolutions, from the outside in. The published networks have 64, 128,
            256; a sixteenth of their work is the default.
        kernel_size: 4, or 5 as in the authors' code.
        group_norm: Whether critic and classifier normalise groups of channels.
        dropout: Share of the critic's and the classifier's units that is dropped.
        loss: "wasserstein" with penalty, or "log-odds", the original game.
        penalty: λ; 0 leaves it out.
        class_weight: Weight of the classification loss in the generator's.
        class_hinge: Whether labels are to be as easily guessed as those of real rows, and no more;
            otherwise, as in the paper, the more easily the better, and rare labels die out.
        classify_fakes: Whether the classifier learns from generated rows as well.
        information_weight: Weight of the information loss.
        preset: Margins of the information loss: low 0, mid 0.1, high 0.2. They are no guarantee.
        delta_mean: Margin of the means; None takes the preset's.
        delta_sd: Margin of the standard deviations; None takes the preset's.
        information_decay: What running means keep of themselves at each batch.
        generator_adam: Learning rate, β1 and β2 of the generator's optimiser.
        critic_adam: The same of the critic's.
        classifier_adam: The same of the classifier's.
        batch_size: m.
        epochs: Passes over the table; a step counts for m rows.
        critic_steps: Steps of critic and classifier for each step.
        generator_steps: Steps of the generator for each step; the authors' code has 2.
        averaging: What is sampled from is a running mean of the generator's weights with this
            decay; 0 takes the last weights, as the paper does.
    """

    noise_dim: int = 100
    noise: Literal["normal", "uniform"] = "normal"
    side: int = 0
    fill: Fill = "zeros"
    channels: tuple[int, ...] = (16, 32, 64)
    kernel_size: Literal[4, 5] = 4
    group_norm: bool = False
    dropout: float = 0.0
    loss: Literal["wasserstein", "log-odds"] = "wasserstein"
    penalty: float = 10.0
    class_weight: float = 1.0
    class_hinge: bool = True
    classify_fakes: bool = False
    information_weight: float = 1.0
    preset: Literal["low", "mid", "high"] = "low"
    delta_mean: float | None = None
    delta_sd: float | None = None
    information_decay: float = 0.99
    generator_adam: tuple[float, ...] = (5e-4, 0.5, 0.9)
    critic_adam: tuple[float, ...] = (5e-4, 0.5, 0.9)
    classifier_adam: tuple[float, ...] = (5e-4, 0.5, 0.9)
    batch_size: int = 64
    epochs: int = 50
    critic_steps: int = 1
    generator_steps: int = 1
    averaging: float = 0.998

    def steps(self, n: int) -> int:
        """Steps for a table of n rows."""
        return self.epochs * max(1, n // self.batch_size)

    def generator(self, width: int) -> SquareGenerator:
        """A fresh generator of rows so wide."""
        return SquareGenerator(
            Square(width, side=self.side, fill=self.fill), self.noise_dim, self.channels,
            self.kernel_size, uniform=self.noise == "uniform",
        )  # fmt: skip

    def critic(self, width: int, coins: torch.Generator | None = None) -> SquareReader:
        """A fresh critic."""
        return self._reader(width, (), 1, coins)

    def classifier(
        self, width: int, label: Label, coins: torch.Generator | None = None
    ) -> SquareReader | None:
        """A fresh classifier that does not see the label; none where there is no label."""
        if not label.columns:
            return None
        return self._reader(width, label.columns, len(label.columns), coins)

    def _reader(
        self, width: int, hidden: Sequence[int], outputs: int, coins: torch.Generator | None
    ) -> SquareReader:
        return SquareReader(
            Square(width, side=self.side, fill=self.fill, hidden=hidden), self.channels, outputs,
            kernel=self.kernel_size, group_norm=self.group_norm, dropout=self.dropout, coins=coins,
        )  # fmt: skip


class Game:
    """Generator, critic and classifier at play.

    Attributes:
        rules: The rules.
        generator: G.
        critic: D.
        classifier: C; None where no target is declared.
        label: Where the label stands.
        done: Steps done.
    """

    def __init__(
        self, rules: Rules, width: int, label: Label, seed: int, rows: Tensor | None = None,
        known: Statistics | None = None, generator: SquareGenerator | None = None,
    ) -> None:  # fmt: skip
        """A fresh game.

        Args:
            rules: The rules.
            width: d.
            label: Where the label stands.
            seed: For weights and draws.
            rows: What is played on, (n, d); without, `step` cannot be called.
            known: Statistics of the columns, (d,) each. If given, the information loss is that of
                the columns against these, instead of the critic's features of real rows.
            generator: To go on with; without, a fresh one.
        """
        self.rules, self.done = rules, 0
        self._seed, self._random, self.label, self._known = seed, torch.Generator(), label, known
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.generator = rules.generator(width) if generator is None else generator.train()
            self.critic = rules.critic(width, self._random)
            self.classifier = rules.classifier(width, label, self._random)
        self._rows = torch.empty(0, width) if rows is None else rows
        F = self.critic.last.in_features if known is None else width
        self._of_real, self._of_fake = (Running(F, rules.information_decay) for _ in range(2))
        self._paid = Running(1, rules.information_decay)
        self._mean = deepcopy(self.generator)
        given = {"G": rules.generator_adam, "D": rules.critic_adam, "C": rules.classifier_adam}
        self._adams = {
            name: torch.optim.Adam(
                network.parameters(), lr=given[name][0], betas=(given[name][1], given[name][2]),
                fused=True,
            )
            for name, network in ({"G": self.generator} | self._readers()).items()
        }  # fmt: skip

    def _readers(self) -> dict[str, nn.Module]:
        """The networks that see rows."""
        found: dict[str, nn.Module] = {"D": self.critic}
        return found if self.classifier is None else found | {"C": self.classifier}

    def step(self) -> dict[str, float]:
        """Noise, critic, classifier, generator; gradients stay on the parameters.

        Returns:
            The losses by name: what the critic scores generated rows above real ones, what the
            classifier pays on real rows, and the parts of the generator's.
        """
        self.begin()
        n, m = len(self._rows), min(self.rules.batch_size, len(self._rows))
        for _ in range(self.rules.critic_steps):
            x = self._rows[torch.randint(n, (m,), generator=self._random)]
            self.descend(mean_gradient(self.unit(x)))
        with torch.no_grad():
            score, features = self.critic(x)
            if self._known is None:
                self._of_real(features)
            told = {"critic": -float(score.mean())}
            if self.classifier is not None:
                paid = self.label.loss(self.classifier(x)[0], x)
                self._paid(paid[:, None])
                told["classifier"] = float(paid.mean())
        of_fakes = self.generator_step()
        told["critic"] += of_fakes.pop("score")
        return told | of_fakes

    def begin(self) -> None:
        """Seed the draws of the next step."""
        self._random.manual_seed(mixed(self._seed, self.done))

    def unit(self, x: Tensor, *, within: bool = True) -> list[Part]:
        """ℓ_D and ℓ_C of each row, one part a network. Fakes come of noise alone.

        Args:
            x: Rows, (B, d).
            within: Whether the penalty is part of it.
        """
        fake, penalty = self.fakes(len(x)), None
        if within and self._penalised:
            rho = torch.rand(len(x), 1, generator=self._random)
            points = torch.lerp(fake, x, rho)
            penalty = Penalty(points=points, weight=self.rules.penalty, score=_score)
        parts = [
            Part(network=self.critic, inputs=(x, fake), loss=self._critic_loss, penalty=penalty)
        ]
        if self.classifier is not None:
            shown = (x, fake) if self.rules.classify_fakes else (x,)

            def loss(*guesses: tuple[Tensor, Tensor]) -> Tensor:
                each = [
                    self.label.loss(g, rows) for (g, _), rows in zip(guesses, shown, strict=True)
                ]
                return torch.stack(each).mean(dim=0)

            parts.append(Part(network=self.classifier, inputs=shown, loss=loss))
        return parts

    @property
    def _penalised(self) -> bool:
        return self.rules.loss == "wasserstein" and self.rules.penalty > 0

    def _critic_loss(self, real: tuple[Tensor, Tensor], fake: tuple[Tensor, Tensor]) -> Tensor:
        of_real, of_fake = _score(real), _score(fake)
        if self.rules.loss == "wasserstein":
            return of_fake - of_real
        return softplus(-of_real) + softplus(of_fake)

    def descend(
        self, gradients: Sequence[Mapping[str, Tensor]], *, free_penalty: bool = False
    ) -> None:
        """Move critic and classifier along gradients, in the order of `unit`.

        Args:
            gradients: By parameter.
            free_penalty: Add the penalty between two generated rows, which costs no privacy.
        """
        readers = self._readers()
        for network in readers.values():
            network.zero_grad()
        if free_penalty and self._penalised:
            torch.autograd.backward(self._slope())
        for (name, network), gradient in zip(readers.items(), gradients, strict=True):
            for key, parameter in network.named_parameters():
                free = 0.0 if parameter.grad is None else parameter.grad
                parameter.grad = gradient[key] + free
            self._adams[name].step()

    def _slope(self) -> Tensor:
        """λ (‖∇ D‖ - 1)² between two generated rows, on average."""
        m = self.rules.batch_size
        rho = torch.rand(m, 1, generator=self._random)
        x = torch.lerp(self.fakes(m), self.fakes(m), rho).requires_grad_()
        (J,) = torch.autograd.grad(_score(self.critic(x)).sum(), x, create_graph=True)
        return self.rules.penalty * (J.norm(dim=1) - 1).square().mean()

    def generator_step(self) -> dict[str, float]:
        """The generator, against critic and classifier as they are; ends the step.

        Returns:
            The mean score of what it made, its loss, and the parts of that.
        """
        rules, readers = self.rules, self._readers().values()
        for network in readers:
            network.requires_grad_(requires_grad=False)  # its gradients are nobody's here
        self.generator.train()
        for _ in range(rules.generator_steps):
            x = self.generator(self._noise(max(2, rules.batch_size)))
            score, features = self.critic(x)
            loss = -score.mean() if rules.loss == "wasserstein" else softplus(-score).mean()
            parts = {"score": score.mean()}
            if self.classifier is not None and rules.class_weight:
                parts["consistency"] = self.label.loss(self.classifier(x)[0], x).mean()
                loss = loss + rules.class_weight * self._beyond_real(parts["consistency"])
            if rules.information_weight:
                parts["information"] = self._information(x, features)
                loss = loss + rules.information_weight * parts["information"]
            self._adams["G"].zero_grad()
            torch.autograd.backward(loss)
            self._adams["G"].step()
        for network in readers:
            network.requires_grad_()
        self.done += 1
        trail(self._mean, self.generator, decay=self.rules.averaging, done=self.done)
        return {
            name: float(value.detach()) for name, value in (parts | {"generator": loss}).items()
        }

    def _beyond_real(self, paid: Tensor) -> Tensor:
        """What the classifier pays on generated rows beyond what it pays on real ones, ()."""
        known = self.rules.class_hinge and self._paid.weight > 0  # never of patients
        return (paid - self._paid.now().mean[0]).relu() if known else paid

    def _information(self, x: Tensor, features: Tensor) -> Tensor:
        """The information loss of a generated batch."""
        rules, known = self.rules, self._known
        preset = MARGINS[rules.preset]
        real = self._of_real.now() if known is None else known
        return information_loss(
            real, self._of_fake(features if known is None else x),
            delta_mean=preset if rules.delta_mean is None else rules.delta_mean,
            delta_sd=preset if rules.delta_sd is None else rules.delta_sd,
        )  # fmt: skip

    def _noise(self, m: int) -> Tensor:
        return torch.randn(m, self.rules.noise_dim, generator=self._random)

    def fakes(self, m: int) -> Tensor:
        """m generated rows, (m, d), without a gradient."""
        with torch.no_grad():
            x: Tensor = self.generator(self._noise(max(2, m)))  # batch norm needs two
        return x[:m]

    def settled(self) -> SquareGenerator:
        """The averaged G in evaluation mode; its batch norm has the statistics of many batches."""
        found = deepcopy(self._mean)
        self._random.manual_seed(mixed(self._seed, self.done, 1))
        settle(found, self.rules.noise_dim, max(2, self.rules.batch_size), self._random)
        return found

    # -- stopping and going on ---------------------------------------------------------------

    def state(self) -> dict[str, Tensor]:
        """Everything that `restore` needs, by name: tensors, fit for safetensors."""
        numbers = torch.tensor([self._seed, self.done])
        return written(self._networks(), self._optimisers()) | {"numbers": numbers}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on where `state` was taken, from a game of the same rules on the same rows."""
        read(state, self._networks(), self._optimisers())
        self._seed, self.done = state["numbers"].tolist()

    def _networks(self) -> dict[str, nn.Module]:
        inner = {"G": self.generator, "mean": self._mean, "paid": self._paid,
                 "real": self._of_real, "fake": self._of_fake}  # fmt: skip
        return inner | self._readers()

    def _optimisers(self) -> dict[str, torch.optim.Adam]:
        return {f"adam_{name}": adam for name, adam in self._adams.items()}


def _score(output: tuple[Tensor, Tensor]) -> Tensor:
    """The critic's score of each row, (B,)."""
    return output[0].squeeze(1)
