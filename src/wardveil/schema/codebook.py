"""Codebooks of other tools as columns: REDCap, Frictionless, SDV.

What a codebook says was known before the patients came; every fact's source is "dictionary".
"""

import csv
import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from os import PathLike
from pathlib import Path
from typing import Any, Final

from wardveil.errors import Problem, SchemaError
from wardveil.schema.column import Column, Kind, Source
from wardveil.schema.rules import findings
from wardveil.schema.toml import EPOCH, read_text

_NAME: Final = "Variable / Field Name"
_TYPE: Final = "Field Type"
_CHOICES: Final = "Choices, Calculations, OR Slider Labels"
_VALIDATION: Final = "Text Validation Type OR Show Slider Number"
_MIN: Final = "Text Validation Min"
_MAX: Final = "Text Validation Max"
_PRIVATE: Final = "Identifier?"
_REDCAP: Final = {
    _NAME: ("variable_field_name", "field_name"), _TYPE: ("field_type",),
    _CHOICES: ("choices_calculations_or_slider_labels", "select_choices_or_calculations"),
    _VALIDATION: ("text_validation_type_or_show_slider_number",),
    _MIN: ("text_validation_min",),
    _MAX: ("text_validation_max",), _PRIVATE: ("identifier",),
}  # fmt: skip


def read_codebook(path: str | PathLike[str]) -> dict[str, Column]:
    """Columns by name, from a codebook whose kind is recognised by its content.

    Args:
        path: A REDCap data dictionary (CSV), a Frictionless datapackage.json or table schema,
            or SDV metadata (JSON; of several tables all columns are taken).

    Raises:
        SchemaError: E230 if the file cannot be read, E231 if it is none of these, E232 if what
            it says contradicts itself.
    """
    path = Path(path)
    text = read_text(path, "E230")
    if text.lstrip().startswith(("{", "[")):
        columns = list(_json_columns(_parsed(text, path), path))
    else:
        columns = list(_redcap_columns(text, path))
    problems = [f.problem(path.name) for f in findings(columns, {}) if f.code != "E210"]
    if problems:
        raise SchemaError(
            [Problem(code="E232", what=p.what, where=path.name, do=p.do) for p in problems]
        )
    return {c.name: c for c in columns}


def _parsed(text: str, path: Path) -> Any:
    line = 0
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line = error.lineno
    raise SchemaError(Problem(code="E230", what="Not valid JSON.", where=f"{path.name}:{line}"))


def _unknown(path: Path) -> SchemaError:
    return SchemaError(
        Problem(
            code="E231", what="This is no codebook that can be read.", where=path.name,
            do=("give a REDCap data dictionary (CSV), a Frictionless datapackage or SDV JSON",),
        )
    )  # fmt: skip


def _column(name: str, kind: Kind, **facts: Any) -> Column:
    given = {f: v for f, v in facts.items() if v is not None}
    labelled: list[str] = [f for f in ("low", "high", "decimals", "levels") if f in given]
    labelled += ["nullable"] if "nullable" in given else []
    sources: dict[str, Source] = dict.fromkeys(labelled, "dictionary")
    return Column(name=name, kind=kind, **{"nullable": True, **given, "sources": sources})


def _number(text: Any) -> float | None:
    try:
        return float(text)
    except (TypeError, ValueError):
        return None


def _day(text: Any) -> float | None:
    try:
        return float((date.fromisoformat(str(text)[:10]) - EPOCH).days)
    except ValueError:
        return None


def _decimals(*bounds: float | None, least: int = 0) -> int:
    """Digits after the point that the bounds need."""
    spelled = [f"{b:.9f}".rstrip("0") for b in bounds if b is not None]
    return max([least, *(len(s.split(".")[1]) for s in spelled)])


# --- REDCap


def _redcap_columns(text: str, path: Path) -> Iterator[Column]:
    rows = csv.DictReader(text.splitlines(keepends=True))
    names = {_snake(h): h for h in rows.fieldnames or ()}
    fields = {
        ours: names.get(_snake(ours)) or next((names[o] for o in others if o in names), "")
        for ours, others in _REDCAP.items()
    }
    if not fields[_NAME] or not fields[_TYPE]:
        raise _unknown(path)
    for row in rows:
        yield from _redcap_field({f: (row.get(h) or "").strip() for f, h in fields.items()})


def _snake(header: str) -> str:
    return "_".join(re.findall(r"[a-z0-9]+", header.lower()))


def _redcap_field(field: Mapping[str, str]) -> Iterator[Column]:
    name, kind = field[_NAME], field[_TYPE].lower()
    if not name or kind in ("descriptive",):
        return
    codes = _choices(field[_CHOICES])
    if kind == "checkbox":
        for code, _ in codes:
            flag = f"{name}___{code.lower().replace('-', '_')}"
            yield _column(flag, "binary", levels=("0", "1"))
    elif field[_PRIVATE].lower().startswith("y"):
        yield _column(name, "drop", reason="marked as an identifier in the codebook")
    elif kind in ("yesno", "truefalse"):
        yield _column(name, "binary", levels=("0", "1"))
    elif kind in ("radio", "dropdown", "select"):
        levels = tuple(code for code, _ in codes)
        yield _column(name, "binary" if len(levels) == 2 else "categorical", levels=levels or None)
    elif kind == "slider":
        low, high = _number(field[_MIN]), _number(field[_MAX])
        yield _column(
            name, "count", low=0.0 if low is None else low, high=100.0 if high is None else high
        )
    elif kind in ("notes", "file"):
        yield _column(name, "drop", reason="free text or a file")
    else:
        yield _redcap_text(name, kind, field)


