"""DROP, MSCK, OPTIMIZE, VACUUM, EXPLAIN, UNLOAD, PREPARE, DEALLOCATE."""

from sqlglot import exp

from localcloud.athena.dialect import parse as parse_query
from localcloud.athena.dialect import parse_from
from localcloud.athena.errors import not_supported
from localcloud.athena.statements import kinds
from localcloud.athena.statements.cursor import Cursor
from localcloud.athena.statements.nodes import (
    Deallocate,
    Drop,
    DropDatabase,
    Explain,
    Node,
    Optimize,
    Prepare,
    RepairTable,
    Unload,
    Vacuum,
)


def drop(cursor: Cursor) -> Node:
    """`DROP {TABLE | VIEW | DATABASE | SCHEMA} [IF EXISTS] name`."""
    sort = cursor.one_of("TABLE", "VIEW", "DATABASE", "SCHEMA")
    if_exists = cursor.accept("IF", "EXISTS")
    if sort == "VIEW":
        return Drop(kinds.DROP_VIEW, cursor.name(quoted=True), if_exists)
    if sort == "TABLE":
        name = cursor.name()
        cursor.accept("PURGE")
        return Drop(kinds.DROP_TABLE, name, if_exists)
    database = cursor.identifier()
    cascade = cursor.accept("CASCADE")
    cursor.accept("RESTRICT")
    return DropDatabase(database, if_exists, cascade)


def msck(cursor: Cursor) -> Node:
    """`MSCK REPAIR TABLE name`."""
    cursor.expect("REPAIR", "TABLE")
    return RepairTable(cursor.name())


def optimize(cursor: Cursor) -> Node:
    """`OPTIMIZE name REWRITE DATA USING BIN_PACK [WHERE …]`."""
    name = cursor.name()
    cursor.expect("REWRITE", "DATA", "USING", "BIN_PACK")
    where: exp.Expression | None = None
    if cursor.accept("WHERE"):
        where = parse_query(f"SELECT 1 WHERE {cursor.rest()}").args["where"].this
    return Optimize(name, where)


def vacuum(cursor: Cursor) -> Node:
    """`VACUUM name`."""
    return Vacuum(cursor.name())


def explain(cursor: Cursor) -> Node:
    """`EXPLAIN [(TYPE …, FORMAT …) | ANALYZE [VERBOSE]] statement`; only text plans and VALIDATE."""
    options: dict[str, str] = {}
    if cursor.accept("ANALYZE"):
        cursor.accept("VERBOSE")
    elif cursor.follows("(", "TYPE") or cursor.follows("(", "FORMAT"):
        cursor.expect("(")
        while not options or cursor.accept(","):
            key = cursor.one_of("TYPE", "FORMAT")
            options[key] = cursor.identifier().upper()
        cursor.expect(")")
    if options.get("FORMAT", "TEXT") != "TEXT" or options.get("TYPE") == "IO":
        raise not_supported("The local cloud explains as text only, by TYPE LOGICAL, DISTRIBUTED or VALIDATE")
    query = parse_from(cursor.text, cursor.start())
    cursor.rest()
    return Explain(query, options.get("TYPE") == "VALIDATE")


def unload(cursor: Cursor) -> Node:
    """`UNLOAD (query) TO 's3://…' WITH (format = '…', …)`."""
    sql = cursor.inside()
    cursor.expect("TO")
    location = cursor.string()
    cursor.expect("WITH")
    return Unload(parse_query(sql), sql, location, cursor.inside())


def prepare(cursor: Cursor) -> Node:
    """`PREPARE name FROM statement`."""
    name = cursor.identifier(quoted=True)
    cursor.expect("FROM")
    return Prepare(name, cursor.rest())


def deallocate(cursor: Cursor) -> Node:
    """`DEALLOCATE PREPARE name`."""
    cursor.expect("PREPARE")
    return Deallocate(cursor.identifier(quoted=True))
