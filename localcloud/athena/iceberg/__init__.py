"""Iceberg tables: pyiceberg handles the metadata, DuckDB the rows."""

from localcloud.athena.iceberg.evolution import (
    add_columns,
    change_column,
    drop_column,
    set_properties,
    unset_properties,
)
from localcloud.athena.iceberg.schemas import create_table
from localcloud.athena.iceberg.tables import load
from localcloud.athena.iceberg.upkeep import compact, expire

__all__ = [
    "add_columns",
    "change_column",
    "compact",
    "create_table",
    "drop_column",
    "expire",
    "load",
    "set_properties",
    "unset_properties",
]
