"""A role allows the calls that its component makes; every other permission has a stated reason."""

import gzip
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import notifications
import pytest
from calls import Call, recorded
from iam import actions, allows
from moto.server import ThreadedMotoServer
from rendered import properties, values

from control import handlers, wiring
from control.adapters.dynamodb import DynamoStore
from control.adapters.s3 import S3Objects
from control.config import from_environment

ROOT = Path(__file__).parents[2]
PREFIX = values("dev")["SchemaPrefix"]
LAKE = "beer-dev-lake-123456789012"

# Permissions that no test uses, and why they are needed.
BY_AWS = "Lambda itself does it under the role"
BY_KEYS = "S3, SQS and DynamoDB ask KMS under the role; no client of ours does"
UNSEEN = {
    "RegisterRole": {
        "sqs:ReceiveMessage": BY_AWS,
        "sqs:DeleteMessage": BY_AWS,
        "sqs:GetQueueAttributes": BY_AWS,
        "logs:CreateLogStream": BY_AWS,
        "logs:PutLogEvents": BY_AWS,
        "kms:Decrypt": BY_KEYS,
        "dynamodb:GetItem": "if another process recorded a stray object first, the function reads that item",
    },
    "IngestRole": {
        "logs:CreateLogStream": BY_AWS,
        "logs:PutLogEvents": BY_AWS,
        "kms:Decrypt": BY_KEYS,
        "kms:GenerateDataKey": BY_KEYS,
        "s3:ListBucket": "S3 requires it if an object is absent; infra/calls.yaml has recorded that",
        "s3:AbortMultipartUpload": "boto3 aborts a failed multipart upload; the tests upload in one part",
        "glue:GetPartition": "a publisher that takes over checks for the partition of the dead one",
    },
}


