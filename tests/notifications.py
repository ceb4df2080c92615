"""Notifications of new S3 objects, as EventBridge and S3 write them, and as a function receives them."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

from control.ports import StoredObject


def event_bridge(found: StoredObject, kind: str = "Object Created") -> str:
    """Return the event that EventBridge sends about an object."""
    about = {"size": found.size_bytes, "etag": found.etag, "version-id": found.version_id, "sequencer": "00"}
    detail = {"bucket": {"name": _bucket(found)}, "object": {"key": found.key, **about}}
    event = {"source": "aws.s3", "detail-type": kind, "time": "2026-01-02T03:04:05Z", "detail": detail}
    return json.dumps(event)


def s3(found: StoredObject, kind: str = "ObjectCreated:Put") -> str:
    """Return what S3 itself sends about an object; it leaves out the version in a bucket without versions."""
    about = {"key": quote_plus(found.key), "size": found.size_bytes, "eTag": found.etag}
    about |= {} if found.version_id == "null" else {"versionId": found.version_id}
    record = {"eventName": kind, "eventTime": "2026-01-02T03:04:05.678Z"}
    return json.dumps({"Records": [{**record, "s3": {"bucket": {"name": _bucket(found)}, "object": about}}]})


def queued(body: str, message: str = "1") -> dict[str, str]:
    """Return the message of a queue as a function receives it."""
    return {"messageId": message, "body": body}


def landed(client: Any, bucket: str, key: str, body: bytes) -> StoredObject:
    """Put an object with a boto3 client and return it."""
    put = client.put_object(Bucket=bucket, Key=key, Body=body)
    return StoredObject(
        uri=f"s3://{bucket}/{key}",
        key=key,
        version_id=put.get("VersionId", "null"),
        etag=put["ETag"].strip('"'),
        size_bytes=len(body),
        modified_at=datetime.now(UTC),
        is_latest=True,
    )


def _bucket(found: StoredObject) -> str:
    return found.uri.removeprefix("s3://").partition("/")[0]
