"""A real PostgreSQL through a real Debezium, ingestion and dbt: silver equals the source.

The records are landed as Debezium writes them. Its snapshot begins during open transactions, four sessions
change the table at random all the time, and it is killed twice, after which records are repeated.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))
sys.path.insert(0, str(Path(__file__).parents[1] / "services"))

from connector import Connector
from lakehouse import Lakehouse, temporary
from postgres import Server, server
from project import Project, packed
from wine import (
    COLUMNS,
    TABLE,
    WORK,
    assert_that_it_was_hard,
    kill_and_start,
    start_across_transactions,
    take_a_key_from_another,
    truth,
    wait_for,
)


@pytest.fixture
def source() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture
def lakehouse(tmp_path: Path) -> Iterator[Lakehouse]:
    with temporary(tmp_path) as house:
        yield house


@pytest.fixture
def debezium(source: Server, tmp_path: Path) -> Iterator[Connector]:
    connector = Connector(tmp_path / "debezium", source.port, "public.wine")
    try:
        yield connector
    finally:
        connector.kill()


def land(lakehouse: Lakehouse, lines: list[str], name: str) -> None:
    lakehouse.put(f"raw/wine/debezium/{name}.json.gz", packed(lines))


def test_silver_equals_the_source(
    source: Server, lakehouse: Lakehouse, debezium: Connector, tmp_path: Path
) -> None:
    with source.session() as shop, ExitStack() as sessions:
        shop.ask(TABLE)
        start_across_transactions(source, shop, debezium)
        workers = [sessions.enter_context(source.session()) for _ in range(4)]
        for number, worker in enumerate(workers):
            worker.begin(WORK.format(seed=number / 10))
        kill_and_start(shop, debezium, 1)
        take_a_key_from_another(source, shop)
        kill_and_start(shop, debezium, 2)
        for worker in workers:
            worker.answer()
        shop.ask("insert into wine values (2000, 'before the truncate')")
        wait_for(debezium, '"wine_id":2000')

        written = debezium.lines()
        project = Project(tmp_path / "project", lakehouse, written)
        half = len(written) // 2
        land(lakehouse, written[:half], "1")
        project.silver(COLUMNS)
        land(lakehouse, written[half:], "2")
        assert project.silver(COLUMNS) == truth(shop)

        shop.ask("begin; truncate wine; insert into wine values (1, 'after the truncate', 1, 1); commit")
        shop.ask("update wine set wine_id = 3000 where wine_id = 1")
        wait_for(debezium, '"wine_id":3000')
        land(lakehouse, debezium.lines()[len(written) :], "3")
        assert project.silver(COLUMNS) == truth(shop)
        assert_that_it_was_hard([json.loads(line) for line in debezium.lines()])
