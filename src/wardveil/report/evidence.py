"""Evidence: the blocks of the internal page beyond columns and pairs.

A block is left out when its part of the evaluation was not measured; the page then says why.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from wardveil.evaluation import Evaluation
from wardveil.evaluation.c2st import Confusion
from wardveil.evaluation.coefficients import Coefficients
from wardveil.evaluation.prediction import ModelScore
from wardveil.evaluation.survival import KaplanMeier
from wardveil.evaluation.trajectory import Trajectory
from wardveil.report import chart
from wardveil.report.block import Block, Drawing, Numbers
from wardveil.report.chart import Mark

MOST_TERMS = 24
"""Terms of one regression that are drawn; the table has all."""
FAMILY = {
    "fidelity": "Does it look like the real table?",
    "utility": "Does it work like the real table?",
    "survival": "Time to event",
    "trajectory": "Over the visits",
    "risk": "Does it leak?",
}
WORDS = {
    "density_ratio": "from the density of rows",
    "shadow": "with a model of the attacker's own",
    "gradient_boosting": "gradient boosting",
    "random_forest": "random forest",
    "logistic_regression": "logistic regression",
    "ridge": "ridge regression",
    "auc": "AUC",
    "f1": "F1",
    "r2": "R²",
    "rmse": "RMSE",
}


def blocks(evaluation: Evaluation) -> Iterator[Block]:
    """Every block there is something to show in, in the page's order."""
    yield from _probability(evaluation)
    yield from _associations(evaluation)
    yield from _told_apart(evaluation)
    yield from _learning(evaluation)
    yield from _coefficients(evaluation.coefficients)
    yield from _survival(evaluation.kaplan_meier)
    yield from _trajectories(evaluation.trajectories)
    yield from _groups(evaluation)


def measured(evaluation: Evaluation) -> Block | None:
    """All measures on one table, with ruler and interval."""
    if not evaluation.measures:
        return None
    tables = tuple(
        Numbers(
            caption=FAMILY[family],
            head=("Measure", "Synthetic", "95 % interval", "Real rows", "Perfect", "What it means"),
            rows=tuple(
                (f"{m.label}{f', {WORDS.get(m.of, m.of)}' if m.of else ''}", figure_text(m.value),
                 interval(m.low, m.high), "–" if m.ruler is None else figure_text(m.ruler),
                 figure_text(m.perfect), m.note)
                for m in found
            ),
            shown=True, texts=frozenset({0, 5}),
        )
        for family, found in groupby(evaluation.measures, key=lambda m: m.family)
    )  # fmt: skip
    return Block(
        anchor="measures", title="Every figure", real=False, folded=True, numbers=tables,
        note="Each figure stands beside the same figure for real rows, which is what to compare it "
        "with.",
    )  # fmt: skip


def _probability(evaluation: Evaluation) -> Iterator[Block]:
    drawings, numbers = [], []
    for points, title, shown in (
        (evaluation.probability, "How often each level occurs", "share"),
        (evaluation.prediction, "How well each level is predicted from the rest", "AUC"),
    ):
        if points is not None and points.labels:
            svg = chart.scatter(points, label=f"{title}: real across, synthetic up", shown=shown)
            drawings.append(Drawing(svg=svg, caption=title))
            rows = sorted(
                zip(points.labels, points.real, points.synthetic, strict=True),
                key=lambda r: -abs(r[2] - r[1]),
            )
            as_text = "{:.1%}".format if shown == "share" else "{:.3f}".format
            numbers.append(
                Numbers(caption=f"{title}, farthest apart first",
                        head=("Level", "Real", "Synthetic"),
                        rows=tuple((n, as_text(a), as_text(b)) for n, a, b in rows))
            )  # fmt: skip
    if drawings:
        yield Block(
            anchor="levels", title="Level by level", drawings=tuple(drawings),
            numbers=tuple(numbers), real=False,
            note="A dot is a level of a column, or a code. On the diagonal the synthetic table is "
            "like the real one; above it the level is too frequent, or too easy to predict.",
        )  # fmt: skip


