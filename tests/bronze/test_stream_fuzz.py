"""Damaged streams through the whole parser: the file fails as a whole or is read right; nothing crashes."""

import gzip
import io
import json
import os
import zlib
from random import Random

import pyarrow.parquet as pq
import pytest
import zstandard
from raw_files import contract, record

from bronze.parse import Source, parse

SWEEP = int(os.environ.get("SWEEP", "1"))
SEED = int(os.environ.get("SEED", "20240506"))
RULES = contract("id bigint key", "name string?", maxBadRatio=1)
CSV = b"id,name\n" + b"".join(b"%d,name %d\n" % (n, n * n) for n in range(30)) + b"x,bad\n"
JSON = b"".join(json.dumps(record({"id": n, "name": "n"})).encode() + b"\n" for n in range(4)) + b"{\n"
WHOLE_FILE = {
    "gzip": {"gzip_truncated", "gzip_corrupt", "gzip_trailing"},
    "zstd": {"zstd_truncated", "zstd_corrupt"},
}


def packed(kind, content):
    if kind == "gzip":
        return gzip.compress(content, mtime=0)
    # With a checksum, as the zstd command writes it.
    return zstandard.ZstdCompressor(write_checksum=True).compress(content)


def outcome(out, raw, shape, kind):
    """Return report, rows and quarantine; check that a refused file leaves nothing but its refusal."""
    report = parse(io.BytesIO(raw), RULES, Source("f", 1, 1, shape, kind), out)
    bronze = sorted(out.glob("bronze/*"))
    rows = [row for path in bronze for row in pq.read_table(path).to_pylist()]
    entries = [
        json.loads(line) for path in out.glob("quarantine/*") for line in path.read_bytes().splitlines()
    ]
    assert report.records == report.rows + report.quarantined + report.control
    assert {path.name for path in out.iterdir()} <= {"bronze", "events", "quarantine"}
    if report.failure is not None:
        assert (bronze, report.rows, entries[-1]["reason"]) == ([], 0, report.failure)
    return report.failure, rows, entries


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
@pytest.mark.parametrize(("shape", "content"), [("csv", CSV), ("json", JSON)], ids=["csv", "json"])
def test_a_stream_truncated_at_any_byte_fails_as_a_whole(tmp_path, shape, content, kind):
    first, second = packed(kind, content[:50]), packed(kind, content[50:])
    right = outcome(tmp_path, first + second, shape, kind)
    assert right[0] is None
    for end in range(len(first + second)):
        if end == len(first):
            continue  # a complete stream of fewer members
        failure, _, _ = outcome(tmp_path, (first + second)[:end], shape, kind)
        assert failure == f"{kind}_truncated", end


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
@pytest.mark.parametrize("seed", [SEED])
def test_a_stream_with_flipped_bits_fails_as_a_whole_or_is_right(tmp_path, kind, seed):
    random = Random(f"{seed} {kind}")
    for shape, content in (("csv", CSV), ("json", JSON)):
        whole = packed(kind, content[:50]) + packed(kind, content[50:])
        right = outcome(tmp_path, whole, shape, kind)
        for _ in range(150 * SWEEP):
            damaged = bytearray(whole)
            for place in random.sample(range(len(whole)), random.choice([1, 1, 2, 5])):
                damaged[place] ^= 1 << random.randrange(8)
            found = outcome(tmp_path, bytes(damaged), shape, kind)
            if kind == "gzip":  # Arrow's zstd has no checksum, so a changed byte may show as content
                assert found[0] in WHOLE_FILE[kind] or found == right, (seed, damaged.hex())


@pytest.mark.parametrize("seed", [SEED])
def test_randomly_combined_parts_fail_as_a_whole_or_are_all_read(tmp_path, seed):
    random = Random(seed)
    parts = {b: gzip.compress(b, mtime=0) for b in (b"1,a\n", b"2,", b"b\n", b"", b"3,c\n\n", b'4,"d\n')}
    for _ in range(150 * SWEEP):
        chosen = random.choices(list(parts), k=random.randrange(1, 6))
        raw = gzip.compress(b"id,name\n") + b"".join(parts[part] for part in chosen)
        tail = random.choice([b"", b"", b"\0" * random.randrange(600), b"x", b"\0x", b"\x1f\x8b"])
        found = outcome(tmp_path / "found", raw + tail, "csv", "gzip")
        if tail.strip(b"\0"):
            assert found[0] in WHOLE_FILE["gzip"], (seed, chosen, tail)
        else:
            whole = b"id,name\n" + b"".join(chosen)
            assert found == outcome(tmp_path / "whole", gzip.compress(whole), "csv", "gzip"), (seed, chosen)


@pytest.mark.parametrize("shape", ["csv", "json"])
@pytest.mark.parametrize("kind", ["gzip", "zstd", "none"])
@pytest.mark.parametrize("seed", [SEED])
def test_no_input_crashes_the_parser(tmp_path, shape, kind, seed):
    random = Random(f"{seed} {shape} {kind}")
    for _ in range(60 * SWEEP):
        junk = random.randbytes(random.randrange(200))
        head = random.choice([b"", b"id,name\n", b'{"data":', b"\x1f\x8b\x08\0", b"\x28\xb5\x2f\xfd"])
        raw = random.choice([head + junk, packed("zstd" if kind == "zstd" else "gzip", head + junk)])
        outcome(tmp_path, raw, shape, kind)


def bomb(kind, megabytes):
    """Return a stream of one repeated byte after a header."""
    if kind == "zstd":
        return packed("zstd", b"id,name\n" + b"\0" * (megabytes << 20))
    deflate = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = b"".join(deflate.compress(b"\0" * (1 << 20)) for _ in range(megabytes))
    return gzip.compress(b"id,name\n") + body + deflate.flush()


@pytest.mark.parametrize("kind", ["gzip", "zstd"])
def test_a_bomb_fails_as_a_whole(tmp_path, kind):
    assert outcome(tmp_path, bomb(kind, 40), "csv", kind)[0] == "ratio"
