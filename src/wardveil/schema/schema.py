"""Schema: what is public about a table."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields, replace
from functools import cached_property
from html import escape
from os import PathLike
from typing import Any, Final, Self

from wardveil.errors import Problem, SchemaError
from wardveil.schema.column import Column
from wardveil.schema.finding import suggestion
from wardveil.schema.rule import Rule
from wardveil.schema.rules import findings
from wardveil.schema.trial import Trial
from wardveil.schema.variable import Variable, variables_of

_SHOWN_LEVELS: Final = 6


@dataclass(frozen=True, kw_only=True)
class Schema:
    """What is public about a table, before any patient is read.

    Attributes:
        columns: In the table's order.
        key: Name of the column that names the patient; "" when every row is another patient.
        unit: Whose privacy, in one word.
        rows: Number of patients, if declared; public under null replacement.
        missing: Texts that mean missing in every column.
        repeats: What to do when a patient has several rows: refuse, or keep the first.
        rules: What must hold between columns, as `wardveil.schema.rule` reads it; it holds in
            every synthetic row.
        trial: Which columns are measures at visits, if the table is of a trial.

    Raises:
        SchemaError: On construction, with every rule of `wardveil.schema.rules` that is broken.
    """

    columns: tuple[Column, ...]
    key: str = ""
    unit: str = "patient"
    rows: int | None = None
    missing: tuple[str, ...] = ("", "NA", "NaN", "nan", "N/A", "null", "NULL", "None", ".")
    repeats: str = "refuse"
    rules: tuple[str, ...] = ()
    trial: Trial | None = None

    def __post_init__(self) -> None:
        found = findings(self.columns, self.table())
        if found:
            raise SchemaError([f.problem() for f in found])

    @classmethod
    def read(cls, path: str | PathLike[str]) -> "Schema":
        """The schema in a TOML file.

        Raises:
            SchemaError: With all problems and their lines, or when the file cannot be read.
        """
        from wardveil.schema import toml

        return toml.read(path)

    @classmethod
    def parse(cls, text: str, origin: str = "schema.toml") -> "Schema":
        """The schema in a TOML text; `origin` is the name that problems are reported under."""
        from wardveil.schema import toml

        return toml.parse(text, origin)

    def text(self) -> str:
        """The schema as TOML; `Schema.parse` reads it back to an equal schema."""
        from wardveil.schema import toml

        return toml.text(self)

    def write(self, path: str | PathLike[str]) -> None:
        """Write the TOML, all of it or nothing. `wardveil.schema.toml.amend` keeps comments."""
        from wardveil.schema import toml

        toml.write(self.text(), path)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> "Schema":
        """The schema that `to_dict` gave."""
        table = {name: value for name, value in data.items() if name != "columns"}
        columns = [_from_json(Column, c, f"columns[{i}]") for i, c in enumerate(data["columns"])]
        if table.get("trial"):
            table["trial"] = _from_json(Trial, table["trial"], "trial")
        return _from_json(cls, table | {"columns": tuple(columns)}, "schema")

    def to_dict(self) -> dict[str, Any]:
        """All facts in JSON's types, without those that have their default; lossless."""
        return {
            **{n: _to_json(v) for n, v in _own_facts(self).items() if n != "columns"},
            "columns": [{n: _to_json(v) for n, v in _own_facts(c).items()} for c in self.columns],
        }

    def table(self) -> dict[str, Any]:
        """The facts that are not about one column: key, unit, rows, missing and so on."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.name != "columns"}

    def replace(self, name: str, **facts: Any) -> Self:
        """The schema with facts of one column replaced; declared unless `sources` says else.

        Raises:
            SchemaError: If there is no such column or the new facts break a rule.
        """
        old = self.by_name.get(name)
        if old is None:
            raise SchemaError(
                Problem(
                    code="E229", what=f"The schema has no column {name!r}.",
                    do=suggestion(name, self.by_name),
                )
            )  # fmt: skip
        kept = {f: s for f, s in old.sources.items() if f not in facts}
        new = replace(old, **{"sources": kept, **facts})
        return replace(self, columns=tuple(new if c is old else c for c in self.columns))

    def sources(self) -> dict[str, int]:
        """Source -> number of facts from it, over the modelled columns."""
        return dict(Counter(c.source(fact) for c in self.modelled for fact in c.facts))

    @cached_property
    def by_name(self) -> Mapping[str, Column]:
        """Columns by name."""
        return {c.name: c for c in self.columns}

    @cached_property
    def modelled(self) -> tuple[Column, ...]:
        """The columns a synthetic table carries values of, in order."""
        return tuple(c for c in self.columns if c.modelled)

    @cached_property
    def constraints(self) -> tuple[Rule, ...]:
        """The rules, parsed."""
        names = frozenset(c.name for c in self.modelled)
        return tuple(Rule(text, names) for text in self.rules)

    @cached_property
    def conditions(self) -> tuple[Column, ...]:
        """The columns rows may be asked for by."""
        return tuple(c for c in self.modelled if c.condition)

    @cached_property
    def gaps(self) -> Mapping[str, tuple[str, ...]]:
        """Column name -> facts it lacks; empty when the schema is complete."""
        return {c.name: c.gaps for c in self.modelled if c.gaps}

    @cached_property
    def variables(self) -> tuple[Variable, ...]:
        """The variables of all modelled columns, in order. Needs a complete schema."""
        return tuple(v for c in self.modelled for v in variables_of(c))

    def _repr_html_(self) -> str:
        """A small table, for notebooks."""
        head = "".join(f"<th>{h}</th>" for h in ("column", "kind", "admits", "unit", "from"))
        rows = "".join(
            "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in _described(c)) + "</tr>"
            for c in self.columns
        )
        return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _described(c: Column) -> tuple[str, str, str, str, str]:
    """Name, kind, admissible values, unit and sources of a column, for people."""
    sources = sorted({c.source(f) for f in c.facts}) if c.modelled else []
    return c.name, c.kind, _admitted(c), c.unit, ", ".join(sources)


def _admitted(c: Column) -> str:
    if not c.modelled:
        return c.reason
    if c.gaps:
        return f"{' and '.join(c.gaps)} not declared"
    if c.levels is None:
        shown = f"{c.low:g} to {c.high:g}"
    else:
        shown = ", ".join(c.levels[:_SHOWN_LEVELS])
        shown += f" … ({len(c.levels)})" if len(c.levels) > _SHOWN_LEVELS else ""
    return shown + (" or missing" if c.nullable else "")


def _own_facts(thing: Schema | Column | Trial) -> dict[str, Any]:
    """The fields that differ from their default, in order."""
    own: dict[str, Any] = {}
    for f in fields(thing):
        default = f.default_factory() if f.default_factory is not MISSING else f.default
        if default is MISSING or getattr(thing, f.name) != default:
            own[f.name] = getattr(thing, f.name)
    return own


def _to_json(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, Trial):
        return {n: _to_json(v) for n, v in _own_facts(value).items()}
    return dict(value) if isinstance(value, Mapping) else value


def _from_json(cls: Any, data: Mapping[str, Any], where: str) -> Any:
    known = [f.name for f in fields(cls)]
    wrong = [
        Problem(code="E201", what=f"{n!r} is not known here.", where=where, do=suggestion(n, known))
        for n in data
        if n not in known
    ]
    if wrong:
        raise SchemaError(wrong)
    return cls(**{n: tuple(v) if isinstance(v, list) else v for n, v in data.items()})
