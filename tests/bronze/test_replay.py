"""A quarantine file as input: records are judged again, and keep their file, line and sequence."""

import gzip
import io
import json
from dataclasses import replace

import pytest
from conformance_cases import TOKEN_KEY, cases
from raw_files import contract, parsed_in, record

from bronze.contract import loads
from bronze.parse import Source, parse, source_of

STRICT = ["id bigint key", "value bigint?"]
LOOSE = ["id bigint key", "value string?"]
EXTRACT = b"id,value\n1,7\n2,a\n3,\xc3\xa9\nx,8\n5,\xff\n"


def replayed(out, name, entries, rules):
    source = Source(name, 1, 1, "json", "none", replay=True)
    report = parse(io.BytesIO(entries), rules, source, out, token_key=TOKEN_KEY.encode())
    quarantine = out / "quarantine" / f"{name}.jsonl"
    return report, quarantine.read_bytes() if quarantine.exists() else b""


def refused(out, raw, rules, shape, **options):
    parsed_in(out, raw, rules, shape, **options)
    return (out / "quarantine" / "file.jsonl").read_bytes()


def identity(rows):
    technical = ("_seq", "_op", "_key_before", "_committed_at", "_file_id", "_line", "_record")
    return [
        {name: value for name, value in row.items() if name in technical or name[0] != "_"} for row in rows
    ]


def rows_in(out):
    import pyarrow.parquet as pq

    return [row for path in sorted(out.glob("bronze/*")) for row in pq.read_table(path).to_pylist()]


def test_replayed_rows_of_an_extract_equal_those_of_the_raw_file(tmp_path):
    entries = refused(
        tmp_path / "a", gzip.compress(EXTRACT), contract(*STRICT, version="1.0.0"), "csv", epoch=4, extract=9
    )
    report, still = replayed(tmp_path / "b", "q", entries, contract(*LOOSE, version="1.1.0"))
    assert (report.records, report.rows, report.quarantined) == (4, 2, 2)
    whole = parsed_in(
        tmp_path / "c", gzip.compress(EXTRACT), contract(*LOOSE, version="1.1.0"), "csv", epoch=4, extract=9
    )
    assert identity(rows_in(tmp_path / "b")) == identity(row for row in whole.rows if row["_line"] > 2)
    assert {row["_file_id"] for row in rows_in(tmp_path / "b")} == {"file"}
    kept = [json.loads(line) for line in still.splitlines()]
    before = [json.loads(line) for line in entries.splitlines()]
    assert kept == [entry | {"contract_version": "1.1.0"} for entry in before if entry["line"] > 4]


def test_replayed_change_and_control_records_keep_their_position(tmp_path):
    lines = [
        json.dumps(record({"id": 1, "value": "a"})).encode()
        + json.dumps(record({"id": 2, "value": 7})).encode(),
        json.dumps(record({}, "truncate-table", record_type="control", stream_position="17")).encode(),
        json.dumps(record({"id": 3, "value": "b"}, stream_position="18", transaction_record_id=5)).encode(),
    ]
    raw = gzip.compress(b"\n".join(lines))
    strict = contract(*STRICT, version="1.0.0", maxBadRatio=1)
    loose = contract(*LOOSE, version="2.0.0", position="number", maxBadRatio=1)
    entries = refused(tmp_path / "a", raw, strict, "json", epoch=3)
    assert [json.loads(line)["reason"] for line in entries.splitlines()] == [
        *("type:value", "type:stream-position", "type:value"),
    ]  # fmt: skip
    report, _ = replayed(tmp_path / "b", "q", entries, loose)
    assert (report.rows, report.quarantined, report.control) == (1, 1, 1)
    whole = parsed_in(tmp_path / "c", raw, loose, "json", epoch=3)
    assert identity(rows_in(tmp_path / "b")) == identity(whole.rows)
    events = parsed_in(tmp_path / "b", b"", loose, "json", file_id="x").events
    assert events == whole.events


@pytest.mark.parametrize(
    "case", [case for case in cases() if case.wanted["quarantine"]], ids=lambda c: c.name
)
def test_records_still_refused_are_refused_as_before(case, tmp_path):
    rules = loads(case.contract, "thing.yaml")
    source = replace(source_of(case.path, "file"), file_id="file")
    parse(io.BytesIO(case.raw), rules, source, tmp_path, token_key=TOKEN_KEY.encode())
    entries = (tmp_path / "quarantine" / "file.jsonl").read_bytes()
    report, still = replayed(tmp_path / "again", "q", entries, rules)
    if case.wanted["failure"]:
        assert (report.failure, report.rows) == ("replay", 0)
        return
    assert still == entries
    assert (report.records, report.quarantined) == (len(entries.splitlines()),) * 2


def test_files_of_several_quarantines_may_be_joined(tmp_path):
    rules = contract(*STRICT)
    entries = b"".join(
        refused(tmp_path / name, gzip.compress(EXTRACT), rules, "csv", epoch=epoch)
        for name, epoch in (("a", 1), ("b", 2))
    )
    replayed(tmp_path / "c", "q", entries, contract(*LOOSE))
    assert (
        sorted(row["_seq"][:10] for row in rows_in(tmp_path / "c")) == ["0000000001"] * 2 + ["0000000002"] * 2
    )


ENTRY = {
    **{"line": 2, "record": 0, "offset": 9, "reason": "type:id", "raw": "x,1", "file_id": "file"},
    **{"epoch": 1, "extract": 1, "format": "csv", "contract_version": "1.2.3"},
}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", "line 1 is not a quarantine entry"),
        ("[" * 100_000, "line 1 is not a quarantine entry"),
        ('{"line":1}', "line 1 is not a quarantine entry"),
        (json.dumps({**ENTRY, "contract_version": "one"}), "line 1 is not a quarantine entry"),
        (json.dumps({**ENTRY, "raw": None, "raw_base64": "?"}), "line 1 is not a quarantine entry"),
        (json.dumps({**ENTRY, "raw": ""}), "line 1 is not a quarantine entry"),
        (json.dumps({**ENTRY, "epoch": -1}), "line 1 is not a quarantine entry"),
        # Good except for a position or epoch that no column, or no `_seq`, has room for.
        (json.dumps({**ENTRY, "raw": "7,1", "line": 1 << 63}), "line 1 is not a quarantine entry"),
        (json.dumps({**ENTRY, "raw": "7,1", "record": 1 << 31}), "line 1 is not a quarantine entry"),
        (json.dumps({**ENTRY, "raw": "7,1", "epoch": 10**10}), "line 1 is not a quarantine entry"),
        (json.dumps({**ENTRY, "contract_version": "1.10.0"}), "by version 1.10.0 of the contract"),
        (json.dumps({**ENTRY, "line": 0, "reason": "ratio"}), "file was refused as a whole (ratio)"),
    ],
)
def test_a_line_that_cannot_be_replayed_refuses_the_quarantine_file(tmp_path, line, words):
    report, entries = replayed(tmp_path, "q", line.encode(), contract(*STRICT))
    assert (report.failure, report.rows) == ("replay", 0)
    assert words in json.loads(entries)["detail"]
    assert not (tmp_path / "bronze").exists()


def test_a_replay_of_mostly_bad_records_is_not_a_bad_file(tmp_path):
    entries = (json.dumps(ENTRY) + "\n").encode() * 300
    report, _ = replayed(tmp_path, "q", entries, contract(*STRICT))
    assert (report.failure, report.quarantined) == (None, 300)
