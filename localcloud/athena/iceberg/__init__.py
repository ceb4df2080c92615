"""Iceberg tables: metadata by pyiceberg, rows by DuckDB."""

from localcloud.athena.iceberg.schemas import create_table
from localcloud.athena.iceberg.tables import load

__all__ = ["create_table", "load"]
