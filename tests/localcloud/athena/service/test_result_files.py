from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from localcloud.athena import result_files, results
from localcloud.athena.catalog import Catalog
from localcloud.athena.metadata import encode
from localcloud.athena.model import Answer, Column
from localcloud.athena.statements import kinds

Read = Callable[[str], bytes]


def decode(content: bytes) -> list[tuple[int, Any]]:
    """Return the fields of a protobuf message, in order."""
    found: list[tuple[int, Any]] = []
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = content[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(content):
        key = varint()
        if key & 7 == 0:
            found.append((key >> 3, varint()))
        else:
            length = varint()
            found.append((key >> 3, content[at : at + length]))
            at += length
    return found


def test_a_query_writes_a_quoted_csv_and_its_columns(gateway: Any, read: Read):
    found = gateway.run("""select 1 as i, 'a"b' as s, null as n, '' as e, 'x' || chr(10) || 'y' as "l,l" """)
    uri = found["ResultConfiguration"]["OutputLocation"]
    assert read(uri) == b'"i","s","n","e","l,l"\n"1","a""b",,"","x\ny"\n'
    fields = decode(read(f"{uri}.metadata"))
    assert fields[0] == (1, found["QueryExecutionId"].encode())
    assert len(fields) == 6


def test_a_query_without_rows_writes_its_header(gateway: Any, read: Read):
    found = gateway.run("select 1 as i where false")
    assert read(found["ResultConfiguration"]["OutputLocation"]) == b'"i"\n'


def test_show_writes_its_rows_without_a_final_newline(gateway: Any, read: Read, database: str):
    found = gateway.run(f"show databases like '{database}'")
    uri = found["ResultConfiguration"]["OutputLocation"]
    assert uri.endswith(f"{found['QueryExecutionId']}.txt")
    assert read(uri) == database.encode()


def test_explain_writes_its_header_too(gateway: Any, read: Read):
    found = gateway.run("explain select 1")
    assert read(found["ResultConfiguration"]["OutputLocation"]) == b"Query Plan\nfirst\nsecond\n"


def test_ddl_writes_an_empty_file_and_hives_failures_their_reason(gateway: Any, read: Read, database: str):
    done = gateway.run(f"create schema if not exists {database}")
    assert read(done["ResultConfiguration"]["OutputLocation"]) == b""
    failed = gateway.run(f"create schema {database}")
    reason = failed["Status"]["StateChangeReason"]
    assert reason.startswith("FAILED: ")
    assert read(failed["ResultConfiguration"]["OutputLocation"]) == reason.encode()


def test_a_write_into_hive_leaves_a_manifest(gateway: Any, read: Read):
    found = gateway.run("insert into t values (1)")
    uri = found["ResultConfiguration"]["OutputLocation"]
    assert uri.endswith(found["QueryExecutionId"])
    manifest = found["Statistics"]["DataManifestLocation"]
    assert manifest == f"{uri}-manifest.csv"
    assert read(manifest) == b"s3://lake/t/a"


def test_an_unload_of_no_rows_leaves_an_empty_manifest(catalog: Catalog, read: Read):
    answer = Answer("DML", "UNLOAD", count=0)
    manifest = result_files.write(catalog.s3, "s3://lake/nothing", answer, "id")
    assert manifest == "s3://lake/nothing-manifest.csv"
    assert read(manifest) == b""


def test_the_file_is_named_by_the_kind_of_statement():
    def name(kind: kinds.Kind) -> str:
        return result_files.location("s3://b/p", "id", kind)

    assert name(kinds.SELECT) == name(kinds.MERGE) == "s3://b/p/id.csv"
    assert name(kinds.INSERT) == "s3://b/p/id"
    assert name(kinds.CREATE_TABLE_AS_SELECT) == "s3://b/p/tables/id"
    assert name(kinds.EXPLAIN) == name(kinds.DROP_TABLE) == "s3://b/p/id.txt"
    assert result_files.location("s3://b/p/", "id", kinds.SELECT) == "s3://b/p/id.csv"


def test_a_large_result_is_uploaded_in_parts(catalog: Catalog, read: Read, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(result_files, "_IN_MEMORY", 1 << 20)
    table = pa.table({"n": pa.array(range(300_000))})
    answer = Answer("DML", "SELECT", (Column("n", "bigint"),), table)
    result_files.write(catalog.s3, "s3://lake/large.csv", answer, "id")
    assert read("s3://lake/large.csv") == b"".join(results.csv(answer))


def test_the_metadata_of_a_merge_equals_athenas():
    # Seen on Athena: 27 bytes of id, then 45 bytes that are the same for every MERGE of fewer than 128 rows.
    answer = Answer("DML", "MERGE", (Column("rows", "bigint"),), count=1)
    content = encode(answer, "20260917_085344_00007_k6s5b")
    assert len(content) == 74
    assert content[29:].hex() == (
        "12054d45524745"  # MERGE
        "1801"  # one row
        "22220a0468697665"  # a column of catalog hive
        "2204726f77732a04726f7773"  # rows, rows
        "3206626967696e74"  # bigint
        "3813400048035000"
    )


@pytest.mark.parametrize(
    ("type_", "fields"),
    [
        ("varchar(5)", [(7, 5), (8, 0), (9, 3), (10, 1)]),
        ("decimal(10,2)", [(7, 10), (8, 2), (9, 3), (10, 0)]),
        ("boolean", [(9, 3), (10, 0)]),
        ("date", [(8, 0), (9, 3), (10, 0)]),
        ("array(integer)", [(9, 3)]),
        ("real", [(7, 17), (8, 0), (9, 3), (10, 0)]),
    ],
)
def test_precision_and_scale_depend_on_the_type(type_: str, fields: list[tuple[int, int]]):
    answer = Answer("DML", "SELECT", (Column("c", type_),), pa.table({"c": pa.array([], pa.null())}))
    ((number, column),) = decode(encode(answer, "id"))[1:]
    assert number == 4
    assert [field for field in decode(column) if field[0] > 6] == fields
