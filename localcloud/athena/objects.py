"""Objects in S3, addressed as `s3://bucket/key`."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcloud.athena.errors import AthenaError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_DELETE_LIMIT = 1000


@dataclass(frozen=True, slots=True)
class Object:
    """An object's address and its size in bytes."""

    uri: str
    bytes: int


def split(uri: str) -> tuple[str, str]:
    """Split an `s3://`, `s3a://` or `s3n://` address into bucket and key. Raises AthenaError for others."""
    scheme, _, rest = uri.partition("://")
    bucket, _, key = rest.partition("/")
    if scheme not in ("s3", "s3a", "s3n") or not bucket:
        raise AthenaError("GENERIC_USER_ERROR", f"Not an S3 address: {uri}")
    return bucket, key


def folder(uri: str) -> str:
    """The address with exactly one slash at its end."""
    return uri.rstrip("/") + "/"


def listing(s3: "S3Client", uri: str) -> Iterator[Object]:
    """The objects below the folder `uri`, in key order."""
    bucket, prefix = split(folder(uri))
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for found in page.get("Contents", []):
            yield Object(f"s3://{bucket}/{found['Key']}", found["Size"])


def is_empty(s3: "S3Client", uri: str) -> bool:
    """Whether no object lies below the folder `uri`."""
    bucket, prefix = split(folder(uri))
    return not s3.list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=1).get("Contents")


def remove(s3: "S3Client", uri: str) -> None:
    """Delete every object below the folder `uri`."""
    bucket, _ = split(uri)
    keys = [split(found.uri)[1] for found in listing(s3, uri)]
    for start in range(0, len(keys), _DELETE_LIMIT):
        names = [{"Key": key} for key in keys[start : start + _DELETE_LIMIT]]
        s3.delete_objects(Bucket=bucket, Delete={"Objects": names, "Quiet": True})  # type: ignore[typeddict-item]
