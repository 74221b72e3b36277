"""TOML: what is written is read back, and what is wrong is told with its line."""

import dataclasses

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wardveil.errors import RunError, SchemaError
from wardveil.schema import Column, Schema
from wardveil.schema.column import FACTS, SOURCES
from wardveil.schema.level import are_numbers, as_number, fold
from wardveil.schema.toml import amend, write

NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"], max_codepoint=0x2FF),
    min_size=1,
    max_size=12,
).filter(lambda s: s == s.strip() and s != "")
LEVELS = st.lists(
    NAMES.filter(lambda s: ";" not in s), min_size=2, max_size=6, unique_by=fold
).filter(lambda v: not are_numbers(v) or len(set(map(as_number, v))) == len(v))


@st.composite
def columns(draw, name):
    kind = draw(
        st.sampled_from(
            ["drop", "continuous", "count", "date", "categorical", "ordinal", "binary", "codes"]
        )
    )
    facts = {
        "nullable": draw(st.booleans()),
        "unit": draw(NAMES | st.just("")),
        "target": draw(st.booleans()),
    }
    if kind in ("continuous", "count", "date") and draw(st.booleans()):
        low = draw(st.integers(-1000, 1000))
        facts |= {"low": float(low), "high": float(low + draw(st.integers(1, 5000)))}
    if kind == "continuous":
        facts["decimals"] = draw(st.none() | st.integers(0, 4))
    if kind in ("categorical", "ordinal", "binary", "codes") and draw(st.booleans()):
        levels = draw(LEVELS)
        facts["levels"] = tuple(levels[:2] if kind == "binary" else levels)
    if facts["nullable"] and kind == "continuous":
        facts["outside"] = draw(st.sampled_from(["clip", "missing"]))
    column = Column(name=name, kind=kind, **facts)
    given_sources = {
        f: draw(st.sampled_from(SOURCES))
        for f in FACTS
        if f in column.facts and draw(st.booleans())
    }
    return dataclasses.replace(column, sources=given_sources)


@st.composite
def schemas(draw):
    names = draw(st.lists(NAMES, min_size=1, max_size=5, unique=True))
    made = [draw(columns(name)) for name in names]
    key = draw(st.booleans())
    if key:
        made[0] = Column(name=names[0], kind="id")
    try:
        return Schema(
            columns=tuple(made),
            key=names[0] if key else "",
            rows=draw(st.none() | st.integers(2, 10**6)),
            repeats=draw(st.sampled_from(["refuse", "first"])),
            missing=draw(st.sampled_from([("", "NA"), (), ("-9",)])),
        )
    except SchemaError:  # a flag of codes may have drawn another column's name
        return Schema(columns=(Column(name="x", kind="drop"),))


@settings(deadline=None, max_examples=80)
@given(schemas())
def test_toml_and_dict_read_back_to_an_equal_schema(schema):
    assert Schema.parse(schema.text()) == schema
    assert Schema.from_dict(schema.to_dict()) == schema


@settings(deadline=None, max_examples=60)
@given(schemas(), schemas())
def test_an_amended_text_says_the_new_schema_whatever_the_old_said(old, new):
    amended = Schema.parse(amend(old.text() + "\n", new))
    assert amended == new


@settings(deadline=None, max_examples=30)
@given(schemas())
def test_amending_with_the_same_schema_changes_no_byte(schema):
    text = "# about the cohort\n" + schema.text()
    assert amend(text, schema) == text


COHORT = """\
# my cohort
[table]   # head
key = "pid" # the key

# about pid
[columns.pid]
kind = "id"
[columns.age]
kind = "continuous"
low = 18 # adult
high = 110
decimals = 0
source = "catalogue"
# the end
"""


def test_comments_survive_an_edit():
    new = Schema.parse(COHORT).replace("age", low=20.0, nullable=True)
    text = amend(COHORT, dataclasses.replace(new, rows=12))
    for comment in (
        "# my cohort",
        "# head",
        "# the key",
        "# about pid\n[columns.pid]",
        "low = 20 # adult",
        "# the end",
    ):
        assert comment in text
    age = Schema.parse(text).by_name["age"]
    assert (age.low, age.nullable) == (20.0, True)
    assert age.source("low") == "declared"
    assert age.source("high") == "catalogue"


