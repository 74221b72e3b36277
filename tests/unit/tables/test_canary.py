"""No value of a cell is ever in a message, a repr, a log or a chained exception."""

import gzip
import logging
import traceback
from contextlib import suppress

import pandas as pd
import pyarrow as pa
import pytest

from wardveil.errors import WardveilError
from wardveil.schema import Schema, draft_schema
from wardveil.tables import check, count_patients, headers, look, read_table

KINDS = {
    "pid": 'kind = "id"',
    "x": 'kind = "continuous"\nlow = 0\nhigh = 9\ndecimals = 1',
    "n": 'kind = "count"\nlow = 0\nhigh = 9',
    "d": 'kind = "date"\nlow = 2000-01-01\nhigh = 2030-01-01',
    "g": 'kind = "categorical"\nlevels = ["a", "b"]',
    "b": 'kind = "binary"\nlevels = [0, 1]',
    "m": 'kind = "codes"\nlevels = ["a", "b"]',
    "gap": 'kind = "categorical"',
    "wide": 'kind = "continuous"',
}
SCHEMA = Schema.parse(
    '[table]\nkey = "pid"\n' + "\n".join(f"[columns.{n}]\n{facts}" for n, facts in KINDS.items())
)
FIRST = Schema(columns=SCHEMA.columns, key="pid", repeats="first")
MARK = "QX7"


def cells(rows=4):
    return [[f"{MARK}-{name}-{i}é" for name in KINDS] for i in range(rows)]


def text(rows=4, header=True):
    lines = [",".join(KINDS)] if header else []
    return "\n".join([*lines, *(",".join(row) for row in cells(rows))]) + "\n"


PLAIN = text().encode()
FILES = {
    "every cell of the wrong kind": PLAIN,
    "no header": text(header=False).encode(),
    "only a first patient": text(1, header=False).encode(),
    "latin": text().encode("latin-1"),
    "utf-16": text().encode("utf-16"),
    "an open quote": PLAIN.replace(b"QX7-x-1", b'"QX7-x-1'),
    "a quote within": PLAIN.replace(b"QX7-x-1", b'"QX7"-x-1'),
    "a short line": PLAIN.replace(b",QX7-gap-2", b""),
    "a long line": PLAIN.replace(b"QX7-gap-2", b"QX7-gap-2,QX7-more"),
    "a double header": PLAIN.replace(b"gap,wide", b"x,x"),
    "a cell as header": PLAIN.replace(b"gap,wide", b"QX7-head,QX7-head"),
    "semicolons": PLAIN.replace(b",", b";"),
    "tabs": PLAIN.replace(b",", b"\t"),
    "zero bytes": PLAIN.replace(b"-", b"\0"),
    "repeated patients": PLAIN.replace(b"pid-1", b"pid-0"),
    "no key": PLAIN.replace(b"QX7-pid-1", b""),
    "cut off": PLAIN[:-9],
    "huge cell": PLAIN.replace(b"QX7-g-1", b"QX7" * 60_000),
    "bare returns": PLAIN.replace(b"\n", b"\r"),
}


def told(run):
    """All that a failure shows: message, repr, traceback and whatever is chained."""
    shown = []
    try:
        shown.append(repr(run()))
    except WardveilError as error:
        shown += [
            str(error),
            repr(error),
            repr(error.problems),
            "".join(traceback.format_exception(error)),
        ]
        link, seen = error, set()
        while link is not None and id(link) not in seen:
            seen.add(id(link))
            shown += [str(link), repr(link), repr(link.args)]
            link = link.__cause__ or link.__context__
    return shown


@pytest.mark.parametrize("schema", [SCHEMA, FIRST], ids=["refuse", "first"])
@pytest.mark.parametrize("damage", FILES)
def test_no_cell_of_a_damaged_file_is_told(tmp_path, caplog, damage, schema):
    path = tmp_path / "t.csv"
    path.write_bytes(FILES[damage])
    packed = tmp_path / "t.csv.gz"
    packed.write_bytes(
        gzip.compress(FILES[damage])[:-5] if damage == "cut off" else gzip.compress(FILES[damage])
    )
    with caplog.at_level(logging.DEBUG):
        for source in (path, packed):
            shown = told(lambda s=source: read_table(s, schema)) + told(
                lambda s=source: check(s, schema)
            )
            shown += [*told(lambda s=source: count_patients(s, schema)), caplog.text]
            assert not [s for s in shown if MARK in s]
            assert not [
                s for s in told(lambda s=source: look(s, schema)) if "E3" in s and MARK in s
            ]


class Odd:
    def __repr__(self):
        return f"{MARK}-odd"


@pytest.mark.parametrize("column", list(KINDS))
@pytest.mark.parametrize(
    "values",
    [
        [f"{MARK}-a", 3],
        [Odd(), Odd()],
        [[MARK], [MARK]],
        [{MARK: 1}, {}],
        [MARK.encode()] * 2,
        [10**400, f"{MARK}"],
    ],
    ids=["mixed", "objects", "lists", "maps", "bytes", "long"],
)
def test_no_cell_of_an_odd_frame_is_told(caplog, column, values):
    good = {
        "pid": ["1", "2"],
        "x": [1, 2],
        "n": [1, 2],
        "d": ["2020-01-01"] * 2,
        "g": ["a", "b"],
        "b": [0, 1],
        "m": ["a", "b"],
        "gap": ["u", "v"],
        "wide": [1, 2],
    }
    frame = pd.DataFrame(good).astype(object)
    frame[column] = pd.Series(values, dtype=object)
    sources = [frame]
    with suppress(pa.ArrowException, TypeError, OverflowError):
        sources.append(pa.table({n: list(v) for n, v in good.items()} | {column: values}))
    with caplog.at_level(logging.DEBUG):
        for source in sources:
            shown = (
                told(lambda s=source: read_table(s, SCHEMA))
                + told(lambda s=source: check(s, SCHEMA))
                + [caplog.text]
            )
            assert not [s for s in shown if MARK in s]


def test_a_table_shows_no_value():
    schema = Schema.parse('[columns.gap]\nkind = "categorical"')
    table = read_table(pd.DataFrame({"gap": [f"{MARK}-1", f"{MARK}-2"]}), schema)
    assert MARK not in repr(table) + str(table) + f"{table}"


def test_headers_of_a_file_without_header_raise_rather_than_draft(tmp_path):
    (tmp_path / "t.csv").write_text("7001,7002,7003\n4,5,6\n")
    shown = told(lambda: draft_schema(headers(tmp_path / "t.csv")))
    assert "E302" in shown[0]
    assert not [s for s in shown if "7002" in s]
