"""Rule: what must hold between the columns of one patient, as a line of text.

    diastolic < systolic                          an order; chains too: birth <= visit <= death
    if sex = male then pregnant = no              an implication; conditions join with `and`
    bmi := weight / (height / 100) ^ 2            a derived column: computed, never drawn

Texts with other signs stand in quotes, column names with other signs in backticks. Where a value
that a rule needs is missing, the rule asks nothing. Dates are days since 1970-01-01.

The grammar, in the order it is parsed:

    rule   = "if" test {"and" test} "then" test {"and" test}  |  name ":=" sum  |  test
    test   = sum op sum {op sum}                op: < <= > >= = !=
    sum    = term {("+" | "-") term}            term = power {("*" | "/") power}
    power  = ["-"] atom ["^" power]             atom = number | text | name | "(" sum ")"
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Values = NDArray[Any]
"""A column for rules: float64 with NaN for missing, or object text with None for missing."""

_TOKEN: Final = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d*)?(?:[eE][-+]?\d+)?|\.\d+)(?![\w.])
    |(?P<name>`[^`]+`)|(?P<text>'[^']*'|"[^"]*")
    |(?P<sign>:=|<=|>=|!=|[<>=+\-*/^()])
    |(?P<word>[^\s<>=!+\-*/^()`'":]+))""",
    re.VERBOSE,
)
_TESTS: Final[Mapping[str, Callable[[Any, Any], Any]]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
    "=": operator.eq, "!=": operator.ne,
}  # fmt: skip
_SUMS: Final = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "^": np.power}
CLOSE: Final = 1e-9
"""Numbers nearer than this, relative to their size, are equal."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A part of a rule: an operation on others, a column, a number, or a text."""

    kind: str
    value: Any = None
    parts: tuple["Node", ...] = ()


