"""Objects in S3."""

import io
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, BinaryIO, cast

from control.adapters.aws import client, translated
from control.config import Settings
from control.errors import ConflictError, UnavailableError
from control.ports import StoredObject

# Bytes per read: at most this much is read again after a broken connection.
BLOCK_BYTES = 8 * 1024 * 1024
BLOCK_TRIES = 3


class S3Objects:
    """An object store in S3."""

    def __init__(self, settings: Settings) -> None:
        self._endpoint = settings.endpoint
        self._region = settings.region
        self._client = client(settings, "s3")

    def ensure_bucket(self, bucket: str) -> None:
        """Make `bucket` if there is none."""
        request: dict[str, Any] = {"Bucket": bucket}
        if self._region != "us-east-1":
            request["CreateBucketConfiguration"] = {"LocationConstraint": self._region}
        with self._translated(f"bucket {bucket}"):
            try:
                self._client.create_bucket(**request)
            except self._client.exceptions.BucketAlreadyOwnedByYou:
                return

    def put(self, uri: str, body: bytes | Path) -> None:
        """See ObjectStore."""
        bucket, key = split(uri)
        with self._translated(uri):
            if isinstance(body, bytes):
                self._client.put_object(Bucket=bucket, Key=key, Body=body)
            else:
                self._client.upload_file(str(body), bucket, key)

    def create(self, uri: str, body: bytes) -> bool:
        """See ObjectStore."""
        bucket, key = split(uri)
        try:
            with self._translated(uri):
                self._client.put_object(Bucket=bucket, Key=key, Body=body, IfNoneMatch="*")
        except ConflictError:
            return self.get(uri) == body
        return True

    def get(self, uri: str) -> bytes:
        """See ObjectStore."""
        bucket, key = split(uri)
        with self._translated(uri):
            content: bytes = self._client.get_object(Bucket=bucket, Key=key)["Body"].read()
        return content

    def open(
        self, uri: str, version_id: str | None = None, etag: str = ""
    ) -> AbstractContextManager[BinaryIO]:
        """See ObjectStore."""
        bucket, key = split(uri)
        request = {"Bucket": bucket, "Key": key}
        if version_id not in (None, "null"):
            request["VersionId"] = str(version_id)
        if etag:
            request["IfMatch"] = f'"{etag}"'
        try:
            answer = self._get(uri, request)
        except ConflictError as error:
            raise ConflictError(
                f"{uri}: was overwritten after it was registered", hint="land files under new keys"
            ) from error
        # The etag makes a resumed read fail if the content has changed, also in a bucket without versions.
        stream = _Stream(self, uri, {**request, "IfMatch": answer["ETag"]}, answer)
        return cast(BinaryIO, io.BufferedReader(stream, BLOCK_BYTES))

    def delete(self, uris: Iterable[str]) -> None:
        """See ObjectStore."""
        for uri in uris:
            bucket, key = split(uri)
            with self._translated(uri):
                self._client.delete_object(Bucket=bucket, Key=key)

    def tag(self, uri: str, version_id: str, key: str, value: str) -> None:
        """See ObjectStore."""
        tags = {**self.tags(uri, version_id), key: value}
        listed = [{"Key": name, "Value": tags[name]} for name in sorted(tags)]
        with self._translated(uri):
            self._client.put_object_tagging(**_version(uri, version_id), Tagging={"TagSet": listed})

    def tags(self, uri: str, version_id: str) -> Mapping[str, str]:
        """See ObjectStore."""
        with self._translated(uri):
            found = self._client.get_object_tagging(**_version(uri, version_id))["TagSet"]
        return {tag["Key"]: tag["Value"] for tag in found}

    def list(self, uri: str, after: str = "") -> Iterator[StoredObject]:
        """See ObjectStore."""
        bucket, prefix = split(uri)
        request = {"Bucket": bucket, "Prefix": prefix}
        if after:
            request["KeyMarker"] = split(after)[1]
        pages = iter(self._client.get_paginator("list_object_versions").paginate(**request))
        while True:
            with self._translated(uri):
                page = next(pages, None)
            if page is None:
                return
            for found in page.get("Versions", ()):
                yield StoredObject(
                    uri=f"s3://{bucket}/{found['Key']}",
                    key=found["Key"],
                    version_id=found["VersionId"],
                    etag=found["ETag"].strip('"'),
                    size_bytes=found["Size"],
                    modified_at=found["LastModified"],
                    is_latest=found["IsLatest"],
                )

    def _get(self, uri: str, request: Mapping[str, str], start: int = 0) -> dict[str, Any]:
        """Return the response with the object from byte `start` on."""
        place = {"Range": f"bytes={start}-"} if start else {}
        with self._translated(uri):
            answer: dict[str, Any] = self._client.get_object(**request, **place)
        return answer

    def _translated(self, what: str) -> AbstractContextManager[None]:
        return translated(what, self._endpoint)


class _Stream(io.RawIOBase):
    """An object that is read in one response; if that breaks off, the rest is requested again."""

    def __init__(self, objects: S3Objects, uri: str, request: dict[str, str], answer: dict[str, Any]) -> None:
        super().__init__()
        self._objects = objects
        self._uri = uri
        self._request = request
        self._body: Any = answer["Body"]
        self._size_bytes = int(answer["ContentLength"])
        self._at = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._at == self._size_bytes:
            return 0
        content = self._block(len(buffer))
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._give_up()
        super().close()

    def _give_up(self) -> None:
        """Close the response and its connection."""
        if self._body is not None:
            self._body.close()
            self._body = None

    def _block(self, size_bytes: int) -> bytes:
        """Return the next bytes. Raises ConflictError if the object was overwritten since it was opened."""
        for left in reversed(range(BLOCK_TRIES)):
            try:
                if self._body is None:
                    self._body = self._objects._get(self._uri, self._request, self._at)["Body"]
                with self._objects._translated(self._uri):
                    content: bytes = self._body.read(size_bytes)
                return content
            except ConflictError as error:
                raise ConflictError(f"{self._uri}: was overwritten while it was read") from error
            except UnavailableError:
                self._give_up()
                if not left:
                    raise
        raise AssertionError("the last try returns or raises")


def _version(uri: str, version_id: str) -> dict[str, str]:
    """Return the request parameters for a version of an object."""
    bucket, key = split(uri)
    named = {"Bucket": bucket, "Key": key}
    return named if version_id == "null" else {**named, "VersionId": version_id}


def split(uri: str) -> tuple[str, str]:
    """Return bucket and key of an `s3://` URI; the key may contain anything."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key
