"""Trial: which columns of a wide table are measures at visits, and how it is written long."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

from wardveil.schema.column import LEVELLED, NUMERIC, Column
from wardveil.schema.finding import Finding, Found

Missed = Literal["cells", "visits", "dropout"]
MISSED: Final[tuple[str, ...]] = get_args(Missed)


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The grid of a trial: column `<measure>_<visit>` is that measure at that visit.

    Attributes:
        visits: In order of time.
        measures: What is measured at each.
        arm: The column of the treatment; "" if there is none.
        endpoint: The column of the grid that the trial is about. What the arm does to it is asked
            for by itself, and so told most precisely; "" if none is.
        patient: Name of the patient's column in the long layout.
        visit: Name of the visit's column there.
        parameter: Name of the column of measures there; "" when each measure has its own.
        value: Name of the column of values there, if `parameter` is named.
        missed: How cells go missing: each by itself ("cells"), all measures of a visit together
            ("visits"), or together and at every later visit too ("dropout"). It holds in every
            synthetic row.
    """

    visits: tuple[str, ...]
    measures: tuple[str, ...]
    arm: str = ""
    endpoint: str = ""
    patient: str = "patient"
    visit: str = "visit"
    parameter: str = ""
    value: str = ""
    missed: Missed = "cells"

    def column(self, measure: str, visit: str) -> str:
        """The wide table's column of a measure at a visit.

        Example:
            >>> Trial(visits=("RZ", "1M"), measures=("SBP",)).column("SBP", "1M")
            'SBP_1M'
        """
        return f"{measure}_{visit}"

    @property
    def whole_visits(self) -> bool:
        """Whether all measures of a visit are missing together."""
        return self.missed != "cells"

    @property
    def grid(self) -> tuple[str, ...]:
        """All columns of the grid, measure by measure."""
        return tuple(self.column(m, v) for m in self.measures for v in self.visits)


def trial_findings(trial: Trial | None, columns: Sequence[Column]) -> Found:
    """What is wrong with a trial over a table of which these columns are modelled."""
    if trial is None:
        return
    wrong = list(_types(trial))
    yield from wrong or _fits(trial, columns)


def _types(trial: Trial) -> Found:
    for fact in ("visits", "measures"):
        values = getattr(trial, fact)
        right = isinstance(values, tuple) and all(isinstance(v, str) and v for v in values)
        if not right or not values or len(set(values)) < len(values):
            what = f"{fact} must be a list of different names."
            yield Finding(code="E235", fact=fact, what=what)
    for fact in ("arm", "endpoint", "patient", "visit", "parameter", "value"):
        if not isinstance(getattr(trial, fact), str):
            yield Finding(code="E203", fact=fact, what=f"{fact} must be text.")
    if trial.missed not in MISSED:
        yield Finding(code="E203", fact="missed",
                      what=f"missed must be one of {', '.join(MISSED)}.")  # fmt: skip


def _fits(trial: Trial, modelled: Sequence[Column]) -> Found:
    columns = [c.name for c in modelled]
    if bool(trial.parameter) != bool(trial.value):
        what = "parameter and value are named together or not at all."
        yield Finding(code="E235", fact="parameter", what=what)
    if len(set(trial.grid)) < len(trial.grid):
        yield Finding(code="E235", fact="visits", what="two measures at visits are one column.")
    needed = {trial.visit, trial.parameter, trial.value, *trial.measures} - {""}
    if taken := sorted(needed.intersection(columns) - set(trial.grid)):
        yield Finding(
            code="E235", fact="visits", do=("rename the column",),
            what=f"column {taken[0]!r} has a name that the long layout needs.",
        )  # fmt: skip
    used = (*trial.grid, *([trial.arm] if trial.arm else []))
    if absent := [name for name in used if name not in columns]:
        yield Finding(
            code="E235", fact="visits", do=("declare it under [columns], or correct [trial]",),
            what=f"column {absent[0]!r} of the trial is not declared, or dropped.",
        )  # fmt: skip
        return
    kinds = {c.name: c.kind for c in modelled}
    if trial.endpoint and (trial.endpoint not in trial.grid or not trial.arm):
        yield Finding(
            code="E235", fact="endpoint", do=("name a measure at a visit, and the arm",),
            what="the endpoint must be a column of the grid, of a trial with an arm.",
        )  # fmt: skip
    elif trial.endpoint and not (kinds[trial.endpoint] in NUMERIC and kinds[trial.arm] in LEVELLED):
        yield Finding(
            code="E235", fact="endpoint", do=("declare the kinds of both columns so",),
            what="an endpoint must be a number, and the arm a column of levels.",
        )  # fmt: skip
    nullable = {c.name: c.nullable for c in modelled}
    can = [{nullable[trial.column(m, v)] for m in trial.measures} for v in trial.visits]
    if trial.whole_visits and any(len(each) > 1 for each in can):
        yield Finding(
            code="E235", fact="missed", do=("declare nullable for all measures of a visit", ),
            what="where whole visits are missed, all measures of a visit may be missing, or none.",
        )  # fmt: skip
    elif trial.missed == "dropout" and sorted(can, key=max) != can:
        yield Finding(
            code="E235", fact="missed", do=("declare nullable for all later visits", ),
            what="under drop-out every visit after one that may be missed may be missed.",
        )  # fmt: skip
