"""Who took part? The same attacks on an over-trained model, without privacy and at ε = 1.

    python benchmarks/membership.py --write

The table is `examples/data/diabetes.csv`. A medical-cgan is trained on 150 patients for 400
epochs without dropout, and draws 10,000 rows; 1,000 other patients stay apart, half of them as
the attacker's reference. The shadow attack has tables of its own: the same model, trained on
other patients. At ε = 1 the attacks are held against what (ε, δ) allows.
"""

import argparse
import json
import math
import platform
from pathlib import Path

import numpy as np

import wardveil as wv
from wardveil.evaluation.interval import wilson
from wardveil.evaluation.membership import Attack, membership

ROOT = Path(__file__).parents[1]
MEMBERS, OTHERS = 150, 1_000


def attacked(epsilon: float, seed: int, options: argparse.Namespace) -> dict[str, object]:
    """One fit, its shadows, and both attacks."""
    schema = wv.Schema.read(ROOT / "examples" / "schemas" / "diabetes.toml")
    table = wv.read_table(ROOT / "examples" / "data" / "diabetes.csv", schema)
    order = np.random.default_rng(seed).permutation(table.n)
    parts = [table.take(part) for part in np.split(order, [MEMBERS, MEMBERS + OTHERS])]
    members, others, rest = parts
    synth, fake = made(members, epsilon, seed, options)
    shadows = []
    for i in range(options.shadows):
        known = rest.take(np.arange(i * MEMBERS, (i + 1) * MEMBERS))
        strangers = rest.take(np.arange(rest.n - MEMBERS, rest.n))
        shadows.append((known, strangers, made(known, epsilon, 100 + i, options)[1]))
    limit = None if math.isinf(epsilon) else (synth.statement.epsilon, synth.statement.delta)
    found = membership(members, fake, others, schema=schema, shadows=shadows, limit=limit)
    return {
        "seed": seed,
        "limit": limit,
        "attacks": {a.name: figures(a) for a in found},
    }


def made(
    members: wv.Table, epsilon: float, seed: int, options: argparse.Namespace
) -> tuple[wv.Synthesizer, object]:
    """The over-trained model and its rows; under privacy it learns from 300 surrogates."""
    model = wv.MedicalCGAN(
        epochs=options.epochs,
        anchor_epochs=options.epochs,
        dropout=0.0,
        learning_rate=5e-4,
        anchor_rows=2 * MEMBERS,
    )
    synth = wv.fit(members, model=model, epsilon=epsilon, seed=seed)
    return synth, synth.sample(options.rows, seed=seed)


def figures(attack: Attack) -> dict[str, object]:
    """What is kept of an attack."""
    return {
        "members": attack.members, "others": attack.others,
        "auc": attack.auc, "auc_interval": [attack.low, attack.high],
        "auc_allowed": attack.limit_auc,
        "tpr_at_1_percent_fpr": attack.tpr, "tpr_interval": [attack.tpr_low, attack.tpr_high],
        "tpr_allowed": attack.limit_tpr,
        "over_limit": above(attack),
    }  # fmt: skip


def above(attack: Attack) -> bool | None:
    """Whether some point of the ROC is over the limit beyond chance (Wilson's ends of both shares).

    At one point chance does it in less than 1 of 20 attacks on a table that keeps to the limit.
    """
    if attack.limit_tpr is None:
        return None
    points = zip(attack.fpr_points, attack.tpr_points, strict=True)
    found = [
        wilson(round(t * attack.members), attack.members)[0]
        > np.interp(wilson(round(f * attack.others), attack.others)[1],
                    [0.0, *attack.limit_fpr], [0.0, *attack.limit])
        for f, t in points
    ]  # fmt: skip
    return bool(np.any(found))


def main() -> None:
    """Attack, print, and keep."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=400)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--shadows", type=int, default=2)
    parser.add_argument("--epsilons", nargs="*", type=float, default=[math.inf, 1.0])
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    results = []
    for epsilon in options.epsilons:
        runs = []
        for seed in range(options.seeds):
            runs.append(attacked(epsilon, seed, options))
            print(f"ε = {epsilon:g}, seed {seed}: {json.dumps(runs[-1])}", flush=True)
        shown = "∞" if math.isinf(epsilon) else f"{epsilon:g}"
        results.append({"epsilon": shown, "runs": runs})
        if options.write:
            write(results, options)


def write(results: list[dict[str, object]], options: argparse.Namespace) -> None:
    """Keep the results, and those of other ε that are there already."""
    target = ROOT / "benchmarks" / "results" / "membership.json"
    new = {r["epsilon"] for r in results}
    old = json.loads(target.read_text(encoding="utf-8"))["results"] if target.exists() else []
    kept = {
        "command": "python benchmarks/membership.py --write",
        "settings": {k: v for k, v in vars(options).items() if k not in ("write", "epsilons")},
        "machine": {"python": platform.python_version(), "machine": platform.machine()},
        "results": [*(r for r in old if r["epsilon"] not in new), *results],
    }
    target.write_text(json.dumps(kept, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main()
