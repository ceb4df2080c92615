"""Observe lineage by execution: change one column of the data and run the query before and after."""

import random
from collections import Counter
from typing import Any

import duckdb
import sqlglot
from hard_queries import COLUMNS

TABLES = {name: columns for name, columns in COLUMNS.items() if name != "s.held"}
ROWS = 7
HELD = ", ".join(f"({number}, {number % 3})" for number in range(0, ROWS * 2, 2))
"""The rows of the table into which a MERGE writes."""

Data = dict[str, dict[str, list[Any]]]
Seen = set[tuple[str, str]]
"""Pairs of a changed column of the data and a column of the result that changed with it."""


def consequences(sql: str, seed: int, datasets: int) -> tuple[Seen, list[str]]:
    """Return which column of the data changed which column of the result, and all columns of the result."""
    draw = random.Random(seed)
    text = sqlglot.transpile(sql.replace('"awsdatacatalog".', ""), read="athena", write="duckdb")[0]
    seen: Seen = set()
    names: list[str] = []
    with duckdb.connect(config={"threads": 1}) as database:
        database.execute("create schema s")
        for _ in range(datasets):
            data = {
                table: {name: values(name, draw) for name in columns} for table, columns in TABLES.items()
            }
            for table in data:
                _fill(database, table, data)
            before = _run(database, text)
            names = list(before)
            for table, columns in data.items():
                if table not in sql.lower().replace('"', ""):
                    continue
                for column in columns:
                    _fill(database, table, {table: {**columns, column: values(column, draw)}})
                    after = _run(database, text)
                    seen |= {(f"{table}.{column}", name) for name in names if before[name] != after[name]}
                _fill(database, table, data)
    return seen, names


def values(column: str, draw: random.Random) -> list[Any]:
    """Draw the values of a column: few distinct ones, so that joins and groups match; ids are unique."""
    if column == "id":
        return draw.sample(range(ROWS * 2), ROWS)
    if column == "arr":
        return [[draw.randrange(5) for _ in range(draw.randrange(4))] for _ in range(ROWS)]
    return [draw.randrange(5) for _ in range(ROWS)]


def _fill(database: duckdb.DuckDBPyConnection, table: str, data: Data) -> None:
    columns = data[table]
    rows = ", ".join(str(tuple(row)) for row in zip(*columns.values(), strict=True))
    database.execute(f"create or replace table {table} as from (values {rows}) t({', '.join(columns)})")


def _run(database: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Counter[str]]:
    """Return the values of each column of the result (or of the table that a MERGE writes) in no order."""
    if sql.startswith("MERGE"):
        database.execute(f"create or replace table s.held as from (values {HELD}) t(id, z)")
        database.execute(sql)
        sql = "select * from s.held"
    found = database.execute(sql)
    names = [column[0].lower() for column in found.description]
    fetched = found.fetchall()
    return {name: Counter(str(row[place]) for row in fetched) for place, name in enumerate(names)}