@pytest.fixture(scope="module")
def module_monkeypatch() -> Iterator[pytest.MonkeyPatch]:
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def lake(
    module_monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Any]]:
    """A lake on moto with the names and variables that the functions have in dev."""
    monkeypatch = module_monkeypatch
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    contracts = tmp_path_factory.mktemp("project") / "contracts"
    for folder in ("bronze", "rendered/bronze"):
        (contracts / folder).mkdir(parents=True)
        for path in (ROOT / "contracts" / folder).glob("b*.*"):
            shutil.copy(path, contracts / folder)
    given = properties("control", "IngestFunction", "dev")["Environment"]["Variables"]
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    topic = boto3.client("sns", "us-east-1").create_topic(Name="beer-dev-alerts")["TopicArn"]
    given = {name: str(value) for name, value in given.items()}
    environment = {
        **given,
        "DM_ALERT_TOPIC": topic,
        "DM_TOKEN_KEY": "k" * 32,
        "DM_CONTRACTS": str(contracts),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    settings = from_environment({**environment, "AWS_ENDPOINT_URL": f"http://{host}:{port}"})
    S3Objects(settings).ensure_bucket(LAKE)
    s3 = boto3.client("s3", "us-east-1")
    s3.put_bucket_versioning(Bucket=LAKE, VersioningConfiguration={"Status": "Enabled"})
    DynamoStore(settings).ensure()
    boto3.client("glue", "us-east-1").create_database(DatabaseInput={"Name": f"{PREFIX}bronze"})
    # On AWS, the deployment creates these, not the functions.
    monkeypatch.setattr(wiring, "ensure", lambda *_: None)
    handlers._parts.cache_clear()
    yield {"s3": s3, "settings": settings}
    handlers._parts.cache_clear()
    server.stop()


def _land(lake: dict[str, Any], name: str, content: bytes, table: str = "brewery") -> dict[str, Any]:
    found = notifications.landed(lake["s3"], LAKE, f"raw/{table}/{name}", content)
    return notifications.queued(notifications.event_bridge(found), name)


def _good(number: int) -> bytes:
    return gzip.compress(f"brewery_id,brewery_name\n{number},A\n".encode())


@pytest.fixture(scope="module")
def calls(lake: dict[str, Any], module_monkeypatch: pytest.MonkeyPatch) -> dict[str, set[Call]]:
    """Return the calls of each function for good files, lost events, a changed contract and failures.

    A stray object also comes, goes and comes again.
    """
    first = [_land(lake, "a.csv.gz", _good(1)), _land(lake, "a.csv.gz", b"", "wine")]
    with recorded(module_monkeypatch) as registering:
        handlers.register({"Records": first}, None)
    handlers._parts.cache_clear()
    _land(lake, "lost.csv.gz", _good(2))
    lake["s3"].delete_object(Bucket=LAKE, Key="raw/wine/a.csv.gz")
    with recorded(module_monkeypatch) as ingesting:
        handlers.ingest({}, None)
    # The bucket was listed just now, so only events can announce these two.
    more = [_land(lake, "cut.csv.gz", _good(3)[:-9]), _land(lake, "b.csv.gz", _good(4))]
    handlers.register({"Records": more}, None)
    stray = _land(lake, "b.csv.gz", b"", "wine")
    with recorded(module_monkeypatch) as registering_again:
        handlers.register({"Records": [stray]}, None)
    _forget_a_comment()
    with recorded(module_monkeypatch) as again:
        for _ in range(3):
            handlers.ingest({}, None)
    return {"RegisterRole": registering | registering_again, "IngestRole": ingesting | again}


def _forget_a_comment() -> None:
    """Change a comment in the catalog, as if the catalog were older than the contract."""
    glue = boto3.client("glue", "us-east-1")
    table = glue.get_table(DatabaseName=f"{PREFIX}bronze", Name="brewery")["Table"]
    table["StorageDescriptor"]["Columns"][0]["Comment"] = "old"
    kept = {"Name", "TableType", "Parameters", "PartitionKeys", "StorageDescriptor"}
    glue.update_table(
        DatabaseName=f"{PREFIX}bronze", TableInput={key: table[key] for key in kept if key in table}
    )


def test_each_role_allows_every_call_that_its_function_makes(calls: dict[str, set[Call]]) -> None:
    for role, made in calls.items():
        refused = sorted(
            f"{action} on {resource}" for action, resource in made if not allows(role, action, resource)
        )
        assert refused == [], role


def test_every_permission_that_is_never_used_has_a_reason(calls: dict[str, set[Call]]) -> None:
    for role, made in calls.items():
        seen = {action for action, _ in made}
        assert actions(role) - seen == UNSEEN[role].keys(), role


def test_the_recorded_run_covers_alerts_and_every_catalog_change(calls: dict[str, set[Call]]) -> None:
    """The two tests above rely on this."""
    assert ("sns:Publish", "arn:aws:sns:eu-west-1:123456789012:beer-dev-alerts") in calls["IngestRole"]
    assert {"glue:CreateTable", "glue:UpdateTable", "glue:CreatePartition"} <= {
        one for one, _ in calls["IngestRole"]
    }


@pytest.mark.parametrize(
    ("action", "resource"),
    [
        ("s3:DeleteObject", f"arn:aws:s3:::{LAKE}/raw/review/a.csv.gz"),
        ("s3:PutObject", f"arn:aws:s3:::{LAKE}/raw/review/a.csv.gz"),
        ("s3:DeleteObject", f"arn:aws:s3:::{LAKE}/bronze/review/x.parquet"),
        ("s3:GetObject", f"arn:aws:s3:::{LAKE}/warehouse/gold/x.parquet"),
        ("dynamodb:DeleteItem", "arn:aws:dynamodb:eu-west-1:123456789012:table/beer-dev-control"),
        ("glue:DeleteTable", f"arn:aws:glue:eu-west-1:123456789012:table/{PREFIX}bronze/review"),
        ("dynamodb:GetItem", "arn:aws:dynamodb:eu-west-1:123456789012:table/beer-prod-control"),
    ],
)
def test_ingestion_can_neither_delete_data_nor_read_elsewhere(action: str, resource: str) -> None:
    assert not allows("IngestRole", action, resource)


def test_an_analyst_reads_only_gold() -> None:
    table = f"arn:aws:glue:eu-west-1:123456789012:table/{PREFIX}"
    assert allows("AnalystRole", "glue:GetTable", f"{table}gold/top_beers")
    assert allows("AnalystRole", "s3:GetObject", f"arn:aws:s3:::{LAKE}/warehouse/{PREFIX}gold/t/x.parquet")
    for folder in ("raw/", "bronze/", "quarantine/", f"warehouse/{PREFIX}silver/", "alerts/", "audit/"):
        assert not allows("AnalystRole", "s3:GetObject", f"arn:aws:s3:::{LAKE}/{folder}x")
    for layer in ("bronze", "silver", "ops"):
        assert not allows("AnalystRole", "glue:GetTable", f"{table}{layer}/t")
    group = "arn:aws:athena:eu-west-1:123456789012:workgroup/beer-dev-build"
    assert not allows("AnalystRole", "athena:StartQueryExecution", group)


def test_an_auditor_reads_audit_trails_but_no_rows() -> None:
    assert allows("AuditorRole", "s3:GetObject", f"arn:aws:s3:::{LAKE}/audit/review/x.json")
    for folder in ("raw/", "bronze/", "quarantine/", "warehouse/"):
        assert not allows("AuditorRole", "s3:GetObject", f"arn:aws:s3:::{LAKE}/{folder}x")
    changing = [one for one in actions("AuditorRole") if not one.split(":")[1].startswith(
        ("Get", "List", "Describe", "Query", "Filter", "Decrypt"))]  # fmt: skip
    assert changing == []


def test_a_role_cannot_read_another_environment() -> None:
    for role in ("RegisterRole", "IngestRole", "DbtRole", "SparkRole", "AnalystRole", "EngineerRole"):
        assert not allows(role, "s3:GetObject", "arn:aws:s3:::beer-prod-lake-123456789012/raw/x")
