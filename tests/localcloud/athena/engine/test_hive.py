"""Hive tables: every format that dbt's seeds and models need, partitions, `$path`, dynamic partitions."""

import gzip
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from localcloud.athena.catalog import Catalog
from localcloud.athena.errors import AthenaError
from localcloud.athena.model import Answer

Run = Callable[[str], Answer]
Rows = Callable[[str], list[tuple[Any, ...]]]

CSV = "org.apache.hadoop.hive.serde2.OpenCSVSerde"
TEXT = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
JSON = "org.openx.data.jsonserde.JsonSerDe"


def external(
    catalog: Catalog, database: str, columns: dict[str, str], serde: str, body: str, **given: Any
) -> None:
    """Create a table over one object, as CREATE EXTERNAL TABLE leaves it in Glue."""
    catalog.s3.put_object(Bucket="lake", Key=f"{database}/ext/data", Body=body.encode())
    catalog.create_table(
        database,
        {
            "Name": "ext",
            "TableType": "EXTERNAL_TABLE",
            "Parameters": given.get("parameters", {}),
            "StorageDescriptor": {
                "Columns": [{"Name": name, "Type": type_} for name, type_ in columns.items()],
                "Location": f"s3://lake/{database}/ext",
                "SerdeInfo": {"SerializationLibrary": serde, "Parameters": given.get("options", {})},
            },
        },
    )


def test_a_seed_in_csv_keeps_empty_strings_and_skips_its_header(
    rows: Rows, catalog: Catalog, database: str
) -> None:
    body = 'id,name\n1,"a ""quoted"", name"\n,\n3,"two\nlines"\n'
    external(
        catalog,
        database,
        {"id": "string", "name": "string"},
        CSV,
        body,
        parameters={"skip.header.line.count": "1"},
    )
    assert rows("select * from ext") == [("1", 'a "quoted", name'), ("", ""), ("3", "two\nlines")]
    assert rows("select cast(nullif(id, '') as integer) from ext where id <> '3'") == [(1,), (None,)]


def test_text_has_nulls_and_unreadable_values_are_null(rows: Rows, catalog: Catalog, database: str) -> None:
    body = "1\x01a\x01true\n\\N\x01\\N\x01\\N\nx\x01\x01no\n"
    external(catalog, database, {"id": "int", "name": "string", "flag": "boolean"}, TEXT, body)
    assert rows("select * from ext") == [(1, "a", True), (None, None, None), (None, "", None)]


def test_text_with_its_own_delimiter(rows: Rows, catalog: Catalog, database: str) -> None:
    external(
        catalog, database, {"a": "int", "b": "date"}, TEXT, "1|2024-01-02\n", options={"field.delim": "|"}
    )
    assert rows("select * from ext") == [(1, date(2024, 1, 2))]


def test_json_lines_give_nested_types(rows: Rows, catalog: Catalog, database: str) -> None:
    body = '{"a": 1, "s": {"x": "y"}, "l": [1, 2], "extra": 5}\n{"a": null}\n'
    external(catalog, database, {"a": "bigint", "s": "struct<x:string>", "l": "array<int>"}, JSON, body)
    assert rows("select a, s.x, l from ext") == [(1, "y", [1, 2]), (None, None, None)]


def test_an_unknown_serde_is_refused(run: Run, catalog: Catalog, database: str) -> None:
    external(catalog, database, {"a": "int"}, "org.apache.hadoop.hive.ql.io.orc.OrcSerde", "x")
    with pytest.raises(AthenaError, match="HIVE_UNSUPPORTED_FORMAT"):
        run("select * from ext")


@pytest.mark.parametrize(
    "layout", ["format='parquet'", "format='textfile', field_delimiter=','", "format='json'"]
)
def test_a_table_reads_back_as_written(layout: str, run: Run, rows: Rows) -> None:
    run(
        f"create table t with (table_type='hive', is_external=true, external_location='LOCATION/t', "
        f"{layout}) as "
        "select 1 i, cast(2.50 as decimal(10,2)) d, 'x' s, true b, date '2024-01-02' day, "
        "timestamp '2024-01-02 03:04:05.678' ts, 1.5e0 f union all select null, null, null, null, "
        "null, null, null"
    )
    assert rows("select * from t where i = 1") == [
        (1, Decimal("2.50"), "x", True, date(2024, 1, 2), datetime(2024, 1, 2, 3, 4, 5, 678000), 1.5)
    ]
    assert rows("select count(*), count(i), count(ts) from t") == [(2, 1, 1)]


