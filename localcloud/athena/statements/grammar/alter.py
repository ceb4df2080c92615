"""ALTER TABLE and ALTER DATABASE."""

from collections.abc import Callable

from localcloud.athena.catalog import TableColumn
from localcloud.athena.statements import kinds
from localcloud.athena.statements.cursor import Cursor
from localcloud.athena.statements.nodes import (
    AddPartitions,
    AlterDatabase,
    ChangeColumn,
    DropColumn,
    DropPartitions,
    Name,
    Node,
    RenamePartition,
    RenameTable,
    SetColumns,
    SetLocation,
    SetProperties,
)

_OPERATORS = ("=", "<>", "!=", "<", "<=", ">", ">=")


def alter(cursor: Cursor) -> Node:
    """Parse what follows ALTER."""
    if cursor.one_of("TABLE", "DATABASE", "SCHEMA") != "TABLE":
        return _database(cursor)
    name = cursor.name()
    action = cursor.one_of(*_ACTIONS)
    return _ACTIONS[action](cursor, name)


def _database(cursor: Cursor) -> AlterDatabase:
    name = cursor.identifier()
    cursor.expect("SET", "DBPROPERTIES")
    return AlterDatabase(name, cursor.properties())


def _add(cursor: Cursor, name: Name) -> Node:
    if cursor.accept("COLUMNS"):
        return SetColumns(kinds.ADD_COLUMNS, name, cursor.columns())
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS")
    found = []
    cursor.expect("PARTITION")
    while True:
        partition = cursor.partition()
        found.append((partition, cursor.string() if cursor.accept("LOCATION") else ""))
        if not cursor.accept("PARTITION"):
            return AddPartitions(name, tuple(found), if_not_exists)


def _replace(cursor: Cursor, name: Name) -> Node:
    cursor.expect("COLUMNS")
    return SetColumns(kinds.REPLACE_COLUMNS, name, cursor.columns())


def _change(cursor: Cursor, name: Name) -> Node:
    cursor.accept("COLUMN")
    column = cursor.identifier()
    to: TableColumn = cursor.column()
    return ChangeColumn(name, column, to)


def _drop(cursor: Cursor, name: Name) -> Node:
    if cursor.accept("COLUMN"):
        return DropColumn(name, cursor.identifier())
    if_exists = cursor.accept("IF", "EXISTS")
    found = []
    while True:
        cursor.expect("PARTITION")
        found.append(_conditions(cursor))
        if not cursor.accept(","):
            return DropPartitions(name, tuple(found), if_exists)


def _conditions(cursor: Cursor) -> tuple[tuple[str, str, str], ...]:
    cursor.expect("(")
    found = []
    while True:
        key = cursor.identifier()
        operator = cursor.one_of(*_OPERATORS)
        found.append((key, operator, cursor.literal()))
        if cursor.accept(")"):
            return tuple(found)
        cursor.expect(",")


def _rename(cursor: Cursor, name: Name) -> Node:
    cursor.expect("TO")
    return RenameTable(name, cursor.name())


def _set(cursor: Cursor, name: Name) -> Node:
    if cursor.accept("LOCATION"):
        return SetLocation(name, cursor.string())
    cursor.expect("TBLPROPERTIES")
    return SetProperties(name, cursor.properties())


def _unset(cursor: Cursor, name: Name) -> Node:
    cursor.expect("TBLPROPERTIES")
    cursor.accept("IF", "EXISTS")
    return SetProperties(name, unset=cursor.strings())


def _partition(cursor: Cursor, name: Name) -> Node:
    partition = cursor.partition()
    if cursor.accept("SET", "LOCATION"):
        return SetLocation(name, cursor.string(), partition)
    cursor.expect("RENAME", "TO", "PARTITION")
    return RenamePartition(name, partition, cursor.partition())


_ACTIONS: dict[str, Callable[[Cursor, Name], Node]] = {
    "ADD": _add,
    "CHANGE": _change,
    "DROP": _drop,
    "PARTITION": _partition,
    "RENAME": _rename,
    "REPLACE": _replace,
    "SET": _set,
    "UNSET": _unset,
}
