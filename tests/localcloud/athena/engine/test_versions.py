"""Time travel, metadata tables, schema changes, lost commit races, maintenance."""

import threading
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlglot import exp

from localcloud.athena import iceberg
from localcloud.athena.catalog import Catalog, TableColumn
from localcloud.athena.dialect import parse
from localcloud.athena.engines import lake
from localcloud.athena.engines.duckdb import DuckDb
from localcloud.athena.errors import AthenaError
from localcloud.athena.iceberg import files
from localcloud.athena.iceberg.tables import append, overwrite
from localcloud.athena.model import Answer, Context

Run = Callable[[str], Answer]
Rows = Callable[[str], list[tuple[Any, ...]]]

CREATE = "create table t with (table_type='iceberg', is_external=false, location='LOCATION/t') as "


def snapshots(rows: Rows) -> list[int]:
    return [found for (found,) in rows('select snapshot_id from "t$snapshots" order by committed_at')]


def test_a_snapshot_shows_the_rows_of_its_time(run: Run, rows: Rows) -> None:
    run(CREATE + "select 1 a")
    time.sleep(0.01)
    run("insert into t values 2")
    run("update t set a = a * 10")
    first, second, third = snapshots(rows)
    assert rows(f"select a from t for version as of {first}") == [(1,)]
    assert rows(f"select a from t for version as of {second} order by a") == [(1,), (2,)]
    assert rows(
        f"select x.a, y.a from t for version as of {first} x join t for version as of {third} y on "
        f"y.a = x.a * 10"
    ) == [(1, 10)]
    [(moment,)] = rows(f'select committed_at from "t$snapshots" where snapshot_id = {first}')
    shown = moment.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3]
    assert rows(f"select a from t for timestamp as of timestamp '{shown} UTC'") == [(1,)]
    time.sleep(0.01)
    soon = "localtimestamp - interval '0.001' second"
    assert rows(f"select count(*) from t for timestamp as of {soon}") == [(2,)]
    assert rows("select a from t for version as of 'main' order by a") == [(10,), (20,)]


OLD = "2001-01-01T00:00:00Z"
PAST = f"No version history table .*t at or before {OLD}"


@pytest.mark.parametrize(
    ("pointer", "error"),
    [
        ("version as of bigint '5'", "INVALID_ARGUMENTS: Iceberg snapshot ID does not exists: 5"),
        ("version as of 5", "NOT_SUPPORTED: Unsupported type for table version: integer"),
        ("version as of 'x'", "INVALID_ARGUMENTS: Cannot find snapshot with reference name: x"),
        ("version as of null", "INVALID_ARGUMENTS: line 1:17: Pointer value cannot be NULL"),
        ("timestamp as of timestamp '2001-01-01 00:00:00 UTC'", PAST),
        ("timestamp as of date '2001-01-01'", PAST),
        ("timestamp as of null", "INVALID_ARGUMENTS: line 1:17: Pointer value cannot be NULL"),
        ("timestamp as of '2001-01-01'", r"TYPE_MISMATCH: line 1:17: Type varchar\(10\) invalid"),
        ("timestamp as of now()", "INVALID_ARGUMENTS: line 1:17: Pointer value '.* UTC' is not in the past"),
        ("timestamp as of date '2999-01-01'", "Pointer value '2999-01-01' is not in the past"),
        ("system_time as of now()", "SYNTAX_ERROR"),
    ],
)
def test_an_invalid_version_is_refused_as_trino_does(run: Run, pointer: str, error: str) -> None:
    run(CREATE + "select 1 a")
    with pytest.raises(AthenaError, match=error):
        run(f"select * from t for {pointer}")


def test_only_tables_have_versions(run: Run) -> None:
    run(CREATE + "select 1 a")
    for relation in '"t$files"', '"t$snapshots"', "information_schema.tables":
        with pytest.raises(AthenaError, match="does not support versioned tables"):
            run(f"select * from {relation} for timestamp as of timestamp '2001-01-01 00:00:00'")


