"""The Lambda handlers over HTTP: thin, so one way through each."""

import gzip
import json
import shutil
from pathlib import Path

import pytest

from control import handlers
from control.adapters.s3 import S3Objects
from control.config import Settings
from control.errors import UnavailableError
from control.ingest.files import file_lines

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lake(cloud: Settings) -> Settings:
    handlers._parts.cache_clear()
    for folder in ("bronze", "rendered/bronze"):
        (cloud.contracts / folder).mkdir(parents=True)
        for path in (ROOT / "contracts" / folder).glob("brewery.*"):
            shutil.copy(path, cloud.contracts / folder)
    S3Objects(cloud).ensure_bucket(cloud.bucket)
    return cloud


def message(lake: Settings, name: str) -> dict[str, str]:
    """Land an object, and the SQS message that tells of it."""
    objects = S3Objects(lake)
    objects.put(f"s3://{lake.bucket}/raw/brewery/{name}", gzip.compress(b"brewery_id,brewery_name\n1,A\n"))
    (stored,) = objects.list(f"s3://{lake.bucket}/raw/brewery/{name}")
    found = {"key": stored.key, "size": stored.size_bytes, "etag": stored.etag}
    detail = {"bucket": {"name": lake.bucket}, "object": found}
    event = {"source": "aws.s3", "detail-type": "Object Created", "time": "2026-01-02T03:04:05Z"}
    return {"messageId": name, "body": json.dumps({**event, "detail": detail})}


def test_a_message_registers_its_file_and_a_pass_ingests_it(lake, capsys) -> None:
    batch = {"Records": [message(lake, "a.csv.gz"), {"messageId": "x", "body": "hello"}]}
    assert handlers.register(batch, None) == {"batchItemFailures": []}
    assert '"event": "message.dropped", "id": "x"' in capsys.readouterr().err
    assert [line.state for line in file_lines(handlers._parts())] == []
    assert handlers.ingest({"table": "brewery"}, None) == {"registered": 0, "batches": 1, "left": 0}
    assert [(line.state, line.rows) for line in file_lines(handlers._parts())] == [("published", 1)]


def test_only_messages_that_failed_come_again(lake, monkeypatch) -> None:
    real, calls = handlers.events.register_all, iter([UnavailableError("no answer came"), None])

    def sometimes(*arguments):
        if error := next(calls):
            raise error
        return real(*arguments)

    monkeypatch.setattr(handlers.events, "register_all", sometimes)
    batch = {"Records": [message(lake, "a.csv.gz"), message(lake, "b.csv.gz")]}
    assert handlers.register(batch, None) == {"batchItemFailures": [{"itemIdentifier": "a.csv.gz"}]}
