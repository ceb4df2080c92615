"""ALTER TABLE on columns: ADD, REPLACE, CHANGE, DROP."""

from collections.abc import Sequence

from localcloud.athena import iceberg
from localcloud.athena.catalog import Catalog, Table, TableColumn
from localcloud.athena.errors import AthenaError, hive_execution, hive_parse, iceberg_ddl
from localcloud.athena.model import Answer, Context
from localcloud.athena.statements import kinds, names
from localcloud.athena.statements.names import done
from localcloud.athena.statements.nodes import ChangeColumn, DropColumn, SetColumns


def set_columns(node: SetColumns, catalog: Catalog, context: Context) -> Answer:
    """Add columns, or replace all of them (only in Hive tables)."""
    found = names.base_table(node.name, catalog, context)
    adds = node.kind == kinds.ADD_COLUMNS
    if found.is_iceberg and not adds:
        raise iceberg_ddl()
    wanted = (*found.columns, *node.columns) if adds else node.columns
    _check_unique((*wanted, *found.partition_keys))
    if found.is_iceberg:
        iceberg.add_columns(catalog, found.database, found.name, node.columns)
    else:
        _write(catalog, found, wanted)
    return done(node.kind)


def change(node: ChangeColumn, catalog: Catalog, context: Context) -> Answer:
    """Change a column's name, type or comment."""
    found = names.base_table(node.name, catalog, context)
    _check_known(node.column, found)
    if node.to.name != node.column:
        _check_unique((*found.columns, *found.partition_keys, node.to))
    if found.is_iceberg:
        iceberg.change_column(catalog, found.database, found.name, node.column, node.to)
    else:
        changed = (node.to if column.name == node.column else column for column in found.columns)
        _write(catalog, found, tuple(changed))
    return done(node.kind)


def drop(node: DropColumn, catalog: Catalog, context: Context) -> Answer:
    """Drop a column of an Iceberg table. Hive has no such statement; its error is a parser error."""
    found = catalog.find_table(*names.full(node.name, context))
    if found is None or not found.is_iceberg:
        text = (
            "line 1:0 mismatched input 'COLUMN' expecting PARTITION near 'DROP' in drop partition statement"
        )
        raise hive_parse(text)
    _check_known(node.column, found)
    iceberg.drop_column(catalog, found.database, found.name, node.column)
    return done(node.kind)


def _check_unique(columns: Sequence[TableColumn]) -> None:
    seen: set[str] = set()
    for column in columns:
        if column.name in seen:
            raise hive_execution(f"Duplicate column name: {column.name}")
        seen.add(column.name)


def _check_known(name: str, table: Table) -> None:
    if name not in {column.name for column in table.columns}:
        raise AthenaError("HIVE_DDL", f"FAILED: Invalid column reference {name}")


def _write(catalog: Catalog, table: Table, columns: Sequence[TableColumn]) -> None:
    storage = {**table.storage, "Columns": [column.as_input() for column in columns]}
    catalog.update_table(table, StorageDescriptor=storage)
