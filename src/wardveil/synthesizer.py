"""From a table to a synthesizer: plan, lease, vault, training, statement.

    file ─► Table ─► Vault ──priced answers──► Model.train ──► weights ──► Synthesizer ─► rows

Nothing of the table stays: a synthesizer holds the schema, the model's settings, its weights and
the statement.
"""

import json
import secrets
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from importlib.metadata import version
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd
import torch
from safetensors.torch import load_file, save_file

from wardveil.checkpoint import Checkpoint, unwritable
from wardveil.errors import Problem, RunError, SchemaError, UsageError
from wardveil.models import MODELS, Model, Moment, Rng, Weights, choose_model, settings
from wardveil.models.obedience import obedient
from wardveil.privacy import (
    UNACCOUNTED,
    Bounds,
    Budget,
    Charge,
    Lease,
    Ledger,
    OpenLevels,
    Patients,
    Plan,
    Question,
    Relation,
    Statement,
    charged,
    make_plan,
)
from wardveil.schema import Schema
from wardveil.schema.column import LEVELLED
from wardveil.schema.where import parse_where
from wardveil.tables import (
    Table,
    count_patients,
    look,
    patient_fingerprint,
    read_table,
    to_frame,
)
from wardveil.vault import Noise, OpenVault, Rows, SecretNoise, SeededNoise, Vault
from wardveil.vault.facts import buy_facts
from wardveil.vault.statistics import keep_first_codes
from wardveil.vault.transcript import TranscribedNoise

if TYPE_CHECKING:
    from collections.abc import Iterator

