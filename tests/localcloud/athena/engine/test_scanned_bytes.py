"""Bytes that a statement scans: the chunks of the columns that its result needs, as Athena bills them."""

import io
from collections import Counter
from collections.abc import Callable
from typing import Any, cast

import pyarrow.parquet as pq
import pytest
from pyiceberg.manifest import DataFile, DataFileContent, FileFormat
from pyiceberg.table import Table
from pyiceberg.typedef import Record
from sqlglot import exp

from localcloud.athena import iceberg
from localcloud.athena.catalog import Catalog
from localcloud.athena.dialect import parse
from localcloud.athena.engines.duckdb import DuckDb
from localcloud.athena.errors import BytesLimitError
from localcloud.athena.iceberg import chunks, scans
from localcloud.athena.model import Answer, Context
from localcloud.athena.objects import listing, split

Run = Callable[[str], Answer]
Sizes = Callable[..., int]

# Column sizes whose sums are all different: a, b, c, and `w` with the fields x and y.
ROWS = """
select x a, x * 7919 % 104729 b, to_hex(sha256(to_utf8(cast(x as varchar)))) c,
    cast(row(x * 31 % 1009, to_hex(md5(to_utf8(cast(x as varchar))))) as row(x bigint, y varchar)) w
from unnest(sequence(1, 2000)) v(x)
"""
ICEBERG = "create table {name} with (table_type='ICEBERG', is_external=false, location='LOCATION/{name}') as "
HIVE = "create table {name} with (external_location='LOCATION/{name}', format='{format}') as "


def test_a_statement_that_would_read_more_than_its_limit_writes_nothing(
    engine: DuckDb, run: Run, database: str
) -> None:
    run(ICEBERG.format(name="t") + ROWS)
    run("create table u with (table_type='ICEBERG', is_external=false, location='LOCATION/u') as select 1 a")
    least = run("select a from t").scanned_bytes

    def limited(sql: str, most: int) -> Answer:
        tree, context = parse(sql), Context(database, query_id=sql, most_bytes=most)
        write = engine.create_table_as if isinstance(tree, exp.Create) else engine.modify
        return (engine.select if isinstance(tree, exp.Select) else write)(tree, context)

    assert limited("select a from t", least).scanned_bytes == least
    for sql in (
        "select a from t",
        f"create table v with (table_type='ICEBERG', is_external=false, location='s3://lake/{database}/v') "
        "as select a from t",
        "insert into u select a from t",
        "merge into u using t on u.a = t.a when not matched then insert (a) values (t.a)",
        "delete from t where a > 0",
        "update t set a = 0",
    ):
        with pytest.raises(BytesLimitError):
            limited(sql, least - 1)
    assert run("select sum(a) from t").table.column(0).to_pylist() == [2_001_000]
    assert run("select count(*) from u").table.column(0).to_pylist() == [1]
    assert engine.catalog.find_table(database, "v") is None


@pytest.fixture
def sizes(catalog: Catalog, database: str) -> Sizes:
    """Return a function: compressed bytes of the chunks with these paths in all files of the table `t`."""

    def sizes(*paths: str) -> int:
        found: Counter[str] = Counter()
        for one in listing(catalog.s3, f"s3://lake/{database}/t"):
            bucket, key = split(one.uri)
            body = catalog.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            if not body.startswith(b"PAR1"):
                continue
            footer = pq.read_metadata(io.BytesIO(body))
            for group in map(footer.row_group, range(footer.num_row_groups)):
                for chunk in map(group.column, range(group.num_columns)):
                    found[chunk.path_in_schema] += chunk.total_compressed_size
        assert all(found[path] for path in paths)
        return sum(found[path] for path in paths)

    return sizes


