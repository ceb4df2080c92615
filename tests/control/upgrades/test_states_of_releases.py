"""Today's code continues from the state that a release left: nothing is lost, duplicated or skipped.

The `v*.json` files here are states of releases, recorded by `record_state.py`: a batch in each state, dead
workers, an incomplete reload, and refused records that were waived, replayed or neither.
"""

import base64
import gzip
import io
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pyarrow.parquet as pq
import pytest
from boto3.dynamodb.types import TypeDeserializer

from control import tally
from control.adapters.dynamodb import KINDS
from control.ingest import quarantine, tables
from control.ingest.files import file_lines
from control.ingest.replay import Replay, replay
from control.ingest.rules import Rules
from control.ingest.run import Outcome, run
from control.model import Batch, Head, RawFile, Reload
from control.ports import Parts, every
from control.serialization import to_record
from control.status import every_status
from control.wiring import connect

HERE = Path(__file__).parent
CONTRACTS = HERE.parents[2] / "contracts"
TABLE = "dm-processing-control"
NAMES = ("beer", "brewery", "profile", "review")
RELOAD = "raw/brewery/epoch=1/extract=2/reload=1"
# The keys that bronze must have of each table once everything is ingested, each row once.
ROWS = {
    "beer": [1],
    "brewery": [3, 3, 5, 9, 12],
    "profile": [1],
    "review": [1],
}
REFUSED = Counter({
    ("brewery", "raw/brewery/a.json.gz"): 2,
    ("brewery", "raw/brewery/b.json.gz"): 1,
    ("brewery", "raw/brewery/c.json.gz"): 1,
    ("brewery", "raw/brewery/d.json.gz"): 1,
    ("brewery", "raw/brewery/poison.json.gz"): 1,
    ("beer", "raw/beer/written.json.gz"): 1,
    ("profile", "raw/profile/2.json.gz"): 1,
})  # fmt: skip


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a moto server in a process of its own: all servers in one process share their buckets."""
    log = tmp_path_factory.mktemp("moto") / "log"
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    with log.open("w") as file, subprocess.Popen(command, stdout=file, stderr=file) as server:
        while (found := re.search(r"Running on (\S+)", log.read_text())) is None:
            assert server.poll() is None, log.read_text()
            time.sleep(0.1)
        yield found[1]
        server.terminate()


@pytest.fixture(params=sorted(HERE.glob("v*.json")), ids=lambda path: path.stem)
def state(request: pytest.FixtureRequest, endpoint: str, monkeypatch) -> Iterator[dict[str, Any]]:
    """Restore the recorded state in store, bucket and catalog, under its original names."""
    for name, value in {
        "AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
        "DM_TOKEN_KEY": "a key to record with, long enough", "DM_CONTRACTS": str(CONTRACTS),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    found: dict[str, Any] = json.loads(request.param.read_text())
    s3, dynamodb, glue = (boto3.client(name, endpoint_url=endpoint) for name in ("s3", "dynamodb", "glue"))
    s3.create_bucket(Bucket="lake")
    for key, body in found["objects"].items():
        s3.put_object(Bucket="lake", Key=key, Body=base64.b64decode(body))
    dynamodb.create_table(TableName=TABLE, BillingMode="PAY_PER_REQUEST", **found["table"])
    for item in found["items"]:
        dynamodb.put_item(TableName=TABLE, Item=item)
    glue.create_database(DatabaseInput={"Name": "bronze"})
    for name, one in found["catalog"].items():
        glue.create_table(DatabaseName="bronze", TableInput=one["table"])
        for partition in one["partitions"]:
            glue.create_partition(DatabaseName="bronze", TableName=name, PartitionInput=partition)
    yield found
    for one in s3.list_objects_v2(Bucket="lake")["Contents"]:
        s3.delete_object(Bucket="lake", Key=one["Key"])
    s3.delete_bucket(Bucket="lake")
    dynamodb.delete_table(TableName=TABLE)
    glue.delete_database(Name="bronze")


@pytest.fixture
def parts(state: dict[str, Any]) -> Parts:
    return connect(os.environ)


def ingest(parts: Parts) -> Outcome:
    rules = Rules(lease_seconds=5, retry_seconds=0.01)
    return run(tables.load(parts.settings), parts, rules, mode="until_idle")


def rows(parts: Parts, table: str) -> list[int]:
    """Return the keys of the rows that readers see."""
    glue = boto3.client("glue", endpoint_url=parts.settings.endpoint)
    found = []
    for partition in glue.get_partitions(DatabaseName="bronze", TableName=table)["Partitions"]:
        for stored in parts.objects.list(partition["StorageDescriptor"]["Location"]):
            read = pq.ParquetFile(io.BytesIO(parts.objects.get(stored.uri))).read([f"{table}_id"])
            found += read.column(0).to_pylist()
    return sorted(found)


def listed(parts: Parts) -> Counter[tuple[str, str]]:
    """Count the refused records that are listed for each raw file, in its latest batch."""
    return Counter((name, one.key) for name in NAMES for one in quarantine.refused(parts, name))


def test_every_written_field_is_read(state: dict[str, Any], parts: Parts) -> None:
    kinds = {prefix: kind for kind, prefix in KINDS.items()}
    read = TypeDeserializer().deserialize
    for item in state["items"]:
        fields = {name: read(value) for name, value in item.items()}
        kind = kinds[fields["pk"].partition("#")[0]]
        table = fields.get("table", "")
        stored = parts.store.get(kind, table, fields["sk"])
        assert stored is not None
        assert fields.keys() - {"pk", "sk", "open_pk", "refused_pk"} <= to_record(stored).keys()


def test_all_open_work_is_finished_and_nothing_ingested_twice(parts: Parts) -> None:
    ingest(parts)
    assert {table: rows(parts, table) for table in NAMES} == ROWS
    for table in NAMES:
        batches = list(every(parts.store, Batch, table))
        head = parts.store.get(Head, table, table)
        assert head is not None
        assert head.intent is None
        numbers = sorted(batch.number for batch in batches if batch.number)
        assert numbers == list(range(1, head.number + 1))
        assert not [batch for batch in batches if batch.needs_work]
        waits = {f"{RELOAD}/_COMPLETE"}
        files = {file.key: file for file in every(parts.store, RawFile, table)}
        assert {key for key, file in files.items() if file.is_open} <= waits
    states = Counter(line.state for table in NAMES for line in file_lines(parts, table))
    assert states == {"published": 11, "failed": 2, "registered": 1}


def test_refused_records_are_found_even_after_replays_by_todays_code(parts: Parts) -> None:
    ingest(parts)
    assert listed(parts) == REFUSED
    # The count is the same after each round, so records that the release had refused are not missed.
    for _ in range(3):
        files = {file.key: file for file in every(parts.store, RawFile, "brewery")}
        again = files["raw/brewery/a.json.gz"]
        batch = parts.store.get(Batch, "brewery", again.batch_id or "")
        assert batch is not None
        assert replay(Replay(batch, (again,)), "once more", parts).batch is not None
        ingest(parts)
    assert listed(parts) == REFUSED


def test_a_recount_moves_batches_with_refused_records_to_their_own_index(parts: Parts) -> None:
    ingest(parts)
    before = listed(parts)
    for table in NAMES:
        tally.recount(table, parts)
    dynamodb = boto3.client("dynamodb", endpoint_url=parts.settings.endpoint)
    items = dynamodb.scan(TableName=TABLE)["Items"]
    old = [item for item in items if item.get("open_pk", {}).get("S", "").startswith("quarantined#")]
    assert old == []
    assert listed(parts) == before


def test_a_batch_changed_by_an_old_worker_in_the_meantime_is_found_once(parts: Parts) -> None:
    """The old worker does not know the index `refused`: it writes its own and leaves the other unchanged."""
    ingest(parts)
    for table in NAMES:
        tally.recount(table, parts)
    dynamodb = boto3.client("dynamodb", endpoint_url=parts.settings.endpoint)
    for item in dynamodb.scan(TableName=TABLE)["Items"]:
        if "refused_pk" in item:
            key = {name: item[name] for name in ("pk", "sk")}
            values = {":at": item["refused_pk"], ":swept": {"N": "1"}}
            dynamodb.update_item(
                TableName=TABLE,
                Key=key,
                UpdateExpression="SET open_pk = :at, swept = :swept",
                ExpressionAttributeValues=values,
            )
    assert listed(parts) == REFUSED


def test_an_incomplete_reload_is_completed(parts: Parts) -> None:
    ingest(parts)
    body = gzip.compress(b"brewery_id,brewery_name\n5,Reloaded 5\n", mtime=0)
    parts.objects.put(f"s3://lake/{RELOAD}/2.csv.gz", body)
    ingest(parts)
    [reload] = every(parts.store, Reload, "brewery")
    assert not reload.is_open
    assert rows(parts, "brewery") == [3, 3, 5, 5, 9, 12]


def test_a_recount_does_not_change_the_status(parts: Parts) -> None:
    ingest(parts)
    before = every_status(NAMES, parts, {})
    for table in NAMES:
        tally.recount(table, parts)
    after = every_status(NAMES, parts, {})
    assert [(one.files, one.records, one.rows, one.quarantined, one.events) for one in before] == [
        (one.files, one.records, one.rows, one.quarantined, one.events) for one in after
    ]
    assert all(one.records == one.rows + one.quarantined + one.control for one in after)
