"""Can a reader of the synthetic table tell who was in the real one? With and without privacy.

    python examples/membership_check.py

An over-trained medical-cgan (150 patients, 400 epochs, no dropout) and one at ε = 1 each make
10,000 rows. The attack scores a person by how close the nearest synthetic rows are, and is judged
on 150 members against 150 others: 0.5 is a coin. Distances are a smoke test and never a measure of
privacy; the statement is.
"""

import argparse
import math
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

import wardveil as wv

HERE = Path(__file__).parent
NUMBERS = [
    "age_years", "weight_kg", "bmi", "systolic_bp_mmHg", "diastolic_bp_mmHg", "heart_rate_bpm",
    "body_temp_C", "fasting_glucose_mg_dL", "hba1c_percent",
]  # fmt: skip


def attack(fake: np.ndarray, members: np.ndarray, others: np.ndarray) -> float:
    """AUC of "the nearest synthetic row is near" for members against others."""
    centre, spread = others.mean(axis=0), others.std(axis=0)
    index = NearestNeighbors(n_neighbors=1).fit((fake - centre) / spread)
    near = [index.kneighbors((x - centre) / spread)[0][:, 0] for x in (members, others)]
    truth = np.concatenate([np.ones(len(members)), np.zeros(len(others))])
    return float(roc_auc_score(truth, -np.concatenate(near)))


def main() -> None:
    """Fit twice, attack twice."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=400)
    parser.add_argument("--rows", type=int, default=10_000)
    options = parser.parse_args()
    schema = wv.Schema.read(HERE / "schemas" / "diabetes.toml")
    table = wv.read_table(HERE / "data" / "diabetes.csv", schema)
    members, others = table.take(np.arange(150)), table.take(np.arange(150, 300))
    model = wv.MedicalCGAN(  # as many surrogates as patients: the same over-training
        epochs=options.epochs,
        anchor_epochs=options.epochs,
        dropout=0.0,
        learning_rate=5e-4,
        anchor_rows=300,
    )
    for epsilon in (math.inf, 1.0):
        synth = wv.fit(members, model=model, epsilon=epsilon, seed=1)
        rows = [t.to_frame()[NUMBERS].to_numpy(float) for t in (members, others)]
        fake = synth.sample(options.rows, seed=1)[NUMBERS].to_numpy(float)
        print(f"ε = {epsilon:g}: attack AUC {attack(fake, *rows):.3f}")


if __name__ == "__main__":
    main()
