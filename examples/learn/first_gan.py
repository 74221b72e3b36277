"""Lesson 5. A first GAN, then the same with privacy.

    python examples/learn/first_gan.py [--steps 1500] [--patients 2000] [-o learnt]

Two measurements of made-up patients lie on a bent band. A small GAN learns it. Then its
discriminator learns privately, as in Abadi et al. (2016), arXiv:1607.00133:

    each patient is in a step by its own coin of chance q      nobody knows who was in
    each patient's gradient is cut to length C                 nobody moves D by more than C
    the sum gets normal noise of σ·C in every coordinate       one patient drowns in it

ε follows from q, σ and the number of steps; it grows with the root of the steps.

The last figure is the law that decides what small tables can do. A patient adds at most C to the
sum, all n·q of them at most n·q·C; the noise has length σ·C·√p for p weights. For a budget of μ
that makes signal : noise at best n·μ / √(p·T) in T steps, and no clever training gets round it.
Look for: at ε = 1 a network of 1,000 weights needs tens of thousands of patients.

To keep the arithmetic in sight this script clips by looking at each patient by itself and draws
its noise from a seeded generator: for learning, never for patients. wardveil does neither.
"""

import argparse
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from dp_accounting import GaussianDpEvent, PoissonSampledDpEvent
from dp_accounting.pld import PLDAccountant
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import softplus

DELTA = 1e-5
Q = 0.05
C = 1.0


def band(n: int) -> Tensor:
    """n patients, (n, 2), between -1 and 1."""
    t = 2 * torch.rand(n) - 1
    return torch.stack([t, 0.8 * torch.sin(3 * t)], 1) + 0.05 * torch.randn(n, 2)


def networks() -> tuple[nn.Module, nn.Module]:
    """Generator and discriminator."""
    G = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 2))
    D = nn.Sequential(nn.Linear(2, 64), nn.LeakyReLU(0.2), nn.Linear(64, 64), nn.LeakyReLU(0.2),
                      nn.Linear(64, 1))  # fmt: skip
    return G, D


def clipped_gradient(D: nn.Module, real: Tensor, fake: Tensor, sigma: float) -> dict[str, Tensor]:
    """The mean over patients of what each, with a fake of its own, asks of D; cut, and noisy."""
    weights = {k: w.detach() for k, w in D.named_parameters()}

    def loss(w: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        def score(point: Tensor) -> Tensor:
            return functional_call(D, w, (point[None],))[0, 0]

        return softplus(-score(x)) + softplus(score(y))

    each = vmap(grad(loss), in_dims=(None, 0, 0))(weights, real, fake)  # a gradient a patient
    length = torch.sqrt(sum(g.flatten(1).square().sum(1) for g in each.values()))
    cut = (C / length.clamp(min=1e-12)).clamp(max=1.0)
    return {
        k: ((cut.view(-1, *[1] * (g.dim() - 1)) * g).sum(0) + sigma * C * torch.randn_like(g[0]))
        / max(len(real), 1)
        for k, g in each.items()
    }


def play(patients: Tensor, steps: int, sigma: float | None) -> Tensor:
    """Train; 1,000 made patients. sigma None is without privacy."""
    torch.manual_seed(0)
    G, D = networks()
    adam_g = torch.optim.Adam(G.parameters(), lr=5e-4, betas=(0.5, 0.9))
    adam_d = torch.optim.Adam(D.parameters(), lr=2e-3, betas=(0.5, 0.9))
    for _ in range(steps):
        real = patients[torch.rand(len(patients)) < Q]
        fake = G(torch.randn(len(real), 4)).detach()
        if sigma is None:
            adam_d.zero_grad()
            (softplus(-D(real)).mean() + softplus(D(fake)).mean()).backward()
        else:
            found = clipped_gradient(D, real, fake, sigma)
            for name, weight in D.named_parameters():
                weight.grad = found[name]
        adam_d.step()
        adam_g.zero_grad()
        softplus(-D(G(torch.randn(100, 4)))).mean().backward()
        adam_g.step()
    return G(torch.randn(1_000, 4)).detach()


def epsilon(sigma: float, steps: int) -> float:
    """What so many steps cost."""
    accountant = PLDAccountant()
    accountant.compose(PoissonSampledDpEvent(Q, GaussianDpEvent(sigma)), steps)
    return accountant.get_epsilon(DELTA)


def main() -> None:
    """Train without privacy and with two amounts of noise; draw what came of it and the law."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=1_500)
    parser.add_argument("--patients", type=int, default=2_000)
    parser.add_argument("-o", "--output", type=Path, default=Path("learnt"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    patients = band(options.patients)
    _, axes = plt.subplots(2, 2, figsize=(9, 7))
    for axis, sigma in zip(axes.ravel(), (None, 1.0, 5.0), strict=False):
        made = play(patients, options.steps, sigma)
        cost = "∞" if sigma is None else f"{epsilon(sigma, options.steps):.2f}"
        name = "without privacy" if sigma is None else f"noise σ = {sigma:g}, ε = {cost}"
        print(f"{name}: {options.steps} steps")
        axis.scatter(*patients[:500].T, s=3, label="patients")
        axis.scatter(*made[:500].T, s=3, label="made")
        axis.set(title=name, xlim=(-1.5, 1.5), ylim=(-1.5, 1.5))
        axis.legend(loc="lower right")
    n = np.geomspace(100, 1e6, 50)
    for mu, shown in ((0.26, 1), (0.72, 3), (2.0, 10)):
        axes[1, 1].plot(n, n * mu / np.sqrt(1_000 * 300), label=f"ε = {shown}")
    axes[1, 1].axhline(1, color="k", ls="--", lw=0.8)
    axes[1, 1].set(title="Signal : noise at best, 1,000 weights, 300 steps", xlabel="patients",
                   xscale="log", yscale="log")  # fmt: skip
    axes[1, 1].legend()
    plt.tight_layout()
    plt.savefig(options.output / "first_gan.png", dpi=80)


if __name__ == "__main__":
    main()