def test_single_sources_win_over_source():
    age = Schema.parse(
        COHORT.replace(
            'source = "catalogue"', 'source = "catalogue"\nsources = { high = "looked" }'
        )
    )
    assert dict(age.by_name["age"].sources) == {
        "low": "catalogue",
        "decimals": "catalogue",
        "high": "looked",
    }


def test_dates_are_days_inside_and_dates_outside():
    schema = Schema.parse('[columns.d]\nkind = "date"\nlow = 1970-01-02\nhigh = 2000-01-01\n')
    assert (schema.by_name["d"].low, schema.by_name["d"].high) == (1.0, 10957.0)
    assert "low = 1970-01-02" in schema.text()


@pytest.mark.parametrize(
    ("name", "content"), [("f.txt", "A b\n\nC\n"), ("f.csv", '"A b",x\nC,y\n')]
)
def test_levels_come_from_a_file_beside_the_toml_and_stay_there(tmp_path, name, content):
    (tmp_path / name).write_text(content)
    path = tmp_path / "cohort.toml"
    path.write_text(f'[columns.m]\nkind = "codes"\nlevels = "{name}"\n')
    schema = Schema.read(path)
    assert schema.by_name["m"].levels == ("A b", "C")
    assert f'levels = "{name}"' in amend(path, schema.replace("m", nullable=True))


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "cohort.toml"
    Schema.parse(COHORT).write(path)
    before = path.read_text()
    with pytest.raises(RunError) as caught:
        write("x", tmp_path / "absent" / "cohort.toml")
    assert caught.value.problems[0].code == "E501"
    assert path.read_text() == before
    assert [p.name for p in tmp_path.iterdir()] == ["cohort.toml"]


def wrong(text):
    with pytest.raises(SchemaError) as caught:
        Schema.parse(text, "c.toml")
    return {(p.code, p.where) for p in caught.value.problems}, caught.value


def test_all_problems_are_told_at_once_with_their_lines():
    found, error = wrong(
        '[table]\nkey = "pidd"\nrowz = 3\n\n[columns.pid]\nkind = "id"\n'
        '[columns.age]\nkind = "continous"\n[columns.n]\nkind = "count"\nlow = 5\nhigh = 5\n'
        '[columns.l]\nkind = "categorical"\nlevels = [\n  "a",\n  "A",\n]\n'
        'unknown = "other"\n'
    )
    assert found == {
        ("E209", "c.toml:2"),
        ("E201", "c.toml:3"),
        ("E202", "c.toml:8"),
        ("E204", "c.toml:11"),
        ("E208", "c.toml:15"),
        ("E211", "c.toml:19"),
    }
    assert "did you mean `continuous`?" in str(error)
    assert "did you mean `rows`?" in str(error)


COLUMN = '[columns.x]\nkind = "{}"\n{}\n'


