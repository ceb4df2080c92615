"""CREATE DATABASE, CREATE [EXTERNAL] TABLE with columns, CREATE VIEW."""

from localcloud.athena.catalog import TableColumn
from localcloud.athena.dialect import parse_from
from localcloud.athena.errors import InvalidRequestError
from localcloud.athena.statements.cursor import Cursor
from localcloud.athena.statements.nodes import CreateDatabase, CreateTable, CreateView, Format, Pairs

_DELIMITERS = (
    (("FIELDS", "TERMINATED", "BY"), "field.delim"),
    (("ESCAPED", "BY"), "escape.delim"),
    (("COLLECTION", "ITEMS", "TERMINATED", "BY"), "colelction.delim"),  # Hive's own misspelling
    (("MAP", "KEYS", "TERMINATED", "BY"), "mapkey.delim"),
    (("LINES", "TERMINATED", "BY"), "line.delim"),
    (("NULL", "DEFINED", "AS"), "serialization.null.format"),
)


def database(cursor: Cursor) -> CreateDatabase:
    """`CREATE {DATABASE | SCHEMA} [IF NOT EXISTS] name [COMMENT] [LOCATION] [WITH DBPROPERTIES]`."""
    cursor.one_of("DATABASE", "SCHEMA")
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS")
    name = cursor.identifier()
    comment = cursor.string() if cursor.accept("COMMENT") else ""
    location = cursor.string() if cursor.accept("LOCATION") else ""
    properties = cursor.properties() if cursor.accept("WITH", "DBPROPERTIES") else ()
    return CreateDatabase(name, if_not_exists, comment, location, properties)


def table(cursor: Cursor) -> CreateTable:
    """`CREATE [EXTERNAL] TABLE [IF NOT EXISTS] name (columns)` and its clauses, in Hive's order.

    Raises InvalidRequestError when there is no LOCATION: Athena refuses that before it runs anything.
    """
    external = cursor.accept("EXTERNAL")
    cursor.expect("TABLE")
    if_not_exists = cursor.accept("IF", "NOT", "EXISTS")
    name = cursor.name()
    columns = cursor.columns()
    comment = cursor.string() if cursor.accept("COMMENT") else ""
    partition_columns, partitioning = _partitioned_by(cursor)
    clustered_by, buckets = _clustered_by(cursor)
    format_ = _format(cursor)
    location = cursor.string() if cursor.accept("LOCATION") else ""
    properties = cursor.properties() if cursor.accept("TBLPROPERTIES") else ()
    cursor.end()
    if not location:
        text = "No location was specified for table. An S3 location must be specified"
        raise InvalidRequestError(text, code="MALFORMED_QUERY")
    return CreateTable(
        name=name,
        columns=columns,
        external=external,
        if_not_exists=if_not_exists,
        comment=comment,
        partition_columns=partition_columns,
        partitioning=partitioning,
        clustered_by=clustered_by,
        buckets=buckets,
        format=format_,
        location=location,
        properties=properties,
    )


def _partitioned_by(cursor: Cursor) -> tuple[tuple[TableColumn, ...], tuple[str, ...]]:
    """Parse columns with types (Hive), or names and transforms (Iceberg)."""
    columns: list[TableColumn] = []
    terms: list[str] = []
    if not cursor.accept("PARTITIONED", "BY"):
        return (), ()
    cursor.expect("(")
    while True:
        start = cursor.at
        name = cursor.identifier()
        if cursor.follows(",") or cursor.follows(")"):
            terms.append(name)
        elif cursor.accept("("):
            terms.append(_transform(cursor, name))
        else:
            cursor.at = start
            columns.append(cursor.column())
        if cursor.accept(")"):
            return tuple(columns), tuple(terms)
        cursor.expect(",")


def _transform(cursor: Cursor, name: str) -> str:
    """Parse `bucket(4, n)`, `truncate(3, s)`, `day(ts)`: the number comes first in Athena."""
    if cursor.next is not None and cursor.next.sort == "number":
        number = cursor.number()
        cursor.expect(",")
        term = f"{name}({number}, {cursor.identifier()})"
    else:
        term = f"{name}({cursor.identifier()})"
    cursor.expect(")")
    return term


def _clustered_by(cursor: Cursor) -> tuple[tuple[str, ...], int]:
    if not cursor.accept("CLUSTERED", "BY"):
        return (), 0
    columns = cursor.identifiers()
    cursor.expect("INTO")
    buckets = cursor.number()
    cursor.expect("BUCKETS")
    return columns, buckets


def _format(cursor: Cursor) -> Format:
    serde, delimiters = "", _delimiters(cursor)
    if cursor.accept("ROW", "FORMAT", "SERDE"):
        serde = cursor.string()
    properties = cursor.properties() if cursor.accept("WITH", "SERDEPROPERTIES") else ()
    stored_as, reads, writes = "", "", ""
    if cursor.accept("STORED", "AS", "INPUTFORMAT"):
        reads = cursor.string()
        cursor.expect("OUTPUTFORMAT")
        writes = cursor.string()
    elif cursor.accept("STORED", "AS"):
        stored_as = cursor.identifier()
    if not properties and cursor.accept("WITH", "SERDEPROPERTIES"):
        properties = cursor.properties()
    return Format(serde, properties, stored_as, reads, writes, delimiters)


def _delimiters(cursor: Cursor) -> Pairs:
    if not cursor.accept("ROW", "FORMAT", "DELIMITED"):
        return ()
    found = [(key, cursor.string()) for words, key in _DELIMITERS if cursor.accept(*words)]
    return tuple(found)


def view(cursor: Cursor) -> CreateView:
    """`CREATE [OR REPLACE] VIEW name AS query`."""
    replace = cursor.accept("OR", "REPLACE")
    cursor.expect("VIEW")
    name = cursor.name(quoted=True)
    cursor.expect("AS")
    start = cursor.start()
    return CreateView(name, parse_from(cursor.text, start), cursor.rest(), replace)
