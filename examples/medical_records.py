"""Synthetic medical records by condition, from load to report: the system of the first seed.

    python examples/medical_records.py                     # faithful, ε = ∞
    python examples/medical_records.py --epsilon 1         # with privacy
    python examples/medical_records.py --tradeoff          # quality against ε

Writes into --output: synthetic_medical_records.csv (ids SYNTH-0000 …, numbers in clinical units,
medication_encoded, four flags), the decode table, condition counts, loss and budget figures, the
statement, and the report.

To customise: another table needs only another schema (--table, --schema); which columns can be
asked for is `condition = true` in the schema; ε, δ and the clip norm stand in CONFIG.
"""

import argparse
import json
import math
from pathlib import Path

import wardveil as wv
from wardveil.evaluation import tvd1, tvd2
from wardveil.report.figure import budget_figure, loss_figure, tradeoff_figure
from wardveil.tables import encode_labels, write_table

HERE = Path(__file__).parent

CONFIG = {
    "noise_dim": 100,
    "condition_dim": None,  # derived from the schema; checked if given
    "feature_dim": None,
    "generator_hidden_dims": (256, 512, 256),
    "discriminator_hidden_dims": (256, 512, 256),
    "learning_rate": 0.0002,
    "batch_size": 32,
    "epochs": 100,
    "max_grad_norm": 1.0,
}
FLAGS = ("neuropathy", "retinopathy", "hypoglycemia", "uti")
COMBINATIONS = ("1000", "0100", "0010", "0001", "1100", "0011", "1111", "0000")


def main() -> None:
    """Load → train → generate → save → report."""
    options = arguments()
    options.output.mkdir(parents=True, exist_ok=True)
    schema = wv.Schema.read(options.schema)
    real = wv.read_table(options.table, schema)
    model = wv.MedicalCGAN(**{**CONFIG, **({"epochs": options.epochs} if options.epochs else {})})
    if options.tradeoff:
        tradeoff(real, schema, model, options.output)
        return
    synth = wv.fit(real, model=model, epsilon=options.epsilon, delta=options.delta, seed=42)
    print(synth.statement, "\n")

    wishes = [dict(zip(FLAGS, map(int, bits), strict=True)) for bits in COMBINATIONS]
    records = synth.sample_each(options.rows, wishes, seed=42)
    records, decode = encode_labels(records, "medications", "medication_encoded")
    write_table(records, options.output / "synthetic_medical_records.csv")
    write_table(decode, options.output / "medication_encoded.csv")
    print(records.head(), "\n")

    counts = records[list(FLAGS)].sum()
    combos = records.groupby(list(FLAGS)).size().rename("rows").reset_index()
    write_table(combos, options.output / "conditions.csv")
    print("Rows with each condition:", counts.to_dict())

    if synth.history:
        (options.output / "history.json").write_text(json.dumps(synth.history))
        loss_figure(synth.history, options.output / "loss.png")
    else:
        budget_figure(synth.statement.plan, options.output / "budget.png")
    (options.output / "statement.txt").write_text(f"{synth.statement}\n", encoding="utf-8")
    fake = synth.sample(real.n, seed=1)
    report = wv.evaluate(real, fake, schema=schema, statement=synth.statement)
    report.save_html(options.output / "report.html")
    print(f"Written to {options.output}")


def tradeoff(real: wv.Table, schema: wv.Schema, model: wv.MedicalCGAN, folder: Path) -> None:
    """tvd1 and tvd2 against held-out rows for several ε, beside the ruler."""
    train, holdout = real.split()
    held = holdout.to_frame()
    epsilons = [0.5, 1.0, 3.0, 10.0, math.inf]
    found: dict[str, list[float]] = {"tvd1": [], "tvd2": [], "tvd2 of real rows": []}
    for epsilon in epsilons:
        fake = wv.fit(train, model=model, epsilon=epsilon, seed=42).sample(train.n, seed=1)
        fake = fake[held.columns]
        found["tvd1"].append(tvd1(held, fake, schema=schema))
        found["tvd2"].append(tvd2(held, fake, schema=schema))
        found["tvd2 of real rows"].append(tvd2(held, train.to_frame(), schema=schema))
        print(f"ε = {epsilon:g}", {name: round(values[-1], 4) for name, values in found.items()})
    tradeoff_figure(epsilons, found, folder / "tradeoff.png")


def arguments() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--table", type=Path, default=HERE / "data" / "diabetes.csv")
    parser.add_argument("--schema", type=Path, default=HERE / "schemas" / "diabetes.toml")
    parser.add_argument("--epsilon", type=float, default=math.inf)
    parser.add_argument("--delta", type=float, default=None)
    parser.add_argument("--epochs", type=int, default=None)
    parser.add_argument("--rows", type=int, default=50, help="rows of each combination")
    parser.add_argument("--output", type=Path, default=Path("medical-records"))
    parser.add_argument("--tradeoff", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
