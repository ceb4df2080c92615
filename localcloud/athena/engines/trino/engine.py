"""The Trino engine: it receives statements as written; only CREATE TABLE AS is rewritten."""

import threading
from collections.abc import Mapping
from dataclasses import replace

import pyarrow as pa
from sqlglot import exp

from localcloud.athena.catalog import Catalog
from localcloud.athena.dialect import written
from localcloud.athena.engines.properties import hive_location, new_table, read
from localcloud.athena.engines.trino import creating
from localcloud.athena.engines.trino.client import Client, Result
from localcloud.athena.engines.trino.failures import as_athena
from localcloud.athena.engines.trino.values import table
from localcloud.athena.errors import AthenaError, not_supported
from localcloud.athena.iceberg.schemas import schema_of
from localcloud.athena.model import Answer, Column, Context
from localcloud.athena.objects import is_empty
from localcloud.athena.types import parse
from localcloud.trino.server import HIVE, ICEBERG


class Trino:
    """A running Trino whose catalogs read the same Glue and S3 as the gateway."""

    def __init__(self, catalog: Catalog, client: Client) -> None:
        self.catalog = catalog
        self.client = client
        self._running: dict[str, str] = {}
        self._lock = threading.Lock()

    def columns(self, tree: exp.Expression, context: Context) -> tuple[Column, ...]:
        """Return names and types of a query's columns, without running it."""
        return self._columns(written(tree), context)

    def select(self, tree: exp.Expression, context: Context) -> Answer:
        """Run a query."""
        result = self._run(written(tree), context)
        columns = _columns(result)
        types = [parse(column.type) for column in columns]
        rows = table([column.name for column in columns], types, result.pages)
        return Answer("DML", "SELECT", columns, rows, scanned_bytes=result.scanned_bytes)

    def create_table_as(self, tree: exp.Create, context: Context) -> Answer:
        """Create an Iceberg or Hive table from a query."""
        target = new_table(tree, context, self.catalog)
        if target is None:
            return Answer("DDL", "CREATE_TABLE_AS_SELECT")
        database, name = target
        properties = read(tree)
        query, tail = creating.query_of(written(tree))
        if properties.iceberg:
            self._check_types(query, context)
            catalog = ICEBERG
        else:
            location = hive_location(properties, self.catalog, database, name, context)
            self._check_empty(location, database, name)
            properties, catalog = replace(properties, location=location), HIVE
        made = creating.creation(catalog, database, name, properties, f"{query} {tail}")
        result = self._run(made.sql, context, made.session)
        return Answer("DDL", "CREATE_TABLE_AS_SELECT", count=result.count, scanned_bytes=result.scanned_bytes)

    def modify(self, tree: exp.Expression, context: Context) -> Answer:
        """Run INSERT, MERGE, UPDATE or DELETE as one commit."""
        if not isinstance(tree, exp.Insert):
            self._check_iceberg(tree.this, context)
        result = self._run(written(tree), context)
        kind = type(tree).__name__.upper()
        return Answer("DML", kind, count=result.count, scanned_bytes=result.scanned_bytes)

    def explain(self, tree: exp.Expression, context: Context) -> Answer:
        """Return Trino's plan of a query, one row per line."""
        result = self._run(f"EXPLAIN {written(tree)}", context)
        lines = [line for page in result.pages for row in page for line in str(row[0]).splitlines()]
        rows = pa.table({"Query Plan": pa.array(lines, pa.string())})
        return Answer("DML", "EXPLAIN", (Column("Query Plan", "varchar"),), rows)

    def cancel(self, query_id: str) -> None:
        """Interrupt the statement with this id; unknown ids are ignored."""
        with self._lock:
            found = self._running.get(query_id)
        if found is not None:
            self.client.cancel(found)

    def close(self) -> None:
        """Do nothing: Trino is a separate part of the local cloud."""

    def _columns(self, query: str, context: Context) -> tuple[Column, ...]:
        return _columns(self._run(f"SELECT * FROM ({query}\n) LIMIT 0", context))  # noqa: S608  the statement itself

    def _check_types(self, query: str, context: Context) -> None:
        """Refuse types that Athena refuses in an Iceberg table but Trino would store as another type."""
        schema_of([(column.name, parse(column.type), "") for column in self._columns(query, context)])

    def _check_empty(self, location: str, database: str, name: str) -> None:
        if not is_empty(self.catalog.s3, location):
            raise AthenaError(
                "HIVE_PATH_ALREADY_EXISTS",
                f"Target directory for table '{database}.{name}' already exists: {location}. "
                "You may need to manually clean the data at this location",
            )

    def _check_iceberg(self, target: exp.Table, context: Context) -> None:
        """Refuse Hive tables, as Athena does; Trino would delete whole partitions of them."""
        found = self.catalog.find_table((target.db or context.database).lower(), target.name.lower())
        if found is not None and not found.is_iceberg:
            raise not_supported("Modifying Hive table rows is only supported for transactional tables")

    def _run(self, sql: str, context: Context, session: Mapping[str, str] | None = None) -> Result:
        def started(trino_id: str) -> None:
            with self._lock:
                self._running[context.query_id] = trino_id

        try:
            with as_athena():
                return self.client.run(sql, database=context.database, session=session, started=started)
        finally:
            with self._lock:
                self._running.pop(context.query_id, None)


def _columns(result: Result) -> tuple[Column, ...]:
    return tuple(Column(one["name"], parse(one["type"]).athena) for one in result.columns)
