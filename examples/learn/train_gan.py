"""Lesson 7. One script that trains, saves and draws: `trainedgan/` has the model and its samples.

    python examples/learn/train_gan.py --latent-dim 3 --noise-dim 10 [--epochs 300] [-o trainedgan]

Smooth closed curves, 32 points each, are drawn from a few shape parameters. The generator gets
latent numbers, of which each should govern something one can see, and noise, for the rest. It is
trained step by step; every step's gradients can be looked at; the whole state is saved as named
tensors and goes on from there: run it twice and the second run continues.

What older scripts of this kind needed, and what stands for it here:

    TensorFlow 1                    TensorFlow 2                    here
    session.run(train_op)           eager calls, GradientTape       a loop with loss.backward()
    gradients hidden in the graph   tape.gradient(loss, w)          w.grad, printed below
    variable scopes                 keras.Model                     nn.Module, nn.Sequential
    tf.train.Saver, meta graphs     Checkpoint                      safetensors: tensors by name
    feed_dict, placeholders         tf.data                         a tensor and randint
"""

import argparse
from math import pi
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import softplus

POINTS = 32


def shapes(n: int) -> Tensor:
    """n closed curves, (n, 2 · POINTS): a radius, an elongation and one bump each."""
    t = torch.linspace(0, 2 * pi, POINTS)
    radius, long, bump = (torch.rand(n, 1) for _ in range(3))
    r = 0.4 + 0.3 * radius + 0.15 * bump * torch.cos(3 * t)
    return torch.cat([r * torch.cos(t) * (0.6 + 0.7 * long), r * torch.sin(t)], 1)


class State:
    """Both networks and both optimisers."""

    def __init__(self, inputs: int) -> None:
        """Fresh ones for a generator of so many inputs."""
        self.G = nn.Sequential(nn.Linear(inputs, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(),
                               nn.Linear(128, 2 * POINTS))  # fmt: skip
        self.D = nn.Sequential(nn.Linear(2 * POINTS, 128), nn.LeakyReLU(0.2), nn.Linear(128, 1))
        self.adam_g = torch.optim.Adam(self.G.parameters(), lr=5e-4, betas=(0.5, 0.9))
        self.adam_d = torch.optim.Adam(self.D.parameters(), lr=5e-4, betas=(0.5, 0.9))

    def tensors(self) -> dict[str, Tensor]:
        """Everything by name."""
        found = {f"G/{k}": w for k, w in self.G.state_dict().items()}
        found |= {f"D/{k}": w for k, w in self.D.state_dict().items()}
        for name, adam in (("adam_g", self.adam_g), ("adam_d", self.adam_d)):
            for i, slots in adam.state_dict()["state"].items():
                found |= {f"{name}/{i}/{k}": w for k, w in slots.items()}
        return {name: w.contiguous() for name, w in found.items()}

    def take(self, tensors: dict[str, Tensor]) -> None:
        """The inverse."""
        for name, network in (("G/", self.G), ("D/", self.D)):
            network.load_state_dict(
                {k.removeprefix(name): w for k, w in tensors.items() if k.startswith(name)}
            )
        for name, adam in (("adam_g/", self.adam_g), ("adam_d/", self.adam_d)):
            slots: dict[int, dict[str, Tensor]] = {}
            for key, w in tensors.items():
                if key.startswith(name):
                    i, k = key.removeprefix(name).split("/")
                    slots.setdefault(int(i), {})[k] = w
            adam.load_state_dict(adam.state_dict() | {"state": slots})


def step(state: State, real: Tensor, inputs: int) -> tuple[float, float]:
    """One step of D, one of G; gradients stay where they can be looked at."""
    fake = state.G(torch.randn(len(real), inputs))
    loss_d = (softplus(-state.D(real)) + softplus(state.D(fake.detach()))).mean()
    state.adam_d.zero_grad()
    loss_d.backward()
    state.adam_d.step()
    loss_g = softplus(-state.D(fake)).mean()
    state.adam_g.zero_grad()
    loss_g.backward()
    state.adam_g.step()
    return loss_d.item(), loss_g.item()


def main() -> None:
    """Train, go on, save, draw."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--latent-dim", type=int, default=3)
    parser.add_argument("--noise-dim", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=300)
    parser.add_argument("-o", "--output", type=Path, default=Path("trainedgan"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    inputs = options.latent_dim + options.noise_dim
    data, state = shapes(5_000), State(inputs)
    saved = options.output / f"model_{options.latent_dim}_{options.noise_dim}.safetensors"
    if saved.exists():
        state.take(load_file(saved))
        print("going on from", saved)
    for epoch in range(options.epochs):
        for _ in range(len(data) // 250):
            losses = step(state, data[torch.randint(len(data), (250,))], inputs)
        if epoch % max(options.epochs // 6, 1) == 0:
            slope = max(w.grad.abs().max().item() for w in state.G.parameters())
            print(f"epoch {epoch:4d}  D {losses[0]:.3f}  G {losses[1]:.3f}  "
                  f"steepest slope of G {slope:.4f}")  # fmt: skip
    save_file(state.tensors(), saved)

    _, axes = plt.subplots(3, 8, figsize=(12, 5))
    noise = torch.randn(1, inputs)
    for row, axis_row in enumerate(axes):
        for column, axis in enumerate(axis_row):
            z = noise.clone()
            if row < options.latent_dim:
                z[0, row] = -2 + 4 * column / 7  # one latent number from low to high
            curve = state.G(z).detach().reshape(2, POINTS)
            axis.plot(*torch.cat([curve, curve[:, :1]], 1))
            axis.set(xlim=(-1.2, 1.2), ylim=(-1.2, 1.2), aspect="equal", xticks=[], yticks=[])
    plt.tight_layout()
    plt.savefig(options.output / "samples.png", dpi=80)
    print("model and samples are in", options.output)


if __name__ == "__main__":
    main()
