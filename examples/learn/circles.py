"""Lesson 3. Two circles: from numbers to decisions, and what improves a model.

    python examples/learn/circles.py [--epochs 1000] [-o learnt]

Points on an inner and an outer circle must be told apart. The network answers with log-odds; its
loss is cross-entropy, -log of the probability it gave to the truth. A discriminator of a GAN is
exactly this, with "real" and "synthetic" for the two circles.

The same data go to models that differ in one thing each. Look for: no number of epochs helps a
model without a bend; one bend is worth more than any number of straight layers.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import make_circles
from sklearn.model_selection import train_test_split
from torch import Tensor, nn


class Classifier(nn.Module):
    """Two hidden layers, written as a module; `nn.Sequential` below is the same in one line."""

    def __init__(self, width: int) -> None:
        """Layers of `width`."""
        super().__init__()
        self.first = nn.Linear(2, width)
        self.second = nn.Linear(width, width)
        self.answer = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, 2) points -> (B,) log-odds."""
        h = torch.relu(self.first(x))
        return self.answer(torch.relu(self.second(h))).squeeze(1)


def sequential(*layers: nn.Module) -> nn.Module:
    """Layers in a row, log-odds as (B,)."""
    return nn.Sequential(*layers, nn.Flatten(0))


def trained(model: nn.Module, X: Tensor, y: Tensor, *, epochs: int, lr: float) -> nn.Module:
    """Gradient descent on cross-entropy."""
    judge, descent = nn.BCEWithLogitsLoss(), torch.optim.SGD(model.parameters(), lr=lr)
    for _ in range(epochs):
        loss = judge(model(X), y)
        descent.zero_grad()
        loss.backward()
        descent.step()
    return model


def accuracy(model: nn.Module, X: Tensor, y: Tensor) -> float:
    """Share of points on the right side."""
    with torch.no_grad():
        return float(((model(X) > 0) == (y > 0.5)).float().mean())


def main() -> None:
    """Train all variants, print a table, draw the borders of two."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=1_000)
    parser.add_argument("-o", "--output", type=Path, default=Path("learnt"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    points, side = make_circles(1_000, noise=0.05, factor=0.8, random_state=0)
    X, X_test, y, y_test = (
        torch.tensor(part, dtype=torch.float32)
        for part in train_test_split(points, side, test_size=0.2, random_state=0)
    )
    wide, relu = [nn.Linear(2, 16), nn.Linear(16, 16)], nn.ReLU
    variants = {
        "straight layers": (sequential(*wide, nn.Linear(16, 1)), 1, 0.1),
        "straight, ten times as long": (
            sequential(nn.Linear(2, 16), nn.Linear(16, 1)), 10, 0.1),
        "one bend": (sequential(nn.Linear(2, 16), relu(), nn.Linear(16, 1)), 1, 0.1),
        "two bends": (Classifier(16), 1, 0.1),
        "two bends, larger steps": (Classifier(16), 1, 0.5),
        "two bends, wider": (Classifier(64), 1, 0.5),
        "tanh instead of ReLU": (
            sequential(nn.Linear(2, 64), nn.Tanh(), nn.Linear(64, 64), nn.Tanh(),
                       nn.Linear(64, 1)), 1, 0.5),
    }  # fmt: skip
    models = {}
    for name, (model, longer, lr) in variants.items():
        torch.manual_seed(0)
        for layer in model.modules():
            if isinstance(layer, nn.Linear):
                layer.reset_parameters()
        models[name] = trained(model, X, y, epochs=longer * options.epochs, lr=lr)
        print(f"{name:30s} accuracy {accuracy(model, X_test, y_test):.3f}")

    _, axes = plt.subplots(1, 2, figsize=(9, 4))
    a, b = np.meshgrid(np.linspace(-1.3, 1.3, 120), np.linspace(-1.3, 1.3, 120))
    grid = torch.tensor(np.stack([a.ravel(), b.ravel()], 1), dtype=torch.float32)
    for axis, name in zip(axes, ("straight layers", "two bends, wider"), strict=True):
        with torch.no_grad():
            chance = torch.sigmoid(models[name](grid)).reshape(a.shape)
        axis.contourf(a, b, chance, levels=10, cmap="RdBu", alpha=0.6)
        axis.scatter(X_test[:, 0], X_test[:, 1], c=y_test, cmap="RdBu", s=8, edgecolors="k", lw=0.2)
        axis.set(title=name, aspect="equal")
    plt.tight_layout()
    plt.savefig(options.output / "circles.png", dpi=80)


if __name__ == "__main__":
    main()
