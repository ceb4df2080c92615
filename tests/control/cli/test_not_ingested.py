"""Objects under `raw/` that nothing ingests, from `dm ingest run` to `dm status` and the alert topic."""

import json

import notifications
import pytest
from two_tables import BREWERIES, answer, invoke, land

from control import handlers
from control.adapters.aws import client
from control.adapters.s3 import S3Objects


@pytest.fixture
def topic(lake, monkeypatch: pytest.MonkeyPatch):
    """Return a function that reads the subjects of the alerts sent to a configured topic."""
    sns, sqs = client(lake, "sns"), client(lake, "sqs")
    arn = sns.create_topic(Name=f"{lake.bucket}-alerts")["TopicArn"]
    queue = sqs.create_queue(QueueName=f"{lake.bucket}-alerts")["QueueUrl"]
    of_queue = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    sns.subscribe(TopicArn=arn, Protocol="sqs", Endpoint=of_queue["Attributes"]["QueueArn"])
    monkeypatch.setenv("DM_ALERT_TOPIC", arn)

    def told() -> list[str]:
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", ())
        for message in found:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"])["Subject"] for message in found]

    return told


def test_only_the_first_run_that_sees_strays_fails_and_alerts(lake, topic) -> None:
    land(lake, "wine/a.csv.gz", BREWERIES)
    told = invoke("ingest", "run", code=1).stderr
    assert "error: raw/wine/: 1 object(s) belong to no table" in told
    assert "raw/wine/a.csv.gz" in told
    for _ in range(2):
        assert "warning: raw/wine/: 1 object(s) belong to no table" in invoke("ingest", "run").stderr
    assert topic() == ["raw.unknown_table: raw/wine/"]


def test_the_ingest_function_alerts_about_strays_too(lake, topic) -> None:
    land(lake, "brewery/a.txt", BREWERIES)
    handlers._parts.cache_clear()
    for _ in range(2):
        handlers.ingest({}, None)
    assert topic() == ["raw.key: raw/brewery/"]


def test_a_run_of_one_table_ignores_the_folders_of_others(lake) -> None:
    for key in ("brewery/a.csv.gz", "profile/a.txt", "wine/a.csv.gz"):
        land(lake, key, BREWERIES)
    assert answer("ingest", "run", "--table", "brewery")["findings"] == []
    handlers._parts.cache_clear()
    handlers.ingest({"table": "brewery"}, None)
    assert [table["stray"] for table in answer("status") if table["stray"]] == []
    found = answer("ingest", "run", code=1)["findings"]
    assert [(one["code"], one["where"]) for one in found] == [
        ("raw.key", "raw/profile/"),
        ("raw.unknown_table", "raw/wine/"),
    ]


def test_status_lists_strays_until_they_are_gone(lake) -> None:
    land(lake, "brewery/a.csv.gz", BREWERIES)
    assert invoke("ingest", "run").stderr
    assert [table["table"] for table in answer("status")] == ["brewery", "profile"]
    for key in ("brewery/a.txt", "brewery/b.txt", "wine/a.csv.gz", "a.csv.gz"):
        land(lake, key, BREWERIES)
    invoke("ingest", "run", code=1)
    brewery, profile, loose, wine = answer("status")
    assert [brewery["last_batch"], profile["stray"], wine["last_batch"], wine["files"]] == [1, [], None, {}]
    assert [(one["table"], len(one["warnings"])) for one in (loose, wine)] == [("raw/", 1), ("wine", 1)]
    [stray] = brewery["stray"]
    assert (stray["folder"], stray["code"], stray["count"]) == ("raw/brewery/", "raw.key", 2)
    assert stray["examples"][0].startswith("raw/brewery/a.txt (is neither .csv nor .json")
    shown = invoke("status")
    assert "wine" not in shown.stdout
    for line in ("brewery: 2 object(s)", "wine: 1 object(s)", "raw/: 1 object(s)"):
        assert f"warning: {line}" in shown.stderr
    objects = S3Objects(lake)
    objects.delete(f"s3://{lake.bucket}/raw/{key}" for key in ("brewery/a.txt", "brewery/b.txt", "a.csv.gz"))
    invoke("ingest", "run")
    assert [(one["table"], len(one["stray"])) for one in answer("status")] == [
        ("brewery", 0),
        ("profile", 0),
        ("wine", 1),
    ]


def test_a_stray_deleted_from_a_versioned_bucket_is_gone(lake) -> None:
    versions = {"Status": "Enabled"}
    client(lake, "s3").put_bucket_versioning(Bucket=lake.bucket, VersioningConfiguration=versions)
    land(lake, "wine/a.csv.gz", BREWERIES)
    land(lake, "brewery/a.txt", BREWERIES)
    invoke("ingest", "run", code=1)
    uris = [f"s3://{lake.bucket}/raw/{key}" for key in ("wine/a.csv.gz", "brewery/a.txt")]
    S3Objects(lake).delete(uris)
    assert len(list(S3Objects(lake).list(f"s3://{lake.bucket}/raw/"))) == 2
    assert answer("ingest", "run")["findings"] == []


def test_the_register_function_remembers_strays_without_a_listing(lake, topic) -> None:
    handlers._parts.cache_clear()
    handlers.ingest({}, None)
    land(lake, "wine/a.csv.gz", BREWERIES)
    [stored] = S3Objects(lake).list(f"s3://{lake.bucket}/raw/")
    message = notifications.queued(notifications.event_bridge(stored))
    assert handlers.register({"Records": [message]}, None) == {"batchItemFailures": []}
    assert topic() == []
    handlers.ingest({}, None)
    assert topic() == ["raw.unknown_table: raw/wine/"]
