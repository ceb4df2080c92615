import pytest

from localcloud.athena.dialect import parse
from localcloud.athena.engines.properties import read
from localcloud.athena.engines.trino.creating import creation, query_of


@pytest.mark.parametrize(
    ("sql", "query", "tail"),
    [
        ("create table t as select 1 as a", "select 1 as a", ""),
        ("create table t with (format = 'parquet') as\nselect 'as' x", "select 'as' x", ""),
        ("create table t with (\"as\" = 'x') as (select cast(1 as int) a)", "(select cast(1 as int) a)", ""),
        ("create table t as select 1 a with no data", "select 1 a", "with no data"),
        (
            "create table t as with q as (select 1) table q WITH DATA",
            "with q as (select 1) table q",
            "WITH DATA",
        ),
        ("/* as */ create table t -- as\nas select 1 a", "select 1 a", ""),
    ],
)
def test_the_query_of_a_ctas_is_kept_as_it_was_written(sql: str, query: str, tail: str) -> None:
    assert query_of(sql) == (query, tail)


def _creation(sql: str):
    tree = parse(sql)
    query, tail = query_of(sql)
    properties = read(tree)
    catalog = "iceberg" if properties.iceberg else "awsdatacatalog"
    return creation(catalog, "d", "t", properties, f"{query} {tail}".strip())


def test_an_iceberg_table_gets_trinos_properties() -> None:
    made = _creation(
        "create table d.t with (table_type = 'ICEBERG', is_external = false, location = 's3://b/t/', "
        "partitioning = array['day(ts)', 'bucket(id, 4)'], write_compression = 'snappy', "
        "vacuum_max_snapshot_age_seconds = 60) as select 1 id"
    )
    assert made.sql == (
        'CREATE TABLE "iceberg"."d"."t" WITH (format = \'PARQUET\', format_version = 2, '
        "location = 's3://b/t', partitioning = ARRAY['day(ts)', 'bucket(id, 4)'], extra_properties = "
        "MAP(ARRAY['vacuum_max_snapshot_age_seconds'], ARRAY['60'])) AS select 1 id"
    )
    assert made.session == {"iceberg.compression_codec": "SNAPPY"}


def test_a_hive_table_gets_trinos_properties() -> None:
    made = _creation(
        "create table d.t with (format = 'textfile', external_location = 's3://b/it''s', "
        "field_delimiter = '|', partitioned_by = array['p']) as select 1 a, 2 p with no data"
    )
    assert made.sql == (
        'CREATE TABLE "awsdatacatalog"."d"."t" WITH (format = \'TEXTFILE\', '
        "external_location = 's3://b/it''s/', partitioned_by = ARRAY['p'], "
        "textfile_field_separator = '|') AS select 1 a, 2 p with no data"
    )
    assert made.session == {}
