from collections.abc import Callable

import pytest

from localcloud.athena.errors import AthenaError, InvalidRequestError
from localcloud.athena.model import Answer, Column

Run = Callable[[str], Answer]


@pytest.fixture
def hive(run: Run) -> None:
    run(
        "create external table h "
        "(n int comment 'abc', a_name_of_more_than_twenty string, s struct<aa:int,b:int>) "
        "partitioned by (p string comment 'pc') stored as parquet location 's3://lake/{db}/h' "
        "tblproperties ('note' = 'one\ntwo')"
    )


@pytest.fixture
def iceberg(run: Run) -> None:
    run(
        "create table i (n int comment 'abc', s string, ts timestamp, d decimal(10,2), m map<string,int>, "
        "st struct<a:int,b:string>) partitioned by (s, bucket(4, n), day(ts), truncate(3, s)) "
        "location 's3://lake/{db}/i' tblproperties ('table_type'='ICEBERG')"
    )


@pytest.fixture
def view(run: Run) -> None:
    run("create view v as select 1 as n, 'a' as s")


def test_tables_are_listed_with_views_and_filtered_by_hive_patterns(
    run: Run, hive: None, iceberg: None, view: None
):
    answer = run("show tables")
    assert (answer.columns, answer.lines) == ((Column("tab_name", "string"),), ("h", "i", "v"))
    assert run("show tables in {db} 'h'").lines == ("h",)
    assert run("show tables like 'H*|v'").lines == ("h", "v")
    assert run("show tables '.*'").lines == ("h", "i", "v")
    assert run("show views").lines == ("v",)


def test_databases_are_filtered_by_java_patterns(run: Run, database: str):
    assert database in (run("show databases").lines or ())
    assert run(f"show schemas like '{database}'").lines == (database,)
    assert run(f"show databases like '{database[:-1]}.*'").lines == (database,)
    assert run(f"show databases like '{database[:-1]}%'").lines == ()
    with pytest.raises(AthenaError, match="PatternSyntaxException"):
        run("show databases like '*a'")


def test_the_tables_of_a_missing_database(run: Run):
    with pytest.raises(AthenaError) as caught:
        run("show tables in nowhere")
    assert str(caught.value) == "FAILED: SemanticException [Error 10072]: Database does not exist: nowhere"


def test_describe_of_a_hive_table_pads_to_twenty(run: Run, hive: None):
    blank = " " * 20
    answer = run("describe h")
    assert [column.name for column in answer.columns] == ["col_name", "data_type", "comment"]
    assert answer.lines == (
        f"{'n':20}\t{'int':20}\t{'abc':20}",
        f"a_name_of_more_than_twenty\t{'string':20}\t{blank}",
        f"{'s':20}\tstruct<aa:int,b:int>\t{blank}",
        f"{'p':20}\t{'string':20}\t{'pc':20}",
        "\t \t ",
        "# Partition Information\t \t ",
        f"{'# col_name':20}\t{'data_type':20}\t{'comment':20}",
        "\t \t ",
        f"{'p':20}\t{'string':20}\t{'pc':20}",
    )


def test_describe_of_an_iceberg_table_has_its_own_format(run: Run, iceberg: None):
    assert run("desc {db}.i").lines == (
        "# Table schema:\t\t",
        "# col_name\tdata_type\tcomment",
        "n\tint\tabc",
        "s\tstring\t",
        "ts\ttimestamp\t",
        "d\tdecimal(10, 2)\t",
        "m\tmap<string, int>\t",
        "st\tstruct<a: int, b: string>\t",
        "\t\t",
        "# Partition spec:\t\t",
        "# field_name\tfield_transform\tcolumn_name",
        "s\tidentity\ts",
        "n_bucket\tbucket[4]\tn",
        "ts_day\tday\tts",
        "s_trunc\ttruncate[3]\ts",
    )


def test_describe_of_a_view_has_athena_types(run: Run, view: None):
    for sql in ("describe v", 'describe "v"', "show columns from v"):
        answer = run(sql)
        assert answer.substatement_type == "DESC_VIEW"
        assert answer.columns == (Column("column", "varchar"), Column("type", "varchar"))
        assert answer.lines == ("n\tinteger", "s\tvarchar")


def test_show_columns_pads_only_for_hive(run: Run, hive: None, iceberg: None):
    filled = (f"{'n':20}", "a_name_of_more_than_twenty", f"{'s':20}", f"{'p':20}")
    assert run("show columns in h").lines == filled
    assert run("show columns from i in {db}").lines == ("n", "s", "ts", "d", "m", "st")


@pytest.mark.parametrize("sql", ["describe nowhere", "show columns in nowhere", "desc nowhere.t"])
def test_a_missing_table_is_not_described(run: Run, sql: str):
    with pytest.raises(InvalidRequestError, match=r"^Entity Not Found .*EntityNotFoundException"):
        run(sql)


def test_properties_are_shown_unchanged(run: Run, hive: None, iceberg: None):
    lines = run("show tblproperties h").lines or ()
    assert "EXTERNAL\tTRUE" in lines
    assert lines[-2:] == ("note\tone", "two")
    assert run("show tblproperties h('EXTERNAL')").lines == ("TRUE",)
    assert "does not have property: x" in (run("show tblproperties h('x')").lines or ("",))[0]
    assert run("show tblproperties i").lines == ("write_compression\tZSTD",)


def test_show_create_of_a_hive_table(run: Run, database: str, hive: None):
    text = "\n".join(run("show create table h").lines or ())
    assert text.startswith(
        "CREATE EXTERNAL TABLE `h`(\n"
        "  `n` int COMMENT 'abc', \n"
        "  `a_name_of_more_than_twenty` string, \n"
        "  `s` struct<aa:int,b:int>)\n"
        "PARTITIONED BY ( \n"
        "  `p` string COMMENT 'pc')\n"
        "ROW FORMAT SERDE \n"
        "  'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' \n"
    )
    assert f"LOCATION\n  's3://lake/{database}/h'\nTBLPROPERTIES (\n" in text
    assert "  'note'='one\\ntwo', \n" in text
    assert text.endswith("')")


def test_show_create_table_recreates_a_hive_table(run: Run, hive: None):
    text = "\n".join(run("show create table h").lines or ())
    run("drop table h")
    run(text)
    again = "\n".join(run("show create table h").lines or ())
    ddl_time = "'transient_lastDdlTime'"
    assert again.partition(ddl_time)[0] == text.partition(ddl_time)[0]


def test_show_create_of_an_iceberg_table(run: Run, database: str, iceberg: None):
    assert run("show create table i").lines == (
        f"CREATE TABLE {database}.i (",
        "  n int,",
        "  s string,",
        "  ts timestamp,",
        "  d decimal(10,2),",
        "  m map<string,int>,",
        "  st struct<a:int,b:string>)",
        "PARTITIONED BY (`s`, bucket(4, `n`), day(`ts`), truncate(3, `s`))",
        f"LOCATION 's3://lake/{database}/i'",
        "TBLPROPERTIES (",
        "  'table_type'='iceberg',",
        "  'write_compression'='ZSTD'",
        ");",
    )


def test_show_create_of_a_view(run: Run, database: str, view: None, hive: None):
    assert run('show create view "v"').lines == (f"CREATE VIEW {database}.v AS", "select 1 as n, 'a' as s")
    with pytest.raises(AthenaError, match="is not a view"):
        run("show create view h")
    with pytest.raises(AthenaError, match="use SHOW CREATE VIEW"):
        run("show create table v")
    with pytest.raises(AthenaError, match="Table not found"):
        run("show create table nowhere")
