"""Layout: which door an export goes through, and what may be declared for it."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any, Final

from wardveil.doors.declared import items_of
from wardveil.doors.events import read_events
from wardveil.doors.export import file_in
from wardveil.doors.imported import Imported
from wardveil.doors.mimic import read_mimic
from wardveil.doors.setting import setting
from wardveil.doors.stream import found_in, header_of
from wardveil.doors.synthea import read_synthea
from wardveil.doors.visits import VISIT, read_visits
from wardveil.errors import Problem, UsageError
from wardveil.schema.finding import suggestion

LAYOUTS: Final[Mapping[str, Callable[..., Imported]]] = {
    "mimic-iii": read_mimic,
    "synthea": read_synthea,
    "events": read_events,
    "visits": read_visits,
}
_LISTS: Final = ("columns", "arms")


def layout_of(source: str | PathLike[str]) -> str:
    """The layout of an export, by the names of its files or the header of its file.

    Raises:
        UsageError: E330, it is none that is known.
    """
    path = Path(source)
    if path.is_dir():
        if file_in(path, "ADMISSIONS") and file_in(path, "DIAGNOSES_ICD"):
            return "mimic-iii"
        if file_in(path, "patients") and any(
            file_in(path, name) for name in ("conditions", "medications", "observations")
        ):
            return "synthea"
    else:
        header = header_of(path)
        if found_in(header, VISIT):
            return "visits"
        if found_in(header, ["code"]):
            return "events"
    raise UsageError(
        Problem(code="E330", what="The layout of the export is not recognised.", where=path.name,
                do=(f"name it: --layout {' | '.join(LAYOUTS)}",
                    "give one row a patient to wardveil init"))
    )  # fmt: skip


def settings_of(layout: str) -> tuple[str, ...]:
    """What may be declared for a layout."""
    names = inspect.signature(LAYOUTS[layout]).parameters
    return tuple(name for name in names if name != "source")


def through(source: str | PathLike[str], layout: str, settings: Mapping[str, Any]) -> Imported:
    """One row a patient through the door of a layout.

    Args:
        source: The folder or file.
        layout: A key of `LAYOUTS`.
        settings: As the door takes them, or as texts: lists by commas, numbers as digits.

    Raises:
        UsageError: E330, E331: no such layout or setting, or one is lacking.
        SchemaError: A file or list cannot be read.
    """
    if layout not in LAYOUTS:
        raise UsageError(
            Problem(code="E330", what=f"Layout {layout!r} is not known.", where="--layout",
                    do=(*suggestion(layout, LAYOUTS), f"use one of {', '.join(LAYOUTS)}"))
        )  # fmt: skip
    known = settings_of(layout)
    for name in settings:
        if name not in known:
            raise setting(f"Layout {layout} has no setting {name!r}.", layout,
                          *suggestion(name, known), f"known are {', '.join(known)}")  # fmt: skip
    needed = [
        name for name, p in inspect.signature(LAYOUTS[layout]).parameters.items()
        if p.default is p.empty and name != "source" and name not in settings
    ]  # fmt: skip
    if needed:
        do = (f"--set {name}=…, or in the file of --mapping" for name in needed)
        raise setting(f"Layout {layout} needs {' and '.join(needed)} declared.", layout, *do)
    values = {name: _value(name, value) for name, value in settings.items()}
    return LAYOUTS[layout](source, **values)


def _value(name: str, value: Any) -> Any:
    """A setting in the type the door takes."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        if not all(isinstance(part, str | int) for part in value):
            raise setting(f"{name} must be a list of names, or a file.", name)
        return [str(part) for part in value]
    if name in _LISTS:
        return [item.code for item in items_of(str(value))]
    if name == "most":
        if not str(value).isdigit():
            raise setting("most must be a whole number.", name)
        return int(value)
    return str(value)
