"""Completing a multipart upload: moto joins the parts four times in memory, and keeps them forever."""

import hashlib
from collections.abc import Iterator
from typing import Any, cast

from moto.s3.exceptions import EntityTooSmall, InvalidPart, MalformedXML
from moto.s3.models import FakeMultipart
from moto.s3.utils import compute_checksum
from moto.settings import S3_UPLOAD_PART_MIN_SIZE

from localcloud.aws.blobs import BlobStore, Content
from localcloud.aws.patches.replacing import replace

Checksum = tuple[str, str, int]


def apply(blobs: BlobStore) -> None:
    """Join parts in a file of `blobs`."""

    def complete(upload: Any, body: Iterator[tuple[int, str]]) -> tuple[bytes | Content, str, Checksum]:
        parts = _named_parts(upload, body)
        content = blobs.put(part.value for part in parts).content() if any(p.size for p in parts) else b""
        checksum = _checksum(upload, parts, content)
        digests = b"".join(bytes.fromhex(part.etag.strip('"')) for part in parts)
        etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(parts)}"
        upload.dispose()
        return content, etag, checksum

    replace(FakeMultipart, complete=complete)


def _named_parts(upload: Any, body: Iterator[tuple[int, str]]) -> list[Any]:
    """Return the parts that the client names. All but the last must have 5 MB, and each ETag must match."""
    parts: list[Any] = []
    for number, etag in body:
        part = upload.parts.get(number)
        if part is None or part.etag.strip('"') != etag.strip('"'):
            raise InvalidPart
        if parts and parts[-1].size < S3_UPLOAD_PART_MIN_SIZE:
            raise EntityTooSmall
        parts.append(part)
    if not parts:
        raise MalformedXML
    return parts


def _checksum(upload: Any, parts: list[Any], content: bytes | Content) -> Checksum:
    algorithm = upload.metadata.get("x-amz-checksum-algorithm") or "CRC64NVME"
    default = "FULL_OBJECT" if algorithm == "CRC64NVME" else "COMPOSITE"
    kind = upload.metadata.get("x-amz-checksum-type") or default
    if kind == "COMPOSITE":
        each = b"".join(compute_checksum(part.value, algorithm, encode_base64=False) for part in parts)
        return kind, compute_checksum(each, algorithm).decode(), len(parts)
    return kind, compute_checksum(cast(bytes, content), algorithm).decode(), 1
