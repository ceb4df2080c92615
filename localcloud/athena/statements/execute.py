"""Run statements: the engine runs queries and changes; all others work on the catalog."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from localcloud.athena.catalog import Catalog
from localcloud.athena.errors import entity_not_found
from localcloud.athena.model import Answer, Column, Context, Engine
from localcloud.athena.results import explained
from localcloud.athena.statements import (
    columns,
    databases,
    describe,
    kinds,
    names,
    partitions,
    show,
    tables,
    unload,
    upkeep,
    views,
)
from localcloud.athena.statements.nodes import (
    AddPartitions,
    AlterDatabase,
    Change,
    ChangeColumn,
    CreateDatabase,
    CreateTable,
    CreateTableAs,
    CreateView,
    Describe,
    Drop,
    DropColumn,
    DropDatabase,
    DropPartitions,
    Explain,
    Node,
    Optimize,
    Query,
    RenamePartition,
    RenameTable,
    RepairTable,
    SetColumns,
    SetLocation,
    SetProperties,
    ShowNames,
    ShowTable,
    Unload,
    Vacuum,
)


@dataclass(frozen=True, slots=True)
class Parts:
    """What statements work on."""

    catalog: Catalog
    engine: Engine


def execute(node: Node, parts: Parts, context: Context) -> Answer:
    """Run one statement. Raises AthenaError with Athena's code and text."""
    match node:
        case Query(tree):
            return parts.engine.select(tree, context)
        case Change(_, tree):
            return parts.engine.modify(tree, context)
        case CreateTableAs(tree):
            return parts.engine.create_table_as(tree, context)
        case Explain(tree, validate):
            return _explain(tree, validate, parts.engine, context)
        case Unload():
            return unload.run(node, parts.catalog, parts.engine, context)
        case CreateView():
            return views.create(node, parts.catalog, parts.engine, context)
        case Drop(kinds.DROP_VIEW):
            return views.drop(node, parts.catalog, context)
    return _ON_CATALOG[type(node)](node, parts.catalog, context)


def check(node: Node, catalog: Catalog, context: Context) -> None:
    """Check what Athena looks up before it accepts a statement. Raises InvalidRequestError."""
    match node:
        case Describe(name) | ShowTable(kinds.SHOW_COLUMNS, name):
            if catalog.find_table(*names.full(name, context)) is None:
                raise entity_not_found()


def _explain(tree: Any, validate: bool, engine: Engine, context: Context) -> Answer:
    kind = kinds.EXPLAIN
    if validate:
        engine.columns(tree, context)
        valid = (Column("Valid", "boolean"),)
        return Answer(kind.statement, kind.substatement, valid, lines=explained("true"))
    answer = engine.explain(tree, context)
    rows = answer.lines if answer.table is None else answer.table.column(0).to_pylist()
    plan = "\n".join(rows or ())
    columns_ = (Column("Query Plan", f"varchar({len(plan) or 1})"),)
    return Answer(kind.statement, kind.substatement, columns_, lines=explained(plan))


_ON_CATALOG: dict[type, Callable[[Any, Catalog, Context], Answer]] = {
    AddPartitions: partitions.add,
    AlterDatabase: databases.alter,
    ChangeColumn: columns.change,
    CreateDatabase: databases.create,
    CreateTable: tables.create,
    Describe: describe.table,
    Drop: tables.drop,
    DropColumn: columns.drop,
    DropDatabase: databases.drop,
    DropPartitions: partitions.drop,
    Optimize: upkeep.optimize,
    RenamePartition: partitions.rename,
    RenameTable: tables.rename,
    RepairTable: partitions.repair,
    SetColumns: columns.set_columns,
    SetLocation: partitions.set_location,
    SetProperties: tables.properties,
    ShowNames: show.list_names,
    ShowTable: show.one_table,
    Vacuum: upkeep.vacuum,
}
