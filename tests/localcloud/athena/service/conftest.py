import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
import duckdb
import pyarrow as pa
import pytest
from botocore.config import Config
from sqlglot import exp

from localcloud.athena import server, service
from localcloud.athena.catalog import Catalog
from localcloud.athena.errors import AthenaError, iceberg_commit_failed
from localcloud.athena.model import Answer, Column, Context
from localcloud.athena.service import Service
from localcloud.athena.statements.execute import Parts
from localcloud.serving import Server, listen

TYPES = {
    "INTEGER": "integer",
    "BIGINT": "bigint",
    "DOUBLE": "double",
    "VARCHAR": "varchar",
    "BOOLEAN": "boolean",
}


@dataclass
class Calculator:
    """An engine without tables: DuckDB answers queries; one that says `wait` runs until it is cancelled."""

    cancelled: dict[str, threading.Event] = field(default_factory=dict)
    started: threading.Event = field(default_factory=threading.Event)
    runs: int = 0

    def columns(self, tree: exp.Expression, context: Context) -> tuple[Column, ...]:
        return self.select(tree, context).columns

    def select(self, tree: exp.Expression, context: Context) -> Answer:
        self.runs += 1
        sql = tree.sql("duckdb")
        if "wait" in sql:
            self.cancelled[context.query_id] = threading.Event()
            self.started.set()
            self.cancelled[context.query_id].wait(30)
            raise AthenaError("USER_CANCELED", "interrupted")
        with duckdb.connect() as connection:
            try:
                cursor = connection.execute(sql)
            except duckdb.Error as error:
                raise AthenaError("GENERIC_USER_ERROR", str(error)) from None
            columns = tuple(
                Column(name, TYPES.get(str(kind), "varchar")) for name, kind, *_ in cursor.description
            )
            return Answer("DML", "SELECT", columns, cursor.to_arrow_table(), scanned_bytes=10)

    def create_table_as(self, tree: exp.Create, context: Context) -> Answer:
        return Answer("DDL", "CREATE_TABLE_AS_SELECT", (Column("rows", "bigint"),), count=3)

    def modify(self, tree: exp.Expression, context: Context) -> Answer:
        if isinstance(tree, exp.Insert):
            return Answer("DML", "INSERT", (Column("rows", "bigint"),), count=2, manifest=("s3://lake/t/a",))
        raise iceberg_commit_failed("d", "t")

    def explain(self, tree: exp.Expression, context: Context) -> Answer:
        rows = pa.table({"Query Plan": ["first", "second"]})
        return Answer("DML", "EXPLAIN", (Column("Query Plan", "varchar"),), rows)

    def cancel(self, query_id: str) -> None:
        if query_id in self.cancelled:
            self.cancelled[query_id].set()


@dataclass
class Gateway:
    """A running gateway and a client of it."""

    service: Service
    engine: Calculator
    athena: Any
    port: int

    def start(self, sql: str, **members: Any) -> str:
        """Start a statement, with results under s3://lake/results/ unless told otherwise."""
        given = {"ResultConfiguration": {"OutputLocation": "s3://lake/results/"}, **members}
        query_id: str = self.athena.start_query_execution(QueryString=sql, **given)["QueryExecutionId"]
        return query_id

    def execution(self, query_id: str) -> Any:
        """Wait for the query to end and return its description."""
        while True:
            found = self.athena.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            if found["Status"]["State"] not in ("QUEUED", "RUNNING"):
                return found

    def run(self, sql: str, **members: Any) -> Any:
        """Run a statement to its end and return its description."""
        return self.execution(self.start(sql, **members))

    def rows(self, query_id: str, **members: Any) -> list[list[str | None]]:
        """Return the rows of a result."""
        found = self.athena.get_query_results(QueryExecutionId=query_id, **members)
        return [[one.get("VarCharValue") for one in row["Data"]] for row in found["ResultSet"]["Rows"]]


@dataclass
class Web:
    """One web server for all tests of this folder, in front of the service of the running test."""

    port: int = 0
    application: Any = None

    def __call__(self, environ: Any, start: Any) -> Any:
        return self.application(environ, start)


@pytest.fixture(scope="session")
def web() -> Iterator[Web]:
    front = Web()
    running = Server(listen("127.0.0.1", 0), front, threads=18)
    running.prepare()
    thread = threading.Thread(target=running.serve)
    thread.start()
    front.port = running.bind_addr[1]
    yield front
    running.stop()
    thread.join()


@pytest.fixture(scope="session")
def athena(web: Web) -> Iterator[Any]:
    client = boto3.client(
        "athena",
        endpoint_url=f"http://127.0.0.1:{web.port}",
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"max_attempts": 0}, max_pool_connections=16),
    )
    yield client
    client.close()


@pytest.fixture
def gateway(catalog: Catalog, web: Web, athena: Any) -> Iterator[Gateway]:
    engine = Calculator()
    running = service.create(Parts(catalog, engine))
    web.application = server.application(running)
    yield Gateway(running, engine, athena, web.port)
    running.queries.close()


@pytest.fixture
def read(catalog: Catalog) -> Callable[[str], bytes]:
    """Return a function that reads the body of an object."""

    def one(uri: str) -> bytes:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        body: bytes = catalog.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return body

    return one