@pytest.mark.parametrize("layout", ["format='parquet'", "format='textfile'", "format='json'"])
def test_a_partitioned_table_reads_back_as_written(layout: str, run: Run, rows: Rows) -> None:
    run(
        f"create table t with (external_location='LOCATION/t', {layout}, partitioned_by=array['p', 'q']) as "
        "select * from (values (1, '\"a\", {b}', 1.5e0, 'x/y', 7), (2, null, null, 'z', 8)) v(i, s, f, p, q)"
    )
    assert rows("select i, s, f, p, q from t order by i") == [
        (1, '"a", {b}', 1.5, "x/y", 7), (2, None, None, "z", 8),
    ]  # fmt: skip
    assert rows("select i from t where p = 'x/y'") == [(1,)]


def test_lines_of_json_are_whole_in_partitions(run: Run, rows: Rows, catalog: Catalog, database: str) -> None:
    run(
        "create table t with (external_location='LOCATION/t', format='json', partitioned_by=array['p']) as "
        "select array['a' || chr(10) || 'b', 'c\\d'] as texts, cast(row(1) as row(n integer)) as r, 'x' as p"
    )
    assert rows("select texts, r.n from t") == [(["a\nb", "c\\d"], 1)]
    [found] = catalog.s3.list_objects_v2(Bucket="lake", Prefix=f"{database}/t/")["Contents"]
    body = catalog.s3.get_object(Bucket="lake", Key=found["Key"])["Body"].read()
    assert gzip.decompress(body) == b'{"texts":["a\\nb","c\\\\d"],"r":{"n":1}}\n'


def test_files_added_by_an_insert_have_the_header_that_readers_skip(
    run: Run, rows: Rows, catalog: Catalog, database: str
) -> None:
    columns, once = {"id": "int", "name": "string"}, {"skip.header.line.count": "1"}
    given = {"options": {"field.delim": "|"}, "parameters": once}
    external(catalog, database, columns, TEXT, "id|name\n1|a\n", **given)
    run("insert into ext values (2, 'b'), (3, null)")
    assert rows("select * from ext order by id") == [(1, "a"), (2, "b"), (3, None)]
    bodies = [
        (
            found["Key"].rpartition(".")[2],
            catalog.s3.get_object(Bucket="lake", Key=found["Key"])["Body"].read(),
        )
        for found in catalog.s3.list_objects_v2(Bucket="lake", Prefix=f"{database}/ext/")["Contents"]
    ]
    assert [gzip.decompress(body) for suffix, body in bodies if suffix == "gz"] == [b"id|name\n2|b\n3|\\N\n"]


def test_an_insert_is_refused_when_readers_skip_more_than_a_header(
    run: Run, catalog: Catalog, database: str
) -> None:
    twice = {"skip.header.line.count": "2"}
    external(catalog, database, {"id": "int"}, TEXT, "a\nb\n1\n", parameters=twice)
    with pytest.raises(AthenaError, match=r"skip\.header\.line\.count property greater than 1"):
        run("insert into ext values (2)")


PARTITIONED = "create table t with (external_location='LOCATION/t', partitioned_by=array['day', 'n']) as "


def test_partitions_are_registered_with_parameters(
    run: Run, rows: Rows, catalog: Catalog, database: str
) -> None:
    done = run(
        PARTITIONED + "select 1 a, date '2024-01-02' day, 7 n union all select 2, date '2024-01-02', null"
    )
    assert done.count == 2
    found = list(catalog.partitions(catalog.table(database, "t")))
    assert sorted(one.values for one in found) == [
        ("2024-01-02", "7"),
        ("2024-01-02", "__HIVE_DEFAULT_PARTITION__"),
    ]
    assert all("Parameters" in one.raw for one in found)
    assert rows('select day, n from "t$partitions" order by n') == [
        (date(2024, 1, 2), 7),
        (date(2024, 1, 2), None),
    ]
    assert rows("select a, n from t order by a") == [(1, 7), (2, None)]


