r"""The game of medGAN, one step at a time, on rows that may be seen.

Source
    Choi, Biswal, Malin, Duke, Stewart and Sun (2017), arXiv:1703.06490, Algorithm 1.

Symbols
    x    (m, W)  records: flags, counts, or a mixed table in [0, 1]
    z    (m, random_dim)  standard normal
    Enc, Dec     the autoencoder; Dec ends in σ (flags) or ReLU (counts)
    G    z -> embedding;  a patient is x_z = Dec(G(z))
    D    x, x̄ -> log-odds, x̄ the mean of the batch that x is in
    first phase   ℓ = -Σ x log x' + (1 - x) log(1 - x'), or Σ (x - x')²,   x' = Dec(Enc(x))
    second phase  ℓ_D = -log σ(D(x, x̄)) - log(1 - σ(D(x_z, x̄_z)))       discriminator_steps times
                  ℓ_G = -log σ(D(x_z, x̄_z)), for G and Dec

A step draws everything from a generator seeded with (seed, phase, steps done). So weights,
optimisers and these numbers are the whole state, and a game that goes on is bit for bit the one
that never stopped.

Memory: the compact rows (1 or 2 bytes a cell), weights and Adam's moments three times over, and
per step 3 m W floats.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from wardveil.encode.records import DataType, Records
from wardveil.models.bookmark import mixed, read, written
from wardveil.networks.autoencoder import (
    INNER,
    Autoencoder,
    Output,
    activated,
    reconstruction,
)
from wardveil.networks.averaging import AveragingDiscriminator
from wardveil.networks.shortcut import ShortcutGenerator, settle

PRETRAINING, PLAYING, SPLITTING, SETTLING = range(4)
"""What draws are for; part of their seed."""
TIDYING: Final = 20
"""Steps between two looks for numbers too small to matter."""
TINY: Final = 1e-25
TOGETHER: Final = 4_096
"""Rows whose losses are looked at together, outside the steps."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of the game; defaults are the paper's and its code's.

    Attributes:
        data_type: What the columns are: binary (flags), count (whole numbers from 0, and flags),
            mixed (anything); auto takes the first that fits the schema.
        random_dim: Width of z.
        embedding_dim: Width of what G makes and Dec reads.
        generator_dims: Widths of G's hidden blocks.
        discriminator_dims: Hidden widths of D.
        compress_dims: Hidden widths of Enc.
        decompress_dims: Hidden widths of Dec.
        bn_decay: What the running means of batch norm keep of themselves at each batch.
        l2_scale: L2 of every weight in every objective.
        learning_rate: Adam's, everywhere.
        pretrain_epochs: Passes of the autoencoder over the table; 0 leaves the first phase out.
        pretrain_batch_size: Rows of its batches.
        epochs: Passes of G: a step counts for batch_size rows, and D sees discriminator_steps
            batches in it.
        batch_size: m.
        discriminator_steps: Steps of D for each of G's.
        averaging: Whether D sees the mean of the batch.
        batch_norm: Whether G's blocks are normalised.
        shortcuts: Whether the input of G's blocks is added to their output.
        validation: Share of the rows that is never trained on and that progress is told of.
    """

    data_type: DataType = "auto"
    random_dim: int = 128
    embedding_dim: int = 128
    generator_dims: tuple[int, ...] = (128, 128)
    discriminator_dims: tuple[int, ...] = (256, 128)
    compress_dims: tuple[int, ...] = ()
    decompress_dims: tuple[int, ...] = ()
    bn_decay: float = 0.99
    l2_scale: float = 1e-3
    learning_rate: float = 1e-3
    pretrain_epochs: int = 100
    pretrain_batch_size: int = 100
    epochs: int = 1_000
    batch_size: int = 1_000
    discriminator_steps: int = 2
    averaging: bool = True
    batch_norm: bool = True
    shortcuts: bool = True
    validation: float = 0.1


def networks_of(rules: Rules, records: Records) -> tuple[Autoencoder, ShortcutGenerator]:
    """Autoencoder and G of these rules, with fresh weights from the global generator."""
    output: Output = "counts" if records.kind == "count" else "odds"
    A = Autoencoder(
        records.width, compress=rules.compress_dims, embedding=rules.embedding_dim,
        decompress=rules.decompress_dims, output=output,
    )  # fmt: skip
    G = ShortcutGenerator(
        rules.random_dim, rules.generator_dims, rules.embedding_dim, last=INNER[output],
        decay=rules.bn_decay, batch_norm=rules.batch_norm, shortcuts=rules.shortcuts,
    )  # fmt: skip
    return A, G


class Game:
    """Autoencoder, generator and discriminator.

    Attributes:
        rules: The rules.
        records: How rows are written.
        autoencoder: Enc and Dec; Dec is in the generator's path.
        generator: G.
        discriminator: D.
        pretrained: Steps of the first phase done.
        done: Steps of the second phase done.
    """

    def __init__(
        self,
        rules: Rules,
        records: Records,
        seed: int,
        compact: Tensor | None = None,
        *,
        nobodys: bool = False,
    ) -> None:
        """A fresh game.

        Args:
            rules: The rules.
            records: How rows are written.
            seed: For weights and draws.
            compact: The rows, as `records.encode` gives them; without, no step on rows is there.
            nobodys: Whether the rows are surrogates, about nobody.
        """
        self.rules, self.records = rules, records
        self.pretrained = self.done = 0
        self._seed, self._random, self._nobodys = seed, torch.Generator(), nobodys
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.autoencoder, self.generator = networks_of(rules, records)
            self.discriminator = AveragingDiscriminator(
                records.width, rules.discriminator_dims, averages=rules.averaging
            )
        self._adam_a = self._adam(self.autoencoder)
        self._adam_g = self._adam(self.generator, self.autoencoder.decoder)
        self._adam_d = self._adam(self.discriminator)
        self._shuffle: tuple[tuple[int, ...], Tensor] = ((), torch.empty(0))
        self._rows = torch.empty(0, records.width) if compact is None else compact
        self._split()

    def _split(self) -> None:
        """Which rows are kept apart: a function of the seed."""
        order = self._order(len(self._rows), SPLITTING)
        apart = int(self.rules.validation * len(self._rows))
        self.held, self._trained = order[:apart], order[apart:]

    def _adam(self, *networks: nn.Module) -> torch.optim.Adam:
        own = [p for network in networks for p in network.parameters()]
        rules = self.rules
        return torch.optim.Adam(
            own, lr=rules.learning_rate, weight_decay=rules.l2_scale, fused=True
        )

    # -- which rows, and how many steps ------------------------------------------------------

    @property
    def steps(self) -> tuple[int, int]:
        """Steps of an epoch, in the first phase and in the second."""
        return self._batches(self.rules.pretrain_batch_size), self._batches(self.rules.batch_size)

    def _batches(self, size: int) -> int:
        return max(1, -(-len(self._trained) // size))

    def _batch(self, k: int, size: int, phase: int) -> Tensor:
        """The k-th batch of a phase: a window of a fresh shuffle each pass, (about size, W)."""
        parts, n = self._batches(size), len(self._trained)
        order, at = self._order(n, phase, k // parts), k % parts
        window = order[at * n // parts : (at + 1) * n // parts]
        return self.records.dense(self._rows[self._trained[window]])

    def _order(self, n: int, *what: int) -> Tensor:
        """A shuffle of n rows; the last one is kept, for a pass takes many batches of it."""
        key = (self._seed, *what)
        if self._shuffle[0] != key:
            random = torch.Generator().manual_seed(mixed(*key))
            self._shuffle = key, torch.randperm(n, generator=random)
        return self._shuffle[1]

    # -- steps -------------------------------------------------------------------------------

    def pretrain_step(self) -> dict[str, float]:
        """The autoencoder on one batch.

        Returns:
            Its loss; at the end of an epoch that on the rows kept apart, too.
        """
        A = self.autoencoder
        A.saw_rows = A.saw_rows or not self._nobodys
        x = self._batch(self.pretrained, self.rules.pretrain_batch_size, PRETRAINING)
        loss = reconstruction(A(x), x, A.output).mean()
        self._adam_a.zero_grad()
        torch.autograd.backward(loss)
        self._adam_a.step()
        self.pretrained += 1
        self._tidy(self.pretrained, self._adam_a)
        found = {"reconstruction": float(loss.detach())}
        if self.pretrained % self.steps[0] == 0 and len(self.held):
            found["validation"] = self.validation_loss()
        return found

    def validation_loss(self) -> float:
        """Mean reconstruction loss of the rows kept apart."""
        total = 0.0
        with torch.no_grad():
            for part in torch.split(self.held, TOGETHER):
                x = self.records.dense(self._rows[part])
                loss = reconstruction(self.autoencoder(x), x, self.autoencoder.output)
                total += float(loss.sum())
        return total / len(self.held)

    def step(self) -> dict[str, float]:
        """D a few times, then G and Dec once; gradients stay on the parameters.

        Returns:
            The losses; at the end of an epoch D's accuracy and AUC on rows kept apart, too.
        """
        rules = self.rules
        for j in range(rules.discriminator_steps):
            k = self.done * rules.discriminator_steps + j
            x = self._batch(k, rules.batch_size, PLAYING)
            self.begin(k)
            self._adam_d.zero_grad()
            loss_d = self._discriminator_loss(x, self.fakes(len(x)))
            torch.autograd.backward(loss_d)
            self._adam_d.step()
        loss_g = self.generator_step()
        self._tidy(self.done, self._adam_d, self._adam_g)
        found = {"discriminator": float(loss_d.detach()), "generator": float(loss_g)}
        if self.done % self.steps[1] == 0 and len(self.held):
            found |= self.discrimination()
        return found

    def begin(self, k: int) -> None:
        """Seed the draws of D's k-th step."""
        self._random.manual_seed(mixed(self._seed, PLAYING, k, 1))

    def _discriminator_loss(self, x: Tensor, fake: Tensor) -> Tensor:
        D = self.discriminator
        return softplus(-D.scores(x)).mean() + softplus(D.scores(fake)).mean()

    def generator_step(self) -> Tensor:
        """G and Dec against D, whose weights stay; ends the step."""
        D = self.discriminator.requires_grad_(requires_grad=False)
        self.generator.train()
        loss = softplus(-D.scores(activated(self.drawn(self._m), self._output))).mean()
        D.requires_grad_()
        self._adam_g.zero_grad()
        torch.autograd.backward(loss)
        self._adam_g.step()
        self.done += 1
        return loss.detach()

    def _tidy(self, step: int, *adams: torch.optim.Adam) -> None:
        """Make what is next to nothing nothing, every `TIDYING` steps.

        L2 shrinks the weights of units that never fire below 1e-38, where processors count many
        times slower: a step took four times as long after a thousand.
        """
        if step % TIDYING:
            return
        for adam in adams:
            for parameter, slots in adam.state.items():
                for x in (parameter.detach(), slots["exp_avg"], slots["exp_avg_sq"]):
                    x.masked_fill_(x.abs() < TINY, 0.0)

    @property
    def _m(self) -> int:
        """Rows of G's batches; batch norm needs two."""
        return max(2, self.rules.batch_size)

    @property
    def _output(self) -> Output:
        return self.autoencoder.output

    def drawn(self, n: int) -> Tensor:
        """Dec(G(z)) of n fresh z, before the last activation, (n, W)."""
        z = torch.randn(n, self.rules.random_dim, generator=self._random)
        y: Tensor = self.autoencoder.decoder(self.generator(z))
        return y

    def fakes(self, n: int) -> Tensor:
        """n generated patients, as D sees them, without a gradient; G's means are its own."""
        self.generator.eval()
        with torch.no_grad():
            return activated(self.drawn(n), self._output)

    def descend(self, gradient: Mapping[str, Tensor]) -> None:
        """Move D along a gradient that came from elsewhere."""
        _follow(self._adam_d, self.discriminator, gradient)

    def descend_autoencoder(self, gradient: Mapping[str, Tensor], *, only_decoder: bool) -> None:
        """The same with the autoencoder, or with its decoder."""
        self._adam_a.zero_grad()
        A = self.autoencoder
        _follow(self._adam_a, A.decoder if only_decoder else A, gradient)

    def discrimination(self) -> dict[str, float]:
        """Accuracy and AUC of D, on the rows kept apart and as many fakes."""
        D, n = self.discriminator, min(len(self.held), TOGETHER)
        with torch.no_grad():
            real = D.scores(self.records.dense(self._rows[self.held[:n]])).squeeze(1)
            fake = D.scores(self.fakes(n)).squeeze(1)
        right = (real > 0).sum() + (fake <= 0).sum()
        below = torch.searchsorted(fake.sort().values, real)
        upto = torch.searchsorted(fake.sort().values, real, right=True)
        return {
            "accuracy": float(right) / (2 * n),
            "auc": float((below + upto).double().mean()) / (2 * n),
        }

    def settled(self) -> nn.Sequential:
        """z -> Dec(G(z)) in evaluation mode; batch norm has the statistics of many batches."""
        found = nn.Sequential(deepcopy(self.generator), deepcopy(self.autoencoder.decoder))
        self._random.manual_seed(mixed(self._seed, SETTLING, self.done))
        settle(found, self.rules.random_dim, self._m, self._random)
        return found

    def adopt(self, network: nn.Sequential) -> None:
        """Take over the weights of G and Dec that `settled` gave, and others then changed."""
        self.generator.load_state_dict(network[0].state_dict())
        self.autoencoder.decoder.load_state_dict(network[1].state_dict())

    def anew(self, rules: Rules, seed: int) -> "Game":
        """A game with these networks and a fresh D, without rows: D learns from elsewhere."""
        found = Game(rules, self.records, seed)
        found.generator.load_state_dict(self.generator.state_dict())
        found.autoencoder.load_state_dict(self.autoencoder.state_dict())
        found.autoencoder.saw_rows = self.autoencoder.saw_rows
        return found

    def some_rows(self, most: int) -> Tensor:
        """At most so many of the rows trained on, (n, W)."""
        return self.records.dense(self._rows[self._trained[:most]])

    # -- stopping and going on ---------------------------------------------------------------

    def state(self) -> dict[str, Tensor]:
        """Everything that `restore` needs, by name: tensors, fit for safetensors."""
        numbers = [self._seed, self.pretrained, self.done, int(self.autoencoder.saw_rows)]
        return written(self._networks(), self._adams()) | {"numbers": torch.tensor(numbers)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go on where `state` was taken, from a game of the same rules on the same rows."""
        read(state, self._networks(), self._adams())
        self._seed, self.pretrained, self.done, saw = state["numbers"].tolist()
        self.autoencoder.saw_rows = bool(saw)
        self._split()

    def _networks(self) -> dict[str, nn.Module]:
        return {"A": self.autoencoder, "G": self.generator, "D": self.discriminator}

    def _adams(self) -> dict[str, torch.optim.Adam]:
        return {"adam_a": self._adam_a, "adam_g": self._adam_g, "adam_d": self._adam_d}


def _follow(adam: torch.optim.Adam, network: nn.Module, gradient: Mapping[str, Tensor]) -> None:
    for name, parameter in network.named_parameters():
        parameter.grad = gradient[name]
    adam.step()
