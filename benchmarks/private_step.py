"""Time of one private critic step against an ordinary one, and against Opacus.

    python benchmarks/private_step.py [--write] [--repeats 15] [--threads 1 2]

One process; the contestants of a group take turns, and each number is the
median of its turns. `private` is `clipped_sum`: exact norms, clip and sum, without noise.
`ordinary` is the non-private WGAN-GP step that one would write in PyTorch. Without the penalty,
the private ones all compute the sum of the clipped gradients of f(fake_i) - f(real_i).
"""

import argparse
import json
import platform
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch
from torch import nn

from wardveil.vault.clipping import Part, Penalty, clipped_sum

warnings.filterwarnings("ignore", module="opacus")
warnings.filterwarnings("ignore", message="Full backward hook")
RESULTS = Path(__file__).parent / "results" / "private_step.json"
GROUPS = [  # hooks touch so much memory that they slow down whoever comes next
    ("private, penalty", "ordinary, penalty"),
    ("private", "ordinary", "opacus ghost"),
    ("opacus hooks",),
]
CASES = [(100, 256, 500), (100, 512, 1000)]


def critic(d: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(d, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, width),
        nn.LeakyReLU(0.2),
        nn.Linear(width, 1),
    )


def wasserstein(real: torch.Tensor, fake: torch.Tensor) -> torch.Tensor:
    return (fake - real).squeeze(-1)


def ordinary(f: nn.Module, real, fake, points, weight: float):
    loss = (f(fake) - f(real)).mean()
    if weight:
        x = points.clone().requires_grad_()
        (J,) = torch.autograd.grad(f(x).sum(), x, create_graph=True)
        loss = loss + weight * ((J.norm(dim=1) - 1) ** 2).mean()
    return torch.autograd.grad(loss, list(f.parameters()))


def opacus_hooks(f: nn.Module, real, fake, clip_norm: float):
    """Per-sample gradients of a pair of rows by hooks, then what DPOptimizer does with them."""
    from opacus.grad_sample import GradSampleModule

    wrapped = GradSampleModule(f, loss_reduction="sum")
    pair = torch.stack([real, fake], 1)

    def step():
        y = wrapped(pair)
        wasserstein(y[:, 0], y[:, 1]).sum().backward()
        samples = [p.grad_sample for p in wrapped.parameters()]
        norms = torch.stack([g.flatten(1).norm(dim=1) for g in samples], 1).norm(dim=1)
        c = (clip_norm / (norms + 1e-6)).clamp(max=1.0)
        sums = [torch.einsum("i,i...", c, g) for g in samples]
        wrapped.zero_grad(set_to_none=True)
        return sums

    return step


def opacus_ghost(f: nn.Module, real, fake, clip_norm: float):
    """Ghost clipping: norms in one backward pass, weighted sum in another."""
    from opacus.grad_sample import GradSampleModuleFastGradientClipping

    wrapped = GradSampleModuleFastGradientClipping(
        f, max_grad_norm=clip_norm, use_ghost_clipping=True, loss_reduction="sum"
    )
    pair = torch.stack([real, fake], 1)

    def step():
        y = wrapped(pair)
        loss = wasserstein(y[:, 0], y[:, 1])
        loss.sum().backward(retain_graph=True)
        c = wrapped.get_clipping_coef()
        for p in wrapped.parameters():
            p.grad = None
        wrapped.disable_hooks()
        (c * loss).sum().backward()
        wrapped.enable_hooks()
        sums = [p.grad for p in wrapped.parameters()]
        wrapped.zero_grad(set_to_none=True)
        return sums

    return step


def contestants(d: int, width: int, batch: int) -> dict[str, Callable[[], object]]:
    real, fake = torch.randn(batch, d), torch.randn(batch, d)
    points = torch.lerp(real, fake, torch.rand(batch, 1))
    f = critic(d, width)

    def copy() -> nn.Sequential:
        twin = critic(d, width)
        twin.load_state_dict(f.state_dict())
        return twin

    def private(weight: float):
        penalty = Penalty(points=points, weight=weight) if weight else None
        part = Part(network=f, inputs=(real, fake), loss=wasserstein, penalty=penalty)
        return lambda: list(clipped_sum([part], clip_norm=1.0).gradients[0].values())

    twin = copy()
    return {
        "private, penalty": private(10.0),
        "ordinary, penalty": lambda: ordinary(twin, real, fake, points, 10.0),
        "private": private(0.0),
        "ordinary": lambda: ordinary(twin, real, fake, points, 0.0),
        "opacus hooks": opacus_hooks(copy(), real, fake, 1.0),
        "opacus ghost": opacus_ghost(copy(), real, fake, 1.0),
    }


def agree(found: dict[str, Callable[[], object]]) -> None:
    """All three private ways give the same sum, or the race means nothing."""
    ours = found["private"]()
    for name in ("opacus hooks", "opacus ghost"):
        for a, b in zip(ours, found[name](), strict=True):
            if not torch.allclose(a, b, rtol=1e-2, atol=1e-4 * float(a.abs().max())):
                raise SystemExit(f"{name} disagrees by {float((a - b).abs().max()):.1e}")


def times(found: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Milliseconds, medians of interleaved turns."""
    turns: dict[str, list[float]] = {name: [] for name in found}
    for turn in range(repeats + 2):
        for name, step in found.items():
            start = time.perf_counter()
            step()
            if turn >= 2:
                turns[name].append(1e3 * (time.perf_counter() - start))
    return {name: median(values) for name, values in turns.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    args = parser.parse_args()
    rows = []
    for threads in args.threads:
        torch.set_num_threads(threads)
        for d, width, batch in CASES:
            torch.manual_seed(0)
            found = contestants(d, width, batch)
            agree(found)
            ms = {}
            for group in GROUPS:
                ms |= times({name: found[name] for name in group}, args.repeats)
            ratios = {
                "private / ordinary, penalty": ms["private, penalty"] / ms["ordinary, penalty"],
                "private / ordinary": ms["private"] / ms["ordinary"],
                "opacus hooks / private": ms["opacus hooks"] / ms["private"],
                "opacus ghost / private": ms["opacus ghost"] / ms["private"],
            }
            print(f"\n{d}-{width}-{width}-1, batch {batch}, {threads} thread(s)")
            for name, value in ms.items():
                print(f"  {name:<30}{value:10.2f} ms")
            for name, value in ratios.items():
                print(f"  {name:<30}{value:10.2f}")
            rows.append(
                {"critic": [d, width, width, 1], "batch": batch, "threads": threads}
                | {"milliseconds": ms, "ratios": ratios}
            )
    if args.write:
        about = {
            "command": f"python benchmarks/private_step.py --write --repeats {args.repeats}",
            "torch": torch.__version__,
            "machine": platform.machine(),
        }
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(about | {"cases": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
