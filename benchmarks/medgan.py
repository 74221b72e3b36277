"""medGAN at the paper's size: what the paper measured, non-private and at ε = 1.

    python benchmarks/medgan.py PART ... [--epochs 100] [--seed 0]
    python benchmarks/medgan.py figures

Parts: faithful, matched, private, ablation, baselines, counts, speed, anchor. Each writes its
figures into benchmarks/results/medgan.json; `figures` draws docs/figures/medgan/*.svg from them.
Times are of the processor, since machines have other work, but for `speed`, which is to have the
machine to itself; the patients are those of `codes.py`.
"""

import argparse
import json
import math
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from codes import (
    Hospital,
    Matrix,
    attribute_disclosure,
    hospital,
    matrix_of,
    prediction,
    presence_disclosure,
    probability,
    rows_of,
    schema_of,
    togetherness,
    violations,
)
from scatter import scatter

from wardveil.encode.records import Records
from wardveil.evaluation.membership import allowed
from wardveil.models import Independent, MarginalGAN, MedGAN, Model, Moment, Rng
from wardveil.models.medgan_game import Game
from wardveil.privacy import Budget, Lease, make_plan
from wardveil.vault import OpenVault, SecretNoise, SeededNoise, Vault

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "medgan.json"
FIGURES = ROOT / "docs" / "figures" / "medgan"
PREDICTED = 100
"""The most frequent codes are predicted."""
PEOPLE = 465
"""1 % of the training patients are attacked, as in the paper."""


class Run:
    """One fit on the made-up hospital, and rows of it."""

    def __init__(self, X: Matrix, kind: str, epsilon: float, seed: int) -> None:
        self.schema, self.X, self.kind = schema_of(kind), X, kind
        self.budget = (
            Budget.for_patients(len(X), epsilon)
            if epsilon < math.inf
            else Budget(epsilon=math.inf, delta=0.0)
        )
        self.seed, self.epsilon = seed, epsilon
        self.told: dict[str, float] = {}
        self.phases: dict[str, float] = {}

    def fit(self, model: Model) -> "Run":
        """Ask, train, and keep the time of each phase."""
        asked, self.remarks = model.questions(self.schema, len(self.X), self.budget)
        lease = Lease(make_plan(asked, budget=self.budget, n=len(self.X)))
        kind = OpenVault if self.epsilon == math.inf else Vault
        noise = SeededNoise(self.seed) if self.epsilon == math.inf else SecretNoise()
        vault = kind(rows_of(self.X, self.kind), schema=self.schema, lease=lease, noise=noise)
        self.model, start, last = model, time.process_time(), time.process_time()

        def watch(moment: Moment) -> None:
            nonlocal last
            now = time.process_time()
            self.phases[moment.phase] = self.phases.get(moment.phase, 0.0) + now - last
            last = now
            self.told |= moment.losses or {}

        with torch.random.fork_rng():
            torch.manual_seed(self.seed)
            self.weights = model.train(vault, Rng(self.seed), watch)
        self.seconds = time.process_time() - start
        return self

    def sample(self, n: int, **changes: Any) -> Matrix:
        """n patients; `calibrated=False` reads the network alone."""
        weights = self.weights
        model = self.model
        if not changes.pop("calibrated", True):
            weights = {k: w for k, w in weights.items() if not k.startswith("fit/")}
        if changes:
            model = MedGAN(**{**vars(model), **changes})
        return matrix_of(model.sample(weights, self.schema, n, {}, Rng(self.seed + 1)))

    def cost(self) -> dict[str, Any]:
        """Processor seconds by phase, and the peak of memory so far."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {"seconds": round(self.seconds), "peak_mb": round(peak),
                "phases": {k: round(v) for k, v in self.phases.items()},
                "last": self.told, "remarks": list(self.remarks)}  # fmt: skip


def judged(h: Hospital, real: Matrix, fake: Matrix) -> dict[str, Any]:
    """What is measured of every table."""
    return {**probability(real, fake), **togetherness(real, fake),
            "sex_exclusive_pairs": violations(h, fake)}  # fmt: skip


def predicted(h: Hospital, real: Matrix, fake: Matrix) -> dict[str, Any]:
    """F1 of the most frequent codes, learnt from real and from synthetic patients."""
    chosen = np.argsort(-(real > 0).mean(axis=0))[:PREDICTED]
    a, b = (prediction(x, h.test, chosen) for x in (real, fake))
    return {"real": a, "synthetic": b, "r": float(np.corrcoef(a, b)[0, 1]),
            "mean_real": float(np.mean(a)), "mean_synthetic": float(np.mean(b))}  # fmt: skip


def disclosed(h: Hospital, real: Matrix, fake: Matrix, budget: Budget) -> dict[str, Any]:
    """Attribute and presence disclosure of members, of others, and what (ε, δ) allows."""
    rng = np.random.default_rng(0)
    inside = real[rng.permutation(len(real))[:PEOPLE]]
    outside = h.test[rng.permutation(len(h.test))[:PEOPLE]]
    attribute = {
        f"{known} known, {k} nearest": {
            "members": attribute_disclosure(inside, fake, known, k, rng),
            "others": attribute_disclosure(outside, fake, known, k, rng),
        }
        for known in (8, 16, 128) for k in (1, 10)
    }  # fmt: skip
    found = presence_disclosure(inside, outside, fake, 10)
    limit = [float(allowed(np.array([f]), budget.epsilon, budget.delta)[0]) for _, _, f, _ in found]
    presence = [dict(zip(("distance", "members", "others", "precision"), x, strict=True)) |
                {"members_allowed": a} for x, a in zip(found, limit, strict=True)]  # fmt: skip
    return {"attribute": attribute, "presence": presence}


# -- parts --------------------------------------------------------------------------------------


def faithful(h: Hospital, options: argparse.Namespace) -> dict[str, Any]:
    """ε = ∞, flags, the paper's game: the network alone, as the paper reads it, and calibrated."""
    return _without_privacy(h, MedGAN(epochs=options.epochs, matching_steps=0), options.seed)


