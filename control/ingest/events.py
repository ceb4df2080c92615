"""S3 notifications of new objects, from EventBridge or S3 itself: at least once, late, in any order."""

from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote_plus

import msgspec

from control.errors import DataError, RawKeyError
from control.ingest import strays
from control.ingest.register import is_mark, register
from control.model import RAW
from control.ports import Parts, StoredObject


def objects_of(body: str | bytes) -> Iterator[StoredObject]:
    """Yield the objects that a notification reports as created; none for other events, such as a removal.

    Accepts an EventBridge event (`Object Created`), an S3 notification (`Records`), or either of them wrapped
    in an SNS message. Raises DataError if it is none of these.
    """
    try:
        event = msgspec.json.decode(body, type=dict[str, Any])
        if "TopicArn" in event and "Message" in event:
            event = msgspec.json.decode(event["Message"], type=dict[str, Any])
        yield from _objects(event)
    except (msgspec.MsgspecError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"this is not an S3 notification: {type(error).__name__}") from error


def register_all(
    body: str | bytes, tables: Collection[str], parts: Parts, *, others: Collection[str] = ()
) -> int:
    """Register the objects of a notification that belong to one of `tables`; return how many are new.

    `others` are tables that also have a contract; their objects are left to the lister. Objects that belong
    to no table or cannot be ingested are recorded as strays, which causes an alert. Raises DataError as
    `objects_of` does.
    """
    new = 0
    for found in objects_of(body):
        table, slash, _ = found.key.removeprefix(RAW).partition("/")
        mine = found.uri.startswith(f"s3://{parts.settings.bucket}/{RAW}")
        if not mine or is_mark(found) or (slash and table in others):
            continue
        if not slash or table not in tables:
            strays.record_sighting(strays.UNKNOWN_TABLE, found, "", parts)
            continue
        try:
            new += register(table, found, parts)
        except RawKeyError as error:
            parts.say("file.refused", {"table": table, "key": found.key, "error": error.message})
            strays.record_sighting(strays.KEY, found, error.message, parts)
    return new


def _objects(event: Mapping[str, Any]) -> Iterator[StoredObject]:
    if event.get("source") == "aws.s3":
        if event["detail-type"] == "Object Created":
            detail = event["detail"]
            yield _object(detail["bucket"]["name"], detail["object"]["key"], detail["object"], event["time"])
    elif event.get("Event") == "s3:TestEvent":
        return
    else:
        for record in event["Records"]:
            if record["eventName"].startswith("ObjectCreated:"):
                found = record["s3"]["object"]
                # S3 encodes keys in its own notifications like form data: a plus is a blank.
                key = unquote_plus(found["key"], errors="surrogateescape")
                yield _object(record["s3"]["bucket"]["name"], key, found, record["eventTime"])


def _object(bucket: str, key: str, found: Mapping[str, Any], time: str) -> StoredObject:
    return StoredObject(
        uri=f"s3://{bucket}/{key}",
        key=key,
        version_id=found.get("version-id") or found.get("versionId") or "null",
        etag=(found.get("etag") or found["eTag"]).strip('"'),
        size_bytes=int(found["size"]),
        modified_at=datetime.fromisoformat(time.replace("Z", "+00:00")).astimezone(UTC),
        is_latest=True,
    )
