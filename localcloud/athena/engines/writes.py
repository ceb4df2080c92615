"""CREATE TABLE AS and INSERT: write the rows of a query to a table in one commit."""

# ruff: noqa: S608  (the SQL text holds only quoted names and translated terms)

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from localcloud.athena import hive
from localcloud.athena.catalog import NewTable
from localcloud.athena.catalog import Table as GlueTable
from localcloud.athena.engines.failures import as_athena
from localcloud.athena.engines.lake import Lake
from localcloud.athena.engines.properties import hive_location, new_table, read
from localcloud.athena.errors import AthenaError, table_not_found
from localcloud.athena.iceberg import files
from localcloud.athena.iceberg.schemas import columns as iceberg_columns
from localcloud.athena.iceberg.schemas import staged
from localcloud.athena.iceberg.tables import append, committing
from localcloud.athena.model import Answer, Context
from localcloud.athena.objects import is_empty
from localcloud.athena.translate.casts import coerce, store
from localcloud.athena.translate.coercion import can_store
from localcloud.athena.translate.scope import Query, as_term, check_parts
from localcloud.athena.translate.terms import UNKNOWN, Term, duckdb_type, ident
from localcloud.athena.translate.translator import translate
from localcloud.athena.types import Type

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


def create_table_as(
    tree: exp.Create, context: Context, lake: Lake, connection: "DuckDBPyConnection"
) -> Answer:
    """Create a table and fill it; a failed query leaves nothing behind."""
    check_parts(tree, "kind", "exists", "properties")
    target = new_table(tree, context, lake.catalog)
    if target is None:
        return Answer("DDL", "CREATE_TABLE_AS_SELECT")
    database, name = target
    properties = read(tree)
    query = translate(tree.expression, lake, context.database)
    names = _column_names(query)
    if not properties.with_data:
        query = replace(query.unread(), sql=f"SELECT * FROM ({query.sql}) WHERE FALSE")
    scanned = lake.scanned(query.all_reads())
    manifest: tuple[str, ...] = ()
    columns = [(column, field.type, "") for column, field in zip(names, query.fields, strict=True)]
    new = NewTable(database, name, columns, properties.location, properties.partitioning, properties.others)
    if properties.iceberg:
        count = _create_iceberg(new, query, lake, connection)
    else:
        place = hive_location(properties, lake.catalog, database, name, context)
        keys = [key.lower() for key in properties.partitioning]
        new = replace(new, location=place, partitioning=keys)
        count, manifest = _create_hive(new, query, lake, connection)
    return Answer("DDL", "CREATE_TABLE_AS_SELECT", count=count, scanned_bytes=scanned, manifest=manifest)


def _column_names(query: Query) -> list[str]:
    """Return lower-case names. Raises MISSING_COLUMN_NAME and DUPLICATE_COLUMN_NAME, at position 1:1."""
    names: list[str] = []
    for at, field in enumerate(query.fields):
        if field.unnamed:
            raise AthenaError(
                "MISSING_COLUMN_NAME", f"line 1:1: Column name not specified at position {at + 1}"
            )
        if field.name.lower() in names:
            raise AthenaError(
                "DUPLICATE_COLUMN_NAME",
                f"line 1:1: Column name '{field.name.lower()}' specified more than once",
            )
        if field.type == UNKNOWN:
            raise AthenaError("SYNTAX_ERROR", f"line 1:1: Column type is unknown at position {at + 1}")
        names.append(field.name.lower())
    return names


def _create_iceberg(new: NewTable, query: Query, lake: Lake, connection: "DuckDBPyConnection") -> int:
    if not new.location:
        raise AthenaError(
            "INVALID_TABLE_PROPERTY", "Location is required for an Iceberg table: location = 's3://…'"
        )
    if not is_empty(lake.catalog.s3, new.location):
        raise AthenaError(
            "ICEBERG_FILESYSTEM_ERROR",
            f"Cannot create a table on a non-empty location: {new.location}",
        )
    transaction = staged(lake.catalog, new)
    table = transaction.table
    rows = _renamed(query, iceberg_columns(table.schema()))
    with as_athena():
        written = files.write(connection, rows, table, lake.cache)
    with committing(table):
        transaction.commit(written)
    return sum(file.record_count for file in written)


