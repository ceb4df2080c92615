"""UNLOAD: run a CREATE TABLE AS, keep its files, and drop its table from the catalog again."""

# ruff: noqa: S608  (the names are quoted; the rest is the statement itself)

import re
from dataclasses import replace

from localcloud.athena.catalog import Catalog
from localcloud.athena.dialect import parse as parse_query
from localcloud.athena.errors import AthenaError
from localcloud.athena.model import Answer, Context, Engine
from localcloud.athena.statements.nodes import Unload
from localcloud.athena.translate.terms import ident, text

_COMPRESSION = re.compile(r"\bcompression\b(?=\s*=)", re.IGNORECASE)


def run(node: Unload, catalog: Catalog, engine: Engine, context: Context) -> Answer:
    """Write the rows of the query to the location.

    Raises HIVE_PATH_ALREADY_EXISTS when it is not empty, HIVE_UNSUPPORTED_FORMAT for formats that we do not
    write, and INVALID_TABLE_PROPERTY without a format.
    """
    if not re.search(r"\bformat\s*=", node.properties, re.IGNORECASE):
        raise AthenaError(
            "INVALID_TABLE_PROPERTY", "UNLOAD needs a format, such as WITH (format = 'PARQUET')"
        )
    # Upper case makes `_col0` count as a given name, which CTAS accepts; the table has lower case anyway.
    names = ", ".join(ident(column.name.upper()) for column in engine.columns(node.query, context))
    table = f"unload_{context.query_id.replace('-', '_')}"
    properties = _COMPRESSION.sub("write_compression", node.properties)
    database = _database(catalog, context)
    tree = parse_query(
        f"CREATE TABLE {ident(database)}.{ident(table)}"
        f" WITH (external_location = {text(node.location)}, {properties})"
        f" AS SELECT * FROM (\n{node.sql}\n) AS q({names})"
    )
    try:
        answer = engine.create_table_as(tree, context)  # type: ignore[arg-type]
    finally:
        if catalog.find_table(database, table) is not None:
            catalog.drop_table(database, table)
    return replace(answer, statement_type=node.kind.statement, substatement_type=node.kind.substatement)


def _database(catalog: Catalog, context: Context) -> str:
    """Return a database for the temporary table: the statement's own, or any if that does not exist."""
    if catalog.find_database(context.database) is not None:
        return context.database
    return next((str(found["Name"]) for found in catalog.databases()), context.database)
