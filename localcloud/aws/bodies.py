"""Read a request's whole body, and remove the chunk framing of AWS SDKs.

moto removes it by concatenating bytes, which is quadratic, and searches the whole body for the checksum.
Reading the body here also means that no lock is held while a slow client sends.
"""

import io
from typing import Final
from wsgiref.types import WSGIEnvironment

FRAMED: Final = "STREAMING-"
UNSIGNED: Final = "UNSIGNED-PAYLOAD"


class MalformedBodyError(Exception):
    """The body is shorter than it says, or its chunk framing is broken."""


def read(environ: WSGIEnvironment) -> None:
    """Put the plain body into `environ` as a stream in memory. Raises MalformedBodyError."""
    chunked = environ.get("wsgi.input_terminated")
    length = int(environ.get("CONTENT_LENGTH") or 0)
    body: bytes = environ["wsgi.input"].read() if chunked else environ["wsgi.input"].read(length)
    if not chunked and len(body) != length:
        raise MalformedBodyError(f"{len(body)} of {length} bytes arrived")
    if environ.get("HTTP_X_AMZ_CONTENT_SHA256", "").startswith(FRAMED):
        body, trailers = unframe(body)
        _describe(environ, trailers)
    environ["wsgi.input"] = io.BytesIO(body)
    environ["CONTENT_LENGTH"] = str(len(body))
    # The stream ends with the body, so it is read without another copy.
    environ["wsgi.input_terminated"] = True
    environ.pop("HTTP_TRANSFER_ENCODING", None)


def unframe(body: bytes) -> tuple[bytes, dict[str, str]]:
    """Return the payload and the trailing headers of an `aws-chunked` body. Raises MalformedBodyError."""
    view = memoryview(body)
    pieces: list[memoryview] = []
    position = 0
    while True:
        end = body.find(b"\r\n", position)
        size = _chunk_size(body[position:end]) if end >= 0 else None
        if size is None or end + 2 + size > len(body):
            raise MalformedBodyError("the aws-chunked framing is broken")
        position = end + 2
        if size == 0:
            break
        pieces.append(view[position : position + size])
        position += size + 2
    lines = body[position:].decode("latin-1").split("\r\n")
    trailers = {name.strip().lower(): value.strip() for name, _, value in (x.partition(":") for x in lines)}
    return b"".join(pieces), trailers


def _chunk_size(line: bytes) -> int | None:
    """Return the size in `<hex>;chunk-signature=…`; None if it is not valid."""
    try:
        size = int(line.partition(b";")[0], 16)
    except ValueError:
        return None
    return size if size >= 0 else None


def _describe(environ: WSGIEnvironment, trailers: dict[str, str]) -> None:
    """Put into the headers what the framing stated."""
    environ["HTTP_X_AMZ_CONTENT_SHA256"] = UNSIGNED
    encodings = [part.strip() for part in environ.pop("HTTP_CONTENT_ENCODING", "").split(",")]
    if left := [encoding for encoding in encodings if encoding not in ("", "aws-chunked")]:
        environ["HTTP_CONTENT_ENCODING"] = ",".join(left)
    environ.pop("HTTP_X_AMZ_DECODED_CONTENT_LENGTH", None)
    environ.pop("HTTP_X_AMZ_TRAILER", None)
    for name, value in trailers.items():
        if name.startswith("x-amz-checksum-"):
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = value
            environ.setdefault("HTTP_X_AMZ_SDK_CHECKSUM_ALGORITHM", name.rpartition("-")[2].upper())
