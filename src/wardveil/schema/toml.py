"""A schema as a TOML file, for people to read and edit.

    [table]
    key = "patient_id"
    [columns.age]
    kind = "continuous"
    low = 18
    high = 110
    source = "catalogue"              # of all facts of the column
    sources = { high = "looked" }     # of single facts; wins over `source`

Dates are TOML dates in the file and days since 1970-01-01 in the schema. `levels` is a list or
the path of a text file, relative to the TOML, with one level a line (of a CSV: its first
column). A [trial] names the visits and measures that columns are made of.
"""

import csv
import os
import tomllib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import MISSING, fields
from datetime import date, datetime, timedelta
from os import PathLike
from pathlib import Path
from typing import Any, Final

import tomlkit
import tomlkit.items

from wardveil.errors import Problem, RunError, SchemaError
from wardveil.schema.column import FACTS, Column
from wardveil.schema.finding import Finding, suggestion
from wardveil.schema.lines import lines_of
from wardveil.schema.rules import findings
from wardveil.schema.schema import Schema
from wardveil.schema.trial import Trial

_WIDTH: Final = 96
EPOCH: Final = date(1970, 1, 1)
COLUMN_KEYS: Final = (*(f.name for f in fields(Column) if f.name != "name"), "source")
TABLE_KEYS: Final = tuple(f.name for f in fields(Schema) if f.name not in ("columns", "trial"))
TRIAL_KEYS: Final = tuple(f.name for f in fields(Trial))
COLUMN_DEFAULTS: Final = {f.name: f.default for f in fields(Column) if f.default is not MISSING}
TABLE_DEFAULTS: Final = {f.name: f.default for f in fields(Schema) if f.default is not MISSING}


def read(path: str | PathLike[str]) -> Schema:
    """The schema in a TOML file.

    Raises:
        SchemaError: With all problems and their lines, or when the file cannot be read.
    """
    path = Path(path)
    return _parse(read_text(path, "E220"), path.name, path.parent)


def parse(text: str, origin: str = "schema.toml") -> Schema:
    """The schema in a TOML text; paths in it are relative to the working folder.

    Args:
        text: TOML.
        origin: The file name that problems are reported under.
    """
    return _parse(text, origin, Path())


def read_text(path: Path, code: str) -> str:
    """The text of a small public file (UTF-8, with or without a byte order mark)."""
    reason = ""
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = (error.strerror or "it cannot be opened").lower()
    except UnicodeDecodeError:
        reason = "it is not UTF-8 text"
    raise SchemaError(Problem(code=code, what=f"File cannot be read: {reason}.", where=path.name))


def _parse(text: str, origin: str, folder: Path) -> Schema:
    text = text.replace("\r\n", "\n")
    problem = None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        problem = Problem(
            code="E220", what=f"Not valid TOML: {error}.", where=origin,
            do=("texts need quotes, and column names with other signs than A-Z a-z 0-9 _ -",),
        )  # fmt: skip
    if problem is not None:
        raise SchemaError(problem)
    reader = _Reader(folder)
    columns, table = reader.columns(data), reader.table(data)
    found = reader.found + findings(columns, table)
    if found:
        lines = lines_of(text)
        places = [_line(f, lines) for f in found]
        raise SchemaError(
            [
                f.problem(f"{origin}:{line}" if line else origin)
                for line, f in sorted(zip(places, found, strict=True), key=lambda pair: pair[0])
            ]
        )
    return Schema(columns=columns, **table)


def _line(finding: Finding, lines: Mapping[tuple[str, ...], int]) -> int:
    """Line of the fact, else of what it belongs to; 0 when nowhere."""
    parts = ("columns", finding.column) if finding.column else ("table",)
    paths = [(*parts, finding.fact), (*parts, "source"), parts]
    if finding.fact != "sources":
        del paths[1]
    if not finding.column:
        paths[:0] = [(finding.fact,), ("trial", finding.fact)]
    return next((lines[p] for p in paths if p in lines), 0)


