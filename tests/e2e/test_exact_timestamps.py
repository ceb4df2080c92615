"""Timestamps, in keys too, reach silver with all microseconds, from raw files through ingestion and dbt."""

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from lakehouse import Lakehouse, Run

# Value in the source -> value that silver shows.
MOMENTS = {
    "2024-05-06T07:08:09.123456Z": "2024-05-06 07:08:09.123456",
    "2024-05-06T07:08:09.123456+02:00": "2024-05-06 05:08:09.123456",
    "9999-12-31T23:59:59.999999Z": "9999-12-31 23:59:59.999999",
    "0001-01-01T00:00:00Z": "0001-01-01 00:00:00.000000",
    "0001-01-01T00:00:00.000001Z": "0001-01-01 00:00:00.000001",
    "1969-12-31T23:59:59.999999Z": "1969-12-31 23:59:59.999999",
    "1900-02-28T12:00:00.999500Z": "1900-02-28 12:00:00.999500",
    "2038-01-19T03:14:08.000499Z": "2038-01-19 03:14:08.000499",
}
ALL = "select cast(at as varchar) as at, cast(seen as varchar) as seen, n from silver.visits order by n"


def change(operation: str, position: int, data: Mapping[str, object], **more: object) -> str:
    place = {"operation": operation, "stream-position": f"0/{position:X}"}
    return json.dumps({"data": data, "metadata": {"record-type": "data", **place}, **more}) + "\n"


FINE, *_ = MOMENTS
# A delete holds only the key.
SAMPLE = (
    change("insert", 1, {"at": FINE, "seen": None, "n": 1})
    + change("insert", 2, {"at": "2024-01-01T00:00:00Z", "seen": FINE, "n": 2})
    + change("delete", 3, {"at": FINE})
)
UNIT_TEST = """
version: 2
unit_tests:
  - name: a_unit_test_gives_a_moment_itself
    model: visits_state
    overrides:
      macros:
        is_incremental: false
        contract_columns: {at: {data_type: timestamp}, seen: {data_type: timestamp}, n: {data_type: bigint}}
    given:
      - input: source('bronze', 'visit_events')
        format: sql
        rows: select cast(null as varchar) as event
      - input: source('bronze', 'visit')
        rows: [{at: "2024-05-06 07:08:09", n: 1, _seq: "1", _rev: 1, _op: insert, batch: 1}]
    expect:
      rows: [{at: "2024-05-06 07:08:09", seen: null, n: 1}]
"""
INSERTS = [{"at": at, "seen": at, "n": n} for n, at in enumerate(MOMENTS)]
SHOWN = [(shown, shown, n) for n, shown in enumerate(MOMENTS.values())]


@pytest.fixture
def build(lakehouse: Lakehouse, project: Path, run: Run) -> Callable[[], list[tuple[object, ...]]]:
    """Return a function that ingests and builds the table `visit`, keyed by `at`, and returns its rows."""
    (project / "visit.json").write_text(SAMPLE)
    run("dm", "contract", "new", "bronze", "visit", "--from-file", "visit.json")
    run("dm", "contract", "sync")
    (project / "models/silver/visits_state_tests.yml").write_text(UNIT_TEST)

    def do() -> list[tuple[object, ...]]:
        run("dm", "ingest", "run", "--until-idle")
        run("dbt", "build", "--profiles-dir", "profiles", "--select", "visits_state+")
        return [tuple(row.values()) for row in lakehouse.query(ALL)]

    return do


def test_silver_has_the_timestamps_of_the_source_to_the_microsecond(
    lakehouse: Lakehouse, build: Callable[[], list[tuple[object, ...]]]
) -> None:
    lines = [change("insert", 16 + row["n"], row) for row in INSERTS]
    lakehouse.put("raw/visit/1.json", "".join(lines).encode())
    assert build() == SHOWN

    moved = {"at": "2024-05-06T07:08:09.123457Z", "seen": None, "n": 0}
    more = [
        change("update", 64, moved, **{"before-image": INSERTS[0]}),
        change("delete", 65, {"at": INSERTS[4]["at"]}),
        change("insert", 66, INSERTS[6] | {"at": "1900-02-28T12:00:00.999501Z", "n": 9}),
        lines[0],  # a late duplicate: its key has changed since
    ]
    lakehouse.put("raw/visit/2.json", "".join(more).encode())
    expected = [("2024-05-06 07:08:09.123457", None, 0), *SHOWN[1:4], *SHOWN[5:]]
    assert build() == [*expected, ("1900-02-28 12:00:00.999501", SHOWN[6][0], 9)]


def test_rows_without_exact_columns_are_rounded_as_athena_does_until_a_replay(
    lakehouse: Lakehouse, run: Run, build: Callable[[], list[tuple[object, ...]]]
) -> None:
    older = {"at": "2024-05-06T07:08:09Z", "seen": "2024-05-06T07:08:09.123500Z", "n": 1}
    lakehouse.put("raw/visit/1.json", change("insert", 16, older).encode())
    run("dm", "ingest", "run", "--until-idle")
    forget_the_exact_columns(lakehouse)
    newer = older | {"at": "2024-05-06T07:08:10Z", "n": 2}
    lakehouse.put("raw/visit/2.json", change("insert", 17, newer).encode())
    exact = [("2024-05-06 07:08:09.000000", "2024-05-06 07:08:09.123500", 1),
             ("2024-05-06 07:08:10.000000", "2024-05-06 07:08:09.123500", 2)]  # fmt: skip
    assert build() == [(exact[0][0], "2024-05-06 07:08:09.124000", 1), exact[1]]
    run(
        "dm", "ingest", "replay", "--table", "visit", "--from", "1", "--to", "1", "--reason", "Exact moments."
    )
    assert build() == exact


def forget_the_exact_columns(lakehouse: Lakehouse) -> None:
    """Bring bronze to the state that an older parser left: the table, its one partition and its file."""
    glue, s3 = lakehouse.glue(), lakehouse.s3()
    table = glue.get_table(DatabaseName="bronze", Name="visit")["Table"]
    [partition] = glue.get_partitions(DatabaseName="bronze", TableName="visit")["Partitions"]
    for one in (table, partition):
        columns = one["StorageDescriptor"]["Columns"]
        one["StorageDescriptor"]["Columns"] = [c for c in columns if not c["Name"].endswith("_us")]
    kept = ("Name", "StorageDescriptor", "PartitionKeys", "TableType", "Parameters")
    glue.update_table(DatabaseName="bronze", TableInput={name: table[name] for name in kept})
    glue.update_partition(
        DatabaseName="bronze", TableName="visit", PartitionValueList=partition["Values"],
        PartitionInput={name: partition[name] for name in ("Values", "StorageDescriptor")},
    )  # fmt: skip
    prefix = partition["StorageDescriptor"]["Location"].removeprefix("s3://lake/")
    [found] = s3.list_objects_v2(Bucket="lake", Prefix=prefix)["Contents"]
    rows = pq.read_table(io.BytesIO(s3.get_object(Bucket="lake", Key=found["Key"])["Body"].read()))
    rows = rows.set_column(rows.schema.get_field_index("_rev"), "_rev", pc.subtract(rows["_rev"], 10**9))
    rows = rows.drop_columns([name for name in rows.column_names if name.endswith("_us")])
    body = io.BytesIO()
    pq.write_table(rows, body)
    s3.put_object(Bucket="lake", Key=found["Key"], Body=body.getvalue())
