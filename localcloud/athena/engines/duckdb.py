"""The default engine: DuckDB computes, pyiceberg commits."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pyarrow as pa
from sqlglot import exp

from localcloud.athena.cache import FileCache
from localcloud.athena.catalog import Catalog
from localcloud.athena.engines import rowlevel, writes
from localcloud.athena.engines.database import open_database
from localcloud.athena.engines.failures import as_athena
from localcloud.athena.engines.lake import Lake
from localcloud.athena.errors import not_supported
from localcloud.athena.model import Answer, Column, Context
from localcloud.athena.translate.scope import Field, Query
from localcloud.athena.translate.translator import translate

# DuckDB's columns have room for a vector of rows, however few they hold.
_VECTOR_ROWS = 2048


class DuckDb:
    """A DuckDB database; each statement has its own connection to it."""

    def __init__(self, catalog: Catalog, folder: Path) -> None:
        """`folder` holds copies of objects and spilled data; nothing in it needs to be kept."""
        folder.mkdir(parents=True, exist_ok=True)
        self.catalog = catalog
        self.cache = FileCache(catalog.s3, folder / "objects")
        self._database = open_database(folder)
        self._running: dict[str, duckdb.DuckDBPyConnection] = {}
        self._lock = threading.Lock()

    def columns(self, tree: exp.Expression, context: Context) -> tuple[Column, ...]:
        """Return names and types of a query's columns, without running it."""
        with self._statement(context) as lake:
            return _columns(translate(tree, lake, context.database))

    def select(self, tree: exp.Expression, context: Context) -> Answer:
        """Run a query."""
        with self._statement(context) as lake:
            query = translate(tree, lake, context.database)
            scanned = lake.scanned(query.all_reads())
            with as_athena():
                rows = lake.connection.execute(query.sql).to_arrow_table()
            return Answer(
                "DML",
                "SELECT",
                _columns(query),
                _fitted(_in_zones(rows, query.fields)),
                scanned_bytes=scanned,
            )

    def create_table_as(self, tree: exp.Create, context: Context) -> Answer:
        """Create an Iceberg or Hive table from a query."""
        with self._statement(context) as lake:
            return writes.create_table_as(tree, context, lake, lake.connection)

    def modify(self, tree: exp.Expression, context: Context) -> Answer:
        """Run INSERT, MERGE, UPDATE or DELETE as one commit."""
        with self._statement(context) as lake:
            match tree:
                case exp.Insert():
                    return writes.insert(tree, context, lake, lake.connection)
                case exp.Merge():
                    return rowlevel.merge(tree, context, lake, lake.connection)
                case exp.Update():
                    return rowlevel.update(tree, context, lake, lake.connection)
                case exp.Delete():
                    return rowlevel.delete(tree, context, lake, lake.connection)
        raise not_supported(f"The local cloud does not know {type(tree).__name__.upper()} as a statement")

    def explain(self, tree: exp.Expression, context: Context) -> Answer:
        """Return DuckDB's plan of a query, one row per line."""
        with self._statement(context) as lake:
            query = translate(tree, lake, context.database)
            with as_athena():
                found = lake.connection.execute(f"EXPLAIN {query.sql}").fetchall()
            lines = [line for _, plan in found for line in plan.splitlines()]
            rows = pa.table({"Query Plan": pa.array(lines, pa.string())})
            return Answer("DML", "EXPLAIN", (Column("Query Plan", "varchar"),), rows)

    def cancel(self, query_id: str) -> None:
        """Interrupt the statement with this id; unknown ids are ignored."""
        with self._lock:
            connection = self._running.get(query_id)
        if connection is not None:
            connection.interrupt()

    def close(self) -> None:
        """Close the database; running statements fail."""
        self._database.close()

    @contextmanager
    def _statement(self, context: Context) -> Iterator[Lake]:
        connection = self._database.cursor()
        with self._lock:
            self._running[context.query_id] = connection
        try:
            yield Lake(self.catalog, self.cache, connection, context.most_bytes)
        finally:
            with self._lock:
                self._running.pop(context.query_id, None)
            connection.close()


def _columns(query: Query) -> tuple[Column, ...]:
    return tuple(Column(field.name, field.type.athena) for field in query.fields)


def _in_zones(rows: pa.Table, fields: tuple[Field, ...]) -> pa.Table:
    """Name the columns as the query does, and give instants the time zone that Athena shows."""
    columns = [
        column.cast(pa.timestamp("us", field.zone))
        if field.type.name == "timestamp with time zone"
        else column
        for column, field in zip(rows.columns, fields, strict=True)
    ]
    return pa.Table.from_arrays(columns, names=[field.name for field in fields])


def _fitted(rows: pa.Table) -> pa.Table:
    """Copy the rows to memory of their size: one row of four columns takes 10 KiB, from DuckDB 90."""
    if rows.num_rows >= _VECTOR_ROWS:
        return rows
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as stream:
        stream.write_table(rows)
    return pa.ipc.open_stream(sink.getvalue()).read_all()
