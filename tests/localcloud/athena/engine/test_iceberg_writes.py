"""CTAS and INSERT on Iceberg tables: types, partitions, one snapshot each, refusals."""

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pyiceberg.schema import Schema

from localcloud.athena import iceberg
from localcloud.athena.catalog import Catalog
from localcloud.athena.errors import AthenaError
from localcloud.athena.model import Answer

Run = Callable[[str], Answer]
Rows = Callable[[str], list[tuple[Any, ...]]]

CREATE = (
    "create table {name} with (table_type='iceberg', is_external=false, location='LOCATION/{name}'{more}) as "
)


def create(name: str, more: str = "") -> str:
    return CREATE.format(name=name, more=f", {more}" if more else "")


def schema(catalog: Catalog, database: str, name: str) -> Schema:
    return iceberg.load(catalog, database, name).schema()


def test_a_table_holds_the_result_of_its_query_for_every_type(run: Run, rows: Rows) -> None:
    run(
        create("t")
        + """
        select cast(1 as integer) i, cast(2 as bigint) b, cast(1.5 as real) r, 2.5e0 d,
            cast(1.10 as decimal(10,2)) n,
            'x' s, true f, date '2024-01-02' day, cast('2024-01-02 03:04:05.123456' as timestamp(6)) ts,
            cast(timestamp '2024-01-02 03:04:05 UTC' as timestamp(6) with time zone) tz, X'AB' bin,
            array[1, null] a, map(array['k'], array[1.5]) m, cast(row(1, 'y') as row(p integer, q varchar)) st
        """
    )
    [found] = rows("select * from t")
    assert found[:9] == (
        1,
        2,
        1.5,
        2.5,
        Decimal("1.10"),
        "x",
        True,
        date(2024, 1, 2),
        datetime(2024, 1, 2, 3, 4, 5, 123456),
    )
    assert found[9].isoformat() == "2024-01-02T03:04:05+00:00"
    assert found[10:] == (b"\xab", [1, None], [("k", Decimal("1.5"))], {"p": 1, "q": "y"})


def test_the_result_counts_rows_and_the_next_read_scans_their_bytes(run: Run) -> None:
    assert run(create("t") + "select x from (values 1, 2, 3) v(x)").count == 3
    assert run("select * from t").scanned_bytes > 0


def test_partitions_follow_athenas_transforms(run: Run, rows: Rows, catalog: Catalog, database: str) -> None:
    run(
        create(
            "t",
            "partitioning=array['day(ts)', 'bucket(id, 4)', 'truncate(s, 2)', 'kind', 'year(d)', 'hour(ts)']",
        )
        + """select cast(x as bigint) id, cast('2024-03-01 05:06:07' as timestamp(6)) ts,
        s, kind, date '1969-12-31' d
        from (values (1, 'abc', 'k'), (2, 'abd', null)) v(x, s, kind)"""
    )
    spec = iceberg.load(catalog, database, "t").spec()
    assert [(field.name, str(field.transform)) for field in spec.fields] == [
        ("ts_day", "day"), ("id_bucket", "bucket[4]"), ("s_trunc", "truncate[2]"), ("kind", "identity"),
        ("d_year", "year"), ("ts_hour", "hour"),
    ]  # fmt: skip
    found = rows(
        "select partition.ts_day, partition.id_bucket, partition.s_trunc, partition.kind, "
        'partition.d_year, partition.ts_hour, record_count from "t$partitions" order by 4'
    )
    assert found == [
        (date(2024, 3, 1), 0, "ab", "k", -1, 474797, 1),
        (date(2024, 3, 1), 0, "ab", None, -1, 474797, 1),
    ]
    assert rows("select id from t where ts >= timestamp '2024-03-01 00:00:00' and kind = 'k'") == [(1,)]


def test_a_filter_reads_only_the_files_it_needs(run: Run) -> None:
    run(create("t", "partitioning=array['g']") + "select x % 10 g, x from unnest(sequence(1, 1000)) v(x)")
    everything = run("select sum(x) from t").scanned_bytes
    assert run("select sum(x) from t where g = 3").scanned_bytes * 9 < everything
    assert run("select sum(x) from t where x > 5000").scanned_bytes == 0
    assert run("select count(*) from t where g in (1, 2) and x > 0").scanned_bytes * 4 < everything


def test_an_outer_join_does_not_prune_the_side_that_may_be_absent(run: Run, rows: Rows) -> None:
    run(create("t") + "select x from (values 1, 2) v(x)")
    assert rows("select v.y, t.x from (values 1, 9) v(y) left join t on t.x = v.y where t.x is null") == [
        (9, None)
    ]
    assert rows("select v.y from (values 1, 9) v(y) left join t on t.x = v.y and t.x = 5 order by 1") == [
        (1,),
        (9,),
    ]


def test_insert_fills_the_columns_it_names_and_leaves_null_in_others(run: Run, rows: Rows) -> None:
    run(create("t") + "select cast(1 as bigint) a, 'x' b, cast(1.5 as decimal(5,2)) c")
    assert run("insert into t (c, a) values (2, 7), (3.25, null)").count == 2
    assert rows("select * from t order by c") == [
        (1, "x", Decimal("1.50")), (7, None, Decimal("2.00")), (None, None, Decimal("3.25")),
    ]  # fmt: skip


