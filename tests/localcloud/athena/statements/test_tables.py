from collections.abc import Callable

import pytest

from localcloud.athena.catalog import Catalog, TableColumn
from localcloud.athena.errors import AthenaError
from localcloud.athena.model import Answer
from localcloud.athena.objects import is_empty

Run = Callable[[str], Answer]
ICEBERG = "location 's3://lake/{db}/t' tblproperties ('table_type' = 'ICEBERG')"


def test_an_external_table_is_in_glue_as_athena_writes_it(run: Run, catalog: Catalog, database: str):
    run(
        "create external table t (a int comment 'x', b string) comment 'all' partitioned by (p string) "
        "stored as parquet location 's3://lake/t/' tblproperties ('classification' = 'parquet')"
    )
    table = catalog.table(database, "t")
    assert table.columns == (TableColumn("a", "int", "x"), TableColumn("b", "string"))
    assert table.partition_keys == (TableColumn("p", "string"),)
    assert table.location == "s3://lake/t"
    assert table.serde == "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"
    assert table.raw["TableType"] == "EXTERNAL_TABLE"
    assert {
        "EXTERNAL": "TRUE",
        "comment": "all",
        "classification": "parquet",
    }.items() <= table.parameters.items()


def test_text_is_the_default_format(run: Run, catalog: Catalog, database: str):
    run(
        r"create external table t (a int) row format delimited fields terminated by '\t' location 's3://lake/t'"
    )
    table = catalog.table(database, "t")
    assert table.serde == "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
    assert table.serde_parameters == {"field.delim": "\t", "serialization.format": "\t"}


def test_a_seed_of_dbt_is_read_by_its_serde(run: Run, catalog: Catalog, database: str):
    run(
        "create external table `{db}`.`s__dbt_tmp` (`id` string , name string) "
        "row format serde 'org.apache.hadoop.hive.serde2.OpenCSVSerde' location 's3://lake/s' "
        "tblproperties ('skip.header.line.count'='1')\n-- /* comment */"
    )
    table = catalog.table(database, "s__dbt_tmp")
    assert table.serde == "org.apache.hadoop.hive.serde2.OpenCSVSerde"
    assert table.parameters["skip.header.line.count"] == "1"


def test_a_table_is_not_created_twice(run: Run):
    create = "create external table {} t (a int) location 's3://lake/t'"
    run(create.format(""))
    run(create.format("if not exists"))
    with pytest.raises(AthenaError) as caught:
        run(create.format(""))
    assert str(caught.value).endswith("DDLTask. AlreadyExistsException(message:Table t already exist)")


@pytest.mark.parametrize(
    "create",
    [
        "create external table {} t (a int) location 's3://lake/t'",
        "create table {} t (a int) location 's3://lake/t' tblproperties ('table_type' = 'ICEBERG')",
    ],
)
def test_of_two_concurrent_creates_the_slower_finds_the_table(
    run: Run, create: str, monkeypatch: pytest.MonkeyPatch
):
    run(create.format(""))
    monkeypatch.setattr(Catalog, "find_table", lambda *_: None)  # both have checked before
    run(create.format("if not exists"))
    with pytest.raises(AthenaError) as caught:
        run(create.format(""))
    assert str(caught.value).endswith("DDLTask. AlreadyExistsException(message:Table t already exist)")


def test_a_table_needs_a_database_that_exists(run: Run):
    with pytest.raises(AthenaError, match="Database does not exist: nowhere"):
        run("create external table nowhere.t (a int) location 's3://lake/t'")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("create table t (a int) location 's3://lake/t'", "Managed tables are not supported"),
        ("create external table t (a int) partitioned by (a) location 's3://lake/t'", "need their types"),
        ("create external table t (a int, A int) location 's3://lake/t'", "Error 10036.: Duplicate column"),
        ("create external table t (a int) partitioned by (a int) location 's3://lake/t'", "Column repeated"),
        ("create external table t (a int) stored as xml location 's3://lake/t'", "Unrecognized file format"),
        ("create external table t (a int) location '/tmp/t'", "Not an S3 address"),
        (
            f"create external table t (a int) {ICEBERG}",
            "External keyword not supported for table type ICEBERG",
        ),
        (
            f"create table t (a int) stored as parquet {ICEBERG}",
            "Iceberg create table statement does not allow STORED AS/BY",
        ),
        (
            "create table t (a int) location 's3://lake/t' tblproperties ('table_type'='iceberg', 'x'='y')",
            "Unsupported table property key: x",
        ),
    ],
)
def test_tables_that_athena_does_not_create(run: Run, sql: str, message: str):
    with pytest.raises(AthenaError, match=message):
        run(sql)


