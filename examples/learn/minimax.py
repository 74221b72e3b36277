"""Lesson 4. The game of two networks: its value, its best player, one step by hand.

    python examples/learn/minimax.py [--steps 3000] [-o learnt]

    V(D, G) = E log D(x) + E log(1 - D(G(z)))        D wants it large, G small

1. For a fixed G the best D is known: D*(x) = p(x) / (p(x) + q(x)), p the density of the data, q of
   what G makes. A trained D is drawn beside it.
2. With D* the value is 2·JS(p, q) - log 4: smallest, -1.386, where q = p. A G that moves and widens
   a normal finds it.
3. One backward pass with pencil and paper: loss, chain rule, W ← W - α ∂L/∂W, b ← b - α ∂L/∂b, for
   D and for G, against what automatic differentiation says.
"""

import argparse
from math import log
from pathlib import Path

import matplotlib.pyplot as plt
import torch
from torch import Tensor, nn
from torch.distributions import Normal
from torch.nn.functional import softplus

DATA = Normal(1.0, 0.6)


def value(real: Tensor, fake: Tensor) -> Tensor:
    """V from log-odds of D: log D = -softplus(-s), log(1 - D) = -softplus(s)."""
    return -softplus(-real).mean() - softplus(fake).mean()


def best_discriminator(steps: int, axis: plt.Axes) -> None:
    """Part 1: train D against a fixed G and compare it with D*."""
    made = Normal(-0.5, 1.0)
    D = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
    adam = torch.optim.Adam(D.parameters(), lr=0.01)
    for _ in range(steps):
        loss = -value(D(DATA.sample((256, 1))), D(made.sample((256, 1))))
        adam.zero_grad()
        loss.backward()
        adam.step()
    x = torch.linspace(-3, 3, 200)[:, None]
    p, q = DATA.log_prob(x).exp(), made.log_prob(x).exp()
    trained = torch.sigmoid(D(x)).detach()
    near = (p + q) > 0.02
    print(f"1. largest gap between D and D* where there are data: "
          f"{float((trained - p / (p + q))[near].abs().max()):.3f}")  # fmt: skip
    axis.plot(x, p / (p + q), label="D* = p / (p + q)")
    axis.plot(x, trained, "--", label="trained D")
    axis.plot(x, p, ":", label="p, data")
    axis.plot(x, q, ":", label="q, made by G")
    axis.set(title="The best discriminator", xlabel="x")
    axis.legend()


def converging(steps: int, axis: plt.Axes) -> None:
    """Part 2: G(z) = m + s z plays against a D that is kept good."""
    m, log_s = torch.tensor(-1.5, requires_grad=True), torch.tensor(0.7, requires_grad=True)
    D = nn.Sequential(nn.Linear(1, 32), nn.Tanh(), nn.Linear(32, 1))
    adam_d = torch.optim.Adam(D.parameters(), lr=0.01)
    adam_g = torch.optim.Adam([m, log_s], lr=0.01)
    values = []
    for _ in range(steps):
        z = torch.randn(256, 1)
        made = m + log_s.exp() * z
        loss_d = -value(D(DATA.sample((256, 1))), D(made.detach()))
        adam_d.zero_grad()
        loss_d.backward()
        adam_d.step()
        loss_g = softplus(-D(made)).mean()  # the form that has a slope where D is sure
        adam_g.zero_grad()
        loss_g.backward()
        adam_g.step()
        values.append(-loss_d.item())
    last = values[-100:]
    print(f"2. G makes N({m.item():.2f}, {log_s.exp().item():.2f}), the data are N(1.00, 0.60); "
          f"V ends at {sum(last) / len(last):.3f}, its least is {-log(4):.3f}")  # fmt: skip
    axis.plot(values, lw=0.5)
    axis.axhline(-log(4), color="k", ls="--", label="-log 4")
    axis.set(title="Value of the game while G learns", xlabel="step", ylabel="V")
    axis.legend()


def by_hand(rate: float = 0.1) -> None:
    """Part 3: D(x) = σ(w x + b), G(z) = u z + c, one point of each; gradients written out."""
    w, b, u, c = (torch.tensor(v, requires_grad=True) for v in (0.5, -0.1, 0.8, 0.2))
    x, z = torch.tensor(1.3), torch.tensor(-0.4)
    fake = u * z + c
    s_real, s_fake = w * x + b, w * fake + b
    loss_d = softplus(-s_real) + softplus(s_fake)
    loss_g = softplus(-s_fake)
    of_d = torch.autograd.grad(loss_d, (w, b), retain_graph=True)
    of_g = torch.autograd.grad(loss_g, (u, c))
    with torch.no_grad():
        # ∂softplus(s)/∂s = σ(s); the chain goes through s to w and b, through s and G to u and c.
        d_real, d_fake = -torch.sigmoid(-s_real), torch.sigmoid(s_fake)
        hand_d = (d_real * x + d_fake * fake, d_real + d_fake)
        back = -torch.sigmoid(-s_fake) * w
        hand_g = (back * z, back)
        for name, weight, own, auto in zip(
            ("D: w", "D: b", "G: u", "G: c"), (w, b, u, c), hand_d + hand_g, of_d + of_g,
            strict=True,
        ):  # fmt: skip
            moved = (weight - rate * own).item()
            print(f"3. {name}: by hand {own.item():+.6f}, automatic {auto.item():+.6f}; "
                  f"{weight.item():+.3f} becomes {moved:+.3f}")  # fmt: skip


def main() -> None:
    """All three parts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=3_000)
    parser.add_argument("-o", "--output", type=Path, default=Path("learnt"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    _, (left, right) = plt.subplots(1, 2, figsize=(9, 3.5))
    best_discriminator(options.steps, left)
    converging(options.steps, right)
    by_hand()
    plt.tight_layout()
    plt.savefig(options.output / "minimax.png", dpi=80)


if __name__ == "__main__":
    main()
