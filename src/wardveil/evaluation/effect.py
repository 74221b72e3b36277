"""Effect: what the treatment does to a measurement, in the real and in the synthetic table."""

from dataclasses import dataclass

import numpy as np

from wardveil.errors import Problem, SchemaError
from wardveil.evaluation.coefficients import overlap
from wardveil.evaluation.interval import Z
from wardveil.evaluation.prepared import Flags, Floats, Prepared, Tabular, prepare
from wardveil.evaluation.trajectory import values
from wardveil.schema.schema import Schema


@dataclass(frozen=True, kw_only=True)
class Effect:
    """The difference of means between two arms, second minus first.

    Attributes:
        measurement: The column.
        arms: The two levels compared, in their declared order.
        real: The difference, and its 95 % interval (Welch's standard error).
        synthetic: The same in the synthetic table.
        inside: Whether the synthetic difference lies in the real interval.
        overlap: Mean share that the two intervals have in common; 1 for equal ones.
    """

    measurement: str
    arms: tuple[str, str]
    real: tuple[float, float, float]
    synthetic: tuple[float, float, float]
    inside: bool
    overlap: float


def treatment_effect(
    real: Tabular,
    synthetic: Tabular,
    *,
    arm: str,
    measurement: str,
    schema: Schema | None = None,
) -> Effect:
    """What the treatment does, and whether the synthetic table would say the same.

    Args:
        real: Real rows.
        synthetic: Synthetic rows.
        arm: A column of two levels.
        measurement: A numeric column, such as a pressure at one year.
        schema: What is declared.

    Raises:
        SchemaError: E341, the measurement is no numeric column; E344, the arm does not have two
            levels that two patients each have.
    """
    tables = prepare(real, synthetic, schema=schema)
    levels = _levels(tables[0], arm)
    ours, theirs = (_difference(t, arm, levels, measurement) for t in tables)
    common = overlap(*((np.array([d[1]]), np.array([d[2]])) for d in (ours, theirs)))
    return Effect(
        measurement=measurement, arms=levels, real=ours, synthetic=theirs,
        inside=ours[1] <= theirs[0] <= ours[2], overlap=float(common[0]),
    )  # fmt: skip


def _levels(table: Prepared, arm: str) -> tuple[str, str]:
    """The arm's two levels."""
    column = table.columns.get(arm)
    found = sorted(set(_texts(column))) if column is not None and not _set(column) else []
    declared = table.levels.get(arm, ())
    found = [level for level in declared if level in found] or found
    if len(found) != 2:
        raise _no_arms(arm)
    return found[0], found[1]


def _difference(
    table: Prepared, arm: str, levels: tuple[str, str], measurement: str
) -> tuple[float, float, float]:
    """Difference of means, and its interval."""
    column = _texts(table.columns[arm])
    V = values(table, (measurement,))[:, 0]
    parts: list[Floats] = [V[(column == level) & ~np.isnan(V)] for level in levels]
    if min(map(len, parts)) < 2:
        raise _no_arms(arm)
    value = float(parts[1].mean() - parts[0].mean())
    error = Z * float(np.sqrt(sum(p.var(ddof=1) / len(p) for p in parts)))
    return value, value - error, value + error


def _set(column: object) -> bool:
    return isinstance(column, Flags)


def _texts(column: object) -> np.ndarray:
    """Levels as texts, "" where missing."""
    assert isinstance(column, np.ndarray)
    return np.array(["" if v is None or v != v else v if isinstance(v, str) else f"{v:g}"
                     for v in column], dtype=object)  # fmt: skip


def _no_arms(arm: str) -> SchemaError:
    return SchemaError(
        Problem(code="E344", where=f'column "{arm}"',
                what="An arm must have two levels, and two patients with a measurement in each.",
                do=("Name the column of the treatment.",))
    )  # fmt: skip
