"""The only package that touches patients: questions in, noisy answers out."""

from wardveil.vault.clipping import Part, Penalty
from wardveil.vault.moments import clipped_products, clipped_total
from wardveil.vault.noise import Noise, SecretNoise, SeededNoise
from wardveil.vault.statistics import tables_of
from wardveil.vault.vault import (
    CLIP_MARGIN,
    Answer,
    Binning,
    OpenVault,
    RowEncoder,
    Rows,
    Unit,
    Vault,
)

__all__ = [
    "CLIP_MARGIN", "Answer", "Binning", "Noise", "OpenVault", "Part", "Penalty", "RowEncoder",
    "Rows", "SecretNoise", "SeededNoise", "Unit", "Vault", "clipped_products",
    "clipped_total", "tables_of",
]  # fmt: skip
