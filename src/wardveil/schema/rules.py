"""What makes a schema right: every rule, applied at once, without any file.

A `Finding` names the column and the fact, so that a reader of TOML can add the line.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from wardveil.schema.column import KINDS, NUMERIC, Column
from wardveil.schema.column_rules import choice, column_findings, is_texts
from wardveil.schema.finding import Finding, Found, suggestion
from wardveil.schema.rule import Rule
from wardveil.schema.trial import trial_findings
from wardveil.schema.variable import flag_name, missing_name


def findings(columns: Sequence[Column], table: Mapping[str, Any]) -> list[Finding]:
    """Everything that is wrong with a schema of these columns.

    Args:
        columns: In the table's order.
        table: The other fields of `Schema`: key, unit, rows, missing, repeats, rules, trial.
    """
    return [
        *_table(table),
        *(f for column in columns for f in column_findings(column)),
        *_names(columns),
        *_key(columns, table.get("key", "")),
        *_pairs(columns),
        *_between(columns, table.get("rules", ())),
        *trial_findings(table.get("trial"), [c for c in columns if c.modelled]),
    ]


def _table(table: Mapping[str, Any]) -> Found:
    for name in ("key", "unit"):
        if not isinstance(table.get(name, ""), str):
            yield Finding(code="E203", what=f"{name} must be text.", fact=name)
    if not is_texts(table.get("missing", ())):
        yield Finding(code="E203", what="missing must be a list of texts.", fact="missing")
    rows = table.get("rows")
    if rows is not None and (not isinstance(rows, int) or isinstance(rows, bool) or rows < 2):
        yield Finding(code="E226", what="rows must be a whole number of at least 2.", fact="rows")
    yield from choice("", "repeats", table.get("repeats", "refuse"))


def _names(columns: Sequence[Column]) -> Found:
    if not columns:
        yield Finding(code="E217", what="a schema needs at least one column.")
    names = Counter(c.name for c in columns)
    for name, n in names.items():
        if not name.strip() or name != name.strip() or "\n" in name:
            yield Finding(
                code="E217",
                column=name,
                what="a column name is one line without white space around it.",
            )
        if n > 1:
            yield Finding(code="E217", column=name, what=f"declared {n} times.")
    for c in columns:
        if c.kind == "codes" and is_texts(c.levels):
            flags = [flag_name(c.name, v) for v in c.levels or ()] + [missing_name(c.name)]
            if clash := [f for f in flags if f in names]:
                yield Finding(
                    code="E223", column=c.name,
                    what=f"the flag {clash[0]!r} has the name of another column.",
                    do=("rename one of the two columns",),
                )  # fmt: skip


def _key(columns: Sequence[Column], key: str) -> Found:
    kinds = {c.name: c.kind for c in columns}
    if not key or not isinstance(key, str):
        return
    if key not in kinds:
        yield Finding(
            code="E209", fact="key", what=f"key names {key!r}, which is not a column.",
            do=(*suggestion(key, kinds), f'declare the column {key!r} with kind = "id"'),
        )  # fmt: skip
    elif kinds[key] != "id":
        yield Finding(
            code="E209", column=key, fact="kind", what='the key column must be of kind "id".'
        )


def _pairs(columns: Sequence[Column]) -> Found:
    kinds = {c.name: c.kind for c in columns}
    events = [c.name for c in columns if c.kind == "event"]
    paired = Counter(c.pair for c in columns if c.kind == "time")
    for c in columns:
        if c.kind == "time" and kinds.get(c.pair) != "event":
            what = (
                f"pair names {c.pair!r}, which is not an event column."
                if c.pair
                else "a time has no pair."
            )
            yield Finding(
                code="E210", column=c.name, fact="pair", what=what,
                do=(f'pair = "{events[0]}"',) if len(events) == 1
                else ("name its event column: pair = ...", 'kind = "continuous"'),
            )  # fmt: skip
        elif c.kind == "event" and paired[c.name] != 1:
            yield Finding(
                code="E210", column=c.name, fact="kind",
                what="an event needs exactly one time column that names it as pair, "
                f"found {paired[c.name]}.",
                do=('kind = "binary"', f'give the time column pair = "{c.name}"'),
            )  # fmt: skip
        elif c.pair and c.kind in KINDS and c.kind != "time":
            yield Finding(
                code="E218", column=c.name, fact="pair", what="only kind time has a pair."
            )


def _between(columns: Sequence[Column], rules: Any) -> Found:
    """Rules between columns: they can be read, and compare like with like."""
    if not is_texts(rules):
        yield Finding(code="E203", what="rules must be a list of texts.", fact="rules")
        return
    by_name = {c.name: c for c in columns if c.modelled}
    computed: set[str] = set()
    for text in rules:
        try:
            rule = Rule(text, frozenset(by_name))
        except ValueError as error:
            yield Finding(
                code="E233", fact="rules", what=f"rule {text!r} cannot be read: {error}.",
                do=("write an order a < b, if a = x then b = y, or c := a / b",
                    "put names with other signs in backticks"),
            )  # fmt: skip
            continue
        yield from _alike(rule, by_name, computed)
        computed |= {rule.derived} - {""}


def _alike(rule: Rule, by_name: Mapping[str, Column], computed: set[str]) -> Found:
    """A rule's columns have values that can be compared as it does."""
    for name in rule.columns:
        column = by_name[name]
        if column.kind == "codes":
            yield Finding(
                code="E234", fact="rules", column=name,
                what=f"rule {rule.text!r} is about a list of codes; rules are about single values.",
            )  # fmt: skip
        elif column.kind not in NUMERIC and name in rule.numbers:
            yield Finding(
                code="E234", fact="rules", column=name,
                what=f"rule {rule.text!r} needs a number, and kind {column.kind} is none.",
                do=("levels can be compared with = and != only",),
            )  # fmt: skip
    for name, text in rule.texts:
        levels = by_name[name].levels
        if levels and text not in levels:
            yield Finding(
                code="E234", fact="rules", column=name,
                what=f"rule {rule.text!r} names a level that is not declared.",
                do=suggestion(text, levels),
            )  # fmt: skip
    if rule.derived in computed or (rule.derived and rule.derived in rule.inputs):
        yield Finding(
            code="E234", fact="rules", column=rule.derived,
            what=f"rule {rule.text!r} computes a column that is computed already, or from itself.",
        )  # fmt: skip
