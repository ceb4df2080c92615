"""Inflate a gzip stream completely or raise an error: a partial file is never taken for the whole."""

import hashlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from isal import isal_zlib

from bronze.errors import FileRefusedError
from bronze.limits import Limits

# Small chunks are read and large pieces returned, because for each piece isal copies the rest of the chunk
# and takes the GIL. With 256 and 64 KiB instead, change records take 4 % more CPU.
_READ_BYTES = 64 << 10
PIECE_BYTES = 256 << 10
_GZIP = 31  # zlib's wbits for gzip: expects header and trailer, and checks CRC and size
_DamagedError = cast(type[Exception], isal_zlib.error)  # its type stub calls it an instance


class HashingReader:
    """Reads a stream in full chunks, counting and hashing (SHA-256) what it reads."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.count = 0

    def read(self) -> bytes:
        """Return the next chunk, of full size except at the end, so that short reads change nothing."""
        parts: list[bytes] = []
        wanted = _READ_BYTES
        while wanted and (part := self._stream.read(wanted)):
            parts.append(part)
            wanted -= len(part)
        chunk = b"".join(parts)
        self._digest.update(chunk)
        self.count += len(chunk)
        return chunk

    def drain(self) -> None:
        """Read to the end, so that the hash covers the whole file even if its content is refused."""
        while self.read():
            pass

    def sha256(self) -> str:
        """Return the hash of what was read so far, in hex."""
        return self._digest.hexdigest()


def inflate(raw: HashingReader, limits: Limits, piece_bytes: int = PIECE_BYTES) -> Iterator[bytes]:
    """Yield the content of every gzip member of `raw`, in pieces of at most `piece_bytes`.

    Zero bytes after the last trailer are padding. Raises FileRefusedError: `gzip_truncated`,
    `gzip_corrupt`, `gzip_trailing` (bytes after the last trailer), `too_large`, `ratio`.
    """
    return capped(_members(raw, piece_bytes), raw, limits)


def capped(pieces: Iterable[bytes], raw: HashingReader, limits: Limits) -> Iterator[bytes]:
    """Yield `pieces`, the content of `raw`. Raises FileRefusedError: `too_large`, `ratio`."""
    inflated = 0
    for piece in pieces:
        inflated += len(piece)
        if inflated > limits.inflated_bytes:
            raise FileRefusedError("too_large", f"inflates to more than {limits.inflated_bytes:,} bytes")
        if inflated > max(limits.ratio_floor_bytes, limits.ratio * raw.count):
            raise FileRefusedError("ratio", f"inflates to more than {limits.ratio} times its size")
        yield piece


def _members(raw: HashingReader, piece_bytes: int) -> Iterator[bytes]:
    member = isal_zlib.decompressobj(_GZIP)
    inside, padding = True, False  # a file is at least one member
    while data := raw.read():
        while data:
            if not inside:
                padding = padding or data[0] == 0
                if padding or not b"\x1f\x8b".startswith(data[:2]):
                    _require_zeros(data)
                    break
                member, inside = isal_zlib.decompressobj(_GZIP), True
            if piece := _inflate(member, data, piece_bytes):
                yield piece
            inside = not member.eof
            data = member.unconsumed_tail if inside else member.unused_data
    while inside:
        # Input that was consumed but not yet returned.
        piece = _inflate(member, b"", piece_bytes)
        if piece:
            yield piece
        elif not member.eof:
            raise FileRefusedError("gzip_truncated", "the gzip stream ends before its trailer")
        inside = not member.eof


def _inflate(member: "isal_zlib.Decompress", data: bytes, piece_bytes: int) -> bytes:
    try:
        piece: bytes = member.decompress(data, piece_bytes)
    except _DamagedError as error:
        raise FileRefusedError("gzip_corrupt", f"the gzip stream is damaged: {error}") from error
    return piece


def _require_zeros(data: bytes) -> None:
    if data.strip(b"\0"):
        raise FileRefusedError("gzip_trailing", "bytes that are not gzip follow the last gzip trailer")
