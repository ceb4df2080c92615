"""Racing writers on Trino: every append reported as successful is there, and one MERGE adds a row."""

import threading
from concurrent.futures import ThreadPoolExecutor

from clouds import Clouds
from gateway import Gateway

WRITERS, APPENDS = 4, 15
PROPERTIES = "table_type = 'ICEBERG', is_external = false, location = 's3://lake/appended'"


def test_each_append_of_four_writers_is_kept_or_refused_on_trino(clouds: Clouds) -> None:
    """On a busy machine Trino fails some appends, after a few tries in which other writers were faster."""
    client = Gateway(clouds.trino)
    assert client.results("create schema appends").get("error") is None
    made = f"create table appended with ({PROPERTIES}) as select 0 as writer, 0 as n where false"
    assert client.results(made, "appends").get("error") is None
    writers = [Gateway(clouds.trino) for _ in range(WRITERS)]
    together = threading.Barrier(WRITERS)

    def write(writer: int) -> list[str]:
        together.wait(timeout=120)
        inserts = (f"insert into appended values ({writer}, {number})" for number in range(APPENDS))
        return [writers[writer].ask(insert, "appends").error for insert in inserts]

    with ThreadPoolExecutor(WRITERS) as pool:
        errors = [error for found in pool.map(write, range(WRITERS)) for error in found if error]
    assert all("ICEBERG_COMMIT_ERROR" in error for error in errors), errors
    assert len(errors) < WRITERS * APPENDS / 2
    counted = "select count(*), count(distinct (writer, n)) from appended"
    assert client.ask(counted, "appends").rows == ((str(WRITERS * APPENDS - len(errors)),) * 2,)


def test_of_many_concurrent_merges_one_inserts_the_missing_row_on_trino(clouds: Clouds) -> None:
    client = Gateway(clouds.trino)
    assert client.results("create schema merges").get("error") is None
    table = "create table once (n int) location 's3://lake/once' tblproperties ('table_type' = 'ICEBERG')"
    assert client.results(table, "merges").get("error") is None
    writers = [Gateway(clouds.trino) for _ in range(WRITERS)]
    together = threading.Barrier(WRITERS)
    merge = "merge into once using (select 1 as n) as s on true when not matched then insert (n) values (s.n)"

    def write(writer: int) -> str:
        together.wait(timeout=120)
        return writers[writer].ask(merge, "merges").error or ""

    with ThreadPoolExecutor(WRITERS) as pool:
        errors = [error for error in pool.map(write, range(WRITERS)) if error]
    assert all("ICEBERG_COMMIT_ERROR" in error for error in errors), errors
    assert client.ask("select n from once", "merges").rows == (("1",),)