def _choices(text: str) -> list[tuple[str, str]]:
    """("1", "Yes") for each of "1, Yes | 2, No"."""
    parts = [part.split(",", 1) for part in text.split("|") if part.strip()]
    return [(part[0].strip(), part[-1].strip()) for part in parts]


def _redcap_text(name: str, kind: str, field: Mapping[str, str]) -> Column:
    rule = field[_VALIDATION].lower()
    if rule.startswith(("date_", "datetime_")):
        return _column(name, "date", low=_day(field[_MIN]), high=_day(field[_MAX]))
    if rule.startswith(("integer", "number")) or kind == "calc":
        low, high = _number(field[_MIN]), _number(field[_MAX])
        places = re.search(r"(\d)dp", rule)
        usual = 0 if rule == "integer" else int(places[1]) if places else None
        if usual is None and (low is None or high is None):
            return _column(
                name, "continuous", low=low, high=high, decimals=_decimals(low, high, least=1)
            )
        return _column(
            name,
            "continuous",
            low=low,
            high=high,
            decimals=_decimals(low, high, least=usual or 0),
        )
    if rule in ("email", "phone", "zipcode", "ssn", "mrn_10d", "mrn_generic", "postalcode_uk"):
        return _column(name, "drop", reason=f"validated as {rule}: identifies a person")
    return _column(name, "drop", reason="free text in the codebook")


# --- JSON


def _json_columns(data: Any, path: Path) -> Iterator[Column]:
    if not isinstance(data, dict):
        raise _unknown(path)
    resources = data.get("resources")
    if isinstance(resources, list):
        for resource in resources:
            if isinstance(resource, dict):
                yield from _frictionless(resource.get("schema"), path)
    elif isinstance(data.get("fields"), list):
        yield from _frictionless(data, path)
    elif isinstance(data.get("fields"), dict) or isinstance(data.get("columns"), dict):
        yield from _sdv(data)
    elif isinstance(data.get("tables"), dict):
        for table in data["tables"].values():
            yield from _sdv(table if isinstance(table, dict) else {})
    else:
        raise _unknown(path)


def _frictionless(schema: Any, path: Path) -> Iterator[Column]:
    if not isinstance(schema, dict) or not isinstance(schema.get("fields"), list):
        raise _unknown(path)
    key = schema.get("primaryKey")
    keys = [key] if isinstance(key, str) else list(key or ())
    missing = tuple(str(m) for m in schema.get("missingValues", ()) if str(m))
    for field in schema["fields"]:
        if isinstance(field, dict) and isinstance(field.get("name"), str):
            yield _frictionless_field(field, keys, missing)


def _frictionless_field(
    field: Mapping[str, Any], keys: list[str], missing: tuple[str, ...]
) -> Column:
    name, kind = field["name"], str(field.get("type", "string"))
    rules = field.get("constraints") or {}
    common: dict[str, Any] = {
        "nullable": not rules.get("required", False),
        "missing": missing or None,
    }
    if name in keys:
        return _column(name, "id")
    if rules.get("enum"):
        levels = tuple(_level(v) for v in rules["enum"])
        ordered = field.get("categoriesOrdered") or kind == "integer"
        chosen: Kind = "binary" if len(levels) == 2 else "ordinal" if ordered else "categorical"
        common["missing"] = tuple(m for m in missing if m not in levels) or None
        return _column(name, chosen, levels=levels, **common)
    if kind in ("integer", "number", "year"):
        low, high = _number(rules.get("minimum")), _number(rules.get("maximum"))
        least = 0 if kind != "number" else 1
        return _column(
            name,
            "continuous",
            low=low,
            high=high,
            decimals=_decimals(low, high, least=least),
            **common,
        )
    if kind in ("date", "datetime"):
        return _column(
            name,
            "date",
            low=_day(rules.get("minimum")),
            high=_day(rules.get("maximum")),
            **common,
        )
    if kind == "boolean":
        return _column(name, "binary", levels=("false", "true"), **common)
    if field.get("format") in ("email", "uri", "uuid"):
        return _column(name, "drop", reason=f"format {field['format']} in the codebook")
    return _column(name, "categorical", **common)


def _level(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return (
        str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()
    )


def _sdv(table: Mapping[str, Any]) -> Iterator[Column]:
    key = table.get("primary_key")
    for name, field in (table.get("columns") or table.get("fields") or {}).items():
        kind = str(field.get("sdtype", field.get("type", ""))) if isinstance(field, dict) else ""
        if name == key or kind == "id":
            yield _column(
                name, "id" if name == key else "drop", reason=None if name == key else "an id"
            )
        elif isinstance(field, dict) and (field.get("pii") or field.get("pii_category")):
            yield _column(name, "drop", reason="marked as personal in the codebook")
        elif kind == "numerical":
            whole = (
                str(field.get("computer_representation", field.get("subtype", "")))
                .lower()
                .startswith("int")
            )
            yield _column(name, "continuous", decimals=0 if whole else None)
        elif kind == "categorical":
            order = field.get("order")
            levels = tuple(_level(v) for v in order) if isinstance(order, list) else None
            yield _column(name, "ordinal" if levels else "categorical", levels=levels)
        elif kind == "boolean":
            yield _column(name, "binary", levels=("false", "true"))
        elif kind == "datetime":
            yield _column(name, "date")
        else:
            yield _column(name, "drop", reason=f"type {kind or 'unknown'} in the codebook")