def matched(h: Hospital, options: argparse.Namespace) -> dict[str, Any]:
    """The same with second moments matched after the game, as is the default."""
    return _without_privacy(h, MedGAN(epochs=options.epochs), options.seed)


def _without_privacy(h: Hospital, model: MedGAN, seed: int) -> dict[str, Any]:
    X = (h.train > 0).astype(np.uint8)
    run = Run(X, "binary", math.inf, seed).fit(model)
    fake = run.sample(len(X))
    return {
        "epochs": model.epochs, "matching_steps": model.matching_steps, "cost": run.cost(),
        "rounded": judged(h, X, run.sample(len(X), calibrated=False, nearest=True)),
        "drawn": judged(h, X, run.sample(len(X), calibrated=False)),
        "calibrated": judged(h, X, fake),
        "ruler": judged(h, X, (h.test > 0).astype(np.uint8)),
        "shares": [(X > 0).mean(axis=0).tolist(), (fake > 0).mean(axis=0).tolist()],
        "prediction": predicted(h, X, fake),
        "disclosure": disclosed(h, X, fake, run.budget),
    }  # fmt: skip


def private(h: Hospital, options: argparse.Namespace) -> dict[str, Any]:
    """ε = 1, flags."""
    X = (h.train > 0).astype(np.uint8)
    run = Run(X, "binary", 1.0, options.seed).fit(MedGAN())
    fake = run.sample(len(X))
    return {
        "epsilon": 1.0, "delta": run.budget.delta, "cost": run.cost(),
        "drawn": judged(h, X, run.sample(len(X), calibrated=False)),
        "calibrated": judged(h, X, fake),
        "shares": [(X > 0).mean(axis=0).tolist(), (fake > 0).mean(axis=0).tolist()],
        "prediction": predicted(h, X, fake),
        "disclosure": disclosed(h, X, fake, run.budget),
    }  # fmt: skip