@pytest.mark.parametrize(
    ("kind", "facts", "code"),
    [
        ("count", "lo = 3", "E201"),
        ("count", 'low = "3"', "E203"),
        ("count", "nullable = 1", "E203"),
        ("date", "low = 3", "E203"),
        ("count", "low = 2020-01-01", "E203"),
        ("continuous", "low = 4\nhigh = 3", "E204"),
        ("continuous", "low = 0.25\nhigh = 3\ndecimals = 1", "E205"),
        ("continuous", "low = -inf", "E205"),
        ("continuous", "decimals = 10", "E206"),
        ("count", "decimals = 2", "E206"),
        ("categorical", 'levels = ["a", "a"]', "E207"),
        ("categorical", 'levels = ["a b", "A  b"]', "E208"),
        ("ordinal", 'levels = ["1", "1.0"]', "E208"),
        ("time", "low = 0", "E210"),
        ("event", "levels = [0, 1]", "E210"),
        ("categorical", 'levels = ["a"]\nunknown = "other"', "E211"),
        ("binary", 'levels = ["a"]', "E212"),
        ("count", 'source = "guessed"', "E213"),
        ("count", 'sources = { lwo = "looked" }', "E213"),
        ("categorical", f"levels = {[str(i) for i in range(4097)]}", "E215"),
        ("continuous", "low = 0\nhigh = 1e9\ndecimals = 9", "E216"),
        ("categorical", "low = 1", "E218"),
        ("count", 'levels = ["a"]', "E218"),
        ("count", 'pair = "y"', "E218"),
        ("codes", 'levels = "absent.csv"', "E219"),
        ("count", 'outside = "missing"', "E221"),
        ("categorical", 'levels = ["a"]\nunknown = "missing"', "E221"),
        ("count", 'outside = "cut"', "E222"),
        ("codes", "max_codes = 0", "E224"),
        ("codes", 'levels = ["a;b"]', "E224"),
        ("count", 'dtype = "int33"', "E225"),
        ("categorical", 'levels = ["a", "b"]\ndtype = "bool"', "E225"),
        ("count", 'nullable = true\ndtype = "int64"', "E225"),
        ("categorical", "levels = []", "E227"),
        ("categorical", 'levels = [" a"]', "E227"),
        ("categorical", 'levels = ["a"]\nmissing = ["a"]', "E228"),
    ],
)
def test_each_rule_of_a_column_is_enforced_by_toml_and_by_python(kind, facts, code):
    found, _ = wrong(COLUMN.format(kind, facts))
    assert code in {c for c, _ in found}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[table]\n", "E217"),
        ('[table]\nrows = 1\n[columns.x]\nkind = "drop"', "E226"),
        ('[table]\nrepeats = "last"\n[columns.x]\nkind = "drop"', "E222"),
        ('[table]\nmissing = "NA"\n[columns.x]\nkind = "drop"', "E203"),
        ('[privacy]\n[columns.x]\nkind = "drop"', "E201"),
        ('[table]\nkey = "x"\n[columns.x]\nkind = "count"', "E209"),
        ("[columns.x]\nlow = 3", "E202"),
        ("[columns]\nx = 3", "E203"),
        ("[columns.x", "E220"),
        (
            '[columns.m]\nkind = "codes"\nlevels = ["a"]\n[columns."m=a"]\nkind = "count"',
            "E223",
        ),
    ],
)
def test_each_rule_of_the_table_is_enforced(text, code):
    assert code in {c for c, _ in wrong(text)[0]}


def test_a_file_that_is_absent_is_told(tmp_path):
    with pytest.raises(SchemaError) as caught:
        Schema.read(tmp_path / "none.toml")
    assert [(p.code, p.where) for p in caught.value.problems] == [("E220", "none.toml")]


def test_python_is_held_to_the_same_rules():
    with pytest.raises(SchemaError) as caught:
        Schema(
            columns=(
                Column(name="a", kind="count", low=3, high=2),
                Column(name="a", kind="nought"),
            )
        )  # type: ignore[arg-type]
    assert [p.code for p in caught.value.problems] == ["E204", "E202", "E217"]
    with pytest.raises(SchemaError, match=r"E229.*\n.*did you mean `age`"):
        Schema.parse(COHORT).replace("agee", low=1.0)


def test_unknown_keys_of_a_dict_are_told():
    with pytest.raises(SchemaError, match="did you mean `levels`"):
        Schema.from_dict({"columns": [{"name": "a", "kind": "count", "levls": []}]})


def test_a_gap_is_a_comment_that_asks():
    text = Schema(
        columns=(Column(name="a", kind="continuous"), Column(name="b", kind="codes"))
    ).text()
    assert "# low = ?" in text
    assert "# levels = " in text


def test_sources_are_counted_and_shown():
    schema = Schema.parse(COHORT)
    assert schema.sources() == {"catalogue": 3, "declared": 1}
    html = dataclasses.replace(schema.by_name["age"], name="<b>", sources={})
    assert "&lt;b&gt;" in Schema(columns=(html,))._repr_html_()