def _create_hive(
    new: NewTable, query: Query, lake: Lake, connection: "DuckDBPyConnection"
) -> tuple[int, tuple[str, ...]]:
    columns = [(name, type_) for name, type_, _ in new.columns]
    keys = list(new.partitioning)
    if keys and [name for name, _ in columns[-len(keys) :]] != keys:
        raise AthenaError(
            "HIVE_COLUMN_ORDER_MISMATCH",
            "Partition keys must be the last columns in the table and in the same order as the table "
            f"properties: [{', '.join(keys)}]",
        )
    rows = _renamed(query, columns)
    table = hive.create_table(lake.catalog, new)
    try:
        with as_athena():
            return hive.insert(lake.catalog, table, connection, rows, lake.cache)
    except BaseException:
        lake.catalog.drop_table(new.database, new.name)
        raise


def _renamed(query: Query, columns: Sequence[tuple[str, Type]]) -> str:
    """Return DuckDB text of the query's rows with the names and types of a new table's columns."""
    items = []
    for (name, type_), field in zip(columns, query.fields, strict=True):
        value = as_term(field)
        value = coerce(value, type_) if duckdb_type(field.type) != duckdb_type(type_) else value
        items.append(f"{value.sql} AS {ident(name)}")
    return f"SELECT {', '.join(items)} FROM ({query.sql})"


def insert(tree: exp.Insert, context: Context, lake: Lake, connection: "DuckDBPyConnection") -> Answer:
    """INSERT INTO … query or VALUES, with or without a column list."""
    check_parts(tree, "with_")
    target = tree.this
    listed = [part.name.lower() for part in target.expressions] if isinstance(target, exp.Schema) else []
    node = target.this if isinstance(target, exp.Schema) else target
    database, name = (node.db or context.database).lower(), node.name.lower()
    found = lake.glue(database, name)
    if found is None:
        raise table_not_found(database, name)
    if found.is_view:
        raise AthenaError("NOT_SUPPORTED", "line 1:1: Inserting into views is not supported")
    source = tree.expression
    if tree.args.get("with_") is not None:
        source.set("with_", tree.args["with_"])
    query = translate(source, lake, context.database)
    scanned = lake.scanned(query.all_reads())
    manifest: tuple[str, ...] = ()
    if found.is_iceberg:
        count = _insert_iceberg(found, listed, query, lake, connection)
    else:
        rows = stored(query, listed, hive.columns(found))
        with as_athena():
            count, manifest = hive.insert(lake.catalog, found, connection, rows, lake.cache)
    return Answer("DML", "INSERT", count=count, scanned_bytes=scanned, manifest=manifest)


def _insert_iceberg(
    found: GlueTable, listed: Sequence[str], query: Query, lake: Lake, connection: "DuckDBPyConnection"
) -> int:
    table = lake.iceberg(found.database, found.name)
    rows = stored(query, listed, iceberg_columns(table.schema()))
    with as_athena():
        written = files.write(connection, rows, table, lake.cache)
    if written:
        append(table, written)
    return sum(file.record_count for file in written)


def stored(query: Query, listed: Sequence[str], columns: Sequence[tuple[str, Type]]) -> str:
    """Return DuckDB text of the query's rows as rows of the table; columns that it lacks are null."""
    names = [name for name, _ in columns]
    for name in listed:
        if name not in names:
            raise AthenaError(
                "COLUMN_NOT_FOUND", f"line 1:1: Insert column name does not exist in target table: {name}"
            )
        if listed.count(name) > 1:
            raise AthenaError(
                "DUPLICATE_COLUMN_NAME", f"line 1:1: Insert column name is specified more than once: {name}"
            )
    wanted = list(listed) or names
    types = [dict(columns)[name] for name in wanted]
    fits = len(types) == len(query.fields) and all(
        can_store(field.type, type_) for field, type_ in zip(query.fields, types, strict=True)
    )
    if not fits:
        expected = ", ".join(type_.athena for type_ in types)
        given = ", ".join(field.type.athena for field in query.fields)
        raise AthenaError(
            "TYPE_MISMATCH",
            f"line 1:1: Insert query has mismatched column types: Table: [{expected}], Query: [{given}]",
        )
    given_by = dict(zip(wanted, query.fields, strict=True))
    items = []
    for name, type_ in columns:
        field = given_by.get(name)
        value = as_term(field) if field is not None else Term("NULL", UNKNOWN)
        items.append(f"{store(value, type_, name).sql} AS {ident(name)}")
    return f"SELECT {', '.join(items)} FROM ({query.sql})"
