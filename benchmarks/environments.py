"""A virtual environment for each peer, made once under a cache folder. Never ours."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

TORCH: Final = "torch==2.13.0"
PINS: Final[Mapping[str, tuple[str, ...]]] = {
    "ctgan": ("ctgan==0.12.1", TORCH),
    # Its networks import packaging and do not say so.
    "smartnoise": ("smartnoise-synth==1.0.8", "packaging", TORCH),
    "dpmm": ("dpmm==0.1.9",),
    "mostlyai": ("mostlyai-engine==2.7.3", TORCH),
    # It calls numpy.in1d, and takes rows of a Series by position: later ones have neither.
    "arfpy": ("arfpy==0.1.1", "numpy<2", "pandas<3"),
}
UNWANTED: Final[Mapping[str, tuple[str, ...]]] = {"mostlyai": ("torchvision", "torchaudio")}
"""What fails to import beside the pinned torch, and no table needs."""


def python_of(peer: str, cache: Path) -> Path:
    """The peer's interpreter; its environment is made when it is not there or has other pins."""
    folder = cache / "envs" / peer
    python, stamp = folder / "bin" / "python", folder / "pins.txt"
    wanted = "\n".join(PINS[peer])
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "--disable-pip-version-check", "-q"]
    subprocess.run([*pip, "install", *PINS[peer]], check=True)
    if unwanted := UNWANTED.get(peer):
        subprocess.run([*pip, "uninstall", "-y", *unwanted], check=True)
    stamp.write_text(wanted, encoding="utf-8")
    return python
