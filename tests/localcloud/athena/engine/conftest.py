"""The DuckDB engine on a real local cloud; each test has its own database."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlglot import exp

from localcloud.athena.catalog import Catalog
from localcloud.athena.dialect import parse
from localcloud.athena.engines.duckdb import DuckDb
from localcloud.athena.model import Answer, Context

Run = Callable[[str], Answer]
Rows = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="session")
def engine(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDb]:
    engine = DuckDb(catalog, tmp_path_factory.mktemp("engine"))
    yield engine
    engine.close()


@pytest.fixture
def run(engine: DuckDb, database: str) -> Run:
    """Return a function that runs a statement in the test's database; LOCATION stands for its folder."""

    def run(sql: str) -> Answer:
        tree = parse(sql.replace("LOCATION", f"s3://lake/{database}"))
        context = Context(database, query_id=sql[:20])
        if isinstance(tree, exp.Create):
            return engine.create_table_as(tree, context)
        if isinstance(tree, exp.Insert | exp.Merge | exp.Update | exp.Delete):
            return engine.modify(tree, context)
        return engine.select(tree, context)

    return run


@pytest.fixture
def rows(run: Run) -> Rows:
    """Return a function that runs a query and returns its rows as tuples."""

    def rows(sql: str) -> list[tuple[Any, ...]]:
        table = run(sql).table
        assert table is not None
        return list(zip(*(column.to_pylist() for column in table.columns), strict=True))

    return rows


@pytest.fixture
def files(run: Run) -> Callable[[str], set[str]]:
    """Return a function that lists the data files which hold the rows of a table."""

    def files(table: str) -> set[str]:
        found = run(f'select file_path from "{table}$files" where content = 0').table
        assert found is not None
        return set(found.column(0).to_pylist())

    return files
