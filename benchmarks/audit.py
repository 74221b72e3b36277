"""Canaries in releases of release grade at three ε, and replay and coupling of every model.

python benchmarks/audit.py [--write] [--canaries 1000] [--runs 5]
"""

import argparse
import json
import platform
import statistics
from importlib.metadata import version
from pathlib import Path

import torch

from wardveil.audit import audit_canaries, examine
from wardveil.models import MODELS

RESULTS = Path(__file__).parent / "results" / "audit.json"
EPSILONS = (0.5, 1.0, 8.0)


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--write", action="store_true")
    asked.add_argument("--canaries", type=int, default=1000)
    asked.add_argument("--runs", type=int, default=5)
    options = asked.parse_args()
    torch.set_num_threads(1)
    measured = []
    for epsilon in EPSILONS:
        runs = [
            audit_canaries(epsilon=epsilon, canaries=options.canaries).to_dict()
            for _ in range(options.runs)
        ]
        mean = statistics.fmean(r["found"] for r in runs)
        error = statistics.fmean(r["error"] for r in runs) / len(runs) ** 0.5
        print(f"ε {epsilon:g}: μ claimed {runs[0]['claimed']:.4f}, "
              f"measured {mean:.4f} ± {error:.4f}, "
              f"{sum(r['passed'] for r in runs)} of {len(runs)} passed")  # fmt: skip
        measured.append({"epsilon": epsilon, "claimed": runs[0]["claimed"], "mean_found": mean,
                         "error_of_mean": error, "runs": runs})  # fmt: skip
    models = [examine(name).to_dict() for name in MODELS]
    for found in models:
        print(found)
    if options.write:
        contents = {
            "command": f"python benchmarks/audit.py --write --canaries {options.canaries} "
            f"--runs {options.runs}",
            "versions": {n: version(n) for n in ("wardveil", "torch", "numpy", "dp-accounting")},
            "python": platform.python_version(),
            "canaries": measured,
            "models": models,
        }
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(json.dumps(contents, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main()