def test_an_insert_opens_new_partitions_and_adds_to_old_ones(
    run: Run, rows: Rows, catalog: Catalog, database: str
) -> None:
    run(PARTITIONED + "select 1 a, date '2024-01-02' day, 7 n")
    run("insert into t (day, n, a) values (date '2024-01-02', 7, 2), (date '2024-01-03', 8, 3)")
    assert rows("select a, n from t order by a") == [(1, 7), (2, 7), (3, 8)]
    assert len(list(catalog.partitions(catalog.table(database, "t")))) == 2


def test_only_the_partitions_asked_for_are_read(run: Run) -> None:
    run(
        PARTITIONED + "select x a, date_add('day', x % 5, date '2024-01-01') day, x % 2 n from "
        "unnest(sequence(1, 500)) v(x)"
    )
    everything = run("select count(a) from t").scanned_bytes
    assert run("select count(a) from t where day = date '2024-01-02'").scanned_bytes * 4 < everything
    assert (
        run(
            "select count(a) from t where n >= 1 and day between date '2024-01-01' and date '2024-01-02'"
        ).scanned_bytes
        * 4
        < everything
    )
    assert run("select count(a) from t where n > 5").scanned_bytes == 0


@pytest.mark.parametrize("relation", ["t", '"t$partitions"'])
def test_glue_returns_no_partition_that_an_integer_condition_rules_out(
    run: Run, rows: Rows, catalog: Catalog, relation: str
) -> None:
    """A bronze table has a partition for each batch, and each costs a millisecond or more."""
    run(PARTITIONED + "select x a, date '2024-01-01' day, x n from unnest(sequence(1, 60)) v(x)")
    given: list[int] = []

    def note(parsed: Any, **_: Any) -> None:
        given.append(len(parsed.get("Partitions", ())))

    catalog.glue.meta.events.register("after-call.glue.GetPartitions", note, unique_id="given")
    for where, found in (("n > 57 and n <= 59", 2), ("n = 7", 1), ("n in (3, 4)", 2), ("n < 0", 0)):
        assert rows(f"select count(*) from {relation} where {where}") == [(found,)]
    run("insert into t values (61, date '2024-01-01', null)")
    assert rows(f"select count(*) from {relation} where n > 57") == [(3,)]
    catalog.glue.meta.events.unregister("after-call.glue.GetPartitions", unique_id="given")
    assert given[:4] == [2, 1, 2, 0]


def test_a_partition_can_have_its_own_location(run: Run, rows: Rows, catalog: Catalog, database: str) -> None:
    run(PARTITIONED + "select 1 a, date '2024-01-02' day, 7 n")
    [path] = rows('select "$path" from t')
    assert path[0].startswith(f"s3://lake/{database}/t/day=2024-01-02/n=7/")
    table = catalog.table(database, "t")
    key = path[0].removeprefix("s3://lake/")
    catalog.s3.copy_object(
        Bucket="lake", Key=f"{database}/elsewhere/f", CopySource={"Bucket": "lake", "Key": key}
    )
    catalog.add_partitions(table, [(("2024-02-01", "9"), f"s3://lake/{database}/elsewhere")])
    assert rows("select a, day, n from t order by n") == [(1, date(2024, 1, 2), 7), (1, date(2024, 2, 1), 9)]
    run("insert into t values (2, date '2024-02-01', 9)")
    assert rows(f"""select count(*) from t where "$path" like 's3://lake/{database}/elsewhere/%' """) == [
        (2,)
    ]


def test_many_partitions_are_read_like_few(run: Run, rows: Rows) -> None:
    run(
        PARTITIONED
        + "select x a, date_add('day', x, date '2024-01-01') day, x n from unnest(sequence(1, 60)) v(x)"
    )
    assert rows("select count(*), sum(a), sum(n), max(day) from t") == [(60, 1830, 1830, date(2024, 3, 1))]
    assert rows("select a from t where n = 59") == [(59,)]


