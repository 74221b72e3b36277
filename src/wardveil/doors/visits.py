"""Visits: a long table of a trial becomes one row a patient, and synthetic rows become long again.

A patient × visits × measures grid is written wide: column `<measure>_<visit>`. So one patient is
one row however many visits there were, and what is clipped, counted and protected is a patient.

Long tables have a row a visit with a column a measure, or a row a measure as in ADaM (CDISC,
Analysis Data Model): USUBJID, AVISIT, PARAMCD, AVAL, TRT01P.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray

from wardveil.doors.baseline import first_texts, read_baseline
from wardveil.doors.declared import Item, Items, items_of, value_column
from wardveil.doors.imported import Block, Imported, assembled
from wardveil.doors.long import keep_last
from wardveil.doors.moment import moments
from wardveil.doors.roster import key_of, places, present, roster
from wardveil.doors.setting import nothing_declared, require_choice, setting
from wardveil.doors.stream import Texts, found_in, header_of, texts_of
from wardveil.schema.column import Column, Kind
from wardveil.schema.trial import Trial
from wardveil.tables.cells import as_numbers

Incomplete = Literal["drop", "missing"]
VISIT: Final = ("AVISIT", "VISITCODE", "VISIT", "visit_code")
"""Usual names of the column of visits."""
_ARM: Final = ("TRT01P", "TRT01A", "TRTP", "arm")
_ADAM: Final = ("PARAMCD", "AVAL")


def read_visits(  # noqa: PLR0913 - one argument a declaration
    source: str | PathLike[str],
    *,
    visits: Sequence[str] | str,
    values: Items,
    arm: str = "",
    arms: Sequence[str] = (),
    incomplete: Incomplete = "drop",
    patient: str = "",
    visit: str = "",
    parameter: str = "",
    value: str = "",
    time: str = "",
    baseline: str | PathLike[str] | None = None,
    columns: Sequence[str] = (),
) -> Imported:
    """One row a patient from a long table of visits.

    Of several rows for one measure at one visit the last counts.

    Args:
        source: The long file.
        visits: Declared visits, in order of time, as the file writes them.
        values: Declared measures: columns of the file, or values of `parameter`.
        arm: Column of the treatment, in the baseline or the long file; "" for the usual names,
            or none.
        arms: The treatments; () leaves them open in the schema. Patients of none are left out.
        incomplete: "drop", only patients with every measure at every visit stay; "missing",
            absent cells are data.
        patient: Column that names the patient; "" for the usual names.
        visit: Column of the visit; "" for the usual names.
        parameter: Column of measures' names, if each has its own row; "" for PARAMCD, if the
            file has PARAMCD and AVAL.
        value: Column of their values.
        time: Column that orders rows of one visit; "" for the order of the file.
        baseline: A file with a row a patient.
        columns: Columns of the baseline (or else of the long file) to keep; () for all of a
            baseline that name nobody, and for none of the long file.

    Raises:
        UsageError: E331, what is declared does not make sense.
        SchemaError: A file or list cannot be read; E337, nobody is left.
    """
    path = Path(source)
    require_choice("incomplete", incomplete, ("drop", "missing"))
    if not visits or not values:
        raise nothing_declared("visits and values")
    measures = items_of(values)
    stages = [item.code for item in items_of(visits)]
    trial = _trial(path, stages, measures, patient, visit, parameter, value)
    arm = arm or _usual(_ARM, path, *([Path(baseline)] if baseline else []))
    files = {path: trial.patient} | ({Path(baseline): trial.patient} if baseline else {})
    known = roster(files)
    left: Counter[str] = Counter()
    grid = _grid(path, trial, known, [item.code for item in measures], time, left)
    blocks, keep = [], np.ones(len(known), dtype=bool)
    beside = Path(baseline) if baseline else path
    if arm:
        block, keep = _arm(path, beside, trial.patient, known, arm, arms)
        blocks.append(block)
        left["patients of no declared arm"] += int((~keep).sum())
    if baseline or columns:
        wanted = list(columns or _others(beside, (arm,)))
        blocks.append(read_baseline(beside, trial.patient, known, wanted, repeats=beside == path))
    if incomplete == "drop":
        whole = ~np.isnan(grid).any(axis=0)
        left["patients with an incomplete grid"] += int((keep & ~whole).sum())
        keep &= whole
    if not keep.any():
        raise setting(
            "No patient is of a declared arm and has every measure at every visit.", path.name,
            "correct the declared arms, visits and measures",
            "keep patients who missed visits: incomplete = missing",
        )  # fmt: skip
    named = [(item, v) for item in measures for v in stages]
    cells = [
        value_column(i, trial.column(i.code, v), nullable=incomplete == "missing") for i, v in named
    ]
    blocks.append(Block(columns=cells, values=grid))
    trial = Trial(**{**vars(trial), "arm": arm})
    return assembled(blocks, left={path.name: left}, keep=keep, trial=trial)


def _trial(
    path: Path, stages: Sequence[str], measures: Sequence[Item], patient: str, visit: str,
    parameter: str, value: str,
) -> Trial:  # fmt: skip
    """The names of the long layout, asked for or usual."""
    if not parameter and len(found_in(header_of(path), _ADAM)) == len(_ADAM):
        parameter, value = (found_in(header_of(path), _ADAM)[name] for name in _ADAM)
    visit = visit or _usual(VISIT, path)
    if not visit:
        raise setting("It is not known which column names the visit.", path.name,
                      "declare it: visit = ...")  # fmt: skip
    return Trial(
        visits=tuple(stages), measures=tuple(item.code for item in measures),
        patient=patient or key_of(path), visit=visit, parameter=parameter,
        value=(value or "value") if parameter else "",
    )  # fmt: skip


def _usual(names: Sequence[str], *paths: Path) -> str:
    """The first usual name that one of the files has; "" when none has any."""
    for path in paths:
        found = found_in(header_of(path), names)
        if found:
            return next(found[name] for name in names if name in found)
    return ""


def _others(path: Path, without: Sequence[str]) -> list[str]:
    return [name for name in header_of(path) if name not in without]


def _grid(
    path: Path, trial: Trial, known: pa.Array, codes: Sequence[str], time: str, left: Counter[str]
) -> NDArray[np.float64]:
    """Values by measure and visit, (measures · visits, n); NaN where there is none."""
    n, v = len(known), len(trial.visits)
    value, when = np.full(len(codes) * v * n, np.nan), np.full(len(codes) * v * n, -np.inf)
    names = [trial.patient, trial.visit, time]
    names += [trial.parameter, trial.value] if trial.parameter else list(codes)
    stages = pa.array(trial.visits, pa.string())
    for piece in texts_of(path, names):
        patient, stage = places(piece[trial.patient], known), places(piece[trial.visit], stages)
        left["of a visit that is not on the list"] += int((stage < 0).sum())
        moment = moments(piece[time]) if time else np.zeros(len(stage))
        left["without a readable time"] += int(np.isnan(moment).sum())
        for measure, texts in _measured(piece, trial, codes, left):
            numbers = as_numbers(texts, ()).values
            left["without a readable value"] += int(
                (np.isnan(numbers) & present(texts) & (measure >= 0)).sum()
            )
            here = (patient >= 0) & (stage >= 0) & (measure >= 0)
            here &= ~np.isnan(numbers) & ~np.isnan(moment)
            cell = ((measure * v + stage) * n + patient)[here]
            left["that another row of the same visit replaced"] += keep_last(
                value, when, cell, numbers[here], moment[here]
            )
    return value.reshape(-1, n)


def _measured(
    piece: Texts, trial: Trial, codes: Sequence[str], left: Counter[str]
) -> Sequence[tuple[NDArray[np.int64], pa.ChunkedArray]]:
    """Which measure each row holds, and its cells; once a measure where each has a column."""
    if trial.parameter:
        measure = places(piece[trial.parameter], pa.array(codes, pa.string()))
        left["of a measure that is not on the list"] += int((measure < 0).sum())
        return [(measure, piece[trial.value])]
    rows = len(piece[trial.visit])
    return [(np.full(rows, i, dtype=np.int64), piece[code]) for i, code in enumerate(codes)]


def _arm(
    path: Path, beside: Path, patient: str, known: pa.Array, arm: str, arms: Sequence[str]
) -> tuple[Block, NDArray[np.bool_]]:
    """The column of the treatment, and who has a declared one, (n,)."""
    source = beside if found_in(header_of(beside), [arm]) else path
    texts = first_texts(source, patient, known, [arm], repeats=source == path)[arm]
    levels = tuple(arms) or None
    kind: Kind = "binary" if levels and len(levels) == 2 else "categorical"
    column = Column(name=arm, kind=kind, levels=levels, condition=True)
    keep = [text is not None and (levels is None or text in levels) for text in texts]
    return Block(columns=[column], values=[texts]), np.array(keep, dtype=bool)


def to_long(frame: pd.DataFrame, trial: Trial) -> pd.DataFrame:
    """A wide table of a trial in its long layout.

    Args:
        frame: Rows as `Synthesizer.sample` gives them under a schema with this trial.
        trial: `Schema.trial`.

    Returns:
        A row a visit with a column a measure, or a row a measure where the trial names a
        parameter; patients are SYNTH-0000 and so on, or the frame's own of that name. The other
        columns are repeated. Where nothing was measured there is no row.
    """
    wide = frame.reset_index(drop=True)
    if trial.patient not in frame.columns:
        width = max(4, len(str(len(frame) - 1)))
        wide[trial.patient] = [f"SYNTH-{i:0{width}d}" for i in range(len(frame))]
    grid = set(trial.grid)
    kept = [trial.patient, *(c for c in frame.columns if c not in grid and c != trial.patient)]
    parts = []
    for v in trial.visits:
        cells: Mapping[str, str] = {trial.column(m, v): m for m in trial.measures}
        part = wide[[*kept, *cells]].rename(columns=dict(cells))
        part.insert(1, trial.visit, v)
        parts.append(part[part[list(trial.measures)].notna().any(axis=1)])
    long = pd.concat(parts).sort_index(kind="stable").reset_index(drop=True)
    if not trial.parameter:
        return long
    rows = long.melt(
        id_vars=[c for c in long.columns if c not in trial.measures],
        value_vars=list(trial.measures), var_name=trial.parameter, value_name=trial.value,
        ignore_index=False,
    )  # fmt: skip
    rows = rows.dropna(subset=[trial.value]).sort_index(kind="stable")
    return rows.reset_index(drop=True)
