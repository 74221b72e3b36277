"""Drawing: patients from states of a generator that is told their classes; what is kept of it."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from wardveil.encode.by_class import moved_by_class
from wardveil.encode.calibrate import calibrated
from wardveil.encode.labelled import Labelled
from wardveil.schema.where import Where
from wardveil.vault import Rows

State = tuple[nn.Module, Mapping[str, Tensor]]
"""A generator z, c -> x and its calibration."""


class Drawing:
    """Latents and draws.

    Attributes:
        patients: How a patient is written as [x | c].
        noise_dim: Width of z.
        torch: For z.
        numpy: For classes and values.
    """

    def __init__(
        self, patients: Labelled, noise_dim: int, torch: torch.Generator, numpy: np.random.Generator
    ) -> None:
        self.patients, self.noise_dim, self.torch, self.numpy = patients, noise_dim, torch, numpy

    def noise(self, n: int) -> Tensor:
        """z of n patients, uniform on (-1, 1)."""
        return 2 * torch.rand(n, self.noise_dim, generator=self.torch) - 1

    def latents(self, n: int) -> tuple[Tensor, Tensor]:
        """z and c of n patients, c drawn from the prior."""
        c, _ = self.patients.drawn(n, {}, self.numpy)
        return self.noise(n), c

    def mirrored(self, c: Tensor) -> Tensor:
        """z of patients of classes c, each the mirror image -z of one other of its class.

        Where G is odd, luck cancels in the means of a class, and so in the difference of two
        (SPRINT at one year: 0.18 mmHg of luck, 0.33 from noise that is not mirrored).
        """
        order = torch.randperm(len(c), generator=self.torch)
        if c.shape[1]:
            order = order[c[order].argmax(dim=1).argsort(stable=True)]
        half = self.noise((len(c) + 1) // 2)
        z = torch.empty(len(c), self.noise_dim)
        z[order] = torch.stack([half, -half], dim=1).flatten(0, 1)[: len(c)]
        return z

    def draw(self, states: Sequence[State], n: int, where: Where) -> Rows:
        """n patients of some states, in equal parts; what is asked of their classes holds."""
        c, given = self.patients.drawn(n, where, self.numpy)
        z = self.mirrored(self.patients.first(c))
        turn = torch.from_numpy(self.numpy.permutation(n) % len(states))
        x = torch.empty(n, self.patients.matrix.width, dtype=torch.float64)
        for k, (G, fitted) in enumerate(states):
            mine = turn == k
            with torch.no_grad():
                moved = calibrated(self.patients.matrix, G(z[mine], c[mine]), fitted)
            x[mine] = moved_by_class(moved, self.patients.first(c[mine]), fitted)
            if self.patients.attendance:
                x[mine] = self.patients.attendance.marked(x[mine], fitted, self.numpy)
        return {**self.patients.matrix.decode(x, self.numpy), **given}


def stored(patients: Labelled, states: Sequence[State]) -> dict[str, Tensor]:
    """Everything drawing needs, as named tensors."""
    found = {f"p/{name}": torch.from_numpy(q) for name, q in patients.p.items()}
    if patients.conditions.joint is not None:
        found["joint"] = torch.from_numpy(patients.conditions.joint)
    for k, (G, fitted) in enumerate(states):
        found |= {f"G{k}/{key}": w.detach() for key, w in G.state_dict().items()}
        found |= {f"calibration{k}/{key}": w for key, w in fitted.items()}
    return found


def restored(weights: Mapping[str, Tensor], fresh: Callable[[], nn.Module]) -> list[State]:
    """The states that `stored` was given; `fresh` makes a generator of their kind."""

    def part(head: str) -> dict[str, Tensor]:
        mine = {key: w for key, w in weights.items() if key.startswith(head)}
        return {key.removeprefix(head): w for key, w in mine.items()}

    states: list[State] = []
    while fitted := part(f"calibration{len(states)}/"):
        G = fresh()
        G.load_state_dict(part(f"G{len(states)}/"))
        states.append((G, fitted))
    return states
