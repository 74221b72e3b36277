"""The models by name, their settings from text, and the rule behind `auto`."""

import types
from collections.abc import Mapping
from dataclasses import MISSING, Field, fields
from difflib import get_close_matches
from typing import Any, Union, get_args, get_origin, get_type_hints

from wardveil.errors import Problem, UsageError
from wardveil.models.acgan import ACGAN
from wardveil.models.base import Model, Moment, Rng, Watch, Weights
from wardveil.models.ctgan import CTGAN
from wardveil.models.independent import Independent
from wardveil.models.marginal import MarginalGAN
from wardveil.models.medgan import MedGAN
from wardveil.models.medical_cgan import MedicalCGAN
from wardveil.models.tablegan import TableGAN

MODELS: dict[str, type[Model]] = {
    "medical-cgan": MedicalCGAN,
    "ctgan": CTGAN,
    "acgan": ACGAN,
    "medgan": MedGAN,
    "tablegan": TableGAN,
    "marginal": MarginalGAN,
    "independent": Independent,
}

__all__ = [
    "ACGAN", "CTGAN", "MODELS", "Independent", "MarginalGAN", "MedGAN", "MedicalCGAN", "Model",
    "Moment", "Rng", "TableGAN", "Watch", "Weights",
    "choose_model", "defaults", "settings",
]  # fmt: skip

ENOUGH = 200
"""n·ε from which joint structure is worth its noise; below, one-ways need the whole budget. At 140
(pbc, ε = 0.5) `tvd2` was 0.48 with it and 0.41 without, at 279 (ε = 1) 0.35 and 0.37; at 306 (heart
disease, ε = 0.5) 0.22 and 0.27."""


def choose_model(n: int, columns: int, epsilon: float) -> tuple[str, str]:
    """The model `auto` takes, and why: a rule on public facts alone.

    Args:
        n: Number of patients.
        columns: Modelled columns.
        epsilon: ε, or `math.inf`.
    """
    if columns < 2 or n * epsilon < ENOUGH:
        return "independent", (
            f"auto chose independent: with {n} patients at ε = {epsilon:g} noise would swallow "
            "joint tables."
        )
    return "marginal", (
        f"auto chose marginal: {n} patients at ε = {epsilon:g} allow joint tables of {columns} "
        "columns, and no model was ahead of it beyond chance in our measurements."
    )


def settings(name: str, assignments: Mapping[str, str]) -> Model:
    """A model from its name and settings given as text, as `--set epochs=20` does.

    Args:
        name: A key of `MODELS`.
        assignments: Setting -> text; lists are written 256,512,256.

    Raises:
        UsageError: All problems at once (E120 model, E121 setting, E122 value).
    """
    if name not in MODELS:
        raise UsageError(
            Problem(
                code="E120",
                what=f"There is no model {name!r}.",
                where="model",
                do=(f"Choose from: auto, {', '.join(MODELS)}.",),
            )
        )
    cls = MODELS[name]
    hints = get_type_hints(cls)
    known = {f.name: hints[f.name] for f in fields(cls)}
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for key, text in assignments.items():
        if key not in known:
            near = get_close_matches(key, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"Known: {', '.join(known)}."
            problems.append(
                Problem(code="E121", what=f"{name} has no setting {key!r}.", where=key, do=(hint,))
            )
            continue
        try:
            values[key] = _parse(text, known[key])
        except ValueError:
            problems.append(
                Problem(
                    code="E122",
                    what=f"{key} must be {_type_name(known[key])}, found {text!r}.",
                    where=key,
                    do=(f"For example --set {key}={_shown(_default(cls, key))}",),
                )
            )
    if problems:
        raise UsageError(problems)
    return cls(**values)


def defaults(name: str) -> dict[str, tuple[str, str]]:
    """Setting -> (type in words, default as text) of one model, in order."""
    cls = MODELS[name]
    hints = get_type_hints(cls)
    return {f.name: (_type_name(hints[f.name]), _shown(_value(f))) for f in fields(cls)}


def _default(cls: type[Model], key: str) -> Any:
    return next(_value(f) for f in fields(cls) if f.name == key)


def _value(field: Field[Any]) -> Any:
    """The default of a field."""
    return field.default if field.default is not MISSING else None


def _shown(value: Any) -> str:
    """A setting as it is written after --set."""
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _parse(text: str, wanted: Any) -> Any:
    """Text as a value of the annotated type; ValueError if it is not one."""
    origin, args = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        if text == "None":
            return None
        return _parse(text, next(a for a in args if a is not type(None)))
    if origin is tuple:
        return tuple(_parse(part, args[0]) for part in text.split(",") if part)
    if wanted is bool:
        if text not in ("true", "false"):
            raise ValueError(text)
        return text == "true"
    if origin is not None:  # Literal
        if text not in args:
            raise ValueError(text)
        return text
    return wanted(text)


def _type_name(wanted: Any) -> str:
    """A type in words."""
    origin, args = get_origin(wanted), get_args(wanted)
    if origin in (Union, types.UnionType):
        return f"{_type_name(args[0])} or None"
    if origin is tuple:
        return f"{'numbers' if args[0] is float else 'whole numbers'} separated by commas"
    if origin is not None:
        return " or ".join(map(str, args))
    return {int: "a whole number", float: "a number", bool: "true or false"}.get(wanted, "text")