def test_metadata_tables_show_bounds_as_iceberg_does(run: Run, rows: Rows) -> None:
    run(
        "create table t with (table_type='iceberg', is_external=false, location='LOCATION/t', "
        "partitioning=array['day(ts)', 's']) as select date '2024-01-02' d, "
        "cast(timestamp '2024-01-02 10:00:00.5' as timestamp(6)) ts, true b, x'6162' bin, 'v' s"
    )
    bounds = [(1, "2024-01-02"), (2, "2024-01-02T10:00:00.500000"), (3, "true"), (4, "YWI="), (5, "v")]
    assert rows('select lower_bounds, upper_bounds from "t$files"') == [(bounds, bounds)]
    summaries = 'from "t$manifests" cross join unnest(partition_summaries) as p(nulls, nan, low, high)'
    assert rows(f"select low, high {summaries} order by 1") == [("2024-01-02", "2024-01-02"), ("v", "v")]
    # Only columns whose partition has a single value have no range.
    assert rows('select data.ts.min, data.d.max from "t$partitions"') == [
        (datetime(2024, 1, 2, 10, 0, 0, 500000), datetime(2024, 1, 2).date())
    ]
    with pytest.raises(AthenaError, match="Field 's' is not in row"):
        run('select data.s.min from "t$partitions"')


def test_metadata_tables_record_what_happened(run: Run, rows: Rows) -> None:
    run(CREATE + "select 1 a, 'x' s")
    run("insert into t values (2, null)")
    first, second = snapshots(rows)
    assert rows("""
        select snapshot_id, parent_id, operation, summary['total-records'] from "t$snapshots"
        order by committed_at
    """) == [
        (first, None, "append", "1"), (second, first, "append", "2"),
    ]  # fmt: skip
    assert rows('select snapshot_id, is_current_ancestor from "t$history" order by made_current_at') == [
        (first, True),
        (second, True),
    ]
    assert rows('select name, type, snapshot_id from "t$refs"') == [("main", "BRANCH", second)]
    assert rows(
        'select record_count, file_count, data.a.min, data.a.max, data.s.null_count from "t$partitions"'
    ) == [(2, 2, 1, 2, 1)]
    assert rows('select sum(record_count), count(*), count(distinct file_format) from "t$files"') == [
        (2, 2, 1)
    ]
    assert rows('select sum(added_data_files_count + existing_data_files_count) from "t$manifests"') == [(2,)]
    assert rows("select value from \"t$properties\" where key = 'write.format.default'") == [("parquet",)]
    assert rows('select count(*) from t where "$path" in (select file_path from "t$files")') == [(2,)]
    with pytest.raises(AthenaError, match="TABLE_NOT_FOUND"):
        run('select * from "t$nope"')


