"""Trial: which columns of a wide table are measures at visits, and how it is written long."""

from collections.abc import Sequence
from dataclasses import dataclass

from wardveil.schema.finding import Finding, Found


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The grid of a trial: column `<measure>_<visit>` is that measure at that visit.

    Attributes:
        visits: In order of time.
        measures: What is measured at each.
        arm: The column of the treatment; "" if there is none.
        patient: Name of the patient's column in the long layout.
        visit: Name of the visit's column there.
        parameter: Name of the column of measures there; "" when each measure has its own.
        value: Name of the column of values there, if `parameter` is named.
    """

    visits: tuple[str, ...]
    measures: tuple[str, ...]
    arm: str = ""
    patient: str = "patient"
    visit: str = "visit"
    parameter: str = ""
    value: str = ""

    def column(self, measure: str, visit: str) -> str:
        """The wide table's column of a measure at a visit.

        Example:
            >>> Trial(visits=("RZ", "1M"), measures=("SBP",)).column("SBP", "1M")
            'SBP_1M'
        """
        return f"{measure}_{visit}"

    @property
    def grid(self) -> tuple[str, ...]:
        """All columns of the grid, measure by measure."""
        return tuple(self.column(m, v) for m in self.measures for v in self.visits)


def trial_findings(trial: Trial | None, columns: Sequence[str]) -> Found:
    """What is wrong with a trial over a table of these columns."""
    if trial is None:
        return
    for fact in ("visits", "measures"):
        values = getattr(trial, fact)
        right = isinstance(values, tuple) and all(isinstance(v, str) and v for v in values)
        if not right or not values or len(set(values)) < len(values):
            yield Finding(code="E235", fact=fact,
                          what=f"{fact} must be a list of different names.")  # fmt: skip
            return
    for fact in ("arm", "patient", "visit", "parameter", "value"):
        if not isinstance(getattr(trial, fact), str):
            yield Finding(code="E203", fact=fact, what=f"{fact} must be text.")
            return
    if bool(trial.parameter) != bool(trial.value):
        yield Finding(code="E235", fact="parameter",
                      what="parameter and value are named together or not at all.")  # fmt: skip
    if len(set(trial.grid)) < len(trial.grid):
        yield Finding(code="E235", fact="visits", what="two measures at visits are one column.")
    for name in (*trial.grid, *([trial.arm] if trial.arm else [])):
        if name not in columns:
            yield Finding(code="E235", fact="visits",
                          what=f"column {name!r} of the trial is not declared.",
                          do=("declare it under [columns], or correct [trial]",))  # fmt: skip
            return
