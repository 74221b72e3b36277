"""What table-GAN's paper looks at: models trained on either table, columns, distances, attacks.

    python benchmarks/tablegan.py fit --data FOLDER [--tables adult …] [--presets low mid high]
        [--epsilon inf] [--models tablegan …] [--set k=v …] [--write]
    python benchmarks/tablegan.py attack --data FOLDER [--tables diabetes] [--write]
    python benchmarks/tablegan.py step [--write]

`fit`: a third of the patients is held out. Compatibility: each model of scikit-learn that the list
below names learns the target from the real and from the synthetic training rows, and is scored on
the held-out ones (macro F1, or R²). Consistency: the share of synthetic rows whose label a model
that learnt from real rows gives them, beside its accuracy on the held-out ones. `dcr` is the
distance from a synthetic row to the closest real one, mean ± sd, a smoke test and no measure of
privacy. `columns` are the distribution function and the histogram of each, drawn one against the
other; one by one they are in `wardveil report`.
`attack`: members against others, with shadow models, for each preset; δ is no guarantee.
`step`: a private step of critic and classifier, without noise, against the ordinary one.
"""

import argparse
import json
import math
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import torch
from judge import Judge
from scatter import scatter
from sklearn.ensemble import (
    AdaBoostClassifier,
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import Lasso, LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import f1_score, r2_score
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor
from tables import benchmark

import wardveil as wv
from wardveil.encode.label import Label
from wardveil.encode.matrix import blocks_of
from wardveil.evaluation import tvd1, tvd2
from wardveil.evaluation.c2st import thinned
from wardveil.evaluation.features import features, standardised
from wardveil.evaluation.membership import membership
from wardveil.evaluation.prepared import Flags, Prepared, prepare
from wardveil.models import TableGAN, settings
from wardveil.models.tablegan_game import Game
from wardveil.schema.variable import Levelled
from wardveil.vault.clipping import clipped_sum, mean_gradient

ROOT: Final = Path(__file__).parents[1]
RESULTS: Final = ROOT / "benchmarks" / "results" / "tablegan.json"
FIGURES: Final = ROOT / "docs" / "figures" / "tablegan"
MOST_ROWS: Final = 10_000
"""Rows that models learn from and are tried on, at most."""
CLASSIFIERS: Final = {
    "tree": DecisionTreeClassifier(max_depth=15, random_state=0),
    "small_tree": DecisionTreeClassifier(max_depth=5, random_state=0),
    "forest": RandomForestClassifier(100, random_state=0),
    "extra_trees": ExtraTreesClassifier(100, random_state=0),
    "boosting": HistGradientBoostingClassifier(random_state=0),
    "adaboost": AdaBoostClassifier(random_state=0),
    "logistic": LogisticRegression(max_iter=1_000),
    "hinge": SGDClassifier(random_state=0),
    "bayes": GaussianNB(),
    "neighbours": KNeighborsClassifier(15),
    "network": MLPClassifier((50,), max_iter=100, random_state=0),
}
REGRESSORS: Final = {
    "tree": DecisionTreeRegressor(max_depth=8, random_state=0),
    "forest": RandomForestRegressor(100, random_state=0),
    "extra_trees": ExtraTreesRegressor(100, random_state=0),
    "boosting": HistGradientBoostingRegressor(random_state=0),
    "linear": LinearRegression(),
    "ridge": Ridge(),
    "lasso": Lasso(0.01),
    "neighbours": KNeighborsRegressor(15),
    "network": MLPRegressor(hidden_layer_sizes=(50,), max_iter=200, random_state=0),
}
REGRESSED: Final = {
    "breast_cancer": "mean_area", "adult": "hours_per_week", "diabetes": "hba1c_percent",
    "support2": "meanbp",
}  # fmt: skip
"""A number of each table, predicted from everything else."""


def compatibility(tables: Sequence[Prepared], target: str, *, number: bool) -> dict[str, Any]:
    """Scores of every model, trained on real and on synthetic rows; and consistency of labels.

    Args:
        tables: Real, synthetic, held-out rows.
        target: Predicted.
        number: Whether it is a number.
    """
    known = [thinned(_with_target(t, target), MOST_ROWS) for t in tables]
    X = features(known, leave_out=(target,)).X
    labels = [np.asarray(t.columns[target]) for t in known]
    y = [a.astype(float) if number else a.astype(str) for a in labels]
    if number:
        centre, scale = y[0].mean(), y[0].std() or 1.0
        y = [(a - centre) / scale for a in y]
    found: dict[str, Any] = {}
    for name, model in (REGRESSORS if number else CLASSIFIERS).items():
        answers = []
        for k in (0, 1):
            if not number and len(set(y[k])) < 2:
                answers.append(np.repeat(y[k][:1], len(y[2])))
                continue
            learnt = make_pipeline(StandardScaler(), model).fit(X[k], y[k])
            answers.append(learnt.predict(X[2]))
            if k == 0 and not number:
                agreed = float((learnt.predict(X[1]) == y[1]).mean())
        score = r2_score if number else _macro_f1
        found[name] = {"real": score(y[2], answers[0]), "synthetic": score(y[2], answers[1])}
        if not number:
            found[name] |= {"accuracy": float((answers[0] == y[2]).mean()), "agreed": agreed}
    return found


def columns(real: Prepared, fake: Prepared) -> dict[str, list[list[float]]]:
    """Distribution functions and histograms of every column, real and synthetic.

    Returns:
        "functions": shares of known values up to each of 20 real quantiles, of numbers;
        "histograms": shares of ten equal bands of a number's middle 98 %, and of every level.
    """
    found: dict[str, list[list[float]]] = {"functions": [[], []], "histograms": [[], []]}
    for name, column in real.columns.items():
        both = [t.columns[name] for t in (real, fake)]
        if isinstance(column, Flags):
            told = {"histograms": [flags.held.mean(axis=0) for flags in both]}
        elif column.dtype == object:
            levels = sorted({str(v) for v in column})
            told = {"histograms": [[(a.astype(str) == v).mean() for v in levels] for a in both]}
        else:
            known = [a[~np.isnan(a)] for a in both]
            steps = np.quantile(known[0], np.linspace(0.05, 1, 20))
            bands = np.linspace(*np.quantile(known[0], (0.01, 0.99)), 11)
            told = {
                "functions": [(a[:, None] <= steps).mean(axis=0) for a in known],
                "histograms": [np.histogram(a, bands)[0] / len(a) for a in known],
            }
        for what, sides in told.items():
            for side, values in zip(found[what], sides, strict=True):
                side += [round(float(v), 4) for v in values]
    return found


def _macro_f1(truth: np.ndarray, told: np.ndarray) -> float:
    return float(f1_score(truth, told, average="macro", zero_division=0))


def _with_target(table: Prepared, target: str) -> Prepared:
    """The rows whose target is known."""
    column = np.asarray(table.columns[target], dtype=object)
    return table.take(np.flatnonzero([v is not None and v == v for v in column]))


def fitted(name: str, model: str, preset: str, options: argparse.Namespace) -> dict[str, Any]:
    """All figures of one fit."""
    judge = Judge(benchmark=benchmark(name, options.data))
    schema, target = judge.benchmark.judged_schema, judge.benchmark.target
    changed = dict(s.split("=", 1) for s in options.set)
    changed |= {"preset": preset} if model == "tablegan" else {}
    began = time.process_time()
    synth = wv.fit(
        judge.train, model=settings(model, changed), epsilon=options.epsilon, seed=options.seed,
        delta=None if math.isinf(options.epsilon) else 1e-5,
    )  # fmt: skip
    seconds = time.process_time() - began
    fake = judge.benchmark.judged(synth.sample(judge.train.n, seed=options.seed))
    real, held = (judge.benchmark.judged(t.to_frame()) for t in judge.parts)
    ours, theirs, kept = prepare(real, fake, held, schema=schema)
    X = standardised(features([thinned(t, 4_000) for t in (ours, theirs, kept)])).X
    index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(X[0])
    distance = index.kneighbors(X[1])[0][:, 0]
    found: dict[str, Any] = {
        "table": name, "model": model, "preset": preset, "seed": options.seed,
        "epsilon": None if math.isinf(options.epsilon) else options.epsilon, "set": changed,
        "fit_seconds": round(seconds), "tvd1": tvd1(held, fake, schema=schema),
        "tvd2": tvd2(held, fake, schema=schema),
        "dcr": [float(distance.mean()), float(distance.std())], "columns": columns(ours, theirs),
        "classification": compatibility((ours, theirs, kept), target, number=False),
    }  # fmt: skip
    if REGRESSED.get(name) in ours.columns:
        found["regression"] = compatibility((ours, theirs, kept), REGRESSED[name], number=True)
    return found


def shown(found: dict[str, Any]) -> str:
    """One line of the figures of a fit."""
    c = found["classification"].values()
    mean = {
        k: float(np.mean([m[k] for m in c])) for k in ("real", "synthetic", "accuracy", "agreed")
    }
    line = (
        f"{found['table']} {found['model']} {found['preset']} ε = {found['epsilon'] or '∞'}: "
        f"tvd1 {found['tvd1']:.3f} tvd2 {found['tvd2']:.3f} macro F1 real {mean['real']:.3f} "
        f"synthetic {mean['synthetic']:.3f} (min {min(m['synthetic'] for m in c):.3f}), accuracy "
        f"{mean['accuracy']:.3f} agreed {mean['agreed']:.3f}, DCR {found['dcr'][0]:.2f} ± "
        f"{found['dcr'][1]:.2f}, {found['fit_seconds']} s"
    )
    if "regression" in found:
        r = [(m["real"], m["synthetic"]) for m in found["regression"].values()]
        line += ", R² " + " ".join(f"{np.median(side):.3f}" for side in zip(*r, strict=True))
    return line


def attacks(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Membership attacks on a small table over-trained, by preset; shadows are other patients'."""
    whole = benchmark(name, options.data).table
    order = np.random.default_rng(options.seed).permutation(whole.n)
    m = min(150, whole.n // 4)
    members, others, *known = (whole.take(part) for part in np.split(order, [m, 2 * m, 3 * m]))
    changed = dict(s.split("=", 1) for s in options.set)
    found: dict[str, Any] = {"table": name, "members": m, "set": changed, "presets": {}}
    for preset in options.presets:
        model = settings("tablegan", changed | {"preset": preset})
        tables = []
        for part in (members, known[0]):
            synth = wv.fit(part, model=model, epsilon=math.inf, seed=options.seed)
            tables.append(synth.sample(5_000, seed=options.seed))
        shadow = (known[0], known[1].take(np.arange(min(m, known[1].n))), tables[1])
        result = membership(members, tables[0], others, schema=whole.schema, shadows=[shadow])
        found["presets"][preset] = {
            a.name: {"auc": a.auc, "low": a.low, "high": a.high, "tpr": a.tpr} for a in result
        }
        print(name, preset, found["presets"][preset], flush=True)
    return found


def steps(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Milliseconds of a private step, without noise, and of an ordinary one."""
    found = []
    for channels in ((4, 8), (16, 32, 64), (64, 128, 256)):
        for norm in (False, True):
            game = _game(TableGAN(channels=channels, group_norm=norm))
            x = torch.rand(options.batch, 256).mul(2).sub(1)
            unit = game.unit(x)
            ways = {"private": lambda u=unit: clipped_sum(u, clip_norm=1.0),
                    "ordinary": lambda u=unit: mean_gradient(u)}  # fmt: skip
            ms: dict[str, list[float]] = {k: [] for k in ways}
            for turn in range(options.repeats + 2):
                for k, step in ways.items():
                    began = time.perf_counter()
                    step()
                    if turn >= 2:
                        ms[k].append(1e3 * (time.perf_counter() - began))
            middle = {k: median(v) for k, v in ms.items()}
            ratio = middle["private"] / middle["ordinary"]
            found.append({"channels": channels, "group_norm": norm, "batch": options.batch,
                          "milliseconds": middle, "ratio": ratio})  # fmt: skip
            print(channels, norm, {k: round(v, 1) for k, v in middle.items()}, f"{ratio:.2f}",
                  flush=True)  # fmt: skip
    return found


def _game(model: TableGAN) -> Game:
    """A game on rows of 256 columns, two of them the label's."""
    label = Levelled(name="y", levels=("a", "b", "c"), nullable=False)
    return Game(model, 256, Label(blocks_of([label]), ["y"]), 0)


def main() -> None:
    """Measure, print, and keep."""
    torch.set_num_threads(1)
    options = _options()
    results = []
    if options.part == "fit":
        for name in options.tables:
            for model in options.models:
                for preset in options.presets if model == "tablegan" else ["-"]:
                    results.append(fitted(name, model, preset, options))
                    print(shown(results[-1]), flush=True)
    elif options.part == "attack":
        results = [attacks(name, options) for name in options.tables]
    else:
        results = steps(options)
    if options.write:
        kept = keep(options.part, results)
        for name in options.tables if options.part == "fit" else ():
            draw(name, [r for r in kept if r["table"] == name])


def draw(name: str, results: Sequence[dict[str, Any]]) -> None:
    """The scatters of compatibility, and of columns where they were kept."""
    panels = []
    for r in results:
        points = [(m["real"], m["synthetic"]) for m in r["classification"].values()]
        real, fake = zip(*points, strict=True)
        panels.append((named(r), real, fake))
    FIGURES.mkdir(parents=True, exist_ok=True)
    text = scatter(f"{name}: macro F1 learnt from real rows, and from synthetic ones", panels)
    (FIGURES / f"{name}_compatibility.svg").write_text(text, encoding="utf-8")
    told = [(f"{named(r)}: {what}", *r["columns"][what]) for r in results if "columns" in r
            for what in ("functions", "histograms")]  # fmt: skip
    if told:
        text = scatter(f"{name}: shares of columns, real (across) and synthetic (up)", told)
        (FIGURES / f"{name}_columns.svg").write_text(text, encoding="utf-8")


def named(found: dict[str, Any]) -> str:
    """What a fit is called: its preset, and the settings that were changed."""
    more = [f"{k}={v}" for k, v in found["set"].items() if k != "preset"]
    return " ".join([found["preset"], *more])


def keep(part: str, results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Add to what is there, and return all; the same fit again takes the earlier one's place."""
    old = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}

    def key(r: dict[str, Any]) -> str:
        return json.dumps([r.get(k) for k in ("table", "model", "preset", "epsilon", "channels",
                                              "group_norm", "seed", "set")])  # fmt: skip

    new = {key(r) for r in results}
    kept = [r for r in old.get(part, []) if key(r) not in new] + list(results)
    old |= {part: kept, "machine": {
        "python": platform.python_version(), "torch": torch.__version__,
        "machine": platform.machine(),
    }}  # fmt: skip
    RESULTS.write_text(json.dumps(old, indent=1) + "\n", encoding="utf-8")
    return kept


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", choices=["fit", "attack", "step"])
    parser.add_argument("--data", type=Path, help="folder of the tables")
    parser.add_argument("--tables", nargs="+", default=["adult", "support2", "breast_cancer",
                                                        "diabetes"])  # fmt: skip
    parser.add_argument("--models", nargs="+", default=["tablegan"])
    parser.add_argument("--presets", nargs="+", default=["low", "mid", "high"])
    parser.add_argument("--epsilon", type=float, default=math.inf)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--set", nargs="*", default=[], help="settings of the model, k=v")
    parser.add_argument("--write", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    main()
