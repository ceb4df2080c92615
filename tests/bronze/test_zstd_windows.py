"""The frames of a zstd stream are followed however it is split, and none may need much memory."""

import io

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bronze.content import content
from bronze.errors import FileRefusedError
from bronze.inflate import HashingReader
from bronze.limits import DEFAULT_LIMITS
from bronze.zstd_windows import MOST_BYTES, Windows

MAGIC = bytes.fromhex("28b52ffd")
SKIPPABLE = bytes.fromhex("5a2a4d18") + (3).to_bytes(4, "little") + b"abc"


def raw_block(data, *, last=True):
    return (len(data) << 3 | last).to_bytes(3, "little") + data


def repeated_block(byte, count):
    return (count << 3 | 1 << 1 | 1).to_bytes(3, "little") + byte


def windowed(exponent, mantissa=0, blocks=None):
    """Return a frame with a window of 2 ** exponent bytes plus `mantissa` eighths."""
    return MAGIC + bytes([0, (exponent - 10) << 3 | mantissa]) + (blocks or raw_block(b"x"))


def single(size, blocks=None):
    """Return a frame whose window is its content, with the size in 8 bytes."""
    return MAGIC + bytes([0xE0]) + size.to_bytes(8, "little") + (blocks or raw_block(b"x"))


def asked(stream, size=1 << 20):
    windows = Windows()
    try:
        for start in range(0, len(stream), size):
            windows.see(stream[start : start + size])
    except FileRefusedError as refusal:
        return refusal.reason
    return None


def inflated(stream):
    return b"".join(content(HashingReader(io.BytesIO(stream)), "zstd", DEFAULT_LIMITS))


FRAMES = [
    windowed(20, blocks=raw_block(b"ab", last=False) + raw_block(b"c")),
    windowed(10, blocks=repeated_block(b"z", 1000)),
    single(1),
    SKIPPABLE,
    pa.compress(b"id\n1\n" * 5000, "zstd", asbytes=True),
    pa.Codec("zstd", 19).compress(bytes(range(256)) * 900, asbytes=True),
]


@pytest.mark.parametrize("large", [windowed(23, 1), windowed(41, 7), single(MOST_BYTES + 1), single(1 << 60)])
def test_a_frame_with_a_large_window_is_refused_by_name(large):
    assert asked(large) == "zstd_window"
    with pytest.raises(FileRefusedError, match="level 19") as refusal:
        inflated(b"".join(FRAMES) + large)
    assert refusal.value.reason == "zstd_window"


def test_a_frame_with_a_window_of_8_mib_is_read():
    assert inflated(windowed(23)) == b"x"
    assert inflated(single(1)) == b"x"


@given(st.lists(st.sampled_from(FRAMES), max_size=6), st.integers(1, 300))
def test_a_frame_after_others_is_found_however_the_stream_is_split(frames, size):
    before = b"".join(frames)
    assert asked(before, size) is None
    assert asked(before + windowed(27), size) == "zstd_window"
    assert asked(before + windowed(23), size) is None


@given(st.lists(st.sampled_from(FRAMES), min_size=1, max_size=6))
def test_frames_are_read_as_arrow_reads_them(frames):
    kept = [frame for frame in frames if frame != SKIPPABLE]
    assert inflated(b"".join(frames)) == b"".join(map(inflated, kept))


@given(st.binary(max_size=400), st.integers(1, 100))
def test_data_that_is_not_zstd_is_left_to_its_reader(junk, size):
    assert asked(b"\0" + junk, size) is None
    assert asked(MAGIC + junk, size) in (None, "zstd_window")