def test_more_than_a_hundred_partitions_are_refused(run: Run, catalog: Catalog, database: str) -> None:
    with pytest.raises(
        AthenaError, match="HIVE_TOO_MANY_OPEN_PARTITIONS: Exceeded limit of 100 open writers"
    ):
        run(PARTITIONED + "select 1 a, date '2024-01-01' day, x n from unnest(sequence(1, 101)) v(x)")
    assert catalog.find_table(database, "t") is None


def test_columns_that_old_files_lack_are_null(run: Run, rows: Rows, catalog: Catalog, database: str) -> None:
    run("create table t with (external_location='LOCATION/t') as select 1 a")
    table = catalog.table(database, "t")
    columns = [*table.storage["Columns"], {"Name": "b", "Type": "string"}]
    catalog.update_table(table, StorageDescriptor={**table.storage, "Columns": columns})
    run("insert into t values (2, 'x')")
    assert rows("select a, b from t order by a") == [(1, None), (2, "x")]


def test_an_object_that_is_not_parquet_is_named(run: Run, catalog: Catalog, database: str) -> None:
    run("create table t with (external_location='LOCATION/t') as select 1 a")
    catalog.s3.put_object(Bucket="lake", Key=f"{database}/t/broken", Body=b"no parquet")
    with pytest.raises(
        AthenaError, match=f"HIVE_BAD_DATA: Malformed Parquet file.*s3://lake/{database}/t/broken"
    ):
        run("select a from t")


def test_a_timestamp_is_read_in_milliseconds(run: Run, rows: Rows, catalog: Catalog, database: str) -> None:
    """Also inside nested values, rounded half up."""
    run(
        "create table t with (external_location='LOCATION/t') as "
        "select timestamp '2024-01-01 00:00:00.000' ts, array[timestamp '2024-01-01 00:00:00.000'] more"
    )
    written = pa.BufferOutputStream()
    found = [datetime(2024, 1, 1, 0, 0, 0, 123500)]
    pq.write_table(pa.table({"ts": pa.array(found), "more": pa.array([found])}), written)
    catalog.s3.put_object(Bucket="lake", Key=f"{database}/t/more", Body=written.getvalue().to_pybytes())
    shown = "cast(cast({0} as timestamp(6)) as varchar)".format
    assert rows(f"select {shown('ts')}, {shown('more[1]')} from t order by ts desc limit 1") == [
        ("2024-01-01 00:00:00.124000", "2024-01-01 00:00:00.124000")
    ]
    assert run("select ts from t").columns[0].type == "timestamp(3)"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("time '10:00:00'", "Unsupported Hive type: time(0)"),
        ("interval '1' day", "Unsupported Hive type: interval day to second"),
        ("array[json '1']", "Unsupported Hive type: json"),
        ("uuid()", "Unsupported Hive type: uuid"),
        ("current_timestamp", "Unsupported Hive type: timestamp(3) with time zone"),
        ("cast(null as timestamp(6))", "Incorrect timestamp precision for timestamp(6); the configured"),
        ("array[timestamp '2024-01-01 00:00:00']", "Incorrect timestamp precision for timestamp(0)"),
        ("row(1, 2)", "Anonymous row type is not supported in Hive"),
    ],
)
def test_a_type_that_hive_lacks_is_refused(
    value: str, words: str, run: Run, catalog: Catalog, database: str
) -> None:
    with pytest.raises(AthenaError) as failure:
        run(f"create table t with (external_location='LOCATION/t') as select {value} a")
    assert failure.value.code == "NOT_SUPPORTED"
    assert words in str(failure.value)
    assert catalog.find_table(database, "t") is None


