import pytest
from sqlglot import exp

from localcloud.athena.catalog import TableColumn
from localcloud.athena.errors import AthenaError, InvalidRequestError
from localcloud.athena.statements import kinds
from localcloud.athena.statements.nodes import (
    AddPartitions,
    ChangeColumn,
    CreateDatabase,
    CreateTable,
    CreateView,
    DropPartitions,
    Explain,
    Format,
    Name,
    Optimize,
    Prepare,
    RenamePartition,
    RenameTable,
    SetColumns,
    SetLocation,
    SetProperties,
    ShowNames,
    ShowTable,
)
from localcloud.athena.statements.parse import parse


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("select 1", kinds.SELECT),
        ("-- SHOW TABLES\n/* x */ SELECT 1", kinds.SELECT),
        ("(select 1)", kinds.SELECT),
        ("SELECT(1)", kinds.SELECT),
        ("with a as (select 1) select * from a", kinds.SELECT),
        ("values 1", kinds.SELECT),
        ("table t", kinds.SELECT),
        ("select 1 union all select 2", kinds.SELECT),
        ("insert into t values (1)", kinds.INSERT),
        ("update t set a = 1", kinds.UPDATE),
        ("delete from t where a = 1", kinds.DELETE),
        ("merge into t using s on t.a = s.a when matched then delete", kinds.MERGE),
        ("create table t as select 1 as a", kinds.CREATE_TABLE_AS_SELECT),
        ('create table "d"."t" as (select 1 as a)', kinds.CREATE_TABLE_AS_SELECT),
        ("create table t with (format = 'parquet') as select 1 as a", kinds.CREATE_TABLE_AS_SELECT),
        (
            "create table if not exists t as with a as (select 1 as x) select * from a",
            kinds.CREATE_TABLE_AS_SELECT,
        ),
        ("create table t (a) as values 1", kinds.CREATE_TABLE_AS_SELECT),
        ("create or replace view v as select 1 as a", kinds.CREATE_VIEW),
        ("drop view if exists v", kinds.DROP_VIEW),
        ("explain select 1", kinds.EXPLAIN),
        ("explain analyze verbose select 1", kinds.EXPLAIN),
        ("desc t", kinds.DESCRIBE_TABLE),
        ("describe formatted d.t", kinds.DESCRIBE_TABLE),
        ("msck repair table t", kinds.MSCK_REPAIR),
        ("vacuum t", kinds.VACUUM),
        ("deallocate prepare p", kinds.DEALLOCATE),
    ],
)
def test_the_kind_of_a_statement_ignores_comments(text: str, kind: kinds.Kind):
    assert parse(text).kind == kind


def test_the_text_ends_before_the_semicolon_and_trailing_comments():
    assert parse("select 1; \n-- /* dbt */\n").text == "select 1"


def test_two_statements_are_refused():
    with pytest.raises(AthenaError, match="Only one sql statement is allowed"):
        parse("select 1; select 2")


def test_a_semicolon_in_a_string_does_not_end_the_statement():
    assert parse("select ';'").kind == kinds.SELECT


def test_an_external_table_with_every_clause():
    node = parse(
        r"""
        create external table if not exists `d`.`t` (
          `a` int, b string comment 'it\'s', `c d` decimal(10,2),
          e struct<x:int,y:array<string>>, f map<string,int>
        )
        comment 'all of it'
        partitioned by (p string comment 'day', q int)
        clustered by (a, b) into 4 buckets
        row format serde 'org.apache.hadoop.hive.serde2.OpenCSVSerde'
        with serdeproperties ('separatorChar' = ';', 'quoteChar' = '"')
        stored as textfile
        location 's3://b/t/'
        tblproperties ('skip.header.line.count' = '1')
        -- /* {"app": "dbt"} */
        """
    ).node
    assert node == CreateTable(
        name=Name("t", "d"),
        columns=(
            TableColumn("a", "int"),
            TableColumn("b", "string", "it's"),
            TableColumn("c d", "decimal(10,2)"),
            TableColumn("e", "struct<x:int,y:array<string>>"),
            TableColumn("f", "map<string,int>"),
        ),
        external=True,
        if_not_exists=True,
        comment="all of it",
        partition_columns=(TableColumn("p", "string", "day"), TableColumn("q", "int")),
        clustered_by=("a", "b"),
        buckets=4,
        format=Format(
            serde="org.apache.hadoop.hive.serde2.OpenCSVSerde",
            serde_properties=(("separatorChar", ";"), ("quoteChar", '"')),
            stored_as="textfile",
        ),
        location="s3://b/t/",
        properties=(("skip.header.line.count", "1"),),
    )


