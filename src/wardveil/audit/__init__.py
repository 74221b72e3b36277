"""Audits: does a model read patients through priced answers only, and by no more than priced?"""

from wardveil.audit.examine import Coupling, couple, fingerprint, replay
from wardveil.audit.noise import Asked, RecordingNoise, TapeNoise

__all__ = [
    "Asked", "Coupling", "RecordingNoise", "TapeNoise", "couple", "fingerprint", "replay",
]  # fmt: skip
