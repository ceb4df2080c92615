"""Record the AWS calls that code makes, as the actions and resources that IAM evaluates."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.client import BaseClient
from rendered import ACCOUNT

# The account and region of moto, which appear in the calls.
REGION = "eu-west-1"
S3 = {
    "HeadObject": "GetObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "ListObjectVersions": "ListBucketVersions",
    "ListObjectsV2": "ListBucket",
}
Call = tuple[str, str]


@contextmanager
def recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[Call]]:
    """Collect the (action, resource) pairs of all boto3 calls made in this context."""
    found: set[Call] = set()
    real = BaseClient._make_api_call

    def record(client: Any, operation: str, request: dict[str, Any]) -> Any:
        found.update(calls_of(client.meta.service_model.service_name, operation, request))
        return real(client, operation, request)

    with monkeypatch.context() as patch:
        patch.setattr(BaseClient, "_make_api_call", record)
        yield found


def calls_of(service: str, operation: str, request: dict[str, Any]) -> Iterator[Call]:
    """Yield the (action, resource) pairs that IAM evaluates for one call."""
    if service == "s3":
        action = S3.get(operation, operation)
        if operation in ("GetObject", "HeadObject") and "VersionId" in request:
            action = "GetObjectVersion"
        resource = f"arn:aws:s3:::{request['Bucket']}"
        yield f"s3:{action}", f"{resource}/{request['Key']}" if "Key" in request else resource
    elif service == "dynamodb":
        index = f"/index/{request['IndexName']}" if "IndexName" in request else ""
        for table in request.get("RequestItems") or [request["TableName"]]:
            yield f"dynamodb:{operation}", f"{_arn('dynamodb')}:table/{table}{index}"
    elif service == "glue":
        for resource in _glue(request):
            yield f"glue:{operation}", f"{_arn('glue')}:{resource}"
    elif service == "sns":
        yield f"sns:{operation}", request["TopicArn"].replace("us-east-1", REGION)
    else:
        raise AssertionError(f"no component is known to call {service}:{operation}")


def _glue(request: dict[str, Any]) -> Iterator[str]:
    """Yield every level that Glue checks: catalog, database, table."""
    database = request.get("DatabaseName") or request["Name"]
    yield "catalog"
    yield f"database/{database}"
    table = request.get("TableName") or request.get("TableInput", {}).get("Name")
    table = table or (request["Name"] if "DatabaseName" in request else None)
    if table:
        yield f"table/{database}/{table}"


def _arn(service: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}"
