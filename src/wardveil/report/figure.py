"""Figures for papers and slides: PNG, PDF or SVG by the file's suffix, through matplotlib."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from wardveil.evaluation import Trajectory

INK = ("#2f6f8f", "#b5532a")
LINES = ("-", "--", ":")


def loss_figure(history: Mapping[str, Sequence[float]], path: Path, *, window: int = 25) -> None:
    """Losses by step: all of them together, and the generator's alone.

    Args:
        history: Loss name -> value of each step; kept only where there is no guarantee.
        path: Where to write.
        window: Steps in the running mean drawn over the raw values.
    """
    import numpy as np
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.4), layout="constrained")
    both, alone = figure.subplots(1, 2)
    mean = np.ones(window) / window
    for (name, values), ink in zip(history.items(), INK, strict=False):
        for axes in (both, alone) if name == "generator" else (both,):
            axes.plot(values, color=ink, alpha=0.2, linewidth=0.5)
            axes.plot(np.convolve(values, mean, mode="valid"), color=ink, label=name)
    both.set(title="Losses", xlabel="step", ylabel="loss")
    alone.set(title="Generator alone", xlabel="step")
    both.legend(frameon=False)
    figure.savefig(path, dpi=150)


def budget_figure(plan: Mapping[str, Any], path: Path) -> None:
    """The mechanisms of a plan and what each costs by itself, as horizontal bars.

    Args:
        plan: `Plan.to_dict()` or `Statement.plan` of a run with a guarantee.
        path: Where to write.
    """
    from matplotlib.figure import Figure

    from wardveil.privacy import spent
    from wardveil.privacy.mechanism import restore

    mechanisms = [restore(dict(m)) for m in plan["mechanisms"]]
    alone = [spent([m], plan["delta"]).epsilon for m in mechanisms]
    figure = Figure(figsize=(7, 0.6 + 0.45 * len(mechanisms)), layout="constrained")
    axes = figure.subplots()
    names = [f"{m.name} × {m.count}" for m in mechanisms]
    axes.barh(names[::-1], alone[::-1], color=INK[0])
    axes.axvline(plan["epsilon"], color=INK[1], linestyle="--")
    axes.set(
        xlabel=f"ε by itself; together {plan['epsilon']:.3f} (dashed) at δ = {plan['delta']:g}"
    )
    figure.savefig(path, dpi=150)


def tradeoff_figure(
    epsilons: Sequence[float], figures: Mapping[str, Sequence[float]], path: Path
) -> None:
    """A figure of quality against ε, one line each, ε on a logarithmic axis, ∞ at the right.

    Args:
        epsilons: In rising order; the last may be infinite.
        figures: Name -> one value per ε, smaller is better.
        path: Where to write.
    """
    from math import isfinite

    from matplotlib.figure import Figure

    at = [e if isfinite(e) else 3 * max(f for f in epsilons if isfinite(f)) for e in epsilons]
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, values in figures.items():
        axes.plot(at, values, marker="o", label=name)
    axes.set_xscale("log")
    axes.set_xticks(at, [f"{e:g}" if isfinite(e) else "∞" for e in epsilons])
    axes.minorticks_off()
    axes.set(xlabel="ε", ylabel="distance to real rows (0 is perfect)", ylim=(0, None))
    axes.legend(frameon=False)
    figure.savefig(path, dpi=150)


def median_figure(
    panels: Mapping[str, Mapping[str, Sequence["Trajectory"]]], path: Path, *, unit: str = ""
) -> None:
    """Medians over visits, a panel each: a colour an arm, a kind of line a table.

    Args:
        panels: Title -> name of a table (real, non-private, private) -> its trajectories, one an
            arm, the same arms everywhere.
        path: Where to write.
        unit: Of the measurement.
    """
    from matplotlib.figure import Figure

    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(4.6 * columns, 3.2 * rows), layout="constrained")
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for axes, (title, tables) in zip(grid.flat, panels.items(), strict=False):
        for (table, tracks), line in zip(tables.items(), LINES, strict=False):
            for track, ink in zip(tracks, INK, strict=False):
                visits = [v.removeprefix(f"{track.measurement}_") for v in track.visits]
                medians = [float("nan") if m is None else m for m in track.median]
                axes.plot(visits, medians, line, color=ink, label=f"{table}, {track.arm}")
        axes.set(title=title, ylabel=unit)
        axes.tick_params(axis="x", labelsize=7)
    figure.axes[0].legend(frameon=False, fontsize=7)
    figure.savefig(path, dpi=150)


def delta_figure(
    epochs: Sequence[float], curves: Mapping[str, Sequence[float]], path: Path, *, allowed: float
) -> None:
    """δ against epochs at several ε, δ on a logarithmic axis.

    Args:
        epochs: Passes over the table.
        curves: Name, such as "ε = 1" -> δ at each epoch.
        path: Where to write.
        allowed: The largest δ that a plan may have, drawn as a dashed line.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, values in curves.items():
        axes.plot(epochs, [max(v, 1e-16) for v in values], label=name)
    axes.axhline(allowed, color="0.4", linestyle="--")
    axes.set_yscale("log")
    axes.set(xlabel="epochs", ylabel="δ", ylim=(1e-15, 1.2))
    axes.legend(frameon=False, fontsize=7)
    figure.savefig(path, dpi=150)
