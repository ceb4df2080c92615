"""Direct calls to the endpoint return what boto3 returns."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from localcloud.athena.catalog import Catalog
from localcloud.athena.direct import Connection

TABLE = {
    "Name": "t",
    "Owner": "me",
    "Retention": 0,
    "LastAccessTime": 1_700_000_000.5,
    "TableType": "EXTERNAL_TABLE",
    "Parameters": {"text": 'ä "quoted" <b>\n', "number": "1"},
    "StorageDescriptor": {
        "Columns": [{"Name": "a", "Type": "int", "Comment": ""}, {"Name": "b", "Type": "array<string>"}],
        "Location": "s3://lake/t",
        "SerdeInfo": {"Parameters": {}},
    },
    "PartitionKeys": [],
}
KEYS = ["a/plain", "a/x=ä & <b>", 'a/"quotes" + plus', "a/b/deep", "b/other"]


@pytest.fixture
def plain(endpoint: str) -> Callable[[str], Any]:
    """Return a function that makes an unmodified boto3 client."""
    named = {"aws_access_key_id": "local", "aws_secret_access_key": "local"}
    return lambda service: boto3.client(service, region_name="us-east-1", endpoint_url=endpoint, **named)


def bare(answer: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_glue_answers_are_those_of_boto3(catalog: Catalog, database: str, plain: Any) -> None:
    catalog.glue.create_table(DatabaseName=database, TableInput=TABLE)
    for _ in range(2):
        mine = catalog.glue.get_table(DatabaseName=database, Name="t")
        assert bare(mine) == bare(plain("glue").get_table(DatabaseName=database, Name="T"))
        kept = {name: value for name, value in mine["Table"].items() if name in TABLE}
        assert {**kept, "LastAccessTime": kept["LastAccessTime"].timestamp()} == TABLE
        # The second time, it has been updated as well.
        catalog.glue.update_table(DatabaseName=database, TableInput=TABLE, SkipArchive=True)
    found = catalog.glue.get_database(Name=database)
    assert bare(found) == bare(plain("glue").get_database(Name=database))


def test_a_refusal_of_glue_has_the_class_code_and_text_of_boto3(
    catalog: Catalog, database: str, plain: Any
) -> None:
    catalog.glue.create_table(DatabaseName=database, TableInput=TABLE)
    calls: list[Callable[[Any], Any]] = [
        lambda glue: glue.get_table(DatabaseName=database, Name="absent"),
        lambda glue: glue.get_table(DatabaseName="absent", Name="t"),
        lambda glue: glue.create_table(DatabaseName=database, TableInput=TABLE),
        lambda glue: glue.update_table(DatabaseName=database, TableInput=TABLE, VersionId="7"),
    ]
    for call in calls:
        seen = []
        for glue in (catalog.glue, plain("glue")):
            with pytest.raises(ClientError) as error:
                call(glue)
            seen.append((type(error.value).__name__, error.value.response["Error"], str(error.value)))
        assert seen[0] == seen[1]


def test_listings_are_those_of_boto3(catalog: Catalog, database: str, plain: Any) -> None:
    catalog.s3.create_bucket(Bucket=(bucket := database.replace("_", "-")))
    for key in KEYS:
        catalog.s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), ContentType="text/plain")
    wanted: list[dict[str, Any]] = [
        {},
        {"Prefix": "a/"},
        {"Prefix": "nothing/"},
        {"Prefix": "a/", "Delimiter": "/"},
        {"Prefix": "a/", "MaxKeys": 1},
        {"Prefix": "a/", "StartAfter": "a/b/deep", "FetchOwner": True},
    ]
    for given in wanted:
        mine = catalog.s3.list_objects_v2(Bucket=bucket, **given)
        theirs = plain("s3").list_objects_v2(Bucket=bucket, **given)
        names = ("KeyCount", "IsTruncated", "CommonPrefixes", "Prefix", "Name", "MaxKeys")
        assert {name: mine.get(name) for name in names} == {name: theirs.get(name) for name in names}
        assert mine.get("Contents") == theirs.get("Contents")
    pages = catalog.s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix="a/", PaginationConfig={"PageSize": 1}
    )
    assert [item["Key"] for page in pages for item in page["Contents"]] == sorted(KEYS[:4])


def test_an_object_is_put_as_by_boto3(catalog: Catalog, database: str, plain: Any) -> None:
    key = f'{database}/ä + b=1/"x"'
    mine = catalog.s3.put_object(Bucket="lake", Key=key, Body=b"\0\r\n\r\n" * 9, ContentType="text/x")
    found = plain("s3").get_object(Bucket="lake", Key=key)
    assert (found["Body"].read(), found["ContentType"]) == (b"\0\r\n\r\n" * 9, "text/x")
    assert mine["ETag"] == found["ETag"]
    with pytest.raises(ClientError, match="NoSuchBucket"):
        catalog.s3.put_object(Bucket="absent-bucket", Key=key, Body=b"x")


def test_a_connection_that_the_endpoint_closed_is_no_error(
    catalog: Catalog, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalog.glue.create_table(DatabaseName=database, TableInput=TABLE)
    ask, lost = Connection.ask, []

    def broken(connection: Connection, request: bytes) -> Any:
        if not lost:
            lost.append(1)
            connection.socket.shutdown(2)
        return ask(connection, request)

    monkeypatch.setattr(Connection, "ask", broken)
    assert catalog.glue.get_table(DatabaseName=database, Name="t")["Table"]["Name"] == "t"
    assert lost
