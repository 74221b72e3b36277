"""Lesson 1. A line, then a plane: the smallest thing that learns.

    python examples/learn/linear_regression.py [--features 3] [--loss l1] [-o learnt]

Numbers y = w·x + b + noise are made from a w and b we know. A linear layer begins with others and
walks down the gradient of its error until it has found ours:

    predict     ŷ = w·x + b
    judge       the mean of (ŷ - y)², or of |ŷ - y|
    blame       the gradient of that mean by w and b
    correct     w ← w - α ∂/∂w,  b ← b - α ∂/∂b

Every network of this project learns by these four lines. Look for: the loss falls to the noise we
put in and no further; squared error reacts to far points more than absolute error does.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import nn

NOISE = 0.3


def main() -> None:
    """Make data, fit it, compare what was found with what was hidden."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--features", type=int, default=1)
    parser.add_argument("--loss", choices=("mse", "l1"), default="mse")
    parser.add_argument("--epochs", type=int, default=400)
    parser.add_argument("-o", "--output", type=Path, default=Path("learnt"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)

    w, b = torch.linspace(2.0, -1.0, options.features), 0.7
    X = torch.randn(200, options.features)
    y = X @ w + b + NOISE * torch.randn(200)
    train, test = slice(0, 160), slice(160, 200)

    model = nn.Linear(options.features, 1)
    judge = nn.MSELoss() if options.loss == "mse" else nn.L1Loss()
    descent = torch.optim.SGD(model.parameters(), lr=0.05)
    history = []
    for _ in range(options.epochs):
        loss = judge(model(X[train]).squeeze(1), y[train])
        descent.zero_grad()
        loss.backward()
        descent.step()
        history.append(loss.item())

    with torch.no_grad():
        held_out = float(judge(model(X[test]).squeeze(1), y[test]))
    print("hidden:", [round(float(v), 2) for v in w], b)
    print("found: ", [round(v, 2) for v in model.weight[0].tolist()], round(model.bias.item(), 2))
    print(f"{options.loss} on points it had not seen: {held_out:.3f}")

    _, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
    left.plot(history)
    left.set(title="Loss by epoch", xlabel="epoch", ylabel=options.loss, yscale="log")
    right.scatter(X[test][:, 0], y[test], label="not seen in training")
    if options.features == 1:
        ends = torch.tensor([[-3.0], [3.0]])
        right.plot(ends, model(ends).detach(), color="tab:red", label="found line")
    right.set(title="The fit", xlabel="x, first feature", ylabel="y")
    right.legend()
    plt.tight_layout()
    plt.savefig(options.output / "linear_regression.png", dpi=80)


if __name__ == "__main__":
    main()
