"""What is public about a table: columns, bounds, levels, and where each fact came from."""

from wardveil.schema.column import Column
from wardveil.schema.draft import draft_schema
from wardveil.schema.schema import Schema

__all__ = ["Column", "Schema", "draft_schema"]
