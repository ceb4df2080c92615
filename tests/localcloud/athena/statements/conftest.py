from collections.abc import Callable

import pytest
from sqlglot import exp

from localcloud.athena.catalog import Catalog
from localcloud.athena.model import Answer, Column, Context
from localcloud.athena.statements.execute import Parts, check, execute
from localcloud.athena.statements.parse import parse

Run = Callable[[str], Answer]


class Typist:
    """An engine that knows only the types of literals, which is all that statements need."""

    def columns(self, tree: exp.Expression, context: Context) -> tuple[Column, ...]:
        kinds = {True: "varchar", False: "integer"}
        return tuple(
            Column(one.alias_or_name, kinds[one.unalias().is_string])
            for one in tree.find(exp.Select).expressions
        )

    def select(self, tree: exp.Expression, context: Context) -> Answer:
        raise NotImplementedError

    create_table_as = modify = explain = select

    def cancel(self, query_id: str) -> None:
        pass


@pytest.fixture
def run(catalog: Catalog, database: str) -> Run:
    """Return a function that parses and runs a statement in the test's database, `{db}` in the text."""

    def one(sql: str) -> Answer:
        parts = Parts(catalog, Typist())
        context = Context(database, "query")
        node = parse(sql.replace("{db}", database)).node
        check(node, catalog, context)
        return execute(node, parts, context)

    return one