class _Reader:
    """Turns TOML's values into a schema's and collects what cannot be turned."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: list[Finding] = []

    def table(self, data: Mapping[str, Any]) -> dict[str, Any]:
        for name in data:
            if name not in ("table", "columns", "trial"):
                self.unknown("", name, ("table", "columns", "trial"))
        table = data.get("table", {})
        if not isinstance(table, dict):
            self.found.append(Finding(code="E203", what="[table] must be a table.", fact="table"))
            return {}
        for name in table:
            if name not in TABLE_KEYS:
                self.unknown("", name, TABLE_KEYS)
        facts = {n: self.plain(n, v) for n, v in table.items() if n in TABLE_KEYS}
        return facts | ({"trial": self.trial(data["trial"])} if "trial" in data else {})

    def trial(self, facts: Any) -> Trial | None:
        if not isinstance(facts, dict) or not {"visits", "measures"} <= facts.keys():
            what = "[trial] must be a table with visits and measures."
            self.found.append(Finding(code="E203", what=what, fact="trial"))
            return None
        for name in facts:
            if name not in TRIAL_KEYS:
                self.unknown("", name, TRIAL_KEYS)
        known: dict[str, Any] = {
            n: tuple(map(_level, v)) if isinstance(v, list) else v
            for n, v in facts.items()
            if n in TRIAL_KEYS
        }
        return Trial(**known)

    def columns(self, data: Mapping[str, Any]) -> tuple[Column, ...]:
        columns = data.get("columns", {})
        if not isinstance(columns, dict):
            self.found.append(
                Finding(code="E203", what="[columns] must be a table.", fact="columns")
            )
            return ()
        return tuple(self.column(name, facts) for name, facts in columns.items())

    def column(self, name: str, facts: Any) -> Column:
        if not isinstance(facts, dict):
            what = "a column is a table: [columns.NAME] with one fact a line."
            self.found.append(Finding(code="E203", column=name, what=what))
            facts = {}
        for key in facts:
            if key not in COLUMN_KEYS:
                self.unknown(name, key, COLUMN_KEYS)
        if "kind" not in facts:
            self.found.append(Finding(code="E202", column=name, what="kind is not declared."))
        known = {k: v for k, v in facts.items() if k in COLUMN_KEYS and k != "source"}
        values = {"kind": "drop"} | {
            k: self.plain(k, v, name, facts.get("kind")) for k, v in known.items()
        }
        column = Column(name=name, **values)
        if "source" in facts:
            column = Column(name=name, **values | {"sources": _spread(column, facts["source"])})
        return column

    def plain(self, key: str, value: Any, column: str = "", kind: Any = None) -> Any:
        """A value in the type of the dataclass; what does not fit is left to the rules."""
        if key == "levels" and isinstance(value, str):
            return self.level_file(value, column)
        if key in ("levels", "missing", "rules") and isinstance(value, list):
            return tuple(_level(v) for v in value)
        if key in ("low", "high") and isinstance(value, date):
            if kind != "date" or isinstance(value, datetime):
                return value
            return float((value - EPOCH).days)
        if key in ("low", "high") and kind == "date":
            return str(value)  # the rules ask for a date
        if key in ("low", "high") and type(value) is int:
            return float(value)
        return value

    def level_file(self, name: str, column: str) -> tuple[str, ...] | None:
        try:
            text = read_text(self.folder / name, "E219")
        except SchemaError as error:
            self.found.append(
                Finding(
                    code="E219", column=column, fact="levels",
                    what=f"levels file {name!r}: {error.problems[0].what}",
                    do=("the path is relative to the TOML", "write a list: levels = [...]"),
                )
            )  # fmt: skip
            return None
        if name.endswith((".csv", ".tsv")):
            rows = csv.reader(text.splitlines(), delimiter="\t" if name.endswith(".tsv") else ",")
            return tuple(row[0].strip() for row in rows if row and row[0].strip())
        return tuple(line.strip() for line in text.splitlines() if line.strip())

    def unknown(self, column: str, key: str, known: tuple[str, ...]) -> None:
        near = suggestion(key, known) or (f"known here: {', '.join(known)}",)
        what = f"{key!r} is not known here."
        self.found.append(Finding(code="E201", column=column, fact=key, what=what, do=near))


def _level(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) else value


def _spread(column: Column, source: Any) -> dict[str, Any]:
    """`source` for all facts that are given; single `sources` win."""
    given = [f for f in column.facts if f != "nullable" or column.nullable]
    own = column.sources if isinstance(column.sources, Mapping) else {}
    return dict.fromkeys(given or ("nullable",), source) | dict(own)


def facts_of(column: Column) -> dict[str, Any]:
    """The keys and values that TOML shows for a column, in order, in TOML's types."""
    shown: dict[str, Any] = {"kind": column.kind}
    for f in fields(Column):
        value = getattr(column, f.name)
        if f.name in ("name", "kind", "sources") or value == COLUMN_DEFAULTS[f.name]:
            continue
        shown[f.name] = _plain_number(value, column) if f.name in ("low", "high") else value
        if isinstance(value, tuple):
            shown[f.name] = list(value)
    given = [f for f in column.facts if f != "nullable" or column.nullable]
    labels = [column.sources.get(f) for f in given]
    rest = dict(column.sources)
    if given and labels[0] is not None and len(set(labels)) == 1:
        shown["source"] = labels[0]
        rest = {f: s for f, s in rest.items() if f not in given}
    if rest:
        shown["sources"] = {f: rest[f] for f in FACTS if f in rest}
    return shown


def _plain_number(value: float, column: Column) -> Any:
    if column.kind == "date":
        return EPOCH + timedelta(days=value)
    return int(value) if float(value).is_integer() and abs(value) < 1e15 else float(value)


def table_facts_of(schema: Schema) -> dict[str, Any]:
    """The keys and values that TOML shows for the table, in order, in TOML's types."""
    shown = {n: v for n in TABLE_KEYS if (v := getattr(schema, n)) != TABLE_DEFAULTS[n]}
    return {n: list(v) if isinstance(v, tuple) else v for n, v in shown.items()}


