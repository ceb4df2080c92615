"""Look up what a statement names; on failure, raise the error of that part of Athena which reads it."""

from localcloud.athena.catalog import Catalog, Table
from localcloud.athena.errors import AthenaError, hive_semantic
from localcloud.athena.model import Answer, Context
from localcloud.athena.statements.kinds import Kind
from localcloud.athena.statements.nodes import Name


def full(name: Name, context: Context) -> tuple[str, str]:
    """Return database and table."""
    return name.database or context.database.lower(), name.table


def table(name: Name, catalog: Catalog, context: Context) -> Table:
    """Return the table or view that DDL names. Raises Hive's error 10001 when there is none."""
    found = catalog.find_table(*full(name, context))
    if found is None:
        raise table_missing(name, context)
    return found


def base_table(name: Name, catalog: Catalog, context: Context) -> Table:
    """Return the table that ALTER TABLE names. Raises Hive's error 10131 for a view."""
    found = table(name, catalog, context)
    if found.is_view:
        raise hive_semantic("[Error 10131]: To alter a view you need to use the ALTER VIEW command.")
    return found


def table_missing(name: Name, context: Context) -> AthenaError:
    """Hive's error 10001."""
    return hive_semantic(f"[Error 10001]: Table not found {'.'.join(full(name, context))}")


def database_missing(name: str) -> AthenaError:
    """Hive's error 10072."""
    return hive_semantic(f"[Error 10072]: Database does not exist: {name}")


def done(kind: Kind) -> Answer:
    """Return the answer of a statement that has no output."""
    return Answer(kind.statement, kind.substatement)
