"""Where the result files of a query are, and what is written to them."""

import tempfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from localcloud.athena import metadata, results
from localcloud.athena.errors import AthenaError
from localcloud.athena.model import Answer
from localcloud.athena.objects import folder, split
from localcloud.athena.statements.kinds import Kind

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_NAMES = {"csv": "{id}.csv", "txt": "{id}.txt", "bare": "{id}", "tables": "tables/{id}"}
_IN_MEMORY = 32 << 20
_CONTENT_TYPE = "application/octet-stream"


def location(output: str, query_id: str, kind: Kind) -> str:
    """Return the address that GetQueryExecution shows, whether or not a file will be there."""
    return folder(output) + _NAMES[kind.file].format(id=query_id)


def write(s3: "S3Client", uri: str, answer: Answer, query_id: str) -> str:
    """Write Athena's files for a statement that succeeded; returns the address of its manifest, or ''.

    Raises AthenaError when the result itself cannot be written.
    """
    try:
        if uri.endswith(".txt"):
            _put(s3, uri, results.lines(answer))
        elif uri.endswith(".csv") and answer.table is not None:
            _put_parts(s3, uri, results.csv(answer))
        if answer.columns:
            _put(s3, f"{uri}.metadata", metadata.encode(answer, query_id))
        # PyAthena's own tests read the manifest of an empty UNLOAD from real Athena and find it empty.
        if not answer.manifest and answer.substatement_type != "UNLOAD":
            return ""
        _put(s3, f"{uri}-manifest.csv", "\n".join(answer.manifest).encode())
    except (ClientError, BotoCoreError) as error:
        raise AthenaError("RESULT_WRITE_FAILED", f"Failed to write query results to {uri}: {error}") from None
    return f"{uri}-manifest.csv"


def write_failure(s3: "S3Client", uri: str, error: AthenaError) -> None:
    """Write the error of a failed Hive DDL statement; Athena does this for no other statements."""
    if error.code == "HIVE_DDL" and uri.endswith(".txt"):
        _put(s3, uri, str(error).encode())


def _put(s3: "S3Client", uri: str, body: bytes) -> None:
    bucket, key = split(uri)
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=_CONTENT_TYPE)


def _put_parts(s3: "S3Client", uri: str, parts: Iterator[bytes]) -> None:
    """Write a small result in one request, a large one as a multipart upload from a file."""
    bucket, key = split(uri)
    with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY) as file:
        for part in parts:
            file.write(part)
        size = file.tell()
        file.seek(0)
        if size <= _IN_MEMORY:
            _put(s3, uri, file.read())
        else:
            s3.upload_fileobj(file, bucket, key, ExtraArgs={"ContentType": _CONTENT_TYPE})
