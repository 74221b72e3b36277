"""Lesson 8. What a synthetic table is for: sharing, augmenting, simulating.

    python examples/learn/uses.py [-o learnt]

Three made-up tables, one use each.

Sharing (hospital)      A table may leave at ε = 1. Somebody who only has the synthetic one asks:
                        does the drug lower blood pressure? Compared with the real answer.
Augmenting (finance)    Two per cent of the payments are fraud. Does it help a classifier to see
                        more of them, made by asking for fraud? Judged on real payments it has not
                        seen. Beware: made rows hold nothing that the real ones did not; what they
                        change is the balance, and weighting the classes is the honest rival.
Simulating (retail)     What if every customer were over 60? Ask for such customers and see what
                        they buy. That is a conditional of the fitted table, no forecast.
"""

import argparse
import math
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import average_precision_score

import wardveil as wv
from wardveil.schema import Column


def hospital(rng: np.random.Generator, n: int = 4_000) -> tuple[pd.DataFrame, wv.Schema]:
    """Patients of a trial: the drug lowers pressure by 8 mmHg."""
    drug = rng.integers(0, 2, n)
    age = np.clip(rng.normal(62, 11, n), 30, 90).round()
    pressure = np.clip(110 + 0.5 * age - 8 * drug + rng.normal(0, 12, n), 80, 220).round()
    frame = pd.DataFrame({"drug": drug, "age": age, "pressure": pressure})
    return frame, wv.Schema(columns=(
        Column(name="drug", kind="binary", levels=("0", "1"), condition=True),
        Column(name="age", kind="count", low=30, high=90, unit="years"),
        Column(name="pressure", kind="count", low=80, high=220, unit="mmHg"),
    ))  # fmt: skip


def payments(rng: np.random.Generator, n: int = 6_000) -> tuple[pd.DataFrame, wv.Schema]:
    """Payments, of which 2 % are fraud: larger, and at night."""
    fraud = (rng.random(n) < 0.02).astype(int)
    amount = np.clip(rng.lognormal(3.5 + 1.2 * fraud, 1.0), 0, 5_000).round(2)
    hour = np.where(
        rng.random(n) < 0.3 + 0.5 * fraud, rng.integers(0, 6, n), rng.integers(6, 24, n)
    )
    frame = pd.DataFrame({"fraud": fraud, "amount": amount, "hour": hour})
    return frame, wv.Schema(columns=(
        Column(name="fraud", kind="binary", levels=("0", "1"), target=True, condition=True),
        Column(name="amount", kind="continuous", low=0, high=5_000, decimals=2),
        Column(name="hour", kind="count", low=0, high=23),
    ))  # fmt: skip


def customers(rng: np.random.Generator, n: int = 4_000) -> tuple[pd.DataFrame, wv.Schema]:
    """Customers and what they spend on."""
    age = rng.integers(18, 90, n)
    kind = np.where(rng.random(n) < (age - 18) / 90, "garden", rng.choice(["games", "food"], n))
    spent = np.clip(rng.gamma(2, 20, n) + 30 * (kind == "garden"), 0, 500).round(2)
    frame = pd.DataFrame({"age": age, "department": kind, "spent": spent})
    return frame, wv.Schema(columns=(
        Column(name="age", kind="count", low=18, high=90),
        Column(name="department", kind="categorical", levels=("food", "games", "garden")),
        Column(name="spent", kind="continuous", low=0, high=500, decimals=2),
    ))  # fmt: skip


def sharing(rng: np.random.Generator, axis: plt.Axes) -> None:
    """The treatment difference, real and synthetic."""
    real, schema = hospital(rng)
    synth = wv.fit(wv.read_table(real, schema), model="marginal", epsilon=1.0, seed=0)
    made = synth.sample(len(real), seed=0)
    found = []
    for frame in (real, made):
        a, b = (frame.pressure[frame.drug.astype(int) == arm].astype(float) for arm in (1, 0))
        found.append((a.mean() - b.mean(), 1.96 * math.sqrt(a.var() / len(a) + b.var() / len(b))))
    for name, (difference, half) in zip(("real", "synthetic"), found, strict=True):
        print(f"sharing: {name} difference {difference:+.1f} ± {half:.1f} mmHg")
    axis.errorbar([0, 1], [d for d, _ in found], [h for _, h in found], fmt="o")
    axis.set(title="Sharing: effect of the drug", xticks=[0, 1], ylabel="mmHg", xlim=(-0.5, 1.5))
    axis.set_xticklabels(["real", "synthetic, ε = 1"])


def augmenting(rng: np.random.Generator, axis: plt.Axes) -> None:
    """Average precision of finding fraud, by what the classifier was shown."""
    frame, schema = payments(rng)
    train, test = frame[:4_000], frame[4_000:]
    synth = wv.fit(wv.read_table(train, schema), model="marginal", epsilon=math.inf, seed=0)
    more = synth.sample(2_000, where={"fraud": 1}, seed=0).astype(float)
    shown = {
        "as it is": (train, None),
        "weighted": (train, "balanced"),
        "augmented": (pd.concat([train, more[train.columns]]), None),
    }
    score = {}
    for name, (rows, weight) in shown.items():
        X = [f[["amount", "hour"]].astype(float) for f in (rows, test)]
        model = RandomForestClassifier(200, min_samples_leaf=5, class_weight=weight, random_state=0)
        model.fit(X[0], rows.fraud.astype(int))
        score[name] = average_precision_score(test.fraud, model.predict_proba(X[1])[:, 1])
        print(f"augmenting: classifier shown the table {name}: precision {score[name]:.3f}")
    axis.bar(list(score), list(score.values()))
    axis.set(title="Augmenting: finding fraud", ylabel="average precision")


def simulating(rng: np.random.Generator, axis: plt.Axes) -> None:
    """Departments of everybody, and of those over 60."""
    real, schema = customers(rng)
    synth = wv.fit(wv.read_table(real, schema), model="marginal", epsilon=3.0, seed=0)
    groups = {
        "everybody": synth.sample(4_000, seed=0),
        "if all were over 60": synth.sample(4_000, where={"age": (61, 90)}, seed=0),
        "real customers over 60": real[real.age > 60],
    }
    for name, frame in groups.items():
        share = frame.department.value_counts(normalize=True).sort_index()
        axis.plot(share.index, share, "o-", label=name)
        print(f"simulating: {name}: garden {share['garden']:.2f}")
    axis.set(title="Simulating: departments", ylabel="share")
    axis.legend()


def main() -> None:
    """All three."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-o", "--output", type=Path, default=Path("learnt"))
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    _, axes = plt.subplots(1, 3, figsize=(13, 4))
    for use, axis in zip((sharing, augmenting, simulating), axes, strict=True):
        use(rng, axis)
    plt.tight_layout()
    plt.savefig(options.output / "uses.png", dpi=80)


if __name__ == "__main__":
    main()
