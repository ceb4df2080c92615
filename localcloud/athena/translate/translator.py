"""The entry point: translate a tree of `localcloud.athena.dialect` to DuckDB text with typed columns."""

from sqlglot import exp

from localcloud.athena.translate import expressions, queries
from localcloud.athena.translate.scope import Query, Relations, Scope, Statement


def new_scope(relations: Relations, database: str) -> Scope:
    """Return the empty scope of a new statement."""
    statement = Statement(relations, query=queries.query, expression=expressions.translate)
    return Scope(statement, database.lower())


def translate(tree: exp.Expression, relations: Relations, database: str) -> Query:
    """Translate a query that reads from `relations`; unqualified names are in `database`."""
    return queries.query(tree, new_scope(relations, database))
