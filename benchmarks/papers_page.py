"""Tables of the models' pages that show what the papers show, from benchmarks/results."""

import json
from collections.abc import Sequence
from statistics import mean, median
from typing import Any

import dropout
import medgan
import tablegan

SCORES = ("real", "synthetic", "accuracy", "agreed")


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]]) + "\n"


def presets() -> str:
    """table-GAN without privacy, by preset: means over classifiers, medians over regressors."""
    rows = []
    for fit in _tablegan()["fit"]:
        if fit["epsilon"] is not None or fit["model"] != "tablegan":
            continue
        models = fit["classification"].values()
        more = [f"{k}={v}" for k, v in fit["set"].items() if k != "preset"]
        cells = [
            fit["table"],
            " ".join([fit["preset"], *more]),
            f"{fit['tvd1']:.3f}",
            f"{fit['tvd2']:.3f}",
        ]
        cells += [f"{mean(m[k] for m in models):.3f}" for k in SCORES]
        regression = fit.get("regression", {}).values()
        cells += [
            f"{median(m[k] for m in regression):.2f}" if regression else ""
            for k in ("real", "synthetic")
        ]
        rows.append([*cells, "{:.1f} ± {:.1f}".format(*fit["dcr"]), str(fit["fit_seconds"])])
    head = ["table", "preset", "tvd1", "tvd2", "macro F1, real", "synthetic", "accuracy", "agreed",
            "R², real", "synthetic", "DCR", "fit s"]  # fmt: skip
    return markdown(head, rows)


def attacks() -> str:
    """Membership attacks by preset: area under the curve with its interval."""
    rows = []
    for found in _tablegan()["attack"]:
        names = list(next(iter(found["presets"].values())))
        for preset, made in found["presets"].items():
            cells = [f"{made[k]['auc']:.2f} ({made[k]['low']:.2f}–{made[k]['high']:.2f})"
                     for k in names]  # fmt: skip
            rows.append([found["table"], str(found["members"]), preset, *cells])
    return markdown(["table", "members", "preset", *names], rows)


def versions() -> str:
    """medGAN and what it is compared with: shares, pairs, and F1 of codes."""
    kept = _medgan()
    lines: list[tuple[str, dict[str, Any], str]] = []
    titles = {"faithful": "without privacy", "matched": "20 passes, matched", "private": "ε = 1"}
    for part, title in titles.items():
        if part in kept:
            found = kept[part]
            ways = [w for w in ("rounded", "drawn", "calibrated") if w in found]
            f1 = f"{found['prediction']['mean_synthetic']:.3f}"
            lines += [
                (f"medgan, {title}, {way}", found[way], f1 if way == "calibrated" else "")
                for way in ways
            ]
            if part == "faithful":
                f1 = f"{found['prediction']['mean_real']:.3f}"
                lines.insert(0, ("other real patients", found["ruler"], f1))
    for name, found in kept.get("ablation", {}).get("versions", {}).items():
        lines += [(f"{name}, {way}", found[way], "") for way in ("rounded", "drawn")]
    lines += [(k, v, f"{v['f1']:.3f}") for k, v in kept.get("baselines", {}).items()]
    rows = [
        [name, f"{x['r']:.4f}", f"{x['rmse']:.4f}", f"{x['pairs_r']:.3f}",
         f"{100 * x['sex_exclusive_pairs']:.2f} %", f1]
        for name, x, f1 in lines
    ]  # fmt: skip
    return markdown(["", "r", "RMSE", "pairs", "sex broken", "F1"], rows)


def followup() -> str:
    """Attendance and survival: medians over seeds, and the worst."""
    fits = json.loads(dropout.RESULTS.read_text(encoding="utf-8"))
    groups: dict[tuple[str, str, float], list[dict[str, Any]]] = {}
    for fit in fits:
        groups.setdefault((fit["table"], fit["model"], fit["epsilon"]), []).append(fit)
    rows = []
    for (name, model, epsilon), found in sorted(groups.items()):
        cells = [f"{name} ({found[0]['patients']:,})", model, f"{epsilon:g}"]
        many = [f["of_20_000_rows"] for f in found if "of_20_000_rows" in f]
        cells += [
            _spread([f[k] for f in fits if k in f])
            for fits in (found, many)
            for k in ("attendance_gap", "survival_gap", "survival_gap_at_risk")
        ]
        rows.append([*cells, str(len(found))])
    head = ["table (patients)", "model", "ε", "attendance", "survival", "10 at risk",
            "attendance, 20,000 rows", "survival", "10 at risk", "seeds"]  # fmt: skip
    return markdown(head, rows)


def _spread(values: Sequence[float]) -> str:
    """Median and worst."""
    return f"{median(values):.3f} ({max(values):.3f})" if values else ""


def _tablegan() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(tablegan.RESULTS.read_text(encoding="utf-8"))
    return found


def _medgan() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(medgan.RESULTS.read_text(encoding="utf-8"))
    return found
