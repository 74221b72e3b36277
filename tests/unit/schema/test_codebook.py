"""Codebooks of other tools."""

import json

import pytest

from wardveil.errors import SchemaError
from wardveil.schema.codebook import read_codebook

HEADER = [
    "Variable / Field Name",
    "Form Name",
    "Section Header",
    "Field Type",
    "Field Label",
    "Choices, Calculations, OR Slider Labels",
    "Field Note",
    "Text Validation Type OR Show Slider Number",
    "Text Validation Min",
    "Text Validation Max",
    "Identifier?",
    "Branching Logic",
]
REDCAP = (
    ",".join(f'"{name}"' for name in HEADER)
    + """
record_id,a,,text,Id,,,,,,,
first,a,,text,First name,,,,,,y,
dob,a,,text,Born,,,date_ymd,1900-01-01,2020-12-31,,
weight,a,,text,Weight,,,number,20,400.5,,
age,a,,text,Age,,,integer,18,110,,
sex,a,,radio,Sex,"1, Female | 2, Male",,,,,,
race,a,,dropdown,Race,"1, A | 2, B, or C | 3, D",,,,,,
drugs,a,,checkbox,Drugs,"1, X | 2, Y",,,,,,
alive,a,,yesno,Alive,,,,,,,
pain,a,,slider,Pain,,,,,,,
story,a,,notes,Story,,,,,,,
mail,a,,text,Mail,,,email,,,,
head,a,,descriptive,Hello,,,,,,,
"""
)


def read(tmp_path, text, name="book"):
    (tmp_path / name).write_text(text)
    return read_codebook(tmp_path / name)


def test_redcap(tmp_path):
    book = read(tmp_path, REDCAP)
    assert {n: c.kind for n, c in book.items()} == {
        "record_id": "drop",
        "first": "drop",
        "dob": "date",
        "weight": "continuous",
        "age": "continuous",
        "sex": "binary",
        "race": "categorical",
        "drugs___1": "binary",
        "drugs___2": "binary",
        "alive": "binary",
        "pain": "count",
        "story": "drop",
        "mail": "drop",
    }
    assert (book["weight"].low, book["weight"].high, book["weight"].decimals) == (20, 400.5, 1)
    assert (book["age"].low, book["age"].high, book["age"].decimals) == (18, 110, 0)
    assert book["race"].levels == ("1", "2", "3")
    assert book["dob"].high == 18627
    assert set(book["weight"].sources.values()) == {"dictionary"}


def test_frictionless(tmp_path):
    fields = [
        {"name": "pid", "type": "string"},
        {
            "name": "n",
            "type": "integer",
            "constraints": {"minimum": 0, "maximum": 9, "required": True},
        },
        {"name": "x", "type": "number", "constraints": {"minimum": 0.25}},
        {"name": "g", "type": "string", "constraints": {"enum": ["a", "b", "c"]}},
        {"name": "d", "type": "date"},
        {"name": "f", "type": "boolean"},
        {"name": "m", "type": "string", "format": "email"},
    ]
    schema = {"fields": fields, "primaryKey": "pid", "missingValues": ["", "-9"]}
    book = read(tmp_path, json.dumps({"resources": [{"schema": schema}]}))
    assert book == read(tmp_path, json.dumps(schema))
    assert [c.kind for c in book.values()] == [
        "id",
        "continuous",
        "continuous",
        "categorical",
        "date",
        "binary",
        "drop",
    ]
    assert not book["n"].nullable
    assert (book["x"].low, book["x"].gaps, book["x"].decimals) == (0.25, ("high",), 2)
    assert book["g"].missing == ("-9",)


def test_sdv_of_one_table_and_of_several(tmp_path):
    columns = {
        "id": {"sdtype": "id"},
        "other": {"sdtype": "id"},
        "n": {"sdtype": "numerical", "computer_representation": "Int64"},
        "x": {"sdtype": "numerical"},
        "g": {"sdtype": "categorical"},
        "o": {"sdtype": "categorical", "order": [1, 2, 3]},
        "t": {"sdtype": "datetime"},
        "b": {"sdtype": "boolean"},
        "mail": {"sdtype": "email", "pii": True},
    }
    table = {"primary_key": "id", "columns": columns}
    book = read(tmp_path, json.dumps({"METADATA_SPEC_VERSION": "SINGLE_TABLE_V1", **table}))
    assert book == read(tmp_path, json.dumps({"tables": {"patients": table}}))
    assert [c.kind for c in book.values()] == [
        "id",
        "drop",
        "continuous",
        "continuous",
        "categorical",
        "ordinal",
        "date",
        "binary",
        "drop",
    ]
    assert book["o"].levels == ("1", "2", "3")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "E230"),
        ("[1]", "E231"),
        ("{}", "E231"),
        ("a,b\n1,2\n", "E231"),
        (
            json.dumps(
                {
                    "fields": [
                        {
                            "name": "n",
                            "type": "integer",
                            "constraints": {"minimum": 9, "maximum": 1},
                        }
                    ]
                }
            ),
            "E232",
        ),
    ],
)
def test_what_is_no_codebook_is_told(tmp_path, text, code):
    with pytest.raises(SchemaError) as caught:
        read(tmp_path, text)
    assert [p.code for p in caught.value.problems] == [code]


def test_an_absent_codebook_is_told(tmp_path):
    with pytest.raises(SchemaError, match="E230"):
        read_codebook(tmp_path / "none.csv")
