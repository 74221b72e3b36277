"""A table as every method can read it: numbers and categories, nothing missing, no sets of codes.

A number that may be missing becomes two columns: the number, with the median where it is missing,
and a category that says whether it is. Missing is one more level of a category, and every code of
a codes column is a category of its own. All of it is undone in what a method makes. The median is
a gift: nobody pays ε for it.
"""

from typing import Any, Final

import numpy as np
import pandas as pd

from wardveil.schema import Schema
from wardveil.schema.variable import Numeric, Variable
from wardveil.tables import Table, to_frame

FEW: Final = 20
"""Whole numbers with at most this many admissible values are given as categories, in order."""


def facts(schema: Schema) -> list[dict[str, Any]]:
    """Name, kind and public facts of every plain column, as JSON knows them."""
    return [fact for i, v in enumerate(schema.variables) for fact in _facts(f"c{i}", v)]


def plain(table: Table) -> pd.DataFrame:
    """The patients as `facts` describes them, one row each."""
    columns: dict[str, Any] = {}
    for i, variable in enumerate(table.schema.variables):
        columns |= _plain(f"c{i}", variable, table.rows[variable.name])
    return pd.DataFrame(columns)


def without_holes(frame: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """A method's rows with every empty cell filled from another row, and the share of such cells.

    Some methods leave cells empty though none was in what they saw. A draw from the same column is
    the kindest repair: it leaves one-way distributions as they are.
    """
    rng = np.random.default_rng(0)
    filled = frame.copy()
    for name in frame.columns[frame.isna().any()]:
        empty = frame[name].isna()
        there = frame.loc[~empty, name].to_numpy()
        if len(there):
            filled.loc[empty, name] = rng.choice(there, int(empty.sum()))
    return filled, round(float(frame.isna().to_numpy().mean()), 5)


def restored(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """Plain rows as a table of the schema; numbers are clipped and rounded to what it admits.

    Raises:
        ValueError: A column is absent or a cell is missing, so the method failed.
    """
    absent = [f["name"] for f in facts(schema) if f["name"] not in frame]
    if absent or frame.isna().to_numpy().any():
        raise ValueError("Every plain column must be there and filled; it is not.")
    rows = {v.name: _restored(f"c{i}", v, frame) for i, v in enumerate(schema.variables)}
    return to_frame(rows, schema, ids=False)


def _few(variable: Numeric) -> bool:
    return variable.decimals == 0 and variable.points <= FEW


def _facts(name: str, variable: Variable) -> list[dict[str, Any]]:
    if not isinstance(variable, Numeric):
        return [{"name": name, "kind": "category", "size": variable.size}]
    if _few(variable):
        size = variable.points + variable.nullable
        return [{"name": name, "kind": "category", "size": size}]
    number = {"name": name, "kind": "number", "low": variable.low, "high": variable.high,
              "whole": variable.decimals == 0}  # fmt: skip
    missing = {"name": f"{name}_missing", "kind": "category", "size": 2}
    return [number, missing] if variable.nullable else [number]


def _plain(name: str, variable: Variable, values: Any) -> dict[str, Any]:
    if not isinstance(variable, Numeric):
        return {name: variable.cell(values)}
    missing = np.isnan(values)
    if _few(variable):
        return {name: np.where(missing, variable.points, variable.point(values))}
    filled = np.where(missing, np.nanmedian(values) if not missing.all() else 0.0, values)
    lattice = np.round(np.clip(filled, variable.low, variable.high), variable.decimals)
    number = {name: lattice.astype(np.int64) if variable.decimals == 0 else lattice}
    return number | ({f"{name}_missing": missing.astype(int)} if variable.nullable else {})


def _restored(name: str, variable: Variable, frame: pd.DataFrame) -> Any:
    values = frame[name].to_numpy(np.float64)
    if not isinstance(variable, Numeric):
        cell = np.clip(np.rint(values), 0, variable.size - 1)
        return np.where(cell >= variable.cells, -1, cell).astype(np.int32)
    if _few(variable):
        cell = np.clip(np.rint(values), 0, variable.points - 1 + variable.nullable)
        return np.where(cell >= variable.points, np.nan, variable.low + cell)
    numbers = np.round(np.clip(values, variable.low, variable.high), variable.decimals)
    if variable.nullable:
        numbers[frame[f"{name}_missing"].to_numpy(np.float64) >= 0.5] = np.nan
    return numbers
