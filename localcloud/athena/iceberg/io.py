"""pyiceberg's file access over the gateway's own S3 client.

Metadata and manifests never change once written, so their contents are cached, both read and written. A
statement on an unchanged table then makes no S3 request for them.
"""

import io
from collections import OrderedDict
from threading import Lock
from typing import TYPE_CHECKING, Final

from botocore.exceptions import ClientError
from pyiceberg.io import FileIO, InputFile, InputStream, OutputFile, OutputStream

from localcloud.athena import callers
from localcloud.athena.catalog import code_of
from localcloud.athena.objects import split

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_KEPT_BYTES: Final = 64 << 20
_KEPT_SUFFIXES = (".avro", ".json")


class _Kept:
    """An LRU cache of the contents of immutable objects."""

    def __init__(self) -> None:
        self.found: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self.size = 0
        self.lock = Lock()

    def get(self, uri: str) -> bytes | None:
        key = (uri, callers.role_key())
        with self.lock:
            if key in self.found:
                self.found.move_to_end(key)
            return self.found.get(key)

    def put(self, uri: str, body: bytes) -> None:
        if not uri.endswith(_KEPT_SUFFIXES):
            return
        key = (uri, callers.role_key())
        with self.lock:
            self.size += len(body) - len(self.found.pop(key, b""))
            self.found[key] = body
            while self.size > _KEPT_BYTES:
                _, gone = self.found.popitem(last=False)
                self.size -= len(gone)

    def forget(self, uri: str) -> None:
        with self.lock:
            self.size -= len(self.found.pop((uri, callers.role_key()), b""))


class ObjectIO(FileIO):
    """Reads and writes whole objects through one boto3 client."""

    def __init__(self, s3: "S3Client") -> None:
        super().__init__({})
        self.s3 = s3
        self.kept = _Kept()

    def new_input(self, location: str) -> InputFile:
        """An object to read."""
        return _Object(location, self)

    def new_output(self, location: str) -> OutputFile:
        """An object to write."""
        return _Object(location, self)

    def delete(self, location: str | InputFile | OutputFile) -> None:
        """Delete an object; a missing one is ignored."""
        uri = location if isinstance(location, str) else location.location
        bucket, key = split(uri)
        self.kept.forget(uri)
        self.s3.delete_object(Bucket=bucket, Key=key)

    def read(self, uri: str) -> bytes:
        """An object's bytes. Raises FileNotFoundError."""
        body = self.kept.get(uri)
        if body is None:
            bucket, key = split(uri)
            try:
                body = self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            except ClientError as error:
                if code_of(error) in ("NoSuchKey", "NoSuchBucket", "404"):
                    raise FileNotFoundError(uri) from None
                raise
            self.kept.put(uri, body)
        return body

    def write(self, uri: str, body: bytes) -> None:
        """Write an object."""
        bucket, key = split(uri)
        self.s3.put_object(Bucket=bucket, Key=key, Body=body)
        # Permission to write does not imply permission to read: cache nothing for a role.
        if not callers.role_key():
            self.kept.put(uri, body)

    def exists(self, uri: str) -> bool:
        """Whether the object exists."""
        bucket, key = split(uri)
        try:
            self.s3.head_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if code_of(error) in ("404", "NoSuchKey", "NoSuchBucket"):
                return False
            raise
        return True


class _Upload(io.BytesIO):
    """A buffer whose content is uploaded when it is closed."""

    def __init__(self, location: str, files: ObjectIO) -> None:
        super().__init__()
        self.location = location
        self.files = files

    def close(self) -> None:
        if not self.closed:
            self.files.write(self.location, self.getvalue())
        super().close()


class _Object(InputFile, OutputFile):
    def __init__(self, location: str, files: ObjectIO) -> None:
        super().__init__(location)
        self.files = files

    def __len__(self) -> int:
        return len(self.files.read(self.location))

    def exists(self) -> bool:
        return self.files.exists(self.location)

    def open(self, seekable: bool = True) -> InputStream:  # noqa: ARG002  pyiceberg's signature
        return io.BytesIO(self.files.read(self.location))

    def to_input_file(self) -> InputFile:
        return self

    def create(self, overwrite: bool = False) -> OutputStream:
        # Names contain new UUIDs, so the check, which costs a request, is made only if the caller insists.
        if not overwrite and self.files.exists(self.location):
            raise FileExistsError(f"Cannot create file, already exists: {self.location}")
        return _Upload(self.location, self.files)
