"""Trino as a part of a local cloud: named when it dies, restarted by `up`, its statements cancelled."""

import json
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway import Gateway
from lakehouse import Lakehouse, start

LONG = (
    "select count(*) from unnest(sequence(1, 9000)) a(x) cross join unnest(sequence(1, 9000)) b(y) "
    "cross join unnest(sequence(1, 100)) c(z) where x * y * z % 7 = 1"
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lakehouse]:
    house = start(tmp_path_factory.mktemp("life"), "--engine", "trino", "--heap", "768")
    yield house
    house.run("dm", "local", "reset", "--dir", str(house.folder / "cloud"))


def _parts(house: Lakehouse, expect: int = 0) -> dict[str, dict[str, object]]:
    told = house.run("dm", "local", "status", "--json", "--dir", str(house.folder / "cloud"), expect=expect)
    return {part["name"]: part for part in json.JSONDecoder().raw_decode(told)[0]["parts"]}


def test_status_shows_trinos_version_heap_memory_and_log(house: Lakehouse) -> None:
    trino = _parts(house)["trino"]
    assert trino["version"] == "trino 476, heap 768 MB"
    assert 100 << 20 < int(str(trino["memory_bytes"])) < 1536 << 20
    assert Path(str(trino["log"])).is_file()


def test_a_statement_is_cancelled_in_trino_too(house: Lakehouse) -> None:
    gateway = Gateway(house)
    query_id = gateway.start(LONG)
    wait_until_running(gateway, 1)
    gateway.client.stop_query_execution(QueryExecutionId=query_id)
    assert gateway.wait(query_id)["State"] == "CANCELLED"
    wait_until_running(gateway, 0)


def wait_until_running(gateway: Gateway, count: int) -> None:
    """Wait until Trino runs this number of statements such as LONG."""
    running = "select count(*) from system.runtime.queries where state = 'RUNNING' and query like '%9000%'"
    deadline = time.monotonic() + 60
    while gateway.ask(running, "default").rows != ((str(count + 1),),):  # with this query itself
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_another_engine_is_refused_while_trino_runs(house: Lakehouse) -> None:
    up = ("dm", "local", "up", "--engine", "duckdb", "--dir", str(house.folder / "cloud"))
    assert "runs with the engine trino" in house.run(*up, expect=2)


def test_a_dead_trino_is_named_with_its_log_and_up_restarts_it(house: Lakehouse) -> None:
    cloud = str(house.folder / "cloud")
    gateway = Gateway(house)
    assert gateway.results("create schema kept").get("error") is None
    trino = _parts(house)["trino"]
    os.kill(int(str(trino["pid"])), signal.SIGKILL)
    error = gateway.results("select 1")["error"]
    assert f"its log is {trino['log']}" in error
    assert "dm local up" in error
    assert _parts(house, expect=1)["trino"]["running"] is False
    house.run("dm", "local", "up", "--dir", cloud)
    assert gateway.ask("select 1", "default").rows == (("1",),)
    assert ("kept",) in gateway.ask("select schema_name from information_schema.schemata", "default").rows
