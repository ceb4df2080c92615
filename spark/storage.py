"""Objects by URI, `s3://…` or `file://…`, through pyarrow, so that executors need no AWS library.

The environment configures S3: AWS_ENDPOINT_URL if it is not AWS, AWS_REGION, and the usual credentials.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, cast
from urllib.parse import urlsplit

from pyarrow import fs

from spark.errors import JobError

# The size of range requests, even if the reader asks for less.
READ_BYTES = 8 << 20


def read(uri: str) -> bytes:
    """Return the content of a small object. Raises JobError if it does not exist."""
    with _open(uri) as stream:
        return cast(bytes, stream.read())


def write(uri: str, content: bytes) -> None:
    """Write an object; it becomes visible as a whole or not at all."""
    with _create(uri) as target:
        target.write(content)


def upload(source: Path, uri: str) -> None:
    """Write an object from a file, in pieces."""
    with source.open("rb") as content, _create(uri) as target:
        shutil.copyfileobj(content, target, READ_BYTES)


@contextmanager
def stream(uri: str, version_id: str | None, etag: str = "") -> Iterator[BinaryIO]:
    """Stream one version of an object: the newest if `version_id` is None, any content if `etag` is empty.

    Raises JobError if it does not exist, or if the object was replaced before the reader has finished:
    pyarrow reads only the newest version, so the data may be from either.
    """
    with _open(uri) as opened:
        before = _version(opened)
        if version_id is not None and before.get("VersionId") != version_id:
            raise _replaced(uri)
        if etag and before.get("ETag", "").strip('"') != etag:
            raise JobError(f"{uri} was overwritten after it was registered: land files under new keys")
        yield cast(BinaryIO, opened)
    with _open(uri) as opened:
        if _version(opened) != before:
            raise _replaced(uri)


def _replaced(uri: str) -> JobError:
    return JobError(f"{uri} has a newer version than the order names: ingest this file with the light engine")


# `compression=None` in both, because pyarrow would otherwise compress and decompress by suffix.


def _create(uri: str) -> Any:
    system, path = _locate(uri)
    if isinstance(system, fs.LocalFileSystem):
        system.create_dir(path.rpartition("/")[0])
    return system.open_output_stream(path, compression=None)


def _open(uri: str) -> Any:
    system, path = _locate(uri)
    try:
        return system.open_input_stream(path, compression=None, buffer_size=READ_BYTES)
    except FileNotFoundError as error:
        raise JobError(f"{uri} does not exist") from error


def _version(opened: Any) -> dict[str, str]:
    """Return what identifies a version of an object; empty for a local file."""
    metadata = opened.metadata() or {}
    return {name: metadata[name].decode() for name in ("VersionId", "ETag") if name in metadata}


def _locate(uri: str) -> tuple[Any, str]:
    if uri.startswith("s3://"):
        return _s3(os.getpid()), uri.removeprefix("s3://")
    if uri.startswith("file:///"):
        return fs.LocalFileSystem(), uri.removeprefix("file://")
    raise JobError(f"{uri} is neither s3://… nor file:///…")


@cache
def _s3(_process: int) -> Any:
    """Return a client per process: Spark forks its Python workers, and a client does not survive a fork."""
    endpoint = urlsplit(os.environ.get("AWS_ENDPOINT_URL", ""))
    return fs.S3FileSystem(
        region=os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"),
        scheme=endpoint.scheme or "https",
        endpoint_override=endpoint.netloc or None,
        allow_delayed_open=True,  # one request for a small object rather than three
    )
