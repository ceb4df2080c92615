"""information_schema: schemata, tables, columns and views, read from Glue."""

import pyarrow as pa

from localcloud.athena import presto_views
from localcloud.athena.catalog import Catalog
from localcloud.athena.catalog import Table as GlueTable
from localcloud.athena.errors import AthenaError
from localcloud.athena.translate.scope import Field
from localcloud.athena.translate.terms import BIGINT, VARCHAR, ident
from localcloud.athena.types import as_iceberg, parse_hive

NAME = "information_schema"
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
        "comment",
        "extra_info",
    ),
}
_HIDDEN = ("comment", "extra_info")


def fields(name: str) -> tuple[Field, ...]:
    """The columns of this table of information_schema; empty when there is no such table."""
    return tuple(
        Field(
            column,
            BIGINT if column == "ordinal_position" else VARCHAR,
            ident(column),
            hidden=column in _HIDDEN,
        )
        for column in _COLUMNS.get(name, ())
    )


def read(catalog: Catalog, name: str) -> pa.Table:
    """Read all rows of that table from Glue."""
    shape = [(field.name, pa.int64() if field.type == BIGINT else pa.string()) for field in fields(name)]
    rows = [dict(zip(_COLUMNS[name], row, strict=True)) for row in _rows(catalog, name)]
    return pa.Table.from_pylist(rows, pa.schema(shape))


def _rows(catalog: Catalog, name: str) -> list[tuple[str | int | None, ...]]:
    databases = [str(found["Name"]) for found in catalog.databases()]
    if name == "schemata":
        return [(_CATALOG, database) for database in databases]
    tables = [table for database in databases for table in catalog.tables(database)]
    if name == "tables":
        kinds = {True: "VIEW", False: "BASE TABLE"}
        return [(_CATALOG, table.database, table.name, kinds[table.is_view]) for table in tables]
    if name == "views":
        return [
            (_CATALOG, table.database, table.name, _definition(table)) for table in tables if table.is_view
        ]
    return [row for table in tables for row in _columns(table)]


def _definition(view: GlueTable) -> str:
    """Return the query of a view; if Athena did not create it, the text in Glue: a list shows all views."""
    try:
        return str(presto_views.decode(view)["originalSql"])
    except AthenaError:
        return presto_views.text(view)


def _columns(table: GlueTable) -> list[tuple[str | int | None, ...]]:
    found: list[tuple[str | int | None, ...]] = []
    for position, column in enumerate((*table.columns, *table.partition_keys), 1):
        type_ = parse_hive(column.type)
        shown = as_iceberg(type_) if table.is_iceberg else type_
        named = (_CATALOG, table.database, table.name, column.name, position, None, "YES", shown.athena)
        extra = "partition key" if column in table.partition_keys else None
        found.append((*named, column.comment or None, extra))
    return found
