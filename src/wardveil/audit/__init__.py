"""Audits: does a model read patients through priced answers only, and by no more than priced?"""

from wardveil.audit.canary import CanaryAudit, audit_canaries
from wardveil.audit.examine import Coupling, audit_plan, couple, fingerprint, replay
from wardveil.audit.models import Examined, examine
from wardveil.audit.noise import Asked, RecordingNoise, TapeNoise

__all__ = [
    "Asked", "CanaryAudit", "Coupling", "Examined", "RecordingNoise", "TapeNoise",
    "audit_canaries", "audit_plan", "couple", "examine", "fingerprint", "replay",
]  # fmt: skip
