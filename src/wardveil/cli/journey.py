"""Journey: from a table to a folder with everything that is made of it."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wardveil.cli.account import Paying, note_release, place_of
from wardveil.cli.destination import require_free, writing
from wardveil.cli.option import Facts
from wardveil.cli.output import Output
from wardveil.cli.progress import watched

if TYPE_CHECKING:
    from wardveil.schema import Schema
    from wardveil.synthesizer import Synthesizer


@dataclass(frozen=True, kw_only=True)
class Request:
    """What shall be made.

    Attributes:
        table: The table of patients.
        schema: What is declared; None drafts it from the header.
        epsilon: ε of the run.
        folder: Where everything is written, at once, at the end.
        delta: δ, or None for the default.
        model: "auto" or a settings object.
        facts: Where missing bounds and levels come from.
        holdout: Share of patients kept apart for the report; None compares with all.
        seed: For weights, sampling and the split; None takes fresh ones.
        paying: Which ledger is charged; None for public data, of which no account is kept.
        mark: Name of an empty file that says the folder may be replaced by the next journey.
    """

    table: Path
    schema: "Schema | None"
    epsilon: float
    folder: Path
    delta: float | None = None
    model: Any = "auto"
    facts: Facts = "declared"
    holdout: float | None = None
    seed: int | None = None
    paying: Paying | None = None
    mark: str = ""


def travel(request: Request, output: Output) -> None:
    """Fit, sample, evaluate, write; print the statement and where the report is."""
    from wardveil.report import evaluate
    from wardveil.synthesizer import fit, new_folder, plan
    from wardveil.tables import read_table

    def ours(folder: Path) -> bool:
        return bool(request.mark) and (folder / request.mark).is_file()

    require_free(request.folder, ours=ours)
    schema = _schema(request)
    table = read_table(request.table, schema)
    train, holdout = table, None
    if request.holdout:
        train, holdout = table.split(request.holdout, seed=request.seed or 0)
    planned = plan(schema, rows=train.n, epsilon=request.epsilon, delta=request.delta,
                   model=request.model, facts=request.facts)  # fmt: skip
    output.say(f"\nPlan\n{planned}\n")
    paying = request.paying
    account = paying.arguments(request.table) if paying else {}
    charging = paying is not None and not paying.none
    with watched(output, epsilon=request.epsilon, charged=charging) as progress:
        synthesizer = fit(train, schema=schema, model=request.model, epsilon=request.epsilon,
                          delta=request.delta, seed=request.seed, facts=request.facts,
                          rows=train.n, progress=progress, **account)  # fmt: skip
    synthetic = synthesizer.sample(train.n, seed=request.seed)
    real = train.complete(synthesizer.schema)
    kept = holdout.complete(synthesizer.schema) if holdout else None
    output.say(f"{len(synthetic)} synthetic rows made; comparing them with the real ones.")
    report = evaluate(real, synthetic, holdout=kept, schema=synthesizer.schema,
                      statement=synthesizer.statement, details=_details(request, synthesizer),
                      )  # fmt: skip
    with writing(request.folder), new_folder(request.folder) as partial:
        _write(partial, synthesizer, synthetic)
        report.save_html(partial / "report.html")
        report.save_json(partial / "report.json")
        if request.mark:
            (partial / request.mark).touch()
        if request.folder.exists():
            shutil.rmtree(request.folder)  # empty, or an older demo
    note_release(account.get("ledger"), synthesizer, request.folder / "run")
    output.result(
        f"\n{synthesizer.statement}\n\nReport:    {request.folder / 'report.html'} "
        f"(for your eyes only)\nSynthetic: {request.folder / 'synthetic.csv'}"
        + place_of(account.get("ledger")),
        {"folder": str(request.folder), "reason": synthesizer.reason,
         "statement": synthesizer.statement.to_dict(),
         "means": dict(report.evaluation.means), "rulers": dict(report.evaluation.rulers)},
    )  # fmt: skip


def _schema(request: Request) -> "Schema":
    """What is declared or drafted; with the facts that shall be looked up."""
    from wardveil.schema import draft_schema
    from wardveil.tables import headers, look

    schema = request.schema or draft_schema(headers(request.table))
    return look(request.table, schema) if request.facts == "looked" else schema


def _write(folder: Path, synthesizer: "Synthesizer", synthetic: Any) -> None:
    """Everything but the report."""
    from wardveil.tables import write_table

    statement = synthesizer.statement
    write_table(synthetic, folder / "synthetic.csv")
    synthesizer.schema.write(folder / "cohort.toml")
    synthesizer.save(folder / "run")
    (folder / "statement.txt").write_text(f"{statement}\n", encoding="utf-8")
    (folder / "statement.json").write_text(
        json.dumps(statement.to_dict(), indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        encoding="utf-8",
    )


def _details(request: Request, synthesizer: "Synthesizer") -> dict[str, str]:
    """What a person needs to make the run again, for the report."""
    return {
        "Model": f"{synthesizer.model}",
        "Chosen": synthesizer.reason or "by name",
        "Seed": "from the operating system" if request.seed is None else str(request.seed),
        "Held out": f"{request.holdout:.0%} of patients" if request.holdout else "nobody",
    }
