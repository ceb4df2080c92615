"""Lineage against execution: change one column of the data, run the query, and see what follows."""

import os
import random
from collections import Counter
from typing import Any

import duckdb
import pytest
import sqlglot
from hard_queries import COLUMNS, TRACED, named, traced

# Ten times as many datasets in `make sweep`.
DATASETS = 5 * int(os.environ.get("SWEEP", "1"))
ROWS = 7
RUNNABLE = [case for case in TRACED if case.get("run", True)]
TABLES = {name: columns for name, columns in COLUMNS.items() if name != "s.held"}

Data = dict[str, dict[str, list[Any]]]


def values(column: str, draw: random.Random) -> list[Any]:
    """A column's values: few different ones, so that joins and groups meet; ids are unique."""
    if column == "id":
        return draw.sample(range(ROWS * 2), ROWS)
    if column == "arr":
        return [[draw.randrange(5) for _ in range(draw.randrange(4))] for _ in range(ROWS)]
    return [draw.randrange(5) for _ in range(ROWS)]


def rows_of(columns: dict[str, list[Any]]) -> str:
    return ", ".join(str(tuple(row)) for row in zip(*columns.values(), strict=True))


def run(database: duckdb.DuckDBPyConnection, sql: str, data: Data) -> dict[str, Counter[str]]:
    """The values of each column of the result, whatever their order."""
    for name, columns in data.items():
        database.execute(
            f"create or replace table {name} as from (values {rows_of(columns)}) t({', '.join(columns)})"
        )
    found = database.execute(sql)
    names = [column[0].lower() for column in found.description]
    fetched = found.fetchall()
    return {name: Counter(str(row[place]) for row in fetched) for place, name in enumerate(names)}


def consequences(sql: str, seed: int) -> tuple[set[tuple[str, str]], list[str]]:
    """Which column of the data changed which column of the result, and the names of the latter."""
    draw = random.Random(seed)
    database = duckdb.connect()
    database.execute("create schema s")
    seen: set[tuple[str, str]] = set()
    names: list[str] = []
    for _ in range(DATASETS):
        data = {
            name: {column: values(column, draw) for column in columns} for name, columns in TABLES.items()
        }
        before = run(database, sql, data)
        names = list(before)
        for table, columns in data.items():
            for column in columns:
                changed = {**data, table: {**columns, column: values(column, draw)}}
                after = run(database, sql, changed)
                seen |= {(f"{table}.{column}", name) for name in names if before[name] != after[name]}
    database.close()
    return seen, names


@pytest.mark.parametrize("case", RUNNABLE, ids=named)
def test_a_change_of_the_data_is_seen_along_edges_only(case: dict[str, Any]) -> None:
    found = traced(case["sql"])
    edges = {
        kind: {(source, name) for name, sources in columns.items() for source in sources}
        for kind, columns in found.items()
    }
    sql = sqlglot.transpile(case["sql"].replace('"awsdatacatalog".', ""), read="athena", write="duckdb")[0]
    seen, names = consequences(sql, seed=len(case["sql"]))
    assert names == list(case["columns"])
    assert seen <= edges["direct"] | edges["indirect"], "a change was seen where there is no edge"
    assert edges["direct"] <= seen, "a direct edge along which no change was seen"
