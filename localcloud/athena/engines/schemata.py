"""information_schema: schemata, tables, columns and views, read from Glue."""

from typing import TYPE_CHECKING

import pyarrow as pa

from localcloud.athena.catalog import Table as GlueTable
from localcloud.athena.translate.scope import Field, Table
from localcloud.athena.translate.terms import BIGINT, VARCHAR, ident
from localcloud.athena.types import as_iceberg, parse_hive

if TYPE_CHECKING:
    from localcloud.athena.engines.lake import Lake

_CATALOG = "awsdatacatalog"
_COLUMNS = {
    "schemata": ("catalog_name", "schema_name"),
    "tables": ("table_catalog", "table_schema", "table_name", "table_type"),
    "views": ("table_catalog", "table_schema", "table_name", "view_definition"),
    "columns": (
        "table_catalog",
        "table_schema",
        "table_name",
        "column_name",
        "ordinal_position",
        "column_default",
        "is_nullable",
        "data_type",
    ),
}


def find(lake: "Lake", name: str) -> Table | None:
    """The table of information_schema with this name, or None."""
    from localcloud.athena.engines.lake import ArrowTable

    names = _COLUMNS.get(name)
    if names is None:
        return None
    fields = tuple(
        Field(column, BIGINT if column == "ordinal_position" else VARCHAR, ident(column)) for column in names
    )
    schema = pa.schema(
        [(field.name, pa.int64() if field.type == BIGINT else pa.string()) for field in fields]
    )
    rows = [dict(zip(names, row, strict=True)) for row in _rows(lake, name)]
    return ArrowTable(fields, lake.register(name, pa.Table.from_pylist(rows, schema)))


def _rows(lake: "Lake", name: str) -> list[tuple[str | int | None, ...]]:
    databases = [str(found["Name"]) for found in lake.catalog.databases()]
    if name == "schemata":
        return [(_CATALOG, database) for database in databases]
    tables = [table for database in databases for table in lake.catalog.tables(database)]
    if name == "tables":
        kinds = {True: "VIEW", False: "BASE TABLE"}
        return [(_CATALOG, table.database, table.name, kinds[table.is_view]) for table in tables]
    if name == "views":
        return [
            (_CATALOG, table.database, table.name, str(table.raw.get("ViewOriginalText") or ""))
            for table in tables
            if table.is_view
        ]
    return [row for table in tables for row in _columns(table)]


def _columns(table: GlueTable) -> list[tuple[str | int | None, ...]]:
    found: list[tuple[str | int | None, ...]] = []
    for position, column in enumerate((*table.columns, *table.partition_keys), 1):
        type_ = parse_hive(column.type)
        shown = as_iceberg(type_) if table.is_iceberg else type_
        found.append((_CATALOG, table.database, table.name, column.name, position, None, "YES", shown.athena))
    return found
