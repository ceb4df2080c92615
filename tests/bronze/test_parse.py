"""A raw file as a whole: all or nothing, the same bytes each time, bounded memory, what is left behind."""

import gzip
import hashlib
import hmac
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from random import Random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from raw_files import KEY, blocks_of, changes, contract, csv, parsed, parsed_in, record

from bronze.errors import SourceError, TokenKeyError
from bronze.events import EVENT_HIVE_COLUMNS, EVENT_SCHEMA
from bronze.limits import DEFAULT_LIMITS
from bronze.parse import Source, source_of

PAIR = contract("id bigint key", "name string?")
GOOD = gzip.compress(b"id,name\n1,a\n2,b\nx,c\n")
CUT = GOOD[:-1]


def files(out):
    return sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())


def test_a_file_gives_rows_and_quarantine_under_its_id(tmp_path):
    found = parsed_in(tmp_path, GOOD, PAIR, "csv", file_id="f-1")
    assert files(tmp_path) == ["bronze/f-1-00000.parquet", "quarantine/f-1.jsonl"]
    assert found.report.sha256 == hashlib.sha256(GOOD).hexdigest()
    assert found.report.reasons == {"type:id": 1}
    assert found.quarantine == [
        {
            "line": 4,
            "record": 0,
            "offset": 16,
            "reason": "type:id",
            "raw": "x,c",
            "file_id": "f-1",
            "epoch": 1,
            "extract": 1,
            "format": "csv",
            "contract_version": "1.2.3",
        }
    ]


def test_the_same_file_gives_the_same_bytes(tmp_path):
    for name in ("one", "two"):
        parsed_in(tmp_path / name, GOOD, PAIR, "csv")
    assert files(tmp_path / "one") == files(tmp_path / "two")
    for path in files(tmp_path / "one"):
        assert (tmp_path / "one" / path).read_bytes() == (tmp_path / "two" / path).read_bytes()


