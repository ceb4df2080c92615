"""CREATE VIEW, DROP VIEW, and what a view shows of itself."""

from typing import Any

from sqlglot import exp

from localcloud.athena import presto_views
from localcloud.athena.catalog import Catalog, Table
from localcloud.athena.errors import AthenaError, hive_semantic
from localcloud.athena.model import Answer, Column, Context, Engine
from localcloud.athena.statements import names
from localcloud.athena.statements.names import done
from localcloud.athena.statements.nodes import CreateView, Drop
from localcloud.athena.types import parse


def create(node: CreateView, catalog: Catalog, engine: Engine, context: Context) -> Answer:
    """Create a view; OR REPLACE replaces an existing one. Raises AthenaError."""
    database, name = names.full(node.name, context)
    if catalog.find_database(database) is None:
        raise AthenaError("SCHEMA_NOT_FOUND", f"line 1:1: Schema '{database}' does not exist")
    found = catalog.find_table(database, name)
    if found is not None and not found.is_view:
        text = f"line 1:1: Table already exists: 'awsdatacatalog.{database}.{name}'"
        raise AthenaError("TABLE_ALREADY_EXISTS", text)
    if found is not None and not node.replace:
        text = f"line 1:1: View already exists: 'awsdatacatalog.{database}.{name}'"
        raise AthenaError("TABLE_ALREADY_EXISTS", text)
    columns = engine.columns(node.query, context)
    _check(node.query, columns)
    given = _input(name, columns, node.sql, context)
    if found is None:
        catalog.create_table(database, given)
    else:
        catalog.update_table(found, **given)
    return done(node.kind)


def _check(query: exp.Expression, columns: tuple[Column, ...]) -> None:
    """Check that every column has a unique name; in `select 1` it has none."""
    for at, select in enumerate(_selects(query), 1):
        if not isinstance(select, exp.Alias | exp.Column | exp.Dot | exp.Star):
            text = f"line 1:1: Column name not specified at position {at}"
            raise AthenaError("MISSING_COLUMN_NAME", text)
    seen: set[str] = set()
    for column in columns:
        name = column.name.lower()
        if name in seen:
            text = f"line 1:1: Column name '{column.name}' specified more than once"
            raise AthenaError("DUPLICATE_COLUMN_NAME", text)
        seen.add(name)


def _selects(query: exp.Expression) -> list[exp.Expression]:
    while isinstance(query, exp.Subquery | exp.SetOperation):
        query = query.this
    return query.expressions if isinstance(query, exp.Select) else [query]


def _input(name: str, columns: tuple[Column, ...], sql: str, context: Context) -> dict[str, Any]:
    description = {
        "originalSql": sql,
        "catalog": context.catalog.lower(),
        "schema": context.database.lower(),
        "columns": [{"name": column.name.lower(), "type": column.type} for column in columns],
        "runAsInvoker": True,  # Trino refuses a view with neither this nor an owner
    }
    return {
        "Name": name,
        "TableType": "VIRTUAL_VIEW",
        "Parameters": {"presto_view": "true", "comment": "Presto View"},
        "PartitionKeys": [],
        "StorageDescriptor": {
            "Columns": [{"Name": one.name.lower(), "Type": parse(one.type).hive} for one in columns],
            "Location": "",
            "SerdeInfo": {},
        },
        "ViewOriginalText": presto_views.encode(description),
        "ViewExpandedText": "/* Presto View */",
    }


def columns(view: Table) -> tuple[Column, ...]:
    """A view's columns, with Athena's types."""
    return tuple(Column(one["name"], one["type"]) for one in presto_views.decode(view)["columns"])


def statement(view: Table) -> str:
    """Return the statement that would create the view."""
    if not view.is_view:
        raise hive_semantic(f"[Error 10133]: {view.name} is not a view")
    return f"CREATE VIEW {view.database}.{view.name} AS\n{presto_views.decode(view)['originalSql']}"


def drop(node: Drop, catalog: Catalog, context: Context) -> Answer:
    """Drop a view. Raises Hive's errors when it does not exist (unless IF EXISTS) or is a table."""
    database, name = names.full(node.name, context)
    found = catalog.find_table(database, name)
    if found is None:
        if node.if_exists:
            return done(node.kind)
        raise names.table_missing(node.name, context)
    if not found.is_view:
        raise hive_semantic("[Error 10132]: Cannot drop a base table with DROP VIEW")
    catalog.drop_table(database, name)
    return done(node.kind)