ALL = ("a", "b", "c", "w.x", "w.y")
READS = [
    ("select a from t", ("a",)),
    ("select * from t", ALL),
    ("select count(*) from t", ()),
    ("select count(*) from (select * from t)", ()),
    ('select "$path" from t', ()),
    ("select a from t where b > 3 order by c limit 1", ("a", "b", "c")),
    ("select sum(b) from t group by a having max(c) > ''", ("a", "b", "c")),
    ("select b, count(*) from t group by 1 order by 1", ("b",)),
    # How dbt asks for columns.
    ("select * from (select a, b from t where c > '') where false limit 0", ()),
    ("select * from (select a, b from t where c > '') limit 0", ()),
    ("select count(*) from (select a from t where c > '' limit 10)", ("c",)),
    # Unused columns are not read, however deep the query.
    ("with q as (select *, upper(c) d from t) select a from (select a, d from q)", ("a",)),
    ("select d from (select *, upper(c) d from t)", ("c",)),
    ("select a from (select a, sum(b) over (order by c) s from t)", ("a",)),
    ("select a from (select a, b, c from t union all select b, a, c from t)", ("a", "b")),
    # Whatever decides which rows there are is read in any case.
    ("select a from (select distinct a, b from t)", ("a", "b")),
    ("select a from (select a, b from t except select 1, 2)", ("a", "b")),
    ("select a from (select a, upper(c) d from t order by d limit 3)", ("a", "c")),
    ("select x.a from t x cross join unnest(array[b]) u(e)", ("a", "b")),
    # Subqueries in expressions: their values, and for EXISTS only whether there are rows.
    ("select 1 where 2 in (select a from t where b > 50)", ("a", "b")),
    ("select (select max(a) from t)", ("a",)),
    ("select 1 where exists (select * from t where b > 50)", ("b",)),
    ("select x.v from (select v, (select max(a) from t where b > v) m from (values 1) y(v)) x", ()),
    # Each field inside a row has its own chunks.
    ("select w.x from t", ("w.x",)),
    ("select t.w.y, a from t", ("w.y", "a")),
    ("select w, w.x from t", ("w.x", "w.y")),
]


@pytest.mark.parametrize("made", [ICEBERG, HIVE], ids=["iceberg", "hive"])
def test_a_query_reads_the_chunks_that_its_result_needs(run: Run, sizes: Sizes, made: str) -> None:
    run(made.format(name="t", format="PARQUET") + ROWS)
    found = {sql: run(sql).scanned_bytes for sql, _ in READS}
    assert found == {sql: sizes(*paths) for sql, paths in READS}


def test_each_scan_of_a_table_reads_its_own_columns(run: Run, sizes: Sizes) -> None:
    run(ICEBERG.format(name="t") + ROWS)
    joined = run("select l.a from t l join t r on l.a = r.b")
    assert joined.scanned_bytes == sizes("a") + sizes("b")
    using = run("select c from t join (select a from t) r using (a)")
    assert using.scanned_bytes == 2 * sizes("a") + sizes("c")


def test_each_use_of_a_named_query_reads_again(run: Run, sizes: Sizes) -> None:
    run(ICEBERG.format(name="t") + ROWS)
    twice = "with q as (select a, b, c from t where a > 0) select x.b, m from q x, (select max(c) m from q)"
    assert run(twice).scanned_bytes == 2 * sizes("a") + sizes("b") + sizes("c")
    through = (
        "with q as (select a, b from t), r as (select a, b from q) select r.a from r join r s on r.a = s.b"
    )
    assert run(through).scanned_bytes == sizes("a") + sizes("b")
    assert run("with q as (select a from t) select 1").scanned_bytes == 0


def test_text_files_are_read_whole(run: Run) -> None:
    layout = HIVE.format(name="u", format="JSON").replace(") as", ", write_compression='NONE') as")
    run(layout + "select x a, x b from unnest(sequence(1, 100)) v(x)")
    everything = run("select * from u").scanned_bytes
    assert run("select a from u").scanned_bytes == run("select count(*) from u").scanned_bytes == everything
    assert everything > 1000


def test_partition_keys_are_read_from_no_file(run: Run, sizes: Sizes) -> None:
    run(ICEBERG.format(name="t").replace(") as", ", partitioning=array['g']) as") + "select 1 a, 2 b, 3 g")
    assert run("select a, g from t where g = 3").scanned_bytes == sizes("a")
    run(
        HIVE.format(name="u", format="PARQUET").replace(") as", ", partitioned_by=array['g']) as")
        + "select 1 a, 3 g"
    )
    assert run("select g from u").scanned_bytes == 0