def text(schema: Schema) -> str:
    """The schema as TOML; gaps are shown as comments that say what to fill in."""
    document = tomlkit.document()
    table = tomlkit.table()
    for name, value in table_facts_of(schema).items():
        table.add(name, _item(value))
    document.add("table", table)
    if schema.trial:
        document.add("trial", _trial_item(schema.trial))
    columns = tomlkit.table(is_super_table=True)
    for column in schema.columns:
        columns.add(column.name, _column_item(column))
    document.add("columns", columns)
    return tomlkit.dumps(document)


def _trial_item(trial: Trial) -> tomlkit.items.Table:
    item = tomlkit.table()
    for f in fields(Trial):
        value = getattr(trial, f.name)
        if value != f.default:
            item.add(f.name, _item(list(value) if isinstance(value, tuple) else value))
    item.add(tomlkit.nl())
    return item


def _column_item(column: Column) -> tomlkit.items.Table:
    item = tomlkit.table()
    for name, value in facts_of(column).items():
        item.add(name, _item(value))
    for gap in column.gaps:
        item.add(tomlkit.comment(f"{gap} = {_ASKED[gap]}"))
    item.add(tomlkit.nl())
    return item


_ASKED: Final[Mapping[str, str]] = {
    "low": "?   fill in the smallest value that can occur: from knowledge, not from this table",
    "high": "?   fill in the largest value that can occur: from knowledge, not from this table",
    "levels": '["?"]   fill in what can occur: from knowledge, not from this table',
}


def _item(value: Any) -> tomlkit.items.Item:
    if isinstance(value, dict):
        inline = tomlkit.inline_table()
        inline.update(value)
        return inline
    item = tomlkit.item(value)
    if isinstance(item, tomlkit.items.Array) and len(tomlkit.dumps({"levels": item})) > _WIDTH:
        item.multiline(multiline=True)
    return item


def write(content: str, path: str | PathLike[str]) -> None:
    """Write a text file, all of it or nothing.

    Raises:
        RunError: E501 if the file cannot be written; an older file is then untouched.
    """
    path = Path(path)
    reason = ""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
    if reason:
        raise RunError(
            Problem(code="E501", what=f"File cannot be written: {reason}.", where=path.name)
        )


def amend(source: str | PathLike[str], schema: Schema) -> str:
    """The text of a schema file with only the changed facts rewritten.

    Comments, order of keys, and spellings of facts that did not change survive.

    Args:
        source: A TOML text (it holds a line break) or the path of a file.
        schema: What the text shall say.

    Raises:
        SchemaError: If the source is no valid schema.
    """
    if isinstance(source, str) and ("\n" in source or not source):
        content, folder, origin = source, Path(), "schema.toml"
    else:
        path = Path(source)
        content, folder, origin = read_text(path, "E220"), path.parent, path.name
    content = content.replace("\r\n", "\n")
    old = _parse(content, origin, folder)
    document = tomlkit.parse(content)
    if table_facts_of(old) != table_facts_of(schema):
        if "table" not in document:
            document["table"] = tomlkit.table()
        _change(document["table"], table_facts_of(old), table_facts_of(schema))
    if old.trial != schema.trial:
        document.pop("trial", None)
        if schema.trial:
            document.add("trial", _trial_item(schema.trial))
    columns: Any = document["columns"]
    for name in old.by_name:
        if name not in schema.by_name:
            del columns[name]
    for column in schema.columns:
        before = old.by_name.get(column.name)
        if before is None:
            columns[column.name] = _column_item(column)
        else:
            _change(columns[column.name], facts_of(before), facts_of(column))
    _reorder(columns, [c.name for c in schema.columns])
    return tomlkit.dumps(document)


def _reorder(columns: Any, names: list[str]) -> None:
    """Bring the columns into the table's order; comments stay with the column above."""
    if list(columns) == names:
        return
    items = [(name, columns[name]) for name in names]
    for name in names:
        del columns[name]
    for name, item in items:
        columns[name] = item


def _change(item: Any, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
    """Set what differs; leave the rest of the table as it is written."""
    labels = ("source", "sources")
    if any(old.get(n) != new.get(n) for n in labels):
        for name in labels:
            item.pop(name, None)
        old = {n: v for n, v in old.items() if n not in labels}
    for name in [n for n in item if n not in labels and n not in new]:
        del item[name]
    tail = _loose_end(item)
    for name, value in new.items():
        if name not in old or old[name] != value:
            item[name] = _item(value)
    if tail:
        item.value.body.extend(tail)


def _loose_end(item: Any) -> list[Any]:
    """Take the comments off the end of a table: they are about the table that follows."""
    tail: list[Any] = []
    if isinstance(item, tomlkit.items.Table):
        body = item.value.body
        while body and body[-1][0] is None:
            tail.insert(0, body.pop())
    return tail
