"""Lesson 2. A curve: what a hidden layer adds, and what patience costs.

    python examples/learn/sine.py [--full] [-o learnt]

100 points of a sine on [0, 2π], a network 1-64-1 with ReLU, squared error. A linear layer could
draw one straight line; each ReLU unit adds one corner, and 64 corners make a curve.

`--full` is plain gradient descent with rate 0.001 for 200,000 epochs, which takes a minute or two.
By default Adam does it in 2,000: the same walk with a stride of its own for each weight. Look for:
where the curve bends most, the error stays longest.
"""

import argparse
from math import pi
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn


def main() -> None:
    """Fit a sine and draw it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true", help="SGD 0.001, 200,000 epochs")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("-o", "--output", type=Path, default=Path("learnt"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)

    x = 2 * pi * torch.rand(100, 1).sort(dim=0).values
    y = torch.sin(x)
    model = nn.Sequential(nn.Linear(1, 64), nn.ReLU(), nn.Linear(64, 1))
    judge = nn.MSELoss()
    weights = model.parameters()
    descent = torch.optim.SGD(weights, lr=1e-3) if options.full else torch.optim.Adam(weights, 0.01)
    epochs = options.epochs or (200_000 if options.full else 2_000)
    history = []
    for epoch in range(epochs):
        loss = judge(model(x), y)
        descent.zero_grad()
        loss.backward()
        descent.step()
        if epoch % max(epochs // 100, 1) == 0:
            history.append((epoch, loss.item()))
    print(f"loss: {history[0][1]:.4f} at first, {loss.item():.6f} after {epochs:,} epochs")

    _, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
    left.plot(*zip(*history, strict=True))
    left.set(title="Loss by epoch", xlabel="epoch", ylabel="mean squared error", yscale="log")
    right.plot(x, y, label="true")
    right.plot(x, model(x).detach(), "--", label="predicted")
    right.set(title="sin x", xlabel="x")
    right.legend()
    plt.tight_layout()
    plt.savefig(options.output / "sine.png", dpi=80)


if __name__ == "__main__":
    main()
