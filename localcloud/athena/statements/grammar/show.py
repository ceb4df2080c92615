"""SHOW and DESCRIBE."""

from collections.abc import Callable

from localcloud.athena.errors import not_supported
from localcloud.athena.statements import kinds
from localcloud.athena.statements.cursor import Cursor
from localcloud.athena.statements.kinds import Kind
from localcloud.athena.statements.nodes import Describe, Name, Node, ShowNames, ShowTable


def show(cursor: Cursor) -> Node:
    """Parse what follows SHOW."""
    if cursor.follows("FUNCTIONS"):
        raise not_supported("The local cloud does not run SHOW FUNCTIONS")
    subject = cursor.one_of(*_SUBJECTS)
    return _SUBJECTS[subject](cursor)


def _databases(cursor: Cursor) -> Node:
    return ShowNames(kinds.SHOW_DATABASES, "", _pattern(cursor))


def _tables(cursor: Cursor) -> Node:
    return _names(cursor, kinds.SHOW_TABLES)


def _views(cursor: Cursor) -> Node:
    return _names(cursor, kinds.SHOW_VIEWS)


def _names(cursor: Cursor, kind: Kind) -> Node:
    database = ""
    if cursor.accept("IN") or cursor.accept("FROM"):
        name = cursor.name()
        database = name.table
    return ShowNames(kind, database, _pattern(cursor))


def _pattern(cursor: Cursor) -> str | None:
    if cursor.accept("LIKE"):
        return cursor.string()
    return cursor.string() if cursor.next is not None and cursor.next.sort == "string" else None


def _columns(cursor: Cursor) -> Node:
    cursor.one_of("FROM", "IN")
    name = cursor.name(quoted=True)
    if cursor.accept("FROM") or cursor.accept("IN"):
        name = Name(name.table, cursor.identifier())
    return ShowTable(kinds.SHOW_COLUMNS, name)


def _partitions(cursor: Cursor) -> Node:
    return ShowTable(kinds.SHOW_PARTITIONS, cursor.name())


def _create(cursor: Cursor) -> Node:
    if cursor.one_of("TABLE", "VIEW") == "TABLE":
        return ShowTable(kinds.SHOW_CREATE_TABLE, cursor.name())
    return ShowTable(kinds.SHOW_CREATE_VIEW, cursor.name(quoted=True))


def _properties(cursor: Cursor) -> Node:
    name = cursor.name()
    keys = cursor.strings() if cursor.follows("(") else ("",)
    return ShowTable(kinds.SHOW_PROPERTIES, name, keys[0])


def describe(cursor: Cursor) -> Node:
    """`DESCRIBE [EXTENDED | FORMATTED] name`; describing one partition is refused."""
    extended = cursor.accept("EXTENDED") or cursor.accept("FORMATTED")
    name = cursor.name(quoted=True)
    if cursor.follows("PARTITION"):
        raise not_supported("The local cloud does not describe one partition")
    return Describe(name, extended)


_SUBJECTS: dict[str, Callable[[Cursor], Node]] = {
    "COLUMNS": _columns,
    "CREATE": _create,
    "DATABASES": _databases,
    "PARTITIONS": _partitions,
    "SCHEMAS": _databases,
    "TABLES": _tables,
    "TBLPROPERTIES": _properties,
    "VIEWS": _views,
}
