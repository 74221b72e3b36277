"""The only package that touches patients: questions in, noisy answers out."""

from wardveil.vault.clipping import Part, Penalty
from wardveil.vault.noise import Noise, SecretNoise, SeededNoise
from wardveil.vault.statistics import tables_of
from wardveil.vault.vault import Answer, Binning, OpenVault, RowEncoder, Rows, Unit, Vault

__all__ = [
    "Answer", "Binning", "Noise", "OpenVault", "Part", "Penalty", "RowEncoder", "Rows",
    "SecretNoise", "SeededNoise", "Unit", "Vault", "tables_of",
]  # fmt: skip