def test_delimiters_are_parsed_as_hive_writes_them():
    node = parse(
        r"""create external table t (a string)
        row format delimited fields terminated by '\001' escaped by '\\' collection items terminated by ';'
        map keys terminated by ':' lines terminated by '\n' null defined as 'NULL'
        location 's3://b/t'"""
    ).node
    assert isinstance(node, CreateTable)
    assert dict(node.format.delimiters) == {
        "field.delim": "\x01",
        "escape.delim": "\\",
        "colelction.delim": ";",
        "mapkey.delim": ":",
        "line.delim": "\n",
        "serialization.null.format": "NULL",
    }


def test_an_iceberg_table_has_names_and_transforms_as_partitions():
    node = parse(
        "create table d.t (n int, ts timestamp, s string) "
        "partitioned by (s, day(ts), bucket(4, n), truncate(3, s)) "
        "location 's3://b/t' tblproperties ('table_type' = 'ICEBERG')"
    ).node
    assert isinstance(node, CreateTable)
    assert node.is_iceberg
    assert node.partitioning == ("s", "day(ts)", "bucket(4, n)", "truncate(3, s)")
    assert node.partition_columns == ()


@pytest.mark.parametrize(
    ("text", "node"),
    [
        ("alter table `s`.`t` rename to `s`.`u`", RenameTable(Name("t", "s"), Name("u", "s"))),
        (
            "alter table t add columns (A INT, b array<string> comment 'x')",
            SetColumns(
                kinds.ADD_COLUMNS,
                Name("t"),
                (TableColumn("a", "int"), TableColumn("b", "array<string>", "x")),
            ),
        ),
        (
            "alter table t replace columns (a int)",
            SetColumns(kinds.REPLACE_COLUMNS, Name("t"), (TableColumn("a", "int"),)),
        ),
        ("alter table t change column a b bigint", ChangeColumn(Name("t"), "a", TableColumn("b", "bigint"))),
        (
            "alter table t change a a bigint comment 'c'",
            ChangeColumn(Name("t"), "a", TableColumn("a", "bigint", "c")),
        ),
        ("alter table t set tblproperties ('a' = 'b')", SetProperties(Name("t"), (("a", "b"),))),
        ("alter table t unset tblproperties ('a', 'b')", SetProperties(Name("t"), (), ("a", "b"))),
        (
            "alter table t add if not exists partition (dt = '2020-01-01', h = 3) location 's3://x/' "
            "partition (dt = 'b', h = 4)",
            AddPartitions(
                Name("t"),
                (((("dt", "2020-01-01"), ("h", "3")), "s3://x/"), ((("dt", "b"), ("h", "4")), "")),
                if_not_exists=True,
            ),
        ),
        (
            "alter table t drop if exists partition (dt < '2020'), partition (h = 3)",
            DropPartitions(Name("t"), ((("dt", "<", "2020"),), (("h", "=", "3"),)), if_exists=True),
        ),
        (
            "alter table t partition (dt = 'a') rename to partition (dt = 'b')",
            RenamePartition(Name("t"), (("dt", "a"),), (("dt", "b"),)),
        ),
        ("alter table t set location 's3://y'", SetLocation(Name("t"), "s3://y")),
        (
            "alter table t partition (dt = 'x') set location 's3://y'",
            SetLocation(Name("t"), "s3://y", (("dt", "x"),)),
        ),
        ("create schema if not exists `a`", CreateDatabase("a", if_not_exists=True)),
        (
            "create database a comment 'c' location 's3://x' with dbproperties ('k' = 'v')",
            CreateDatabase("a", comment="c", location="s3://x", properties=(("k", "v"),)),
        ),
        ("show tables in d 'x.*'", ShowNames(kinds.SHOW_TABLES, "d", "x.*")),
        ("show schemas like 'a'", ShowNames(kinds.SHOW_DATABASES, "", "a")),
        ("show views", ShowNames(kinds.SHOW_VIEWS)),
        ("show columns from t in d", ShowTable(kinds.SHOW_COLUMNS, Name("t", "d"))),
        ("show tblproperties t('k')", ShowTable(kinds.SHOW_PROPERTIES, Name("t"), "k")),
        ("show create table AwsDataCatalog.d.T", ShowTable(kinds.SHOW_CREATE_TABLE, Name("t", "d"))),
        ("prepare p from select ? + 1", Prepare("p", "select ? + 1")),
    ],
)
def test_a_statement_parses_to_its_node(text: str, node: object):
    assert parse(text).node == node


