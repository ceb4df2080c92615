"""The decompressed content of a raw file: all of it or an error."""

import io
from collections.abc import Iterator
from typing import Any, Literal, cast

import pyarrow as pa

from bronze.errors import FileRefusedError
from bronze.inflate import PIECE_BYTES, HashingReader, capped, inflate
from bronze.limits import Limits
from bronze.zstd_windows import Windows

Compression = Literal["gzip", "zstd", "none"]


def content(raw: HashingReader, compression: Compression, limits: Limits) -> Iterator[bytes]:
    """Yield the content of `raw` in pieces.

    Raises FileRefusedError: the reasons of `inflate`, `zstd_truncated`, `zstd_corrupt` (also for bytes after
    the last frame) and `zstd_window` (the stream needs a larger window than is allowed).
    """
    if compression == "gzip":
        return inflate(raw, limits)
    if compression == "zstd":
        return capped(_frames(raw), raw, limits)
    return capped(iter(raw.read, b""), raw, limits)


def _frames(raw: HashingReader) -> Iterator[bytes]:
    packed = _Packed(raw)
    stream = pa.CompressedInputStream(pa.PythonFile(cast(Any, packed), mode="r"), "zstd")
    while piece := _read(stream, packed):
        yield piece
    if not raw.count:
        raise FileRefusedError("zstd_truncated", "the file has no byte")


def _read(stream: Any, packed: "_Packed") -> bytes:
    try:
        piece: bytes = stream.read(PIECE_BYTES)
    except OSError as error:
        if packed.broken is not None:
            raise packed.broken from None
        raise FileRefusedError(
            "zstd_truncated" if "Truncated" in str(error) else "zstd_corrupt",
            f"the zstd stream is damaged: {error}",
        ) from error
    return piece


class _Packed(io.RawIOBase):
    """The bytes of a raw file for Arrow. `broken` keeps a read error, which Arrow replaces by its own."""

    def __init__(self, raw: HashingReader) -> None:
        super().__init__()
        self._raw = raw
        self._held = memoryview(b"")
        self._windows = Windows()
        self.broken: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._held:
            try:
                chunk = self._raw.read()
                self._windows.see(chunk)
                self._held = memoryview(chunk)
            except Exception as error:
                self.broken = error
                raise
        taken = self._held[: len(buffer)]
        buffer[: len(taken)] = taken
        self._held = self._held[len(taken) :]
        return len(taken)