def test_writes_count_what_their_queries_read(run: Run, sizes: Sizes) -> None:
    run(ICEBERG.format(name="t") + ROWS)
    made = ICEBERG.format(name="u") + "select a, upper(c) d from t where b > 0"
    assert run(made).scanned_bytes == sizes("a", "b", "c")
    assert run(made.replace(" u ", " v ").replace("/u", "/v") + " with no data").scanned_bytes == 0
    assert run("insert into u (a) select a from t").scanned_bytes == sizes("a")
    assert run("insert into u values (1, 'x')").scanned_bytes == 0


CHANGES = [
    # A DELETE reads what finds its rows; an UPDATE also reads the columns it keeps, as it rewrites the row.
    ("delete from t where b > 50", ("b",)),
    ("delete from t", ()),
    ("update t set a = 1 where b > 50", ("b", "c", "w.x", "w.y")),
    ("update t set a = 1, b = 2, c = 'x', w = null", ()),
    ("merge into t using (values 1) s(k) on t.a = s.k when matched then delete", ("a",)),
    (
        "merge into t using (values 1) s(k) on t.a = s.k when not matched then insert (a) values (s.k)",
        ("a",),
    ),
    (
        "merge into t using (values 1) s(k) on t.a = s.k when matched and c > '' then update set b = t.b + k",
        ALL,
    ),
    (
        "merge into t using (values 1) s(k) on t.a = s.k "
        "when matched then update set a = k, b = k, c = '', w = null",
        ("a",),
    ),
]


@pytest.mark.parametrize(("sql", "paths"), CHANGES)
def test_a_change_reads_what_finds_its_rows_and_the_columns_it_keeps(
    run: Run, sizes: Sizes, sql: str, paths: tuple[str, ...]
) -> None:
    run(ICEBERG.format(name="t") + ROWS)
    wanted = sizes(*paths)
    assert run(sql).scanned_bytes == wanted


def test_a_merge_reads_only_the_source_columns_it_uses(run: Run, sizes: Sizes) -> None:
    run(ICEBERG.format(name="t") + ROWS)
    run(ICEBERG.format(name="u") + "select 1 k, 2 v")
    keys = run("select k from u").scanned_bytes
    done = run("merge into u using (select a, b, c from t) s on u.k = s.a when matched then delete")
    assert done.scanned_bytes == sizes("a") + keys


def test_any_scan_of_a_table_reads_its_delete_files_whole(run: Run, catalog: Catalog, database: str) -> None:
    run(ICEBERG.format(name="t") + ROWS)
    version = scans.current(iceberg.load(catalog, database, "t"))
    [planned] = scans.plan(version)
    deletes = _file(version.table, DataFileContent.POSITION_DELETES, {})
    with_deletes = [scans.Planned(planned.file, (deletes,)), scans.Planned(planned.file, (deletes,))]
    assert chunks.size(version, with_deletes, [()]) == 1000
    column = chunks.size(version, [planned], [("a",)])
    assert chunks.size(version, with_deletes, [("a",)]) == 1000 + 2 * column


def test_a_file_without_recorded_column_sizes_counts_whole(run: Run, catalog: Catalog, database: str) -> None:
    run(ICEBERG.format(name="t") + ROWS)
    version = scans.current(iceberg.load(catalog, database, "t"))
    plain = [scans.Planned(_file(version.table, DataFileContent.DATA, {}))]
    assert (chunks.size(version, plain, [("a",)]), chunks.size(version, plain, [()])) == (1000, 0)


def _file(table: Table, content: DataFileContent, column_sizes: dict[int, int]) -> DataFile:
    file = DataFile.from_args(
        content=content,
        file_path="s3://lake/x.parquet",
        file_format=FileFormat.PARQUET,
        partition=Record(),
        record_count=1,
        file_size_in_bytes=1000,
        column_sizes=column_sizes,
    )
    cast(Any, file).spec_id = table.spec().spec_id
    return file
