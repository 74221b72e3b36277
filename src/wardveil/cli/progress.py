"""Progress: a bar on a terminal, a line a phase and every ten seconds elsewhere."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, Protocol

import typer

from wardveil.cli.output import Output
from wardveil.cli.verb import Interrupted

EVERY: Final = 10.0
"""Seconds between two lines when there is no terminal."""


class Step(Protocol):
    """How far a fit is: step of steps in a phase, and the ε spent so far, if there is one."""

    @property
    def phase(self) -> str:
        """What is being done, in a few words."""
        ...

    @property
    def step(self) -> int:
        """Steps of the phase that are done."""
        ...

    @property
    def steps(self) -> int:
        """Steps of the phase."""
        ...

    @property
    def epsilon(self) -> float | None:
        """ε spent so far; None when there is no guarantee."""
        ...


Watcher = Callable[[Step], None]


@contextmanager
def watched(
    output: Output, *, epsilon: float, charged: bool = False, resumable: bool = False
) -> Iterator[Watcher]:
    """A callback that shows a fit; ctrl-C inside becomes a sentence on what was spent.

    Args:
        output: Where to show it: on stderr, and not when quiet.
        epsilon: The budget of the run.
        charged: Whether a ledger keeps what was used.
        resumable: Whether the answers so far are kept.

    Raises:
        Interrupted: A person pressed ctrl-C.
    """
    last: list[Step] = []
    with _display(output, epsilon) as show:

        def watch(step: Step) -> None:
            last[:] = [step]
            show(step)

        try:
            yield watch
        except KeyboardInterrupt:
            words = _farewell(last[0] if last else None, charged=charged)
            if resumable and last and last[0].epsilon is not None:
                words += " The answers so far are kept: the same command with --resume goes on."
            raise Interrupted(words) from None


def _farewell(step: Step | None, *, charged: bool) -> str:
    """What a stopped fit has cost."""
    if step is None:
        return "Stopped before anything was asked of the patients. Nothing was written."
    done = f'Stopped in phase "{step.phase}" at step {step.step} of {step.steps}.'
    if step.epsilon is None:
        return f"{done} No run was written, so nothing was released."
    if charged:
        return (
            f"{done} ε {step.epsilon:.3f} had been used; no run was written. What was charged to "
            "the ledger stays charged, the rest was returned."
        )
    return (
        f"{done} ε {step.epsilon:.3f} had been used; no run was written, so nothing that was "
        "computed with it is released, and the next fit starts from its full budget."
    )


def _display(output: Output, epsilon: float) -> Any:
    if output.quiet:
        return _silent()
    return _bar(epsilon) if output.live else _lines(epsilon)


@contextmanager
def _silent() -> Iterator[Watcher]:
    yield lambda step: None  # noqa: ARG005


@contextmanager
def _bar(epsilon: float) -> Iterator[Watcher]:
    """A moving bar; rich honours NO_COLOR by itself."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description:<22}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[spent]}"),
        TimeRemainingColumn(),
    )
    tasks: dict[str, Any] = {}
    with Progress(*columns, console=Console(stderr=True)) as progress:

        def show(step: Step) -> None:
            if step.phase not in tasks:
                tasks[step.phase] = progress.add_task(step.phase, spent="")
            progress.update(tasks[step.phase], completed=step.step, total=step.steps,
                            spent=spent_text(step, epsilon))  # fmt: skip

        yield show


@dataclass
class _Pace:
    """When the current phase began, and when a line was last printed."""

    printed: float
    phase: str = ""
    began: float = 0.0


@contextmanager
def _lines(epsilon: float) -> Iterator[Watcher]:
    pace = _Pace(printed=monotonic())

    def show(step: Step) -> None:
        now = monotonic()
        begins = step.phase != pace.phase
        if begins:
            pace.phase, pace.began = step.phase, now
        if begins or now - pace.printed >= EVERY:
            pace.printed = now
            typer.echo(line_text(step, epsilon, seconds=now - pace.began), err=True)

    yield show


def line_text(step: Step, epsilon: float, *, seconds: float) -> str:
    """One line of progress; `seconds` is how long the phase has taken so far."""
    parts = [step.phase, f"{step.step}/{step.steps}", spent_text(step, epsilon)]
    if step.step > 0:
        parts.append(f"{seconds / step.step * (step.steps - step.step):.0f} s left")
    return "  ".join(part for part in parts if part)


def spent_text(step: Step, epsilon: float) -> str:
    """ε spent of the budget, or "" when there is no guarantee."""
    if step.epsilon is None or math.isinf(epsilon):
        return ""
    return f"ε {step.epsilon:.3f} of {epsilon:g}"
