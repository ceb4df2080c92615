"""A gzip stream is read completely or fails, whatever happens to its bytes."""

import gzip
import hashlib
import io
import zlib
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from raw_files import contract, parsed, parsed_in

from bronze.errors import FileRefusedError
from bronze.inflate import HashingReader, inflate
from bronze.limits import DEFAULT_LIMITS

PAIR = contract("id bigint key", "name string?")
CONTENT = b"id,name\n" + b"".join(b"%d,name %d\n" % (n, n * n) for n in range(40))
WHOLE = gzip.compress(CONTENT, mtime=0)


def inflated(raw, piece=1 << 20, **limits):
    """Return the content, or the reason that the file is refused."""
    try:
        return b"".join(inflate(HashingReader(io.BytesIO(raw)), replace(DEFAULT_LIMITS, **limits), piece))
    except FileRefusedError as refusal:
        return refusal.reason


@pytest.mark.parametrize("piece", [1, 7, 100, 1 << 20])
def test_content_is_complete_with_pieces_of_any_size(piece):
    assert inflated(WHOLE, piece=piece) == CONTENT


@pytest.mark.parametrize("count", [1, 2, 3, 50])
def test_every_member_is_read(count):
    assert inflated(WHOLE * count) == CONTENT * count


def test_members_may_be_empty_and_split_anywhere():
    for cut in range(0, len(CONTENT), 37):
        parts = [CONTENT[:cut], b"", CONTENT[cut:], b""]
        assert inflated(b"".join(map(gzip.compress, parts)), piece=50) == CONTENT


def test_a_header_may_have_a_name_a_comment_and_extra_bytes():
    body = WHOLE[10:]
    flagged = b"\x1f\x8b\x08\x1c\0\0\0\0\0\xff" + b"\x02\0ab" + b"name\0" + b"comment\0" + body
    assert inflated(flagged) == CONTENT


@pytest.mark.parametrize("zeros", [1, 2, 511, 300_000])
def test_zeros_after_the_last_trailer_are_padding(zeros):
    assert inflated(WHOLE + b"\0" * zeros) == CONTENT


@pytest.mark.parametrize(
    "rest",
    [
        b"x",
        b"\0x",
        b"\n",
        b"\x1f\x8c",
        b"\0" * 300_000 + b"x",
        b"\0" + WHOLE,
        b"\0" * ((256 << 10) - len(WHOLE)) + WHOLE,
        b"\x8b\x1f",
        CONTENT,
    ],
)
def test_any_other_bytes_after_the_last_trailer_refuse_the_file(rest):
    assert inflated(WHOLE + rest) == "gzip_trailing"


def test_a_file_truncated_at_any_byte_is_refused():
    twice = WHOLE + gzip.compress(b"999,last\n")
    for end in range(len(twice)):
        if end != len(WHOLE):
            assert inflated(twice[:end], piece=64) == "gzip_truncated", end


@pytest.mark.parametrize(
    "raw",
    [b"id,name\n1,a\n", b"PK\x03\x04" * 9, b"\0" * 30, zlib.compress(CONTENT), b"\x1f\x8b\x07" + WHOLE[3:]],
)
def test_a_file_that_is_not_gzip_is_refused(raw):
    assert inflated(raw) == "gzip_corrupt"


@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 7), st.sampled_from([30, 1 << 20]))
def test_a_flipped_bit_is_detected_or_changes_nothing(place, bit, piece):
    damaged = bytearray(WHOLE)
    damaged[place] ^= 1 << bit
    assert inflated(bytes(damaged), piece=piece) in (
        CONTENT,
        "gzip_corrupt",
        "gzip_truncated",
        "gzip_trailing",
    )


@given(st.binary(max_size=60))
@example(b"\x1f\x8b\x08\x00")
def test_no_input_crashes_the_reader(raw):
    assert isinstance(inflated(raw), bytes | str)


def test_a_damaged_checksum_or_size_is_detected():
    for place in range(-8, 0):
        damaged = bytearray(WHOLE)
        damaged[place] ^= 1
        assert inflated(bytes(damaged)) == "gzip_corrupt"


def test_inflated_bytes_and_ratio_have_caps():
    bomb = gzip.compress(b"\0" * 1_000_000)
    assert inflated(bomb, inflated_bytes=999_999) == "too_large"
    assert inflated(bomb, inflated_bytes=1_000_000) == b"\0" * 1_000_000
    assert inflated(bomb, ratio=100, ratio_floor_bytes=1000) == "ratio"
    assert inflated(bomb, ratio=100, ratio_floor_bytes=1_000_000) == b"\0" * 1_000_000
    assert inflated(WHOLE, ratio=1000, ratio_floor_bytes=0) == CONTENT


def test_a_bomb_is_refused_by_default():
    members = gzip.compress(b"\0" * (1 << 20)) * 40
    assert inflated(members) == "ratio"


class Dribble(io.RawIOBase):
    """A stream that returns a few bytes per read, like a network."""

    def __init__(self, raw):
        self.rest = raw

    def read(self, size=-1):
        part, self.rest = self.rest[: min(size, 3)], self.rest[min(size, 3) :]
        return part


def test_short_reads_change_nothing():
    raw = HashingReader(Dribble(WHOLE))
    assert b"".join(inflate(raw, DEFAULT_LIMITS, 100)) == CONTENT
    whole = HashingReader(io.BytesIO(WHOLE))
    whole.drain()
    assert (raw.sha256(), raw.count) == (whole.sha256(), len(WHOLE))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (WHOLE[:-1], "gzip_truncated"),
        (WHOLE[:-8] + bytes(8), "gzip_corrupt"),
        (WHOLE + b"x" + b"y" * 600_000, "gzip_trailing"),
        (b"", "gzip_truncated"),
    ],
)
def test_a_refused_stream_leaves_one_entry_for_the_file_and_its_hash(tmp_path, raw, reason):
    found = parsed_in(tmp_path, raw, PAIR, "csv")
    assert (found.report.failure, found.report.rows, found.folders) == (reason, 0, {"quarantine"})
    assert [(entry["line"], entry["reason"]) for entry in found.quarantine] == [(0, reason)]
    assert found.report.sha256 == hashlib.sha256(raw).hexdigest()


def test_an_empty_gzip_lacks_the_header_for_csv_and_is_valid_for_json():
    assert parsed(gzip.compress(b""), PAIR, "csv").report.failure == "header"
    found = parsed(gzip.compress(b""), PAIR, "json").report
    assert (found.failure, found.lines, found.records) == (None, 0, 0)