@dataclass(frozen=True)
class Rule:
    """What must hold between the columns of one patient.

    Attributes:
        text: As declared.
        names: The columns there are, to tell a column from a level's name.

    Raises:
        ValueError: On construction: the text is no rule; the message says where.
    """

    text: str
    names: frozenset[str]

    def __post_init__(self) -> None:
        _ = self.tree

    @cached_property
    def tree(self) -> Node:
        """The parsed text."""
        return _Parser(self.text, self.names).rule()

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The columns it is about, each once, in order."""
        return tuple(dict.fromkeys(_columns(self.tree)))

    @cached_property
    def inputs(self) -> tuple[str, ...]:
        """The columns that a derived column is computed from; () for other rules."""
        return tuple(dict.fromkeys(_columns(self.tree.parts[0]))) if self.derived else ()

    @property
    def derived(self) -> str:
        """The column it computes, or ""."""
        return str(self.tree.value) if self.tree.kind == ":=" else ""

    @cached_property
    def texts(self) -> tuple[tuple[str, str], ...]:
        """(column, text) wherever a column is compared with a text."""
        return tuple(_texts(self.tree))

    @cached_property
    def numbers(self) -> frozenset[str]:
        """The columns that are used as numbers: ordered, or in a sum."""
        return frozenset(_numbers(self.tree))

    def compute(self, columns: Mapping[str, Values]) -> NDArray[np.float64]:
        """The derived column, (n,); NaN where something is missing or cannot be computed."""
        with np.errstate(all="ignore"):
            found = np.asarray(_value(self.tree.parts[0], columns), dtype=np.float64)
        found = np.where(np.isfinite(found), found, np.nan)
        return np.broadcast_to(found, _length(columns)).copy()

    def broken(self, columns: Mapping[str, Values], unit: float = 0.0) -> NDArray[np.bool_]:
        """Which patients break it, (n,).

        Args:
            columns: At least those of `columns`.
            unit: For a derived column: its last digit; half of it is forgiven.
        """
        tree = self.tree
        if tree.kind == ":=":
            wanted = self.compute(columns)
            found = columns[self.derived].astype(np.float64)
            off = np.abs(found - wanted)
            return off > 0.5 * unit * (1 + 1e-6) + CLOSE * np.maximum(1.0, np.abs(wanted))
        if tree.kind != "if":
            return ~np.broadcast_to(_holds(tree, columns)[1], _length(columns))
        given = np.ones(_length(columns), dtype=bool)
        for test in tree.parts[0].parts:
            given &= _holds(test, columns)[0]
        asked = np.ones(_length(columns), dtype=bool)
        for test in tree.parts[1].parts:
            asked &= _holds(test, columns)[1]
        return given & ~asked


def _length(columns: Mapping[str, Values]) -> tuple[int, ...]:
    return next(iter(columns.values())).shape


def _holds(test: Node, columns: Mapping[str, Values]) -> tuple[Values, Values]:
    """Whether a chain of comparisons surely holds, and whether it may: missing is not sure."""
    with np.errstate(all="ignore"):
        values = [_value(part, columns) for part in test.parts]
    sure: Values = np.ones(_length(columns), dtype=bool)
    may = sure.copy()
    for sign, a, b in zip(test.value, values, values[1:], strict=False):
        known = _known(a) & _known(b)
        if _is_text(a) or _is_text(b):
            held = _TESTS[sign](_as_text(a), _as_text(b))
        else:
            held = _TESTS[sign](a, b)
        sure = sure & known & held
        may = may & (~known | held)
    return sure, may


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, np.ndarray) and value.dtype == object)


def _as_text(value: Any) -> Any:
    """Levels as texts; a number as a level is written, 1 and not 1.0."""
    if isinstance(value, np.ndarray):
        return value.astype(str)
    return value if isinstance(value, str) else f"{value:g}"


def _known(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.dtype == object:
        return np.array([v is not None for v in value], dtype=bool)
    return True if isinstance(value, str) else np.isfinite(value)


def _value(node: Node, columns: Mapping[str, Values]) -> Any:
    if node.kind == "column":
        return columns[node.value]
    if node.kind in _SUMS:
        return _SUMS[node.kind](*(_value(p, columns) for p in node.parts))
    return node.value


def _columns(node: Node) -> list[str]:
    own = [node.value] if node.kind in ("column", ":=") else []
    return own + [name for part in node.parts for name in _columns(part)]


def _numbers(node: Node) -> list[str]:
    found = [name for part in node.parts for name in _numbers(part)]
    ordered = node.kind == "test" and not set(node.value) <= {"=", "!="}
    if node.kind in _SUMS or node.kind == ":=" or ordered:
        found += [part.value for part in node.parts if part.kind == "column"]
    return found + ([node.value] if node.kind == ":=" else [])


def _texts(node: Node) -> list[tuple[str, str]]:
    found = [pair for part in node.parts for pair in _texts(part)]
    if node.kind == "test":
        for a, b in zip(node.parts, node.parts[1:], strict=False):
            for x, y in ((a, b), (b, a)):
                if x.kind == "column" and y.kind in ("text", "number"):
                    found.append((x.value, y.value if y.kind == "text" else f"{y.value:g}"))
    return found


class _Parser:
    """Recursive descent over the tokens of one line."""

    def __init__(self, text: str, names: frozenset[str]) -> None:
        self.names, self.tokens, at = names, [], 0
        text = text.rstrip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or match.lastgroup is None:
                raise ValueError(f"a sign is not understood at {text[at:].strip()[:12]!r}")
            self.tokens.append((match.lastgroup, match[match.lastgroup]))
            at = match.end()
        self.tokens.append(("end", ""))

    def rule(self) -> Node:
        if self.taken("word", "if"):
            given = self.tests()
            self.need("word", "then")
            found = Node(kind="if", parts=(given, self.tests()))
        elif len(self.tokens) > 1 and self.tokens[1] == ("sign", ":="):
            name = self.column()
            self.need("sign", ":=")
            found = Node(kind=":=", value=name, parts=(self.sum(),))
        else:
            found = self.test()
        self.need("end", "")
        return found

    def tests(self) -> Node:
        tests = [self.test()]
        while self.taken("word", "and"):
            tests.append(self.test())
        return Node(kind="all", parts=tuple(tests))

    def test(self) -> Node:
        parts, signs = [self.sum()], []
        while self.tokens[0][0] == "sign" and self.tokens[0][1] in _TESTS:
            signs.append(self.tokens.pop(0)[1])
            parts.append(self.sum())
        if not signs:
            raise ValueError("a comparison is missing, such as a < b")
        return Node(kind="test", value=tuple(signs), parts=tuple(parts))

    def sum(self) -> Node:
        return self.chain(("+", "-"), self.term)

    def term(self) -> Node:
        return self.chain(("*", "/"), self.power)

    def chain(self, signs: tuple[str, ...], part: Callable[[], Node]) -> Node:
        found = part()
        while self.tokens[0][0] == "sign" and self.tokens[0][1] in signs:
            sign = self.tokens.pop(0)[1]
            found = Node(kind=sign, parts=(found, part()))
        return found

    def power(self) -> Node:
        if self.taken("sign", "-"):
            return Node(kind="-", parts=(Node(kind="number", value=0.0), self.power()))
        found = self.atom()
        if self.taken("sign", "^"):
            found = Node(kind="^", parts=(found, self.power()))
        return found

    def atom(self) -> Node:
        kind, value = self.tokens.pop(0)
        if kind == "number":
            return Node(kind="number", value=float(value))
        if kind == "text":
            return Node(kind="text", value=value[1:-1])
        if kind == "name" or (kind == "word" and value in self.names):
            self.tokens.insert(0, (kind, value))
            return Node(kind="column", value=self.column())
        if kind == "word":
            return Node(kind="text", value=value)
        if (kind, value) == ("sign", "("):
            found = self.sum()
            self.need("sign", ")")
            return found
        raise ValueError(f"a value is missing before {value!r}" if value else "the end comes early")

    def column(self) -> str:
        kind, value = self.tokens.pop(0)
        name = value.strip("`")
        if kind not in ("word", "name") or name not in self.names:
            raise ValueError(f"{name!r} is not a column")
        return name

    def taken(self, kind: str, value: str) -> bool:
        if self.tokens[0] == (kind, value):
            self.tokens.pop(0)
            return True
        return False

    def need(self, kind: str, value: str) -> None:
        if not self.taken(kind, value):
            found = self.tokens[0][1] or "the end"
            raise ValueError(f"{value or 'the end'} must come where {found!r} stands")
