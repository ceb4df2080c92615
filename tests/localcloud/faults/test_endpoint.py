"""Faults at the endpoint, seen with boto3 and its own retries. No two tests make the same call."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from localcloud import processes, supervisor
from localcloud.config import Settings
from localcloud.errors import LocalCloudError
from localcloud.instance import Folder

FAKE_ATHENA = Path(__file__).parents[1] / "life" / "fake_athena.py"
FAULTS = """
[[fault]]
do = "throttle"
call = "glue:GetDatabases"
on = [1, 3, 4]

[[fault]]
do = "throttle"
call = "s3:HeadObject"

[[fault]]
do = "throttle"
call = "athena:ListDataCatalogs"

[[fault]]
do = "lose"
call = "dynamodb:UpdateItem"
on = [1]

[[fault]]
do = "lose"
call = "s3:PutObject"
on = [1]

[[fault]]
do = "delay"
call = "s3:CopyObject"
seconds = 0.3

[[fault]]
do = "die"
call = "glue:CreateTable"
on = [2]
"""


def settings(folder: Path, **others: Any) -> Settings:
    return Settings(folder=folder, port=0, athena=(sys.executable, str(FAKE_ATHENA)), save_every=0, **others)


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    file = tmp_path_factory.mktemp("faults") / "faults.toml"
    file.write_text(FAULTS)
    given = settings(tmp_path_factory.mktemp("faulty"), faults=file)
    said: list[str] = []
    supervisor.up(given, said.append)
    assert said[0] == f"7 faults from {file} will be injected"
    yield given
    record = Folder(given.folder).read()
    for part in record.parts if record else ():
        processes.kill(part.pid, part.started)


def client(given: Settings, service: str, tries: int = 3) -> Any:
    return boto3.client(
        service,
        endpoint_url=supervisor.status(given.folder).endpoint,
        region_name="us-east-1",
        aws_access_key_id="local",
        aws_secret_access_key="local",
        config=Config(retries={"total_max_attempts": tries, "mode": "standard"}),
    )


def test_a_throttled_call_succeeds_only_with_a_retry(faulty):
    assert client(faulty, "glue", tries=2).get_databases()["DatabaseList"] == []
    with pytest.raises(ClientError) as refused:
        client(faulty, "glue", tries=1).get_databases()
    assert refused.value.response["Error"] == {"Code": "ThrottlingException", "Message": "Rate exceeded"}
    with pytest.raises(ClientError, match="ThrottlingException"):
        client(faulty, "glue", tries=1).get_databases()
    assert client(faulty, "glue", tries=1).get_databases()["DatabaseList"] == []


def test_each_service_has_its_own_throttling_error(faulty):
    s3 = client(faulty, "s3", tries=1)
    with pytest.raises(ClientError) as refused:
        s3.head_object(Bucket="lake", Key="a")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    athena = client(faulty, "athena", tries=1)
    with pytest.raises(athena.exceptions.TooManyRequestsException):
        athena.list_data_catalogs()


def test_a_lost_response_keeps_its_effect_and_a_blind_retry_repeats_it(faulty):
    dynamodb = client(faulty, "dynamodb")
    dynamodb.create_table(
        TableName="counter",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    key = {"pk": {"S": "a"}}
    one = {":one": {"N": "1"}}
    dynamodb.update_item(
        TableName="counter", Key=key, UpdateExpression="ADD n :one", ExpressionAttributeValues=one
    )
    assert dynamodb.get_item(TableName="counter", Key=key)["Item"]["n"] == {"N": "2"}


def test_a_lost_response_is_a_closed_connection_without_retries(faulty):
    s3 = client(faulty, "s3", tries=1)
    with pytest.raises(ConnectionClosedError):
        s3.put_object(Bucket="lake", Key="a", Body=b"kept")
    assert s3.get_object(Bucket="lake", Key="a")["Body"].read() == b"kept"


def test_a_delayed_call_is_answered_late_but_correctly(faulty):
    s3 = client(faulty, "s3", tries=1)
    begun = time.monotonic()
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.copy_object(Bucket="lake", Key="c", CopySource="lake/absent")
    assert time.monotonic() - begun >= 0.3


def test_a_running_cloud_refuses_new_faults(running_without):
    with pytest.raises(LocalCloudError, match="runs without faults") as error:
        supervisor.up(settings(running_without, faults=Path("/faults.toml")), lambda _: None)
    assert "dm local down" in error.value.hint


@pytest.fixture
def running_without(tmp_path: Path) -> Iterator[Path]:
    record = supervisor.up(settings(tmp_path / "cloud"), lambda _: None).record
    yield tmp_path / "cloud"
    for part in record.parts:
        processes.kill(part.pid, part.started)


def test_the_part_dies_after_the_given_call_and_up_without_faults_restores_it(tmp_path):
    file = tmp_path / "faults.toml"
    file.write_text(FAULTS)
    given = settings(tmp_path / "cloud", faults=file)
    supervisor.up(given, lambda _: None)
    glue = client(given, "glue", tries=1)
    glue.create_database(DatabaseInput={"Name": "d"})
    glue.create_table(DatabaseName="d", TableInput={"Name": "renamed"})
    with pytest.raises(ConnectionClosedError):
        glue.create_table(DatabaseName="d", TableInput={"Name": "between_two_renames"})
    assert supervisor.status(given.folder).part("aws") is None
    record = supervisor.up(settings(given.folder), lambda _: None).record
    assert client(given, "glue").get_databases()["DatabaseList"] == []
    for part in record.parts:
        processes.kill(part.pid, part.started)
