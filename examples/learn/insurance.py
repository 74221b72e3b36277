"""Lesson 6. The bills of 1,338 insured people: fit, sample, look.

    python examples/learn/insurance.py [--epochs 100] [-o learnt]

The table of the report that taught us CTGAN, a public textbook table. Fitted with `ctgan` (without
privacy) and with `marginal` at ε = 1; 1,000 people are made of each, and the five usual figures
drawn: means and spreads, cumulative sums, distributions, correlations, and the first two principal
components.

The report fitted 300 epochs in batches of 500, which for 1,338 rows is 600 steps, and took age for
a category of 47 levels. Both are tried: few steps teach little, and neighbouring ages that are
strangers to each other must all be learnt by themselves.
"""

import argparse
import math
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA

import wardveil as wv
from wardveil.evaluation import tvd1, tvd2

HERE = Path(__file__).parent.parent
NUMBERS = ["age", "bmi", "children", "charges"]


def aged_by_category(schema: wv.Schema) -> wv.Schema:
    """The same schema with a level for each year of age."""
    years = tuple(str(a) for a in range(18, 65))
    return schema.replace("age", kind="categorical", levels=years, low=None, high=None, unit="")


def draw(real: pd.DataFrame, made: pd.DataFrame, path: Path, title: str) -> None:
    """The five figures on one page."""
    figure, axes = plt.subplots(2, 3, figsize=(12, 7))
    a, b = real[NUMBERS].astype(float), made[NUMBERS].astype(float)
    for value, mark in (("mean", "o"), ("std", "s")):
        x, y = getattr(a, value)().abs() + 1e-5, getattr(b, value)().abs() + 1e-5
        axes[0, 0].loglog(x, y, mark, label=value)
    axes[0, 0].axline((1, 1), (10, 10), color="k", lw=0.6)
    axes[0, 0].set(title="Means and spreads", xlabel="real", ylabel="made")
    axes[0, 0].legend()
    for frame, name in ((a, "real"), (b, "made")):
        axes[0, 1].plot(np.sort(frame["charges"]), np.linspace(0, 1, len(frame)), label=name)
    axes[0, 1].set(title="Charges, cumulative", xlabel="USD")
    axes[0, 1].legend()
    axes[0, 2].hist([a["age"], b["age"]], bins=24, density=True, label=["real", "made"])
    axes[0, 2].set(title="Age")
    for axis, frame, name in ((axes[1, 0], a, "real"), (axes[1, 1], b, "made")):
        axis.imshow(frame.corr(), vmin=-1, vmax=1, cmap="RdBu")
        axis.set(title=f"Correlations, {name}", xticks=range(4), yticks=range(4))
        axis.set_xticklabels(NUMBERS, rotation=30)
        axis.set_yticklabels(NUMBERS)
    scale = a.std()
    pca = PCA(2).fit(a / scale)
    for frame, name in ((a, "real"), (b, "made")):
        axes[1, 2].scatter(*pca.transform(frame / scale).T, s=3, label=name)
    axes[1, 2].set(title="First two components")
    axes[1, 2].legend()
    figure.suptitle(title)
    figure.tight_layout()
    figure.savefig(path, dpi=80)


def main() -> None:
    """Fit three ways, sample, compare."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=100, help="300 is the report's")
    parser.add_argument("-o", "--output", type=Path, default=Path("learnt"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    schema = wv.Schema.read(HERE / "schemas" / "insurance.toml")
    csv = HERE / "data" / "insurance.csv"
    real = wv.read_table(csv, schema).to_frame()
    report = {"averaging": 0.0, "matching_steps": 0, "calibrate": False}  # the paper's game alone
    ways = {
        "ctgan": (wv.CTGAN(epochs=options.epochs), schema, math.inf),
        "ctgan, the game alone": (wv.CTGAN(epochs=options.epochs, **report), schema, math.inf),
        "ctgan, the game alone, age as categories": (
            wv.CTGAN(epochs=options.epochs, **report), aged_by_category(schema), math.inf),
        "marginal at ε = 1": ("marginal", schema, 1.0),
    }  # fmt: skip
    for name, (model, kinds, epsilon) in ways.items():
        synth = wv.fit(wv.read_table(csv, kinds), model=model, epsilon=epsilon, seed=0)
        made = synth.sample(1_000, seed=0)
        made["age"] = made["age"].astype(int)
        near = [f(real, made, schema=schema) for f in (tvd1, tvd2)]
        more, truly = (_difference(frame) for frame in (made, real))
        print(f"{name:42s} tvd1 {near[0]:.3f}  tvd2 {near[1]:.3f}  "
              f"smokers pay {more:,.0f} USD more (real {truly:,.0f})")  # fmt: skip
        slug = name.split(" at")[0].replace(", ", "_").replace(" ", "_")
        draw(real, made, options.output / f"insurance_{slug}.png", name)


def _difference(frame: pd.DataFrame) -> float:
    """How much more smokers are charged."""
    mean = frame.groupby("smoker")["charges"].mean()
    return float(mean["yes"] - mean["no"])


if __name__ == "__main__":
    main()
