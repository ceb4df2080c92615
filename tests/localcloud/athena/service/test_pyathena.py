import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyathena import connect
from pyathena.async_cursor import AsyncCursor
from pyathena.cursor import DictCursor
from pyathena.error import DatabaseError, OperationalError

from localcloud.athena import server, service
from localcloud.athena.catalog import Catalog
from localcloud.athena.engines.duckdb import DuckDb
from localcloud.athena.statements.execute import Parts


@pytest.fixture(scope="module")
def connection(catalog: Catalog, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Connect PyAthena to a gateway with its own engine."""
    engine = DuckDb(catalog, tmp_path_factory.mktemp("engine"))
    running = service.create(Parts(catalog, engine))
    web = server.create(running, 0, threads=8)
    web.prepare()
    thread = threading.Thread(target=web.serve)
    thread.start()
    catalog.glue.create_database(DatabaseInput={"Name": "pyathena"})
    with connect(
        s3_staging_dir="s3://lake/pyathena/",
        schema_name="pyathena",
        region_name="us-east-1",
        endpoint_url=f"http://127.0.0.1:{web.bind_addr[1]}",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        poll_interval=0.01,
    ) as opened:
        yield opened
    web.stop()
    thread.join()
    running.queries.close()
    engine.close()


def test_values_come_back_as_python_objects(connection: Any):
    cursor = connection.cursor()
    cursor.execute(
        "select 1 as i, 'a' as s, 1.5e0 as d, cast(1.20 as decimal(5,2)) as m, date '2024-01-02' as dt, "
        "timestamp '2024-01-02 03:04:05.678' as ts, true as b, array[1, 2] as a, "
        "cast(row(1, 'x') as row(p integer, q varchar)) as r, X'6869' as bin, null as n"
    )
    assert cursor.fetchall() == [
        (
            1,
            "a",
            1.5,
            Decimal("1.20"),
            date(2024, 1, 2),
            datetime(2024, 1, 2, 3, 4, 5, 678_000),
            True,
            [1, 2],
            {"p": "1", "q": "x"},
            b"hi",
            None,
        )
    ]
    assert [one[0] for one in cursor.description] == [
        "i",
        "s",
        "d",
        "m",
        "dt",
        "ts",
        "b",
        "a",
        "r",
        "bin",
        "n",
    ]
    assert cursor.output_location == f"s3://lake/pyathena/{cursor.query_id}.csv"


def test_a_table_is_created_written_read_and_dropped(connection: Any):
    cursor = connection.cursor()
    cursor.execute(
        "create table people (id int, name string) location 's3://lake/people' "
        "tblproperties ('table_type' = 'ICEBERG')"
    )
    cursor.execute("insert into people values (1, %(name)s), (2, 'b')", {"name": "it's"})
    assert cursor.rowcount == 2
    found = connection.cursor(DictCursor).execute("select * from people order by id").fetchall()
    assert found == [{"id": 1, "name": "it's"}, {"id": 2, "name": "b"}]
    assert cursor.execute("describe people").fetchall()[2] == ("id\tint\t",)
    metadata = cursor.get_table_metadata("people", schema_name="pyathena")
    assert [(column.name, column.type) for column in metadata.columns] == [("id", "int"), ("name", "string")]
    cursor.execute("drop table people")
    with pytest.raises(
        OperationalError, match=r"TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog\.pyathena\.people'"
    ):
        cursor.execute("select * from people")


def test_concurrent_writers_lose_no_row(connection: Any):
    connection.cursor().execute(
        "create table busy (n int) location 's3://lake/busy' tblproperties ('table_type' = 'ICEBERG')"
    )

    def write(writer: int) -> None:
        for number in range(5):
            connection.cursor().execute(f"insert into busy values ({writer * 10 + number})")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    (found,) = connection.cursor().execute("select count(*), count(distinct n) from busy").fetchall()
    assert found == (20, 20)


def test_parameters_are_sent_separately_from_the_statement(connection: Any):
    cursor = connection.cursor()
    cursor.execute("select ? as x, ? as y", ["'it''s'", "5"], paramstyle="qmark")
    assert cursor.fetchall() == [("it's", 5)]


def test_pages_are_followed_to_the_end(connection: Any):
    cursor = connection.cursor()
    cursor.execute("select n from unnest(sequence(1, 2500)) as t(n)")
    assert len(cursor.fetchall()) == 2500


def test_a_syntax_error_is_an_error_of_the_call(connection: Any):
    with pytest.raises(DatabaseError, match="line 1:1: mismatched input 'selec'"):
        connection.cursor().execute("selec 1")


def test_a_long_query_is_cancelled(connection: Any):
    cursor = connection.cursor(AsyncCursor)
    numbers = "unnest(sequence(1, 10000))"
    query_id, future = cursor.execute(
        f"select sum(a.n * b.n % 7 + c.n) from {numbers} as a(n) "
        f"cross join {numbers} as b(n) cross join {numbers} as c(n)"
    )
    while cursor.query_execution(query_id).result().state == "QUEUED":
        time.sleep(0.01)
    cursor.cancel(query_id).result()
    assert future.result().state == "CANCELLED"