def test_a_refused_file_removes_the_output_of_an_earlier_run(tmp_path):
    control = record({}, "create-table", record_type="control")
    lines = [json.dumps(it).encode() for it in (record({"id": 1, "name": "a"}), control, {})]
    parsed_in(tmp_path, gzip.compress(b"\n".join(lines)), PAIR, "json")
    assert files(tmp_path) == ["bronze/file-00000.parquet", "events/file.parquet", "quarantine/file.jsonl"]
    parsed_in(tmp_path, CUT, PAIR, "json")
    assert files(tmp_path) == ["quarantine/file.jsonl"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["quarantine"]


def test_a_second_run_replaces_the_first_and_no_other_file(tmp_path):
    for file_id in ("a", "a-1", "b"):
        parsed_in(tmp_path, GOOD, PAIR, "csv", file_id=file_id)
    parsed_in(tmp_path, gzip.compress(b"id,name\n7,z\n"), PAIR, "csv", file_id="a")
    assert files(tmp_path) == [
        *("bronze/a-00000.parquet", "bronze/a-1-00000.parquet", "bronze/b-00000.parquet"),
        *("quarantine/a-1.jsonl", "quarantine/b.jsonl"),
    ]
    assert pq.read_table(tmp_path / "bronze/a-00000.parquet").column("id").to_pylist() == [7]
    parsed_in(tmp_path, CUT, PAIR, "csv", file_id="b")
    assert "bronze/b-00000.parquet" not in files(tmp_path)
    assert "bronze/a-1-00000.parquet" in files(tmp_path)


class Broken:
    """A stream that loses its connection."""

    def read(self, size):
        raise ConnectionError("gone")


def test_a_stream_that_breaks_leaves_no_output(tmp_path):
    from bronze.parse import parse

    with pytest.raises(ConnectionError):
        parse(Broken(), PAIR, Source("f", 1, 1, "csv"), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("file_id", ["", "../up", "a/b", "a b", ".hidden", "x" * 129])
def test_an_id_that_cannot_name_a_file_is_refused(tmp_path, file_id):
    with pytest.raises(SourceError, match="cannot name a file"):
        parsed_in(tmp_path, GOOD, PAIR, "csv", file_id=file_id)


@pytest.mark.parametrize(
    ("key", "epoch", "extract", "shape"),
    [
        ("raw/review/2024/r.csv.gz", 1, 1, "csv"),
        ("raw/review/epoch=3/extract=12/r.json.gz", 3, 12, "json"),
        ("epoch=0/r.csv.gz", 0, 1, "csv"),
        ("raw/epoch=7.csv.gz", 1, 1, "csv"),
        ("raw/someepoch=7/r.csv.gz", 1, 1, "csv"),
    ],
)
def test_a_key_gives_epoch_extract_and_shape(key, epoch, extract, shape):
    assert source_of(key, "f") == Source("f", epoch, extract, shape)


@pytest.mark.parametrize(("suffix", "packed"), [("", "none"), (".gz", "gzip"), (".zst", "zstd")])
def test_the_last_suffix_gives_the_compression(suffix, packed):
    for shape in ("csv", "json"):
        assert source_of(f"raw/r.{shape}{suffix}", "f") == Source("f", 1, 1, shape, packed)


@pytest.mark.parametrize(
    "key",
    ["r.csv.bz2", "r.jsonl", "r.gz", "r.zst", "r.csv.gz.tmp", "r.CSV.GZ", "",
     "epoch=x/r.csv.gz", "epoch=/r.csv.gz", "epoch=-1/r.csv.gz", "epoch=1/epoch=2/r.csv.gz",
     "extract=1e3/r.csv.gz", "epoch=12345678901/r.csv.gz"],
)  # fmt: skip
def test_any_other_key_is_refused(key):
    with pytest.raises(SourceError):
        source_of(key, "f")


def test_a_file_of_mostly_bad_records_is_refused_and_its_lines_are_kept():
    rules = contract("id bigint key", maxBadRecords=2, maxBadRatio=0.5)
    assert csv(rules, "1", "x", "y").report.failure is None
    assert csv(rules, "1", "2", "3", "x", "y", "z").report.failure is None
    found = csv(rules, "1", "2", "x", "y", "z")
    assert found.report.failure == "bad_records"
    assert (found.report.records, found.report.rows, found.report.quarantined) == (5, 0, 5)
    assert found.reasons == [(4, "type:id"), (5, "type:id"), (6, "type:id"), (0, "bad_records")]
    assert found.folders == {"quarantine"}


def test_by_default_over_100_bad_records_that_are_over_5_percent_are_too_many():
    def failure(good, bad):
        return csv(contract("id bigint key"), *["1"] * good, *["x"] * bad).report.failure

    assert failure(0, 100) is None
    assert failure(0, 101) == "bad_records"
    assert failure(19 * 101, 101) is None
    assert failure(19 * 101 - 1, 101) == "bad_records"


def test_lines_above_the_cap_are_refused_wherever_blocks_end():
    rules = contract("id bigint key", "name string?")
    lines = ["1,a", "2," + "b" * 38, "3," + "c" * 39, "4,d", "5," + "é" * 70_000, "6,f"]
    for size in (1, 30, 100_000, 1 << 20):
        found = csv(rules, *lines, limits=replace(blocks_of(size), line_bytes=40))
        assert found.reasons == [(4, "too_long"), (6, "too_long")]
        assert found.column("id") == [1, 2, 4, 6]
        assert [entry["length"] for entry in found.quarantine] == [41, 140_002]
        assert found.quarantine[0]["raw"] == lines[2]
        assert found.report.lines == 7
    as_json = changes(
        rules, record({"id": 1, "name": "a"}), " " * 2000, limits=replace(DEFAULT_LIMITS, line_bytes=1000)
    )
    assert as_json.reasons == [(2, "too_long")]


def test_a_header_above_the_cap_refuses_the_file():
    assert csv(PAIR, "1,a", limits=replace(DEFAULT_LIMITS, line_bytes=6)).report.failure == "header"


def test_content_above_the_caps_refuses_the_file():
    bomb = gzip.compress(b"id,name\n" + b"1,a\n" * 100_000)
    small = replace(DEFAULT_LIMITS, inflated_bytes=100_000)
    assert parsed(bomb, PAIR, "csv", limits=small).report.failure == "too_large"
    steep = replace(DEFAULT_LIMITS, ratio=100, ratio_floor_bytes=1000)
    assert parsed(bomb, PAIR, "csv", limits=steep).report.failure == "ratio"
    assert parsed(bomb, PAIR, "csv").report.rows == 100_000


def test_tokens_are_a_keyed_hash_of_the_text(tmp_path):
    rules = contract("id bigint key", "mail string? token")
    found = csv(rules, "1,a@example.org", "2,", "3,é", "4,a@example.org")
    wanted = [hmac.new(KEY, text.encode(), "sha256").hexdigest() for text in ("a@example.org", "é")]
    assert found.column("mail_token") == [wanted[0], None, wanted[1], wanted[0]]
    assert list(found.rows[0])[:3] == ["id", "mail", "mail_token"]
    as_change = changes(rules, record({"id": 1, "mail": "a@example.org"}))
    assert as_change.column("mail_token") == [wanted[0]]
    for key in (None, b""):
        with pytest.raises(TokenKeyError, match="thing has tokens of mail, and no key is set"):
            parsed_in(tmp_path, GOOD, rules, "csv", token_key=key)


def test_reasons_are_counted_by_name_up_to_a_bound():
    rules = contract("id bigint key", maxBadRatio=1)
    found = changes(rules, *(record({"id": 1, f"key{n}": 1}) for n in range(300)))
    assert len(found.report.reasons) == 201
    assert found.report.reasons["other"] == 100
    assert found.reasons[299] == (300, "unknown_key:key299")


def test_a_bronze_file_has_the_columns_and_types_of_the_contract(tmp_path):
    rules = contract(
        "id bigint key", "n int?", "f float?", "d double?", "m decimal(9,2)?", "b boolean?", "t date?",
        "at timestamp?", "s string? token", unknownKeys="evolve",
    )  # fmt: skip
    header = ",".join(column.name for column in rules.columns).encode()
    parsed_in(tmp_path, gzip.compress(header + b"\n1,,,,,,,,\n"), rules, "csv")
    parsed_in(tmp_path / "empty", gzip.compress(b""), rules, "json")
    for path in (tmp_path / "bronze/file-00000.parquet", tmp_path / "empty/bronze/file-00000.parquet"):
        schema = pq.read_schema(path)
        assert schema.equals(rules.arrow_schema)
        assert schema.names == [name for name, _ in rules.hive_columns]
        assert schema.field("_committed_at").type == pa.timestamp("us")


def test_an_events_file_has_the_columns_of_events(tmp_path):
    control = json.dumps(record({}, "truncate-table", record_type="control")).encode()
    parsed_in(tmp_path, gzip.compress(control), PAIR, "json")
    assert pq.read_schema(tmp_path / "events/file.parquet").equals(EVENT_SCHEMA)
    assert [name for name, _ in EVENT_HIVE_COLUMNS] == EVENT_SCHEMA.names


def test_files_have_row_groups_with_statistics_an_index_and_compact_encodings(tmp_path):
    content = b"id,name\n" + b"".join(b"%d,n%d\n" % (n, n % 7) for n in range(1, 2501))
    limits = replace(blocks_of(1000), row_group_rows=1000, file_row_groups=2)
    found = parsed_in(tmp_path, gzip.compress(content), PAIR, "csv", limits=limits)
    assert [row["id"] for row in found.rows] == list(range(1, 2501))
    names = ["bronze/file-00000.parquet", "bronze/file-00001.parquet"]
    assert files(tmp_path) == names
    metadata = [pq.read_metadata(tmp_path / name) for name in names]
    groups = [file.row_group(number) for file in metadata for number in range(file.num_row_groups)]
    assert [group.num_rows for group in groups] == [1000, 1000, 500]
    columns = {groups[0].column(n).path_in_schema: groups[0].column(n) for n in range(groups[0].num_columns)}
    assert {column.compression for column in columns.values()} == {"ZSTD"}
    for name, column in columns.items():
        stepped = name in ("id", "_rev", "_committed_at", "_line", "_record")
        assert ("DELTA_BINARY_PACKED" in column.encodings) == stepped, name
        assert column.has_dictionary_page != stepped, name
        assert column.has_column_index, name
        assert column.has_offset_index, name
    assert (columns["id"].statistics.min, columns["id"].statistics.max) == (1, 1000)


def test_varying_sequences_are_delta_encoded(tmp_path):
    changes = [record({"id": n, "name": "a"}, "insert", stream_position=f"0/{n:X}") for n in range(1, 4)]
    raw = gzip.compress(b"\n".join(json.dumps(it).encode() for it in changes))
    parsed_in(tmp_path, raw, PAIR, "json")
    group = pq.read_metadata(tmp_path / "bronze/file-00000.parquet").row_group(0)
    columns = [group.column(n) for n in range(group.num_columns)]
    assert [it.path_in_schema for it in columns if "DELTA_BYTE_ARRAY" in it.encodings] == ["_seq"]


@pytest.mark.parametrize(
    ("number", "differences"),
    [(lambda n: n % 7, False), (lambda n: n // 100, True), (lambda n: n * 7919 % 10_007, True)],
    ids=["few", "few that rise", "many"],
)
def test_numbers_are_delta_encoded_unless_few_and_unordered(tmp_path, number, differences):
    content = b"id,other\n" + b"".join(b"%d,%d\n" % (n, number(n)) for n in range(1, 2501))
    parsed_in(tmp_path, gzip.compress(content), contract("id bigint key", "other int"), "csv")
    group = pq.read_metadata(tmp_path / "bronze/file-00000.parquet").row_group(0)
    columns = {group.column(n).path_in_schema: group.column(n) for n in range(group.num_columns)}
    assert ("DELTA_BINARY_PACKED" in columns["other"].encodings) == differences


PLACED = contract("shop string key", "id bigint key", "name string?")


@pytest.mark.parametrize("table", [contract("id bigint key", "name string?"), PLACED], ids=["one", "two"])
def test_changes_are_sorted_by_key_then_arrival_in_each_row_group(tmp_path, table):
    random = Random(5)
    data = [
        {"shop": random.choice("ab"), "id": random.randrange(20), "name": None if n % 3 else f"n{n}"}
        for n in range(250)
    ]
    wanted = [{column.name: row[column.name] for column in table.columns} for row in data]
    content = gzip.compress("".join(json.dumps(record(row)) + "\n" for row in wanted).encode())
    found = parsed_in(tmp_path, content, table, "json", limits=replace(blocks_of(700), row_group_rows=100))
    lines = [row["_line"] for row in found.rows]
    groups = [lines[start : start + 100] for start in (0, 100, 200)]
    assert [sorted(group) for group in groups] == [[*range(1, 101)], [*range(101, 201)], [*range(201, 251)]]
    for group in groups:
        keys = [tuple(wanted[line - 1][name] for name in table.key) for line in group]
        assert [(key, line) for key, line in zip(keys, group, strict=True)] == sorted(
            zip(keys, group, strict=True)
        )
    for row in found.rows:
        assert {name: row[name] for name in wanted[0]} == wanted[row["_line"] - 1]


def test_blocks_of_any_size_give_the_same_rows():
    lines = [f"{n},{'x' * (n % 50)}" if n % 17 else f"{n}" for n in range(400)]
    whole = csv(PAIR, *lines)
    for size in (1, 7, 64, 1000):
        cut = csv(PAIR, *lines, limits=blocks_of(size))
        assert (cut.rows, cut.quarantine, cut.report) == (whole.rows, whole.quarantine, whole.report)


PEAK = """
import gzip, io, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from raw_files import contract
from bronze.parse import Source, parse
shape, count, out = sys.argv[2], int(sys.argv[3]), Path(sys.argv[4])
rules = contract("id bigint key", maxBadRatio=1)
packed = gzip.compress((b"x" * 600 + b"\\n") * 20_000, 1) * (count // 20_000)
header = gzip.compress(b"id\\n") if shape == "csv" else b""
report = parse(io.BytesIO(header + packed), rules, Source("f", 1, 1, shape), out)
assert report.quarantined == report.records == count, report
# Not getrusage: what it says of a child starts at the size of its parent.
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(peak.split()[1]) // 1024)
"""


def peak_mb(shape, count, out):
    arguments = [str(Path(__file__).parent), shape, str(count), str(out)]
    run = subprocess.run([sys.executable, "-c", PEAK, *arguments], capture_output=True, text=True, check=True)
    return int(run.stdout)


@pytest.mark.parametrize("shape", ["csv", "json"])
def test_memory_does_not_grow_with_bad_lines(tmp_path, shape):
    some, many = (peak_mb(shape, count, tmp_path) for count in (60_000, 180_000))
    assert many < some + 30, (some, many)  # with 72 MB more of lines
    assert many < 192


NO_NUMPY = """
import sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "numpy":
            raise ImportError("numpy is asked for")
sys.meta_path.insert(0, Refuse())
import gzip, io
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from raw_files import contract, csv, changes, record
rules = contract("id bigint key", "at timestamp?", "name string? token")
assert csv(rules, "1,2024-01-01T00:00:00Z,a", "x", '"2",,b').report.rows == 2
assert changes(rules, record({"id": 1, "at": None, "name": "a"}), "{").report.rows == 1
print("numpy" in sys.modules)
"""


def test_numpy_is_never_imported():
    run = subprocess.run(
        [sys.executable, "-c", NO_NUMPY, str(Path(__file__).parent)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == "False"


STARTED = """
import io, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from raw_files import contract
from bronze.parse import Source, parse
rules = contract("id bigint key", "at timestamp?", "name string?")
csv = b"id,at,name\\n2,,b\\n1,2024-01-01T00:00:00Z,a\\nx,,\\n"
change = b'{"data":{"id":%d,"at":null,"name":"a"},"metadata":{"record-type":"data","operation":"insert",'
change += b'"stream-position":"0/1"}}\\n'
for shape, content in (("csv", csv), ("json", change % 2 + change % 1)):
    parse(io.BytesIO(content), rules, Source(shape, 1, 1, shape, "none"), Path(sys.argv[2]))
print("pyarrow.compute" in sys.modules)
"""


def test_a_small_file_needs_no_slow_import(tmp_path):
    arguments = [sys.executable, "-c", STARTED, str(Path(__file__).parent), str(tmp_path)]
    run = subprocess.run(arguments, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
    rows = [pq.read_table(tmp_path / "bronze" / f"{shape}-00000.parquet") for shape in ("csv", "json")]
    assert [table.column("id").to_pylist() for table in rows] == [[2, 1], [1, 2]]  # changes by key