def ablation(h: Hospital, options: argparse.Namespace) -> dict[str, Any]:
    """The paper's versions, one part of the method more each; the network alone."""
    X = (h.train > 0).astype(np.uint8)
    versions = {
        "GAN": {"pretrain_epochs": 0, "averaging": False, "batch_norm": False, "shortcuts": False},
        "+ pre-training": {"averaging": False, "batch_norm": False, "shortcuts": False},
        "+ averaging": {"batch_norm": False, "shortcuts": False},
        "full": {},
    }
    found = {}
    for name, changes in versions.items():
        run = Run(X, "binary", math.inf, options.seed).fit(
            MedGAN(epochs=options.epochs, matching_steps=0, **changes)
        )
        found[name] = {
            "drawn": judged(h, X, run.sample(len(X), calibrated=False)),
            "rounded": judged(h, X, run.sample(len(X), calibrated=False, nearest=True)),
            "calibrated": judged(h, X, run.sample(len(X))), "cost": run.cost(),
        }  # fmt: skip
        print(name, json.dumps(found[name]), flush=True)
    return {"epochs": options.epochs, "versions": found}


def baselines(h: Hospital, options: argparse.Namespace) -> dict[str, Any]:
    """Random flips of real patients, independent codes, a VAE; and the anchor at ε = 1."""
    X = (h.train > 0).astype(np.uint8)
    rng = np.random.default_rng(options.seed)
    tables: dict[str, Callable[[], Matrix]] = {
        "random flips (0.1)": lambda: X ^ (rng.random(X.shape, dtype=np.float32) < 0.1),
        "independent": lambda: Run(X, "binary", math.inf, 0).fit(Independent()).sample(len(X)),
        "VAE": lambda: vae(X, options.seed),
        "independent, ε = 1": lambda: Run(X, "binary", 1.0, 0).fit(Independent()).sample(len(X)),
        "marginal, ε = 1": lambda: Run(X, "binary", 1.0, 0).fit(MarginalGAN()).sample(len(X)),
    }
    found = {}
    for name, made in tables.items():
        start = time.process_time()
        fake = made()
        found[name] = judged(h, X, fake) | {"seconds": round(time.process_time() - start)}
        found[name]["f1"] = predicted(h, X, fake)["mean_synthetic"]
        print(name, json.dumps(found[name]), flush=True)
    return found


def vae(X: Matrix, seed: int, epochs: int = 50, width: int = 128) -> Matrix:
    """A variational autoencoder of one hidden layer either side, and as many rows drawn of it."""
    torch.manual_seed(seed)
    W = X.shape[1]
    inward = torch.nn.Sequential(torch.nn.Linear(W, width), torch.nn.ReLU(),
                                 torch.nn.Linear(width, 2 * width))  # fmt: skip
    outward = torch.nn.Sequential(torch.nn.Linear(width, width), torch.nn.ReLU(),
                                  torch.nn.Linear(width, W))  # fmt: skip
    adam = torch.optim.Adam([*inward.parameters(), *outward.parameters()], lr=1e-3)
    rows = torch.from_numpy(X)
    for _ in range(epochs):
        for part in torch.randperm(len(X)).split(500):
            x = rows[part].float()
            mean, log = inward(x).chunk(2, dim=1)
            y = outward(mean + (log / 2).exp() * torch.randn_like(mean))
            fit = torch.nn.functional.binary_cross_entropy_with_logits(y, x, reduction="none")
            loss = (fit.sum(1) + 0.5 * (mean**2 + log.exp() - 1 - log).sum(1)).mean()
            adam.zero_grad()
            loss.backward()
            adam.step()
    with torch.no_grad():
        parts = [torch.bernoulli(torch.sigmoid(outward(torch.randn(len(p), width))))
                 for p in rows.split(4_096)]  # fmt: skip
    return torch.cat(parts).numpy().astype(np.uint8)


