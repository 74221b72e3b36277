"""Tables of the models' pages that show what the papers show, from benchmarks/results."""

import json
from collections.abc import Iterable, Sequence
from math import isnan
from pathlib import Path
from statistics import mean, median
from typing import Any

import ablation
import dropout
import medgan
import tablegan
from compare import known

SCORES = ("real", "synthetic", "accuracy", "agreed")


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(cells) + " |" for cells in (head, *rows)]
    return "\n".join([lines[0], "|---" * len(head) + "|", *lines[1:]]) + "\n"


def parts_of_ctgan() -> str:
    """What each part of CTGAN is worth: means over seeds, beside the paper's change."""
    lines = ablation.RESULTS.read_text(encoding="utf-8").splitlines()
    found = _grouped(map(json.loads, lines), "table", "variant")

    def shown(key: tuple[Any, ...], measure: str) -> float:
        return mean(run[measure] for run in found[key])

    rows = []
    for table, variant in found:
        base = (table, "ours" if variant.startswith("ours") else "paper")
        change = shown((table, variant), "f1_synthetic") / shown(base, "f1_synthetic") - 1
        said = ablation.SAID.get(variant)
        measures = ("tvd1", "tvd2", "auc_synthetic", "f1_synthetic")
        cells = [f"{shown((table, variant), k):.3f}" for k in measures]
        cells += ["" if (table, variant) == base else f"{change:+.1%}"]
        cells += ["" if said is None or table == "minority" else f"{said:+.1%}"]
        rows.append([table, variant, *cells, str(len(found[table, variant]))])
    head = ["table", "variant", "tvd1", "tvd2", "AUC", "F1", "F1 changes by", "in the paper by",
            "seeds"]  # fmt: skip
    return markdown(head, rows)


def presets() -> str:
    """table-GAN without privacy, by preset: means over classifiers, medians over regressors."""
    rows = []
    for fit in _kept(tablegan.RESULTS)["fit"]:
        if fit["epsilon"] is not None or fit["model"] != "tablegan":
            continue
        models = fit["classification"].values()
        cells = [fit["table"], tablegan.named(fit)]
        cells += [f"{fit[k]:.3f}" for k in ("tvd1", "tvd2")]
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
    for found in _kept(tablegan.RESULTS)["attack"]:
        names = list(next(iter(found["presets"].values())))
        for preset, made in found["presets"].items():
            cells = [f"{made[k]['auc']:.2f} ({made[k]['low']:.2f}–{made[k]['high']:.2f})"
                     for k in names]  # fmt: skip
            rows.append([found["table"], str(found["members"]), preset, *cells])
    return markdown(["table", "members", "preset", *names], rows)


def versions() -> str:
    """medGAN and what it is compared with: shares, pairs, and F1 of codes."""
    kept = _kept(medgan.RESULTS)
    lines: list[tuple[str, dict[str, Any], str]] = []
    titles = {"faithful": "the game alone", "matched": "matched", "private": "matched, ε = 1"}
    for part, title in titles.items():
        if part in kept:
            found = kept[part]
            ways = [w for w in ("rounded", "drawn", "calibrated") if w in found]
            real, fake = (f"{found['prediction'][f'mean_{k}']:.3f}" for k in ("real", "synthetic"))
            if part == "faithful":
                lines.append(("other real patients", found["ruler"], real))
            lines += [
                (f"medgan, {title}, {way}", found[way], fake if way == "calibrated" else "")
                for way in ways
            ]
    for name, found in kept.get("ablation", {}).get("versions", {}).items():
        lines += [(f"version {name}, {way}", found[way], "") for way in ("rounded", "drawn")]
    lines += [(k, v, f"{v['f1']:.3f}") for k, v in kept.get("baselines", {}).items()]
    rows = [
        [name, _number(x["r"], 4), f"{x['rmse']:.4f}", _number(x["pairs_r"], 3),
         f"{100 * x['sex_exclusive_pairs']:.2f} %", f1]
        for name, x, f1 in lines
    ]  # fmt: skip
    return markdown(["", "r", "RMSE", "pairs", "sex broken", "F1"], rows)


def _number(x: float, digits: int) -> str:
    """Nothing for no number, such as a correlation with what is the same in every row."""
    return "" if isnan(x) else f"{x:.{digits}f}"


def counts() -> str:
    """How often the five most frequent codes stand 0, 1, 2, … times in a patient."""
    kept = _kept(medgan.RESULTS).get("counts", {})
    real, fake = kept.get("calibrated", {}).get("top_five", ((), ()))
    rows = [
        [f"{k + 1}, {who}", *(f"{x:,}" for x in found[k])]
        for k in range(len(real)) for who, found in (("real", real), ("synthetic", fake))
    ]  # fmt: skip
    return markdown(["code", *map(str, range(8))], rows)


def followup() -> str:
    """Attendance and survival: medians over seeds, and the worst."""
    groups = _grouped(known(dropout.RESULTS).values(), "table", "method", "epsilon")
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


def _grouped(records: Iterable[dict[str, Any]], *keys: str) -> dict[tuple[Any, ...], list[Any]]:
    """Records with the same values of some keys, in the order they come."""
    found: dict[tuple[Any, ...], list[Any]] = {}
    for record in records:
        found.setdefault(tuple(record[k] for k in keys), []).append(record)
    return found


def _kept(path: Path) -> dict[str, Any]:
    """Results of a benchmark that has parts."""
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
