"""Events: any long table, one row an event, becomes one row a patient."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

import numpy as np

from wardveil.doors.baseline import read_baseline
from wardveil.doors.declared import Items, items_of
from wardveil.doors.imported import Block, Imported, assembled
from wardveil.doors.long import DataType, Long, code_block, value_block
from wardveil.doors.moment import last_moment
from wardveil.doors.roster import key_of, roster
from wardveil.doors.setting import nothing_declared, setting


def read_events(  # noqa: PLR0913 - one argument a fact of the file
    source: str | PathLike[str],
    *,
    codes: Items = (),
    values: Items = (),
    data_type: DataType = "binary",
    most: int = 0,
    patient: str = "",
    code: str = "code",
    time: str = "",
    value: str = "value",
    until: str = "",
    baseline: str | PathLike[str] | None = None,
    columns: Sequence[str] = (),
) -> Imported:
    """One row a patient from any long table: patient, code and perhaps time and value.

    Args:
        source: The file.
        codes: Declared list: each becomes a flag or a count.
        values: Declared list: each becomes the last value.
        data_type: "binary", whether a code occurs; "count", how often.
        most: Largest count that can occur; 0 leaves it open in the schema.
        patient: Column that names the patient; "" for the usual names.
        code: Column of codes.
        time: Column of times: ISO dates or numbers; `values` need it. "" if there is none.
        value: Column of values; read only if `values` are declared.
        until: Last day (or number) that counts; "" for all.
        baseline: A file with a row a patient: its patients stay, with or without an event.
        columns: Columns of the baseline to keep; () for all that name nobody.

    Raises:
        UsageError: E331, what is declared does not make sense.
        SchemaError: A file or list cannot be read.
    """
    path = Path(source)
    if not codes and not values:
        raise nothing_declared("codes or values")
    if values and not time:
        raise setting("The last value needs a column of times, or of numbers that order rows.",
                      "time", "declare it: time = ...")  # fmt: skip
    patient = patient or key_of(path)
    files = {Path(baseline): patient} if baseline else {}
    known = roster({**files, path: patient})
    left: Counter[str] = Counter()
    long = Long(path=path, patient=patient, code=code, time=time, until=_until(until, time))
    blocks: list[Block] = []
    if baseline:
        blocks.append(read_baseline(Path(baseline), patient, known, columns))
    if codes:
        blocks.append(code_block(long, known, items_of(codes), "code", data_type, most, left))
    if values:
        measured = replace(long, value=value)
        blocks.append(value_block(measured, known, items_of(values), "value", left))
    return assembled(blocks, left={path.name: left})


def _until(text: str, time: str) -> float:
    """The last moment that counts; NaN for all.

    Raises:
        UsageError: E331, it is no date or number, or no time is declared.
    """
    if not text:
        return float("nan")
    moment = last_moment(text)
    if np.isnan(moment) or not time:
        raise setting("A last day needs a date such as 2025-01-31 (or a number) and a column of "
                       "times.", "until", "declare it: time = ...")  # fmt: skip
    return moment