def test_a_missing_table_is_dropped_only_with_if_exists(run: Run, database: str):
    run("drop table if exists t")
    with pytest.raises(AthenaError) as caught:
        run("drop table t")
    assert str(caught.value) == f"FAILED: SemanticException [Error 10001]: Table not found {database}.t"


def test_dropping_a_table_of_hive_leaves_its_files(run: Run, catalog: Catalog, database: str):
    catalog.s3.put_object(Bucket="lake", Key=f"{database}/t/file", Body=b"x")
    run("create external table t (a int) location 's3://lake/{db}/t'")
    assert run("drop table t").lines is None
    assert catalog.find_table(database, "t") is None
    assert not is_empty(catalog.s3, f"s3://lake/{database}/t")


def test_dropping_an_iceberg_table_deletes_its_files(run: Run, catalog: Catalog, database: str):
    run(f"create table t (a int) {ICEBERG}")
    assert not is_empty(catalog.s3, f"s3://lake/{database}/t")
    assert run("drop table `{db}`.`t`").lines == ("", "")
    assert catalog.find_table(database, "t") is None
    assert is_empty(catalog.s3, f"s3://lake/{database}/t")


def test_an_iceberg_table_keeps_its_metadata_under_its_new_name(run: Run, catalog: Catalog, database: str):
    run(f"create table t (a int) {ICEBERG}")
    before = catalog.table(database, "t").parameters["metadata_location"]
    run("alter table `{db}`.`t` rename to `{db}`.`u`")
    assert catalog.find_table(database, "t") is None
    assert catalog.table(database, "u").parameters["metadata_location"] == before


def test_a_table_is_not_renamed_over_another(run: Run, catalog: Catalog, database: str):
    run(f"create table t (a int) {ICEBERG}")
    run("create external table u (a int) location 's3://lake/u'")
    with pytest.raises(AthenaError, match="Table u already exist"):
        run("alter table t rename to u")
    assert catalog.find_table(database, "t") is not None


def test_glue_renames_no_table_of_hive(run: Run):
    run("create external table t (a int) location 's3://lake/t'")
    with pytest.raises(AthenaError, match="Table cannot be renamed"):
        run("alter table t rename to u")
    with pytest.raises(AthenaError, match="Table not found"):
        run("alter table nowhere rename to u")


def test_properties_of_hive_tables_are_set_and_removed(run: Run, catalog: Catalog, database: str):
    run("create external table t (a int) location 's3://lake/t'")
    run("alter table t set tblproperties ('classification' = 'parquet', 'x' = 'y')")
    run("alter table t unset tblproperties ('x')")
    parameters = catalog.table(database, "t").parameters
    assert parameters["classification"] == "parquet"
    assert "x" not in parameters


def test_iceberg_tables_take_only_the_properties_that_athena_knows(run: Run):
    run(f"create table t (a int) {ICEBERG}")
    run("alter table t set tblproperties ('vacuum_max_snapshot_age_seconds' = '60')")
    assert "vacuum_max_snapshot_age_seconds\t60" in (run("show tblproperties t").lines or ())
    run("alter table t unset tblproperties ('vacuum_max_snapshot_age_seconds')")
    assert "vacuum_max_snapshot_age_seconds\t60" not in (run("show tblproperties t").lines or ())
    with pytest.raises(AthenaError, match=r"^Unsupported table property key: comment$"):
        run("alter table t set tblproperties ('comment' = 'x')")