def test_a_statement_sees_one_version_of_a_table_and_of_its_metadata(
    run: Run, rows: Rows, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(CREATE + "select 1 a")
    loads, asked = [], []
    original = lake.of_entry
    monkeypatch.setattr(lake, "of_entry", lambda *given: loads.append(given) or original(*given))
    catalog.glue.meta.events.register("before-call.glue.GetTable", lambda **_: asked.append(1))
    assert rows(
        'select (select max(data.a.max) from "t$partitions"), (select count(*) from "t$snapshots"), a from t'
    ) == [(1, 1, 1)]
    assert len(loads) == len(asked) == 1


def test_columns_keep_their_identity_through_changes(
    run: Run, rows: Rows, catalog: Catalog, database: str
) -> None:
    run(CREATE + "select 1 a, 'x' b, cast(1.5 as real) r")
    before = snapshots(rows)[0]
    iceberg.add_columns(catalog, database, "t", [TableColumn("c", "timestamp", "when")])
    iceberg.change_column(catalog, database, "t", "a", TableColumn("n", "bigint"))
    iceberg.drop_column(catalog, database, "t", "b")
    iceberg.add_columns(catalog, database, "t", [TableColumn("b", "int")])
    run("insert into t values (5000000000, 2.5, timestamp '2024-01-01 00:00:00.000001', 7)")
    assert rows("select n, r, c, b from t order by n") == [
        (1, 1.5, None, None),
        (5000000000, 2.5, datetime(2024, 1, 1, 0, 0, 0, 1), 7),
    ]
    assert [column.type for column in run("select * from t").columns] == [
        "bigint",
        "real",
        "timestamp(6)",
        "integer",
    ]
    assert rows(f"select a, b from t for version as of {before}") == [(1, "x")]
    assert [(one.name, one.type) for one in catalog.table(database, "t").columns] == [
        ("n", "bigint"), ("r", "float"), ("c", "timestamp"), ("b", "int"),
    ]  # fmt: skip
    run("update t set b = 1 where n = 1")
    assert rows("select n, b from t order by n") == [(1, 1), (5000000000, 7)]
    with pytest.raises(AthenaError):
        iceberg.change_column(catalog, database, "t", "n", TableColumn("n", "string"))


def test_a_change_against_an_old_state_is_a_commit_error(
    run: Run, rows: Rows, catalog: Catalog, database: str
) -> None:
    run(CREATE + "select 1 a")
    stale = iceberg.load(catalog, database, "t")
    [planned] = list(stale.scan().plan_files())
    run("update t set a = 2")
    with pytest.raises(AthenaError) as failure:
        overwrite(stale, [planned.file], [])
    assert failure.value.code == "ICEBERG_COMMIT_ERROR"
    assert failure.value.error_type == 233
    assert rows("select a from t") == [(2,)]


def test_an_append_against_an_old_state_is_kept(
    run: Run, rows: Rows, catalog: Catalog, database: str
) -> None:
    run(CREATE + "select 1 a")
    run(CREATE.replace("table t", "table u").replace("/t'", "/u'") + "select 2 a")
    stale = iceberg.load(catalog, database, "t")
    [planned] = list(iceberg.load(catalog, database, "u").scan().plan_files())
    run("insert into t values 3")
    append(stale, [planned.file])
    assert rows("select a from t order by a") == [(1,), (2,), (3,)]


def test_a_merge_does_not_add_a_row_that_another_statement_has_just_added(
    run: Run, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(CREATE + "select 1 a where false")

    def meanwhile(*given: Any) -> Any:
        monkeypatch.undo()
        run("insert into t values 2")
        return files.write(*given)

    monkeypatch.setattr(files, "write", meanwhile)
    with pytest.raises(AthenaError) as failure:
        run("merge into t using (select 2 b) s on t.a = s.b when not matched then insert (a) values (s.b)")
    assert failure.value.code == "ICEBERG_COMMIT_ERROR"
    assert rows("select a from t") == [(2,)]


def test_concurrent_inserts_are_all_kept(run: Run, rows: Rows) -> None:
    run(CREATE + "select 0 a")
    failures: list[Exception] = []

    def write(number: int) -> None:
        try:
            for step in range(5):
                run(f"insert into t values {number * 10 + step}")
        except AthenaError as error:
            failures.append(error)

    threads = [threading.Thread(target=write, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert rows("select count(*), count(distinct a) from t") == [(21, 21)]


def test_optimize_compacts_small_files_and_keeps_the_rows(
    run: Run, rows: Rows, catalog: Catalog, database: str
) -> None:
    run(CREATE + "select 0 a")
    for number in range(1, 5):
        run(f"insert into t values {number}")
    everything = run("select * from t").scanned_bytes
    assert iceberg.compact(catalog, database, "t", None) == everything
    assert rows('select count(*) from "t$files"') == [(1,)]
    assert rows('select operation from "t$snapshots" order by committed_at desc limit 1') == [("replace",)]
    assert rows("select a from t order by a") == [(0,), (1,), (2,), (3,), (4,)]
    assert iceberg.compact(catalog, database, "t", None) == 0
    assert len(snapshots(rows)) == 6


def test_optimize_applies_its_condition(run: Run, rows: Rows, catalog: Catalog, database: str) -> None:
    run(CREATE.replace("/t'", "/t', partitioning=array['g']") + "select 1 g, 0 a union all select 2, 0")
    for number in range(1, 5):
        run(f"insert into t values (1, {number}), (2, {number})")
    where = parse("select 1 from t where g = 2").find(exp.Where)
    assert where is not None
    iceberg.compact(catalog, database, "t", where.this)
    assert rows('select partition.g, file_count from "t$partitions" order by 1') == [(1, 5), (2, 1)]


def test_vacuum_removes_old_snapshots_and_their_files(
    run: Run, rows: Rows, catalog: Catalog, database: str
) -> None:
    run(CREATE + "select 1 a")
    run("update t set a = 2")
    [(old,)] = rows('select "$path" from t for version as of ' + str(snapshots(rows)[0]))
    iceberg.expire(catalog, database, "t")
    assert len(snapshots(rows)) == 2
    iceberg.set_properties(catalog, database, "t", {"vacuum_max_snapshot_age_seconds": "0"})
    time.sleep(0.01)
    iceberg.expire(catalog, database, "t")
    assert len(snapshots(rows)) == 1
    assert rows("select a from t") == [(2,)]
    keys = [
        found["Key"]
        for found in catalog.s3.list_objects_v2(Bucket="lake", Prefix=f"{database}/t/data")["Contents"]
    ]
    assert old.removeprefix("s3://lake/") not in keys
    assert len(keys) == 1


def test_properties_have_athenas_names(run: Run, rows: Rows, catalog: Catalog, database: str) -> None:
    run(
        CREATE.replace("/t'", "/t', write_compression='snappy', vacuum_min_snapshots_to_keep=3")
        + "select 1 a"
    )
    found = iceberg.load(catalog, database, "t")
    assert found.properties["write.parquet.compression-codec"] == "snappy"
    assert found.properties["vacuum_min_snapshots_to_keep"] == "3"
    assert found.metadata.format_version == 2
    iceberg.unset_properties(catalog, database, "t", ["vacuum_min_snapshots_to_keep"])
    assert "vacuum_min_snapshots_to_keep" not in iceberg.load(catalog, database, "t").properties


def test_a_cancelled_query_stops(engine: DuckDb, database: str) -> None:
    tree = parse(
        "select count(*) from unnest(sequence(1, 10000)) a(x), unnest(sequence(1, 10000)) b(y), "
        "unnest(sequence(1, 100)) c(z) where x + y + z < 0"
    )
    failure: list[AthenaError] = []

    def query() -> None:
        try:
            engine.select(tree, Context(database, query_id="slow"))
        except AthenaError as error:
            failure.append(error)

    thread = threading.Thread(target=query)
    thread.start()
    while thread.is_alive():
        engine.cancel("slow")
        time.sleep(0.02)
    assert [error.code for error in failure] == ["USER_CANCELED"]
    engine.cancel("unknown")


def test_fetched_files_are_read_again_without_the_store(
    run: Run, catalog: Catalog, tmp_path: Path, database: str
) -> None:
    run(CREATE + "select 1 a")
    other = DuckDb(catalog, tmp_path)
    tree = parse("select a from t")
    assert other.select(tree, Context(database)).table is not None
    [(path,)] = [
        tuple(row.values())
        for row in other.select(parse('select "$path" from t'), Context(database)).table.to_pylist()
    ]
    catalog.s3.delete_object(Bucket="lake", Key=path.removeprefix("s3://lake/"))
    found = other.select(tree, Context(database)).table
    assert found is not None
    assert found.column(0).to_pylist() == [1]
    other.close()
