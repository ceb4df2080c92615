"""The Lambda handlers over HTTP. They are thin, so each has few tests."""

import gzip
import shutil
from pathlib import Path

import notifications
import pytest

from control import handlers
from control.adapters.s3 import S3Objects
from control.config import Settings
from control.errors import DataError, UnavailableError, UsageError
from control.ingest.files import file_lines

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lake(cloud: Settings) -> Settings:
    handlers._parts.cache_clear()
    for folder, names in (
        ("bronze", "brewery.*"),
        ("rendered/bronze", "brewery.*"),
        ("silver", "breweries.*"),
    ):
        (cloud.contracts / folder).mkdir(parents=True)
        for path in (ROOT / "contracts" / folder).glob(names):
            shutil.copy(path, cloud.contracts / folder)
    S3Objects(cloud).ensure_bucket(cloud.bucket)
    return cloud


def message(lake: Settings, name: str) -> dict[str, str]:
    """Land an object and return the SQS message about it."""
    objects = S3Objects(lake)
    objects.put(f"s3://{lake.bucket}/raw/brewery/{name}", gzip.compress(b"brewery_id,brewery_name\n1,A\n"))
    (stored,) = objects.list(f"s3://{lake.bucket}/raw/brewery/{name}")
    return notifications.queued(notifications.event_bridge(stored), name)


def test_a_message_registers_its_file_and_a_pass_ingests_it(lake, capsys) -> None:
    batch = {"Records": [message(lake, "a.csv.gz"), {"messageId": "x", "body": "hello"}]}
    assert handlers.register(batch, None) == {"batchItemFailures": []}
    assert '"event": "message.dropped", "id": "x"' in capsys.readouterr().err
    assert [line.state for line in file_lines(handlers._parts())] == []
    assert handlers.ingest({"table": "brewery"}, None) == {"registered": 0, "batches": 1, "left": 0}
    assert [(line.state, line.rows) for line in file_lines(handlers._parts())] == [("published", 1)]


def test_only_messages_that_failed_are_redelivered(lake, monkeypatch) -> None:
    real, calls = handlers.events.register_all, iter([UnavailableError("no answer came"), None])

    def sometimes(*arguments):
        if error := next(calls):
            raise error
        return real(*arguments)

    monkeypatch.setattr(handlers.events, "register_all", sometimes)
    batch = {"Records": [message(lake, "a.csv.gz"), message(lake, "b.csv.gz")]}
    assert handlers.register(batch, None) == {"batchItemFailures": [{"itemIdentifier": "a.csv.gz"}]}


DAYS = ("DM_RAW_DAYS", "DM_BRONZE_DAYS", "DM_QUARANTINE_DAYS")


@pytest.fixture
def consumed(lake: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """One published file that silver has consumed. moto's Athena runs no statements, so answers are faked."""
    handlers.register({"Records": [message(lake, "a.csv.gz")]}, None)
    handlers.ingest({}, None)
    rows = [(f"{lake.schema_prefix}bronze.brewery", "breweries_state", "1")]
    monkeypatch.setattr(handlers, "query", lambda _environ, group: lambda _: rows if group == "build" else [])
    monkeypatch.setenv("DM_WORKGROUP", "build")
    return lake


def promise(lake: Settings, days: str) -> None:
    """Let the contract promise to keep rows for `days`."""
    path = lake.contracts / "bronze/brewery.yaml"
    text = path.read_text()
    path.write_text(text.replace("retention\n    value: 60", f"retention\n    value: {days}"))
    assert path.read_text() != text


def test_rows_are_kept_as_long_as_their_contract_promises(
    consumed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in DAYS:
        monkeypatch.setenv(name, "0")
    assert handlers.retention({}, None)["tagged"] == 1, "only its raw file"


def test_one_run_of_retention_releases_objects_and_another_takes_them_back(
    consumed: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    promise(consumed, "0")
    for days, done in (("0", (2, 0, 0)), ("0", (0, 0, 0)), ("90", (0, 2, 1))):
        for name in DAYS:
            monkeypatch.setenv(name, days)
        answer = handlers.retention({"table": "brewery"}, None)
        assert answer == dict(zip(("tagged", "taken_back", "returned"), done, strict=True))


def test_retention_fails_and_names_the_batch_that_has_lost_objects(
    consumed: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    promise(consumed, "0")
    for name in DAYS:
        monkeypatch.setenv(name, "0")
    handlers.retention({}, None)
    objects = S3Objects(consumed)
    objects.delete(one.uri for one in objects.list(f"s3://{consumed.bucket}/bronze/brewery/"))
    monkeypatch.setattr(handlers, "query", lambda _environ, _group: lambda _: [])
    with pytest.raises(DataError, match="brewery 1"):
        handlers.retention({}, None)
    assert '"event": "batch.lost", "table": "brewery", "batch": 1, "missing": 1' in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", "soon", "-1", "1e3", "\u0661"])
def test_retention_without_a_number_of_days_is_refused(
    consumed: Settings, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    for name in DAYS:
        monkeypatch.setenv(name, text)
    with pytest.raises(UsageError, match="DM_RAW_DAYS is a number of days"):
        handlers.retention({}, None)