def _associations(evaluation: Evaluation) -> Iterator[Block]:
    found = evaluation.associations
    if found is None or len(found.columns) < 2:
        return
    side = max(3, min(16, 260 // len(found.columns)))
    gaps = [
        [None if a is None or b is None else b - a for a, b in zip(x, y, strict=True)]
        for x, y in zip(found.real, found.synthetic, strict=True)
    ]
    maps = (("Real", found.real), ("Synthetic", found.synthetic), ("Synthetic less real", gaps))
    moved = sorted(
        ((abs(g), found.columns[i], found.columns[j], a, b)
         for i, row in enumerate(gaps) for j, g in enumerate(row[:i])
         if g is not None and (a := found.real[i][j]) is not None
         and (b := found.synthetic[i][j]) is not None),
        reverse=True,
    )  # fmt: skip
    yield Block(
        anchor="associations", title="How columns hang together", real=False,
        note="Two numbers: Pearson's correlation. Two columns of levels: Cramér's V. A number and "
        "levels: the correlation ratio. Blue-green is plus, amber is minus; pale is weak. Columns "
        "are in the table's order, from the top and from the left.",
        drawings=tuple(
            Drawing(svg=chart.heat_map(m, label=f"{name}: association of every pair of columns",
                                       side=side), caption=name)
            for name, m in maps
        ),
        numbers=(
            Numbers(caption="Pairs that moved most", head=("Pair", "Real", "Synthetic"),
                    rows=tuple((f"{x} × {y}", signed(a), signed(b))
                               for _, x, y, a, b in moved[:30])),
        ),
    )  # fmt: skip


def _told_apart(evaluation: Evaluation) -> Iterator[Block]:
    found = evaluation.confusion
    if found is None:
        return
    yield Block(
        anchor="told-apart", title="Can rows be told apart?",
        note="A classifier learnt to tell synthetic rows from real ones and gave each row it had "
        "not seen a probability of being synthetic. If the two distributions lie on each other, "
        "it cannot.",
        drawings=(
            Drawing(svg=chart.overlaid(found.real, found.synthetic, name="probability of being "
                                       "synthetic", label="Rows by their probability of being "
                                       "synthetic, real and synthetic")),
        ),
        numbers=(
            Numbers(caption="What it said", shown=True,
                    head=("Rows", "“real”", "“synthetic”"), rows=(
                ("real", f"{found.real_as_real:,}", f"{found.real_as_synthetic:,}"),
                ("synthetic", f"{found.synthetic_as_real:,}", f"{found.synthetic_as_synthetic:,}"),
            )),
            *_giveaways(found),
        ),
    )  # fmt: skip


def _giveaways(found: Confusion) -> Iterator[Numbers]:
    if found.giveaways:
        yield Numbers(
            caption="Columns that give a synthetic row away", shown=True,
            head=("Column", "AUC lost without it"),
            rows=tuple((name, f"{lost:.3f}") for name, lost in found.giveaways[:10]),
        )  # fmt: skip


def _learning(evaluation: Evaluation) -> Iterator[Block]:
    main = [s for s in evaluation.scores if s.metric in ("auc", "r2") and s.tested_on == "holdout"]
    if not main:
        return
    drawings = [
        Drawing(
            svg=chart.forest(
                [(WORDS[model], [Mark(value=s.value, low=s.low, high=s.high, style=s.trained_on)
                                 for s in sorted(found, key=lambda s: s.trained_on)])
                 for model, found in _by(group, "model")],
                label=f"{target}: {WORDS[metric]} of models trained on real and on synthetic rows",
                name=WORDS[metric],
            ),
            caption=f"{target}, {WORDS[metric]} on held-out patients",
        )
        for (target, metric), group in _grouped(main)
    ]  # fmt: skip
    drawings += [
        Drawing(
            svg=chart.forest(
                [(name, [Mark(value=a, style="real"), Mark(value=b)])
                 for name, a, b in zip(i.columns[:10], i.real, i.synthetic, strict=False)],
                label=f"{i.target}: importance of columns, trained on real and on synthetic rows",
                guide=0.0,
                name="share of what the forest uses"),
            caption=f"{i.target}, what a random forest leans on "
            f"(rank correlation {i.agreement:+.2f})".replace("-", "−"),
        )
        for i in evaluation.importances
    ]  # fmt: skip
    yield Block(
        anchor="learning", title="What models learn from it",
        note="Models learn from real or from synthetic rows, and both are tested on held-out real "
        "patients. Close dots mean that the synthetic rows teach the same.",
        drawings=tuple(drawings), numbers=(_scores(evaluation.scores),),
    )  # fmt: skip


def _scores(scores: Sequence[ModelScore]) -> Numbers:
    return Numbers(
        caption="All scores",
        head=("Target", "Model", "Trained on", "Tested on", "Score", "Value", "95 % interval"),
        rows=tuple(
            (s.target, WORDS[s.model], s.trained_on, s.tested_on, WORDS[s.metric],
             figure_text(s.value), interval(s.low, s.high))
            for s in scores
        ),
        texts=frozenset(range(5)),
    )  # fmt: skip


def _coefficients(found: Sequence[Coefficients]) -> Iterator[Block]:
    if not found:
        return
    drawings, numbers = [], []
    for c in found:
        what = {"logistic": "log odds ratios", "linear": "coefficients", "cox": "log hazard ratios"}
        rows = list(zip(c.terms, c.real, c.real_low, c.real_high, c.synthetic, c.synthetic_low,
                        c.synthetic_high, c.overlap, strict=True))  # fmt: skip
        drawings.append(
            Drawing(
                svg=chart.forest(
                    [(t, [Mark(value=r, low=rl, high=rh, style="real"),
                          Mark(value=s, low=sl, high=sh)])
                     for t, r, rl, rh, s, sl, sh, _ in rows[:MOST_TERMS]],
                    label=f"{c.target}: {what[c.model]} in the real and the synthetic table",
                    guide=0.0, name=what[c.model],
                ),
                caption=f"{c.target}: {what[c.model]}",
            )
        )  # fmt: skip
        numbers.append(
            Numbers(caption=f"{c.target}: {what[c.model]}",
                    head=("Term", "Real", "95 % interval", "Synthetic", "95 % interval", "Overlap"),
                    rows=tuple((t, signed(r), interval(rl, rh), signed(s), interval(sl, sh),
                                signed(o)) for t, r, rl, rh, s, sl, sh, o in rows))
        )  # fmt: skip
    yield Block(
        anchor="coefficients", title="Would a statistician conclude the same?",
        note="The same regression fitted to both tables, with 95 % intervals. Numbers are per "
        "standard deviation. Overlap 1 means the same interval; below 0 the two lie apart. The "
        "synthetic intervals do not include the noise that made the table.",
        drawings=tuple(drawings), numbers=tuple(numbers),
    )  # fmt: skip


def _survival(curves: Sequence[KaplanMeier]) -> Iterator[Block]:
    if not curves:
        return
    drawings, numbers = [], []
    for (time, arm), found in groupby(curves, key=lambda c: (c.time, c.arm)):
        group = list(found)
        who = f"arm {arm}" if arm else "everybody"
        svg = chart.survival(group, label=f"{time}, {who}: share without event, real and synthetic")
        drawings.append(Drawing(svg=svg, caption=f"{time}: {who}"))
        for c in group:
            every = max(1, len(c.times) // 12)
            numbers.append(
                Numbers(caption=f"{time}, {who}, {c.table}: {c.rows:,} patients",
                        head=(c.unit or "time", "without event", "95 % band", "at risk"),
                        rows=tuple(
                            (f"{c.times[i]:g}", f"{c.survival[i]:.1%}",
                             f"{c.low[i]:.1%} to {c.high[i]:.1%}", f"{c.at_risk[i]:,}")
                            for i in range(0, len(c.times), every)))
            )  # fmt: skip
    yield Block(
        anchor="survival", title="Time to event",
        note="Kaplan-Meier curves with pointwise 95 % bands: the share of patients without the "
        "event from each time on.",
        drawings=tuple(drawings), numbers=tuple(numbers),
    )  # fmt: skip


def _trajectories(tracks: Sequence[Trajectory]) -> Iterator[Block]:
    if not tracks:
        return
    drawings, numbers = [], []
    for (what, arm), found in groupby(
        sorted(tracks, key=lambda t: (t.measurement, t.arm)), key=lambda t: (t.measurement, t.arm)
    ):
        group = list(found)
        title = f"{what}{f', arm {arm}' if arm else ''}"
        alike = [t for t in tracks if t.measurement == what]  # one scale for all arms
        label = f"{title}: median and quartiles, real and synthetic"
        svg = chart.trajectory(group, within=alike, label=label)
        drawings.append(Drawing(svg=svg, caption=title))
        numbers += [
            Numbers(caption=f"{title}, {t.table}",
                    head=("Visit", "Seen", "Median", "Quartiles", "Correlation with the next"),
                    rows=tuple(
                        (t.visits[i], f"{t.attended[i]:.0%}", _maybe(t.median[i]),
                         f"{_maybe(t.low[i])} to {_maybe(t.high[i])}",
                         _maybe(t.lag1[i]) if i < len(t.lag1) else "")
                        for i in range(len(t.visits))))
            for t in group
        ]  # fmt: skip
    yield Block(
        anchor="visits", title="Over the visits", drawings=tuple(drawings), numbers=tuple(numbers),
        note="Medians at each visit, with the middle half of the patients as a ribbon.",
    )  # fmt: skip


def _groups(evaluation: Evaluation) -> Iterator[Block]:
    if not evaluation.groups:
        return
    yield Block(
        anchor="groups", title="Group by group", real=False,
        note="A table may be good on average and poor for a group. Small groups have wide rulers.",
        numbers=(
            Numbers(
                caption="Figures within each group", shown=True,
                head=("Group", "Real rows", "Synthetic rows", "TVD", "Ruler", "AUC, real",
                      "AUC, synthetic", "Attack, AUC"),
                rows=tuple(
                    (f"{g.column} = {g.level}", f"{g.real:,}", f"{g.synthetic:,}",
                     _maybe(g.tvd1, 3), _maybe(g.tvd1_ruler, 3), _maybe(g.auc_real, 3),
                     _maybe(g.auc_synthetic, 3),
                     _maybe(g.attack_auc, 3))
                    for g in evaluation.groups
                ),
            ),
        ),
    )  # fmt: skip


def figure_text(value: float) -> str:
    """A figure with three digits after the point, or fewer where it is large."""
    text = f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}" if abs(value) >= 10 else ""
    return (text or f"{value:.3f}").replace("-", "−")


def interval(low: float | None, high: float | None) -> str:
    """An interval, or a dash."""
    return "–" if low is None or high is None else f"{figure_text(low)} to {figure_text(high)}"


def signed(value: float) -> str:
    """A figure with its sign."""
    return f"{value:+.2f}".replace("-", "−")


def _maybe(value: float | None, digits: int = 2) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.{digits}f}".replace("-", "−")


def _by(scores: Sequence[ModelScore], part: str) -> Iterator[tuple[str, list[ModelScore]]]:
    ordered = sorted(scores, key=lambda s: str(getattr(s, part)))
    for key, found in groupby(ordered, key=lambda s: str(getattr(s, part))):
        yield key, list(found)


def _grouped(
    scores: Sequence[ModelScore],
) -> Iterator[tuple[tuple[str, str], list[ModelScore]]]:
    ordered = sorted(scores, key=lambda s: (s.target, s.metric))
    for key, found in groupby(ordered, key=lambda s: (s.target, s.metric)):
        yield key, list(found)