def test_insert_of_a_query_with_a_with_clause(run: Run, rows: Rows) -> None:
    run(create("t") + "select 1 a")
    run("insert into t with more as (select 2 a union all select 3) select a from more")
    run("insert into t (select a + 10 from t where a = 1)")
    assert rows("select a from t order by a") == [(1,), (2,), (3,), (11,)]


def test_each_statement_is_one_snapshot(run: Run, rows: Rows) -> None:
    run(create("t", "partitioning=array['g']") + "select x g from (values 1, 2, 3) v(x)")
    run("insert into t values 4, 5")
    assert rows('select operation from "t$snapshots" order by committed_at') == [("append",), ("append",)]


def test_an_empty_query_creates_an_empty_table(run: Run, rows: Rows) -> None:
    assert run(create("t") + "select 1 a where false").count == 0
    assert rows("select count(*), sum(a) from t") == [(0, None)]
    assert run("insert into t select a from t").count == 0


def test_with_no_data_creates_only_the_table(run: Run, rows: Rows) -> None:
    assert run(create("t") + "select x from (values 1, 2) v(x) with no data").count == 0
    assert rows("select count(x) from t") == [(0,)]


@pytest.mark.parametrize(
    ("query", "code", "words"),
    [
        (
            "select timestamp '2024-01-01 00:00:00.000' ts",
            "NOT_SUPPORTED",
            'NOT_SUPPORTED: Timestamp precision (3) not supported for Iceberg. Use "timestamp(6)" instead.',
        ),
        ("select now() ts", "NOT_SUPPORTED", "timestamp(6) with time zone"),
        ("select cast(1 as smallint) s", "NOT_SUPPORTED", "Type not supported for Iceberg: smallint"),
        ("select row(1) r", "NOT_SUPPORTED", "Row type field does not have a name: row(integer)"),
        ("select 1", "MISSING_COLUMN_NAME", "position 1"),
        ("select 1 a, 2 a", "DUPLICATE_COLUMN_NAME", "'a'"),
        ("select null a", "SYNTAX_ERROR", "unknown"),
        ("select x from nowhere", "TABLE_NOT_FOUND", "nowhere"),
        ("select 1 / (x - x) a from (values 1) v(x)", "DIVISION_BY_ZERO", "Division by zero"),
    ],
)  # fmt: skip
def test_a_refused_ctas_leaves_nothing(
    query: str, code: str, words: str, run: Run, catalog: Catalog, database: str
) -> None:
    with pytest.raises(AthenaError) as failure:
        run(create("t") + query)
    assert failure.value.code == code
    assert words in str(failure.value)
    assert catalog.find_table(database, "t") is None


def test_more_than_a_hundred_partitions_are_refused(run: Run, catalog: Catalog, database: str) -> None:
    many = "select x g from unnest(sequence(1, 101)) v(x)"
    with pytest.raises(AthenaError, match="TOO_MANY_OPEN_PARTITIONS"):
        run(create("t", "partitioning=array['g']") + many)
    assert catalog.find_table(database, "t") is None
    run(create("t", "partitioning=array['g']") + "select x g from unnest(sequence(1, 100)) v(x)")
    with pytest.raises(AthenaError, match="TOO_MANY_OPEN_PARTITIONS"):
        run("insert into t " + many)


def test_an_existing_table_is_not_created_again(run: Run) -> None:
    run(create("t") + "select 1 a")
    with pytest.raises(AthenaError, match="TABLE_ALREADY_EXISTS"):
        run(create("t") + "select 1 a")
    with pytest.raises(AthenaError, match="non-empty location"):
        run(create("u").replace("LOCATION/u", "LOCATION/t") + "select 1 a")


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("insert into t values (1, 2)", "TYPE_MISMATCH"),
        ("insert into t values 'x'", "TYPE_MISMATCH"),
        ("insert into t (nope) values 1", "COLUMN_NOT_FOUND"),
        ("insert into nowhere values 1", "TABLE_NOT_FOUND"),
    ],
)
def test_an_insert_that_does_not_fit_is_refused(statement: str, code: str, run: Run) -> None:
    run(create("t") + "select 1 a")
    with pytest.raises(AthenaError) as failure:
        run(statement)
    assert failure.value.code == code


def test_an_insert_of_other_types_names_all_of_them(run: Run) -> None:
    run(create("t") + "select 1 a, 'x' b")
    text = r"mismatched column types: Table: \[varchar, integer\], Query: \[varchar\(1\), varchar\(1\)\]"
    with pytest.raises(AthenaError, match=text):
        run("insert into t (b, a) values ('x', 'y')")


def test_glue_shows_the_columns_of_the_table(run: Run, catalog: Catalog, database: str) -> None:
    run(create("T") + 'select 1 as "Mixed", cast(null as decimal(5,2)) n')
    found = catalog.table(database, "t")
    assert [(column.name, column.type) for column in found.columns] == [
        ("mixed", "int"),
        ("n", "decimal(5,2)"),
    ]
    assert found.is_iceberg


def test_a_timestamp_after_the_year_9999_is_refused(run: Run) -> None:
    with pytest.raises(AthenaError, match="no timestamp after the year 9999"):
        run(create("t") + "select timestamp '9999-12-31 23:59:59.999999' + interval '1' second as ends_at")