Facts = Literal["declared", "private", "looked"]
FORMAT = 1
VERSIONS = ("wardveil", "torch", "numpy", "opendp", "dp-accounting", "cryptography")
FACTS_SHARE = 0.1
"""Share of μ² that undeclared bounds and levels get, each."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """Where a fit stands: public quantities only.

    Attributes:
        phase: What is going on.
        step: Steps of this phase done.
        steps: Steps of this phase in all.
        epsilon: ε spent so far, from the accountant; None when there is no guarantee.
    """

    phase: str
    step: int
    steps: int
    epsilon: float | None


class Synthesizer:
    """A trained model that makes patients, and what it promises to the real ones.

    Attributes:
        schema: What is public about the table.
        model: The model with its settings.
        weights: What sampling needs; tensors by name.
        statement: What is promised.
        reason: Why `auto` chose this model; "" when it was asked for by name.
        history: Losses by name, one value a step; None under a guarantee, for losses are
            functions of the patients.
    """

    def __init__(
        self,
        *,
        schema: Schema,
        model: Model,
        weights: Weights,
        statement: Statement,
        reason: str = "",
        history: Mapping[str, list[float]] | None = None,
    ) -> None:
        self.schema = schema
        self.model = model
        self.weights = weights
        self.statement = statement
        self.reason = reason
        self.history = history

    def __repr__(self) -> str:
        return f"<{self.model.name}: {self.statement.claim}>"

    def sample(
        self, n: int, *, where: Mapping[str, Any] | None = None, seed: int | None = None
    ) -> pd.DataFrame:
        """n synthetic patients; costs nothing, as often as you like.

        Args:
            n: Number of rows, at least 1.
            where: Column -> value, list of values, or (low, high) for numbers. Every row has it.
            seed: Makes the rows repeatable; harmless to privacy.

        Returns:
            A frame with the table's columns, kinds and decimals; ids are SYNTH-0000, SYNTH-0001.

        Raises:
            UsageError: If n < 1, `where` asks for what is not declared, or almost no row keeps
                the schema's rules (E138).
        """
        if n < 1:
            raise UsageError(
                Problem(code="E133", what=f"At least 1 row can be asked for, found {n}.",
                        where="n", do=("Ask for more rows.",))
            )  # fmt: skip
        asked = parse_where(where, self.schema)
        rng = Rng(secrets.randbits(63) if seed is None else seed)

        def draw(many: int) -> Rows:
            return self.model.sample(self.weights, self.schema, many, asked, rng)

        rows = obedient(draw, self.schema, n, asked)
        return to_frame(keep_first_codes(rows, self.schema), self.schema)

    def sample_each(
        self, n: int, combinations: Sequence[Mapping[str, Any]], *, seed: int | None = None
    ) -> pd.DataFrame:
        """n synthetic patients of each combination of conditions, one below the other.

        Args:
            n: Rows of each.
            combinations: What `where` takes, one after the other.
            seed: Makes the rows repeatable.
        """
        seed = secrets.randbits(32) if seed is None else seed
        parts = [self.sample(n, where=where, seed=seed + k) for k, where in enumerate(combinations)]
        whole = pd.concat(parts, ignore_index=True)
        for column in self.schema.columns:
            if column.kind == "id":
                whole[column.name] = [f"SYNTH-{i:04d}" for i in range(len(whole))]
        return whole

    def save(self, path: str | Path) -> None:
        """Write the run into a new folder: JSON and safetensors, whole or not at all.

        Raises:
            RunError: If the folder exists and is not empty, or cannot be written (E501, E502).
        """
        target = Path(path)
        if target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise RunError(
                Problem(code="E502", what="The run's folder must be new or empty.",
                        where=str(target), do=("Choose another name.",))
            )  # fmt: skip
        with new_folder(target) as folder:
            contents = {
                "format": FORMAT,
                "schema": self.schema.to_dict(),
                "model": {"name": self.model.name, "settings": asdict(self.model)},
                "statement": self.statement.to_dict(),
                "reason": self.reason,
                "history": self.history,
            }
            text = json.dumps(contents, indent=1, ensure_ascii=False)
            (folder / "run.json").write_text(text, encoding="utf-8")
            save_file(
                {k: w.contiguous() for k, w in self.weights.items()},
                str(folder / "weights.safetensors"),
            )


def load(path: str | Path) -> Synthesizer:
    """A synthesizer from a run's folder. Nothing in it can run code.

    Raises:
        RunError: If the folder is not a run, or of another format (E503).
    """
    folder = Path(path)
    try:
        stored = json.loads((folder / "run.json").read_text(encoding="utf-8"))
        weights = load_file(str(folder / "weights.safetensors"))
        if stored["format"] != FORMAT:
            raise _no_run(folder)
        model = MODELS[stored["model"]["name"]](
            **{k: _tuples(v) for k, v in stored["model"]["settings"].items()}
        )
        return Synthesizer(
            schema=Schema.from_dict(stored["schema"]),
            model=model,
            weights=weights,
            statement=Statement.from_dict(stored["statement"]),
            reason=stored["reason"],
            history=stored["history"],
        )
    except (OSError, KeyError, TypeError, ValueError) as fault:
        raise _no_run(folder) from fault


def _tuples(value: Any) -> Any:
    """JSON lists back to the tuples that settings hold."""
    return tuple(value) if isinstance(value, list) else value


def _no_run(folder: Path) -> RunError:
    return RunError(
        Problem(
            code="E503",
            what="A run's folder holds run.json and weights.safetensors of this format.",
            where=str(folder),
            do=("Name the folder that `wardveil fit … -o` wrote.",),
        )
    )


@contextmanager
def new_folder(target: Path) -> "Iterator[Path]":
    """A temporary folder beside the target that becomes the target only if all went well."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
        try:
            yield temporary
            if target.exists():
                target.rmdir()
            temporary.replace(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as fault:
        if isinstance(fault, RunError):
            raise
        raise unwritable(target, fault, then="; nothing was written") from None


def plan(
    schema: Schema,
    *,
    rows: int | None = None,
    epsilon: float,
    delta: float | None = None,
    model: str | Model = "auto",
    facts: Facts = "declared",
    relation: Relation = "null",
) -> Plan:
    """What a fit would ask, with what noise, at what cost; opens no table.

    Args:
        schema: What is public.
        rows: Number of patients; default: as declared in the schema.
        epsilon: ε > 0, `math.inf` for no guarantee.
        delta: δ ≤ 1/(10 n); default 1/n^1.5 rounded down to a power of ten.
        model: A name or a settings object.
        facts: "declared": every bound and level must be in the schema. "private": buy the
            missing ones. "looked": read them, and lose the end-to-end claim.
        relation: "null" (n public) or "add-remove" (n bought; `rows` is an upper bound).

    Raises:
        BudgetError: If (ε, δ) is out of range or cannot be met.
        SchemaError: If facts are missing and none of the two ways out was chosen (E214).
        UsageError: If the number of patients is unknown (E134).
    """
    return _planned(schema, rows, epsilon, delta, model, facts, relation)[0]


def _planned(
    schema: Schema,
    rows: int | None,
    epsilon: float,
    delta: float | None,
    model: str | Model,
    facts: Facts,
    relation: Relation,
) -> tuple[Plan, Model, str]:
    """The plan, the model and why it was chosen."""
    n = rows if rows is not None else schema.rows
    if n is None or n < 2:
        raise UsageError(
            Problem(
                code="E134",
                what="A plan needs the number of patients, at least 2, and found "
                f"{'none' if n is None else n}.",
                where="rows",
                do=("Declare rows = … under [table], or give --rows.",),
            )
        )
    budget = Budget.for_patients(n, epsilon, delta)
    _refuse_gaps(schema, facts)
    chosen, reason = _chosen(model, schema, n, epsilon)
    questions, remarks = chosen.questions(_sized(schema), n, budget)
    extra = _fact_questions(schema, facts) if budget.private else []
    if relation == "add-remove" and budget.private:
        extra = [Patients(), *extra]
    made = make_plan(
        [*extra, *questions], budget=budget, n=n, relation=relation,
        remarks=[*([reason] if reason else []), *remarks],
    )  # fmt: skip
    return made, chosen, reason


def _chosen(model: str | Model, schema: Schema, n: int, epsilon: float) -> tuple[Model, str]:
    """The model object, and why `auto` took it."""
    if isinstance(model, Model):
        return model, ""
    if model != "auto":
        return settings(model, {}), ""
    name, reason = choose_model(n, len(schema.modelled), epsilon)
    return settings(name, {}), reason


def _fact_questions(schema: Schema, facts: Facts) -> list[Question]:
    """What has to be bought before the model can ask."""
    if facts != "private" or not schema.gaps:
        return []
    levels = sum("levels" in gaps for gaps in schema.gaps.values())
    numbers = len(schema.gaps) - levels
    found: list[Question] = []
    if numbers:
        found.append(Bounds(tables=numbers, share=FACTS_SHARE))
    if levels:
        found.append(OpenLevels(count=levels, share=FACTS_SHARE))
    return found


def _sized(schema: Schema) -> Schema:
    """The schema with stand-ins for missing facts, to plan by: sizes only, never values."""
    for name in schema.gaps:
        column = schema.by_name[name]
        if column.kind in LEVELLED:
            levels = tuple(
                f"level {k}" for k in range(2 if column.kind in ("binary", "event") else 8)
            )
            schema = schema.replace(name, levels=levels, nullable=True)
        else:
            schema = schema.replace(name, low=0.0, high=1.0, nullable=True)
    return schema


def _refuse_gaps(schema: Schema, facts: Facts) -> None:
    """Missing facts need one of three ways out; a list of codes has to be declared or looked at."""
    refused = {
        name: gaps
        for name, gaps in schema.gaps.items()
        if facts == "declared" or (facts == "private" and schema.by_name[name].kind == "codes")
    }
    if not refused:
        return
    raise SchemaError(
        [
            Problem(
                code="E214",
                what=f"Column {name!r} must declare {' and '.join(gaps)}.",
                where=f"columns.{name}",
                do=(
                    "Declare it in the schema (best: costs nothing).",
                    "--private-facts buys it with a share of ε.",
                    "--look reads it from the patients and loses the end-to-end guarantee.",
                ),
            )
            for name, gaps in refused.items()
        ]
    )


def fit(  # noqa: PLR0913
    table: Any,
    *,
    schema: Schema | None = None,
    model: str | Model = "auto",
    epsilon: float,
    delta: float | None = None,
    seed: int | None = None,
    rows: int | None = None,
    facts: Facts = "declared",
    relation: Relation = "null",
    progress: Callable[[Progress], None] | None = None,
    noise: Noise | None = None,
    ledger: Ledger | Path | Literal["unaccounted"] | None = None,
    source: str | None = None,
    cap: float | None = None,
    keys: Any = None,
    partial: Path | None = None,
    resume: bool = False,
) -> Synthesizer:
    """Train a model on a table of patients within (ε, δ).

    Args:
        table: A path, a data frame, or a `Table`.
        schema: What is public about it; a `Table` brings its own.
        model: "auto", a name, or a settings object such as `MedicalCGAN(epochs=20)`.
        epsilon: ε > 0; `math.inf` trains without noise and promises nothing.
        delta: See `plan`.
        seed: Weights and latents only. Noise and batches come from the operating system.
        rows: Number of patients, if not declared; otherwise counted and treated as public.
        facts: See `plan`.
        relation: See `plan`.
        progress: Called with `Progress` after every step.
        noise: For audits and tests: another source of noise. Whatever is not of release grade
            brands the result "seeded: no privacy claim".
        ledger: Where this and all other runs on the same patients are charged: an existing file,
            or `Ledger(path, create=True)`. "unaccounted" says in the statement that there is
            none; None says nothing.
        source: The ledger's account; default: the name of the file.
        cap: ε of the account, if this run opens it; see `wardveil.privacy.charged`.
        keys: A path or frame with the patients' keys, when `table` is a `Table`, which has none.
        partial: A folder that keeps every answer until the run is saved, so that it can go on
            after a stop; remove it when the run is saved. Without a guarantee it is not used.
        resume: Go on with what `partial` holds; everything else must be as it was.

    Raises:
        WardveilError: Schema, table, budget or request are wrong; nothing was spent.
        BudgetError: The ledger's account cannot carry the run (E410).
        LedgerError: Anything is wrong with the ledger (E411 to E419).

    Guarantees:
        With a ledger the whole plan is charged, and on the disk, before an answer is computed,
        and each block of answers before its first. Whatever was charged stays charged.
    """
    schema = _schema_of(table, schema)
    if facts == "looked":
        schema = look(table, schema)
    n = _patients(table, schema, rows, relation)
    planned, chosen, reason = _planned(schema, n, epsilon, delta, model, facts, relation)
    seed = secrets.randbits(63) if seed is None else seed
    kept = None
    if partial is not None and planned.private:
        kept = Checkpoint(partial, _request(planned, chosen, schema), seed=seed, resume=resume)
        seed = kept.seed
    answered = kept.transcript.answered if kept else {}
    if noise is None:  # without a guarantee nothing is secret, and runs may be repeated
        noise = SecretNoise() if planned.private else SeededNoise(seed)
    keys = table if keys is None else keys
    payer = source or _source_of(keys)
    ledger = Ledger(ledger) if isinstance(ledger, Path) else ledger
    if kept and isinstance(ledger, Ledger):
        ledger.close_run(kept.ledger_run, why="resumed")
    due = planned.rest(answered) if answered else planned
    with kept or nullcontext(), _charge(ledger, due, payer, schema, cap, noise) as charge:
        lease = Lease(planned, charge, answered=answered)
        if kept:
            noise = TranscribedNoise(noise, kept.transcript, lease)
        if kept and charge:
            kept.charged_as(charge.run)
        if charge is not None:
            charge.identify(_fingerprint(keys, schema, charge))
        watch = _Watch(lease, progress)
        vault = _open(table, schema, facts, lease, noise)
        columns = vault.schema.columns
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            weights = chosen.train(vault, Rng(seed), watch)
        used = {k: u - answered.get(k, 0) for k, u in lease.used.items() if planned.private}
        stamp = charge.settle({k: u for k, u in used.items() if u}) if charge else None
    if isinstance(noise, TranscribedNoise):
        planned = planned.counting_twice(noise.counted_twice)
    return Synthesizer(
        schema=vault.schema,
        model=chosen,
        weights=weights,
        statement=Statement.of(
            planned,
            model=chosen.name,
            unit=schema.unit,
            facts=vault.schema.sources(),
            looked=tuple(c.name for c in columns if "looked" in c.sources.values()),
            noise=noise.grade,
            versions={name: version(name) for name in VERSIONS},
            ledger=stamp.to_dict() if stamp else UNACCOUNTED if ledger else None,
        ),
        reason=reason,
        history=watch.losses or None,
    )


def _request(plan: Plan, model: Model, schema: Schema) -> dict[str, Any]:
    """What makes a run what it is: a part that does not agree is another run."""
    return {
        "plan": plan.to_dict(),
        "model": {"name": model.name, "settings": asdict(model)},
        "schema": schema.to_dict(),
        "versions": {name: version(name) for name in VERSIONS},
    }


def _charge(
    ledger: Ledger | Path | str | None,
    plan: Plan,
    source: str,
    schema: Schema,
    cap: float | None,
    noise: Noise,
) -> AbstractContextManager[Charge | None]:
    """The run's hold on its ledger; nothing without one."""
    if ledger is None or isinstance(ledger, str):
        return nullcontext()
    looked = any("looked" in c.sources.values() for c in schema.columns)
    unpriced = "seeded noise" if noise.grade != "release" else "looked facts" if looked else ""
    return charged(ledger, plan, source=source, unit=schema.unit, cap=cap, unpriced=unpriced)


def _source_of(keys: Any) -> str:
    """The account's name when none is given: the file's, for that is what the custodian has."""
    return Path(keys).name if isinstance(keys, str | PathLike) else "table"


def _fingerprint(keys: Any, schema: Schema, charge: Charge) -> tuple[bytes, ...] | None:
    """Whose patients these are; None where no key says so."""
    if isinstance(keys, Table):
        return None
    return patient_fingerprint(keys, schema, charge.ledger.key)


def _schema_of(table: Any, schema: Schema | None) -> Schema:
    """The schema to use."""
    if schema is not None:
        return schema
    if isinstance(table, Table):
        return table.schema
    raise UsageError(
        Problem(
            code="E135",
            what="A table needs a schema: what is public about it.",
            where="schema",
            do=("wv.Schema.read(path), or wv.draft_schema(table) and fill it in.",),
        )
    )


def _patients(table: Any, schema: Schema, rows: int | None, relation: Relation) -> int:
    """n: as given, as held, as declared, or counted.

    Counting is free under null replacement: neighbouring tables have the same number of patients.
    Under add/remove the number is what is protected, so it has to be declared.

    Raises:
        UsageError: Under add/remove without a declared bound (E137).
    """
    if rows is not None:
        return rows
    if relation == "add-remove":
        if schema.rows is None:
            raise UsageError(
                Problem(
                    code="E137",
                    what="Under add/remove the plan needs a public upper bound on the number of "
                    "patients; the table's own number is what is protected.",
                    where="rows",
                    do=("Declare rows = … under [table], or give rows.",),
                )
            )
        return schema.rows
    if isinstance(table, Table):
        return table.n
    if schema.rows is not None:
        return schema.rows
    n = count_patients(table, schema)
    if n < 2:
        read_table(table, schema)  # says what is wrong with it
    return n


def _open(table: Any, schema: Schema, facts: Facts, lease: Lease, noise: Noise) -> Vault:
    """The vault over a table, after the plan was made; buys missing facts first."""
    held = table if isinstance(table, Table) else read_table(table, schema)
    if schema.gaps and facts == "private":
        schema = buy_facts(held, lease, noise) if lease.plan.private else look(table, schema)
    if held.schema is not schema:
        held = held.complete(schema)
    kind = Vault if lease.plan.private else OpenVault
    return kind(held.rows, schema=schema, lease=lease, noise=noise)


class _Watch:
    """Turns a model's moments into progress, and keeps losses where they may be kept."""

    def __init__(self, lease: Lease, progress: Callable[[Progress], None] | None) -> None:
        self.lease, self.progress = lease, progress
        self.losses: dict[str, list[float]] = {}

    def __call__(self, moment: Moment) -> None:
        if moment.losses and not self.lease.plan.private:
            for name, value in moment.losses.items():
                self.losses.setdefault(name, []).append(value)
        if self.progress is not None:
            self.progress(
                Progress(
                    phase=moment.phase, step=moment.step, steps=moment.steps,
                    epsilon=self.lease.epsilon(),
                )
            )  # fmt: skip