@pytest.mark.parametrize("kind", ["varchar(3)", "char(3)"])
def test_an_insert_truncates_blanks_and_nothing_else(kind: str, run: Run, rows: Rows) -> None:
    run(f"create table t with (external_location='LOCATION/t') as select cast('abc' as {kind}) v")
    run("insert into t values 'abc  '")
    with pytest.raises(AthenaError, match="INVALID_CAST_ARGUMENT: Cannot truncate non-space characters"):
        run("insert into t values 'abcd'")
    assert rows("select v from t") == [("abc",), ("abc",)]


_LENGTHS = {"v": "varchar(3)", "c": "char(3)", "a": "array<char(3)>", "s": "struct<f:varchar(2)>"}
_AT_LENGTH = [("abc", "a  ", ["abc", "x  "], {"f": "yy"}), (None, "   ", None, None)]


def test_strings_are_read_at_their_declared_length(
    run: Run, rows: Rows, catalog: Catalog, database: str
) -> None:
    run(
        "create table t with (external_location='LOCATION/t') as select * from (values ('abcd', 'a', "
        "array['abcd', 'x'], cast(row('yyy') as row(f varchar))), (null, '', null, null)) v(v, c, a, s)"
    )
    table = catalog.table(database, "t")
    columns = [{"Name": name, "Type": type_} for name, type_ in _LENGTHS.items()]
    catalog.update_table(table, StorageDescriptor={**table.storage, "Columns": columns})
    assert rows("select * from t") == _AT_LENGTH
    assert rows("select length(v), length(c) from t where c = 'a' and v = 'abc'") == [(3, 3)]


@pytest.mark.parametrize(
    ("serde", "body"),
    [
        (TEXT, "abcd\x01a\n\\N\x01\n"),
        (JSON, '{"v": "abcd", "c": "a"}\n{"v": null, "c": ""}\n'),
        (CSV, "abcd,a\n,\n"),
    ],
)
def test_strings_of_every_format_are_read_at_their_declared_length(
    serde: str, body: str, rows: Rows, catalog: Catalog, database: str
) -> None:
    external(catalog, database, {"v": "varchar(3)", "c": "char(3)"}, serde, body)
    assert rows("select * from ext") == [("abc", "a  "), ("" if serde == CSV else None, "   ")]


@pytest.mark.parametrize("count", [1, 40])
def test_a_key_is_read_at_its_declared_length(
    count: int, run: Run, rows: Rows, catalog: Catalog, database: str
) -> None:
    run(
        "create table t with (external_location='LOCATION/t', partitioned_by=array['k']) as "
        f"select x, cast(x as varchar) k from unnest(sequence(1, {count})) u(x)"
    )
    keys = [{"Name": "k", "Type": "char(3)"}]
    catalog.update_table(catalog.table(database, "t"), PartitionKeys=keys)
    assert rows("select k from t where x = 1 and k = '1'") == [("1  ",)]


@pytest.mark.parametrize(
    ("properties", "words"),
    [
        ("external_location='LOCATION/t', partitioned_by=array['a']", "HIVE_COLUMN_ORDER_MISMATCH"),
        ("external_location='LOCATION/t', format='orc'", "HIVE_UNSUPPORTED_FORMAT"),
        ("external_location='LOCATION/full'", "HIVE_PATH_ALREADY_EXISTS"),
        ("table_type='delta'", "INVALID_TABLE_PROPERTY"),
    ],
)  # fmt: skip
def test_a_ctas_that_athena_refuses_is_refused(
    properties: str, words: str, run: Run, catalog: Catalog, database: str
) -> None:
    catalog.s3.put_object(Bucket="lake", Key=f"{database}/full/x", Body=b"x")
    with pytest.raises(AthenaError, match=words):
        run(f"create table t with ({properties}) as select 1 a, 2 b")
    assert catalog.find_table(database, "t") is None


@pytest.mark.parametrize(
    "statement",
    [
        "delete from t",
        "update t set a = 2",
        "merge into t using (values 1) s(a) on t.a = s.a when matched then delete",
    ],
)
def test_rows_of_hive_tables_do_not_change(statement: str, run: Run) -> None:
    run("create table t with (external_location='LOCATION/t') as select 1 a")
    with pytest.raises(AthenaError, match="NOT_SUPPORTED: Modifying Hive table rows"):
        run(statement)
