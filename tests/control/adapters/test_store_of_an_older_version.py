"""A control table that an older version created gets the missing index."""

from dataclasses import replace
from datetime import UTC, datetime

from control.adapters import dynamodb
from control.adapters.dynamodb import DynamoStore
from control.model import Batch, Counts

NOON = datetime(2026, 1, 2, 12, 0, 0, 123456, UTC)
BATCH = Batch(
    batch_id="b1", table="review", file_ids=("f1", "f2"), size_bytes=20, engine="light", created_at=NOON
)


def test_a_table_of_an_older_version_gets_the_missing_index(request, monkeypatch) -> None:
    store = DynamoStore(request.getfixturevalue("cloud"))
    monkeypatch.setattr(dynamodb, "INDICES", (dynamodb.WORK,))
    store.ensure()
    monkeypatch.undo()
    store.ensure()
    store.create(BATCH)
    refused = replace(BATCH, batch_id="b2", state="published", counts=(Counts(3, 2, 1, 0),))
    store.create(refused)
    assert store.query(Batch, "review", place="quarantined").items == (refused,)
    assert store.query(Batch, "review", place="open").items == (BATCH,)


def test_two_processes_that_find_the_index_missing_both_succeed(request, monkeypatch) -> None:
    cloud = request.getfixturevalue("cloud")
    store, other = DynamoStore(cloud), DynamoStore(cloud)
    monkeypatch.setattr(dynamodb, "INDICES", (dynamodb.WORK,))
    store.ensure()
    monkeypatch.undo()
    for name, value in {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}.items():
        monkeypatch.setenv(name, value)
    describe, late = store._client.describe_table, [other.ensure]

    def described(**request: str) -> object:
        found = describe(**request)
        if late:
            late.pop()()
        return found

    monkeypatch.setattr(store._client, "describe_table", described)
    store.ensure()
    assert store.query(Batch, "review", place="quarantined").items == ()
