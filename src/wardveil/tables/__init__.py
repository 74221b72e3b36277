"""Doors to files: tables of patients in, tables of synthetic patients out."""

from wardveil.tables.check import check
from wardveil.tables.demo import demo_schema, demo_table_path
from wardveil.tables.fingerprint import patient_fingerprint
from wardveil.tables.frame import to_frame
from wardveil.tables.labels import encode_labels
from wardveil.tables.look import look
from wardveil.tables.read import count_patients, read_table
from wardveil.tables.source import headers
from wardveil.tables.table import Table
from wardveil.tables.write import write_table

__all__ = [
    "Table", "check", "count_patients", "demo_schema", "demo_table_path",
    "encode_labels", "headers", "look",
    "patient_fingerprint", "read_table", "to_frame", "write_table",
]  # fmt: skip
