"""Croissant: the release as JSON-LD, which catalogues of data sets read.

Source: MLCommons Croissant format specification, version 1.0.
"""

from collections.abc import Mapping
from typing import Any, Final

from wardveil.schema.column import Column
from wardveil.schema.schema import Schema

CONFORMS: Final = "http://mlcommons.org/croissant/1.0"
_CONTEXT: Final[Mapping[str, Any]] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
"""The names of the format; they are identifiers, and nothing is fetched from them."""


def croissant(
    schema: Schema, files: Mapping[str, str], *, name: str, claim: str, date: str, licence: str = ""
) -> dict[str, Any]:
    """The description of a release.

    Args:
        schema: Of the synthetic table.
        files: "synthetic.csv" and "synthetic.parquet" -> SHA-256.
        name: Of the data set.
        claim: The statement's first sentence.
        date: Of the release, year-month-day.
        licence: Under which the table is given; left out when "".
    """
    kinds = {"synthetic.csv": "text/csv", "synthetic.parquet": "application/vnd.apache.parquet"}
    return {
        "@context": dict(_CONTEXT),
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS,
        "name": name,
        "description": f"Synthetic {schema.unit}s, each drawn by a program. {claim}",
        "datePublished": date,
        **({"license": licence} if licence else {}),
        "keywords": ["synthetic data", "differential privacy", "health"],
        "rai:dataLimitations": "Confirm a finding on the real table before you act on it.",
        "rai:personalSensitiveInformation": claim,
        "distribution": [
            {"@type": "cr:FileObject", "@id": file, "name": file, "contentUrl": file,
             "encodingFormat": kinds[file], "sha256": digest}
            for file, digest in files.items()
        ],
        "recordSet": [
            {"@type": "cr:RecordSet", "@id": "patients", "name": "patients",
             "field": [_field(c) for c in schema.columns if c.modelled or c.kind == "id"]}
        ],
    }  # fmt: skip


def _field(column: Column) -> dict[str, Any]:
    unit = f", {column.unit}" if column.unit else ""
    return {
        "@type": "cr:Field",
        "@id": f"patients/{column.name}",
        "name": column.name,
        "description": f"{column.kind}{unit}",
        "dataType": _data_type(column),
        "source": {"fileObject": {"@id": "synthetic.csv"}, "extract": {"column": column.name}},
    }


def _data_type(column: Column) -> str:
    if column.kind == "date":
        return "sc:Date"
    if column.kind in ("continuous", "count", "time"):
        return "sc:Float" if column.places or column.nullable else "sc:Integer"
    return "sc:Text"
