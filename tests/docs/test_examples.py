"""The examples run, and write what they promise."""

import subprocess
import sys
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]
PROMISED = [
    "patient_id", "age_years", "weight_kg", "bmi", "systolic_bp_mmHg", "diastolic_bp_mmHg",
    "heart_rate_bpm", "body_temp_C", "fasting_glucose_mg_dL", "hba1c_percent",
    "medication_encoded", "neuropathy", "retinopathy", "hypoglycemia", "uti",
]  # fmt: skip


def test_medical_records_has_exactly_the_promised_columns(tmp_path):
    command = [sys.executable, str(ROOT / "examples" / "medical_records.py"), "--epochs", "1",
               "--output", str(tmp_path)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    records = pd.read_csv(tmp_path / "synthetic_medical_records.csv")
    assert list(records.columns) == PROMISED
    assert records.patient_id.tolist() == [f"SYNTH-{i:04d}" for i in range(400)]
    flags = records[PROMISED[-4:]]
    assert flags.isin([0, 1]).all().all()
    assert (flags.astype(str).agg("".join, axis=1).value_counts() == 50).all()
    decode = pd.read_csv(tmp_path / "medication_encoded.csv", keep_default_na=False)
    assert set(records.medication_encoded) <= set(decode.medication_encoded)
    assert "No privacy guarantee" in done.stdout
    for name in ("loss.png", "history.json", "conditions.csv", "report.html", "statement.txt"):
        assert (tmp_path / name).stat().st_size > 0
