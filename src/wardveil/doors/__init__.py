"""Doors to exports of hospitals and trials: a folder or a long file becomes one row a patient."""

from wardveil.doors.declared import Item
from wardveil.doors.events import read_events
from wardveil.doors.imported import Imported
from wardveil.doors.layout import LAYOUTS, layout_of, through
from wardveil.doors.mimic import read_mimic
from wardveil.doors.synthea import read_synthea
from wardveil.doors.visits import read_visits, to_long

__all__ = [
    "LAYOUTS", "Imported", "Item", "layout_of", "read_events", "read_mimic", "read_synthea",
    "read_visits", "through", "to_long",
]  # fmt: skip
