"""boto3: concurrent clients, racing writers, and stopped queries."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from localcloud.athena.queries import WORKERS

CLIENTS = 16
WRITERS, APPENDS = 4, 15
ICEBERG = "tblproperties ('table_type' = 'ICEBERG')"


def test_sixteen_concurrent_clients_each_see_their_own_work(new):
    together = threading.Barrier(CLIENTS)
    clients = [new() for _ in range(CLIENTS)]

    def work(number):
        client = clients[number]
        together.wait(timeout=120)
        properties = f"table_type = 'ICEBERG', is_external = false, location = 's3://lake/own{number}'"
        client.run(f"create table own{number} with ({properties}) as select {number} as n")
        client.run(f"insert into own{number} values ({number + 100})")
        client.run(f"update own{number} set n = n + 1000 where n > 99")
        return client.run(f"select n from own{number} order by n")

    with ThreadPoolExecutor(CLIENTS) as pool:
        found = list(pool.map(work, range(CLIENTS)))
    assert found == [[(str(number),), (str(number + 1100),)] for number in range(CLIENTS)]


def test_all_of_sixty_appends_of_four_writers_are_kept(new):
    client = new()
    client.run(f"create table appended (writer int, n int) location 's3://lake/appended' {ICEBERG}")
    together = threading.Barrier(WRITERS)
    writers = [new() for _ in range(WRITERS)]

    def write(writer):
        mine = writers[writer]
        together.wait(timeout=120)
        for number in range(APPENDS):
            mine.run(f"insert into appended values ({writer}, {number})")

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(write, range(WRITERS)))
    counted = client.run("select count(*), count(distinct (writer, n)) from appended")
    assert counted == [(str(WRITERS * APPENDS),) * 2]
    assert client.run('select count(*) from "appended$snapshots"') == [(str(WRITERS * APPENDS),)]


def test_of_many_concurrent_merges_one_inserts_the_missing_row(new):
    client = new()
    client.run(f"create table once (n int) location 's3://lake/once' {ICEBERG}")
    together = threading.Barrier(WRITERS)
    writers = [new() for _ in range(WRITERS)]
    merge = "merge into once using (select 1 as n) as s on true when not matched then insert (n) values (s.n)"

    def write(writer):
        together.wait(timeout=120)
        return writers[writer].end(writers[writer].start(merge))

    with ThreadPoolExecutor(WRITERS) as pool:
        ended = set(pool.map(write, range(WRITERS)))
    assert "SUCCEEDED" in ended
    assert client.run("select n from once") == [("1",)]


def endless(prefix=""):
    numbers = "unnest(sequence(1, 10000))"
    return (
        f"{prefix}select sum(a.n * b.n % 7 + c.n) as s from {numbers} as a(n) "
        f"cross join {numbers} as b(n) cross join {numbers} as c(n)"
    )


def test_stopped_queries_make_room_for_waiting_ones(new):
    client = new()
    running = [client.start(endless()) for _ in range(WORKERS)]
    while "QUEUED" in client.states(*running):
        time.sleep(0.01)
    waiting = client.start("select 1")
    assert client.states(waiting) == {"QUEUED"}
    for query in running:
        client.athena.stop_query_execution(QueryExecutionId=query)
    assert client.end(waiting) == "SUCCEEDED"
    assert client.states(*running) == {"CANCELLED"}


def test_a_stopped_write_leaves_nothing_behind(new):
    client = new()
    properties = "table_type = 'ICEBERG', is_external = false, location = 's3://lake/stopped'"
    query = client.start(endless(f"create table stopped with ({properties}) as "))
    while "QUEUED" in client.states(query):
        time.sleep(0.01)
    client.athena.stop_query_execution(QueryExecutionId=query)
    assert client.end(query) == "CANCELLED"
    assert client.run("show tables 'stopped'") == []
    assert client.run(f"create table stopped with ({properties}) as select 1 as s") == []
