"""What a statement finds in the catalog: views, information_schema, and the errors for missing names."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from localcloud.athena.catalog import Catalog
from localcloud.athena.dialect import parse
from localcloud.athena.engines.duckdb import DuckDb
from localcloud.athena.errors import AthenaError
from localcloud.athena.model import Answer, Context
from localcloud.athena.statements.execute import Parts, execute
from localcloud.athena.statements.parse import parse as parse_statement

Run = Callable[[str], Answer]
Rows = Callable[[str], list[tuple[Any, ...]]]

TABLE = (
    "create table t with (external_location='LOCATION/t') as select 1 a, 'x' s, cast(2.50 as decimal(10,2)) d"
)


@pytest.fixture
def view(engine: DuckDb, catalog: Catalog, database: str) -> Callable[[str], None]:
    """Return a function that creates a view through the statements, as a client would."""
    return lambda sql: _create(sql, engine, catalog, database)


def _create(sql: str, engine: DuckDb, catalog: Catalog, database: str) -> None:
    execute(parse_statement(sql).node, Parts(catalog, engine), Context(database))


def test_a_view_is_its_query_with_the_types_it_was_created_with(
    run: Run, rows: Rows, view: Callable[[str], None]
) -> None:
    run(TABLE)
    view("create view v as select a + 1 as n, upper(s) as s, d / 3 as third from t")
    view("create view w as select v.*, t.a from v join t on t.a = v.n - 1")
    assert rows("select * from w") == [(2, "X", Decimal("0.83"), 1)]
    assert [(one.name, one.type) for one in run("select * from v").columns] == [
        ("n", "integer"), ("s", "varchar(1)"), ("third", "decimal(10,2)"),
    ]  # fmt: skip


def test_a_view_reads_its_own_database(
    run: Run, view: Callable[[str], None], engine: DuckDb, database: str
) -> None:
    run(TABLE)
    view("create view v as select a from t")
    elsewhere = engine.select(parse(f"select a from {database}.v"), Context("default"))
    assert elsewhere.table is not None
    assert elsewhere.table.column(0).to_pylist() == [1]


def test_a_view_whose_table_changed_under_it_is_stale(
    run: Run, view: Callable[[str], None], catalog: Catalog, database: str
) -> None:
    run(TABLE)
    view("create view v as select * from t")
    catalog.drop_table(database, "t")
    run("create table t with (external_location='LOCATION/t2') as select 1 a")
    with pytest.raises(AthenaError, match=r"VIEW_IS_STALE: line 1:15: .* column count \(3\) does not match"):
        run("select * from v")


def test_a_mistake_in_the_query_of_a_view_is_reported_with_its_position(
    run: Run, view: Callable[[str], None]
) -> None:
    run(TABLE)
    with pytest.raises(AthenaError, match="COLUMN_NOT_FOUND: line 2:10: Column 'nope'"):
        view("create view v as\n  select nope from t")


def test_a_view_of_itself_is_refused(run: Run, view: Callable[[str], None]) -> None:
    run(TABLE)
    view("create view v as select a from t")
    view("create or replace view w as select a from v")
    view("create or replace view v as select a from w")
    with pytest.raises(AthenaError, match="VIEW_IS_RECURSIVE"):
        run("select * from v")


def test_information_schema_lists_what_glue_has(
    run: Run, rows: Rows, view: Callable[[str], None], catalog: Catalog, database: str
) -> None:
    run(TABLE)
    view("create view v as select a from t")
    of = f"where table_schema = '{database}'"
    assert rows(f"select table_name, table_type from information_schema.tables {of} order by 1") == [
        ("t", "BASE TABLE"), ("v", "VIEW"),
    ]  # fmt: skip
    columns = "select column_name, data_type, ordinal_position from information_schema.columns"
    assert rows(f"{columns} {of} and table_name = 't' order by 3") == [
        ("a", "integer", 1), ("s", "varchar(1)", 2), ("d", "decimal(10,2)", 3),
    ]  # fmt: skip
    data = {"Columns": [{"Name": "a", "Type": "int", "Comment": "first"}]}
    h = {"Name": "h", "StorageDescriptor": data, "PartitionKeys": [{"Name": "p", "Type": "string"}]}
    catalog.create_table(database, h)
    hidden = "select comment, extra_info from information_schema.columns"
    assert rows(f"{hidden} {of} and table_name = 'h' order by ordinal_position") == [
        ("first", None), (None, "partition key"),
    ]  # fmt: skip
    assert rows(f"select catalog_name from information_schema.schemata where schema_name = '{database}'") == [
        ("awsdatacatalog",)
    ]
    assert rows(f"select view_definition from information_schema.views {of}") == [("select a from t",)]
    with pytest.raises(AthenaError, match=r"TABLE_NOT_FOUND: .*information_schema\.nope"):
        run("select * from information_schema.nope")


@pytest.mark.parametrize("text", ["select 1", "/* Presto View: not-base64 */"])
def test_a_view_that_athena_did_not_create_fails_only_where_it_is_read(
    run: Run, rows: Rows, catalog: Catalog, database: str, text: str
) -> None:
    given = {"Name": "v", "TableType": "VIRTUAL_VIEW", "ViewOriginalText": text}
    catalog.create_table(database, given)
    with pytest.raises(AthenaError, match=rf"INVALID_VIEW: View '{database}\.v' was not created by Athena"):
        run("select * from v")
    views = f"select view_definition from information_schema.views where table_schema = '{database}'"
    assert rows(views) == [(text,)]


def test_names_are_found_with_and_without_their_database_and_catalog(
    run: Run, rows: Rows, database: str
) -> None:
    run(TABLE)
    assert rows(f'select t.a, {database}.t.a, T.A from "awsdatacatalog"."{database}"."T"') == [(1, 1, 1)]
    with pytest.raises(AthenaError, match=f"COLUMN_NOT_FOUND: .*{database}.t.a"):
        run(f"select {database}.t.a from t")  # FROM names it without its database
    with pytest.raises(AthenaError, match="CATALOG_NOT_FOUND"):
        run("select * from other.d.t")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("select nope from t", "COLUMN_NOT_FOUND: line 1:8: Column 'nope' cannot be resolved"),
        ("select a\nfrom t where\n  x.b = 1", "COLUMN_NOT_FOUND: line 3:3: Column 'x.b' cannot be resolved"),
        ("select * from no", "TABLE_NOT_FOUND: line 1:15: Table 'awsdatacatalog.{database}.no' does not"),
        ("select frob(a) from t", "FUNCTION_NOT_FOUND: line 1:8: Function 'frob' not registered"),
        ("select a from t where s > 1", "TYPE_MISMATCH: line 1:25: Cannot apply operator: varchar(1) > in"),
    ],
)  # fmt: skip
def test_an_error_says_what_and_where(sql: str, message: str, run: Run, database: str) -> None:
    run(TABLE)
    with pytest.raises(AthenaError) as failure:
        run(sql)
    assert message.format(database=database) in str(failure.value)


def test_names_and_values_that_look_like_sql_are_not_run(run: Run, rows: Rows) -> None:
    run("""create table q with (external_location='LOCATION/q') as
        select 'it''s; drop' as "a""b; --", 1 as "select" """)
    assert rows('select "a""b; --", "select" from q where "a""b; --" = \'it\'\'s; drop\'') == [
        ("it's; drop", 1)
    ]


def test_columns_are_named_without_running_the_query(engine: DuckDb, run: Run, database: str) -> None:
    run(TABLE)
    found = engine.columns(parse("select a, d * 2, cast(now() as date) as today from t"), Context(database))
    assert [(one.name, one.type) for one in found] == [
        ("a", "integer"),
        ("_col1", "decimal(20,2)"),
        ("today", "date"),
    ]


def test_only_a_dotted_field_reference_names_its_column(engine: DuckDb, run: Run, database: str) -> None:
    row = "cast(row(1, 2) as row(a integer, b integer)) as r"
    sql = f"select r.a, (r).b, cast(r as row(c integer, d integer)).c from (select {row}) as t"
    found = engine.columns(parse(sql), Context(database))
    assert [one.name for one in found] == ["a", "b", "_col2"]


def test_explain_shows_a_plan(engine: DuckDb, run: Run, database: str) -> None:
    run(TABLE)
    plan = engine.explain(parse("select count(*) from t"), Context(database)).table
    assert plan is not None
    assert any("READ_PARQUET" in line for line in plan.column(0).to_pylist())


def test_duckdb_knows_how_many_rows_an_iceberg_table_has(engine: DuckDb, run: Run, database: str) -> None:
    """Otherwise it joins tables in any order: two queries of TPC-DS took minutes, not half a second."""
    run(
        "create table many with (table_type='iceberg', is_external=false, location='LOCATION/many') as "
        "select x from unnest(sequence(1, 1234)) u(x)"
    )
    run("insert into many values 0")
    plan = engine.explain(parse("select * from many"), Context(database)).table
    assert plan is not None
    assert any("~1,235 rows" in line for line in plan.column(0).to_pylist())


def test_a_missing_database_is_named_in_the_error(run: Run, database: str) -> None:
    for table in "nowhere.t", 'nowhere."t$partitions"':
        with pytest.raises(
            AthenaError, match=r"SCHEMA_NOT_FOUND: line 1:\d+: Schema 'nowhere' does not exist"
        ):
            run(f"select * from {table}")
    with pytest.raises(AthenaError, match="TABLE_NOT_FOUND"):
        run("select * from nothing")


def test_match_recognize_is_refused_by_its_name(run: Run) -> None:
    with pytest.raises(AthenaError, match="NOT_SUPPORTED: MATCH_RECOGNIZE"):
        run("select * from t match_recognize (measures a.x as y pattern (a) define a as a.x > 1)")