def counts(h: Hospital, options: argparse.Namespace) -> dict[str, Any]:
    """ε = ∞, counts: mean per code, and how often the five most frequent codes occur."""
    X = h.train
    run = Run(X, "count", math.inf, options.seed).fit(MedGAN(epochs=options.epochs))
    found: dict[str, Any] = {"epochs": options.epochs, "cost": run.cost()}
    top = np.argsort(-X.mean(axis=0))[:5]
    for name, changes in (("rounded", {"calibrated": False, "nearest": True}),
                          ("drawn", {"calibrated": False}), ("calibrated", {})):  # fmt: skip
        fake = run.sample(len(X), **changes)
        a, b = X.mean(axis=0), fake.mean(axis=0)
        found[name] = judged(h, X, fake) | {
            "mean_r": float(np.corrcoef(a, b)[0, 1]),
            "mean_rmse": float(np.sqrt(((a - b) ** 2).mean())),
            "mean": [float(a.mean()), float(b.mean())],
            "top_five": [[np.bincount(x[:, k], minlength=8)[:8].tolist() for k in top]
                         for x in (X, fake)],
        }  # fmt: skip
    return found


def speed(h: Hospital, options: argparse.Namespace) -> dict[str, Any]:
    """Patients a second with the paper's networks: real rows that are trained on."""
    X = (h.train > 0).astype(np.uint8)
    schema = schema_of("binary")
    p = {v.name: np.array([1 - m, m]) for v, m in zip(schema.variables, X.mean(0), strict=True)}
    game = Game(MedGAN(), Records(schema.variables, "binary", p), 1, torch.from_numpy(X))
    found: dict[str, Any] = {"threads": torch.get_num_threads()}
    for name, step, rows, steps in (
        ("autoencoder", game.pretrain_step, game.rules.pretrain_batch_size, 400),
        ("game", game.step, game.rules.discriminator_steps * game.rules.batch_size, 20),
    ):
        step()
        rates = []
        for _ in range(options.repeats):
            start = time.perf_counter()
            for _ in range(steps):
                step()
            rates.append(rows * steps / (time.perf_counter() - start))
        found[name] = {"patients_a_second": round(float(np.median(rates))),
                       "range": [round(min(rates)), round(max(rates))]}  # fmt: skip
    return found


def anchor(h: Hospital, options: argparse.Namespace) -> dict[str, Any]:
    """What buying the anchor costs at 1,071 codes: `marginal` alone, at ε = 1."""
    X = (h.train > 0).astype(np.uint8)
    run = Run(X, "binary", 1.0, options.seed).fit(MarginalGAN())
    return {"cost": run.cost(), **judged(h, X, run.sample(len(X)))}


PARTS: dict[str, Callable[[Hospital, argparse.Namespace], dict[str, Any]]] = {
    "faithful": faithful, "matched": matched, "private": private, "ablation": ablation,
    "baselines": baselines, "counts": counts, "speed": speed, "anchor": anchor,
}  # fmt: skip


def figures() -> None:
    """Scatters of probability and of prediction, real against synthetic."""
    kept = json.loads(RESULTS.read_text(encoding="utf-8"))
    for name, key in (("probability", "shares"), ("prediction", "prediction")):
        panels = []
        for part, title in (
            ("faithful", "the game alone"), ("matched", "matched"), ("private", "matched, ε = 1"),
        ):  # fmt: skip
            if part in kept:
                found = kept[part][key]
                pair = found if key == "shares" else (found["real"], found["synthetic"])
                panels.append((title, *pair))
        what = "Share of patients with a code" if key == "shares" else "F1 of a code"
        text = scatter(f"{what}: real (across) and synthetic (up)", panels)
        (FIGURES / f"{name}.svg").write_text(text, encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("parts", nargs="+", choices=[*PARTS, "figures"])
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    for part in options.parts:
        if part == "figures":
            figures()
            continue
        found = PARTS[part](hospital(), options)
        print(part, json.dumps(found), flush=True)
        old = json.loads(options.results.read_text("utf-8")) if options.results.exists() else {}
        text = json.dumps({**old, part: found}, indent=1, ensure_ascii=False)
        options.results.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
