"""A real PostgreSQL through Debezium, Kafka, a sink to S3, ingestion and dbt: silver equals the source.

The sink's files are ingested unchanged. Debezium's snapshot begins during open transactions, four sessions
change the table at random, Kafka and Kafka Connect are killed twice, and the sink is paused, reconfigured,
and made to deliver everything again.
"""

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "debezium"))
sys.path.insert(0, str(Path(__file__).parents[1] / "e2e"))
sys.path.insert(0, str(Path(__file__).parents[1] / "services"))

from connect import AIVEN, AS_JSON, DEBEZIUM, SINK, Pipeline
from lakehouse import Lakehouse, temporary
from postgres import Server, Session, server
from project import Project
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

ROUNDS = 6  # of a session's work; together they outlast both kills


@pytest.fixture
def source() -> Iterator[Server]:
    with server() as running:
        yield running


@pytest.fixture
def lakehouse(tmp_path: Path) -> Iterator[Lakehouse]:
    with temporary(tmp_path) as house:
        house.s3().put_bucket_versioning(Bucket="lake", VersioningConfiguration={"Status": "Enabled"})
        yield house


@pytest.fixture
def kafka(source: Server, lakehouse: Lakehouse, tmp_path: Path) -> Iterator[Pipeline]:
    plugin = os.environ.get("SINK", "")
    pipeline = Pipeline(tmp_path / "kafka", source.port, "public.wine", lakehouse, plugin)
    try:
        yield pipeline
    finally:
        pipeline.kill()


def test_the_settings_are_those_of_the_docs() -> None:
    page = Path(__file__).parents[2].joinpath("docs/raw-files.md").read_text()
    page = page.partition("### Through Kafka")[2]
    blocks = [block.strip().splitlines() for block in page.split("```")[1:4:2]]
    said, sink = (dict(line.split("=", 1) for line in lines) for lines in blocks)
    assert said.items() <= DEBEZIUM.items()
    assert sink == SINK | {"connector.class": AIVEN}


def catch_up(shop: Session, kafka: Pipeline, first: int) -> None:
    """Wait until all changes have landed: the last rows inserted, in each partition."""
    shop.ask(f"insert into wine select n, 'after {first}' from generate_series({first}, {first + 11}) as n")
    for number in range(first, first + 12):
        wait_for(kafka, f'"wine_id":{number}')
    keys = [key for (key, _), lines in kafka.landed.items() if f"after {first}" in "".join(lines)]
    assert {key.rpartition("/")[2][:2] for key in keys} == {"0-", "1-", "2-"}


def test_silver_equals_the_source(
    source: Server, lakehouse: Lakehouse, kafka: Pipeline, tmp_path: Path
) -> None:
    with source.session() as shop, ExitStack() as sessions:
        shop.ask(TABLE)
        start_across_transactions(source, shop, kafka)
        workers = [sessions.enter_context(source.session()) for _ in range(4)]
        for number, worker in enumerate(workers * ROUNDS):
            worker.begin(WORK.format(seed=number / 100))
        kill_and_start(shop, kafka, 1)
        take_a_key_from_another(source, shop)
        kill_and_start(shop, kafka, 2)
        shop.ask("insert into wine values (1500, 'before the pause')")
        wait_for(kafka, '"wine_id":1500')

        project = Project(tmp_path / "project", lakehouse, kafka.lines())
        kafka.ask("PUT", "/connectors/sink/pause")
        for worker in workers * ROUNDS:
            worker.answer()
        project.silver(COLUMNS)
        kafka.ask("PUT", "/connectors/sink/resume")
        catch_up(shop, kafka, 2000)
        assert project.silver(COLUMNS) == truth(shop)

        kafka.connectors["sink"] |= AS_JSON
        kafka.start()
        shop.ask("begin; truncate wine; insert into wine values (1, 'after the truncate', 1, 1); commit")
        shop.ask("update wine set wine_id = 3000 where wine_id = 1")
        kafka.deliver_again()
        catch_up(shop, kafka, 4000)
        assert project.silver(COLUMNS) == truth(shop)
        assert_that_it_was_hard([json.loads(line) for line in kafka.lines()])
        versions = Counter(key for key, _ in kafka.landed)
        assert max(versions.values()) > 1  # the sink wrote a key again
