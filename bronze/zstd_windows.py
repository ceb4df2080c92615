"""Check the frame headers of a zstd stream, to refuse a frame that needs more memory than allowed.

A frame's header states its window, the amount of output that must be held at once (RFC 8878, 3.1). A few
bytes can demand any amount.
"""

import sys
from collections.abc import Generator

from bronze.errors import FileRefusedError

# What the RFC recommends every decoder to support, and what the highest normal level, 19, needs.
MOST_BYTES = 8 << 20
_FRAME, _SKIPPABLE = 0xFD2FB528, range(0x184D2A50, 0x184D2A60)

# Yields (bytes to skip, bytes to read after that), and is sent the bytes read.
_Walk = Generator[tuple[int, int], bytes, None]


class Windows:
    """Checks the bytes of a zstd stream, which may come in any pieces."""

    def __init__(self) -> None:
        self._walk = _frames()
        self._skip, self._wanted = next(self._walk)
        self._held = b""

    def see(self, data: bytes) -> None:
        """Check the next bytes; anything that is not zstd is left to the decoder. Raises FileRefusedError."""
        start = 0
        while start < len(data):
            if self._skip:
                step = min(self._skip, len(data) - start)
                self._skip -= step
            else:
                step = min(self._wanted - len(self._held), len(data) - start)
                self._held += data[start : start + step]
                if len(self._held) == self._wanted:
                    held, self._held = self._held, b""
                    self._skip, self._wanted = self._walk.send(held)
            start += step


def _frames() -> _Walk:
    skip = 0
    while True:
        magic = int.from_bytes((yield skip, 4), "little")
        if magic == _FRAME:
            skip = yield from _frame()
        elif magic in _SKIPPABLE:
            skip = int.from_bytes((yield 0, 4), "little")
        else:
            yield sys.maxsize, 1


def _frame() -> Generator[tuple[int, int], bytes, int]:
    """Walk through a frame after its magic number; return how many bytes of it are still to skip."""
    (descriptor,) = yield 0, 1
    single, checksum = descriptor & 0x20, descriptor & 0x04
    window = 0
    if not single:
        (said,) = yield 0, 1
        base = 1 << (10 + (said >> 3))
        window = base + base // 8 * (said & 7)
    dictionary = (0, 1, 2, 4)[descriptor & 3]
    size = (1 if single else 0, 2, 4, 8)[descriptor >> 6]
    if dictionary + size:
        rest = yield 0, dictionary + size
        if single:  # the window is the whole content
            window = int.from_bytes(rest[dictionary:], "little") + (256 if size == 2 else 0)
    if window > MOST_BYTES:
        raise FileRefusedError(
            "zstd_window",
            f"a frame of the zstd stream needs {window:,} bytes of memory, but {MOST_BYTES:,} are allowed:"
            " compress it with level 19 at most, without --long",
        )
    skip, last = 0, 0
    while not last:
        header = int.from_bytes((yield skip, 3), "little")
        last, kind, length = header & 1, header >> 1 & 3, header >> 3
        skip = 1 if kind == 1 else length  # kind 1 is one byte, repeated
    return skip + (4 if checksum else 0)