def test_optimize_keeps_its_condition_as_a_tree():
    node = parse("optimize d.t rewrite data using bin_pack where p = 1 and q < date '2020-01-01'").node
    assert isinstance(node, Optimize)
    assert isinstance(node.where, exp.And)


def test_a_view_keeps_its_query_as_it_was_written():
    node = parse('create or replace view "d"."v" as\n  with x as (select 1 as A) select * from x\n').node
    assert isinstance(node, CreateView)
    assert (node.name, node.sql, node.replace) == (
        Name("v", "d"),
        "with x as (select 1 as A) select * from x",
        True,
    )


def test_explain_validate_is_a_flag_of_the_node():
    node = parse("explain (type validate) select 1").node
    assert isinstance(node, Explain)
    assert node.validate


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("selec 1", "line 1:1: mismatched input 'selec'. Expecting: "),
        ("", "line 1:1: mismatched input '<EOF>'"),
        ("-- only", "line 1:8: mismatched input '<EOF>'"),
        ('drop table "t"', "line 1:12: mismatched input '\"t\"'"),
        ("select a,\n  order from t", "line 2:3: mismatched input 'order'"),
        ("select 1 as End", "line 1:13: mismatched input 'End'"),
        ("select cast(x as row(a bigint, from varchar)) from t", "line 1:32: mismatched input 'from'"),
        ("insert into t (group) select 1", "line 1:16: mismatched input 'group'"),
        ("drop table\n  t x", "line 2:5: mismatched input 'x'. Expecting: <EOF>"),
        ("alter table t add column a int", "line 1:19: mismatched input 'column'. Expecting: 'PARTITION'"),
        ("alter table t drop columns (a)", "line 1:20: mismatched input 'columns'"),
        ("alter table if exists t drop column a", "line 1:16: mismatched input 'exists'"),
        ("create or replace table t as select 1", "line 1:19: mismatched input 'table'. Expecting: 'VIEW'"),
        ("create table t (a int not null) location 's3://b'", "line 1:23: mismatched input 'not'"),
        ("describe a.b.c.d", "Invalid table name a.b.c.d"),
        ("select from", "line 1:"),
        (
            "create table t\nwith (format = 'parquet') as\nwith c as (select 1 as a)\nselect a frm c",
            "line 4:14: mismatched input 'c'",
        ),
    ],
)
def test_a_syntax_error_has_its_position(text: str, message: str):
    with pytest.raises(AthenaError) as caught:
        parse(text)
    assert caught.value.code == "SYNTAX_ERROR"
    assert caught.value.text.startswith(message)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("show functions", "NOT_SUPPORTED"),
        ("explain (format json) select 1", "NOT_SUPPORTED"),
        ("create external table t (a color) location 's3://b'", "TYPE_NOT_FOUND"),
    ],
)
def test_parsed_but_unsupported_statements_are_refused_by_name(text: str, code: str):
    with pytest.raises(AthenaError) as caught:
        parse(text)
    assert caught.value.code == code


def test_a_table_without_a_location_is_refused_before_it_runs():
    with pytest.raises(InvalidRequestError, match="No location was specified for table") as caught:
        parse("create table t (a int)")
    assert caught.value.code == "MALFORMED_QUERY"


def test_a_statement_over_the_limit_of_bytes_is_refused():
    text = "select '{}'"
    parse(text.format("a" * (262_144 - len(text) + 2)))
    with pytest.raises(InvalidRequestError, match="less than or equal to 262144"):
        parse(text.format("a" * (262_144 - len(text) + 3)))
    with pytest.raises(InvalidRequestError, match="less than or equal to 262144"):
        parse(text.format("é" * 140_000))


def test_a_statement_nested_too_deep_is_refused_without_another_try():
    for text in ("select " + "(" * 3000 + "1" + ")" * 3000, "select " + "not " * 3000 + "true"):
        with pytest.raises(AthenaError, match="stack overflow") as error:
            parse(text)
        assert error.value.code == "SYNTAX_ERROR"


def test_another_catalog_is_refused_before_it_runs():
    with pytest.raises(InvalidRequestError, match=r"^Catalog 'other' does not exist$") as caught:
        parse("drop table other.d.t")
    assert caught.value.code == "DATACATALOG_NOT_FOUND"


def test_keywords_need_quotes_as_names_and_other_words_do_not() -> None:
    assert parse('select "order", user, state, first, date, value, type, year from "table" as data')
    with pytest.raises(AthenaError, match="mismatched input 'order'"):
        parse("select order from t")
