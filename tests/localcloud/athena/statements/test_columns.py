from collections.abc import Callable

import pytest

from localcloud.athena.catalog import Catalog, TableColumn
from localcloud.athena.errors import AthenaError
from localcloud.athena.model import Answer

Run = Callable[[str], Answer]
HIVE = "create external table t (a int, b string) partitioned by (p string) location 's3://lake/{db}/h'"
ICEBERG = (
    "create table t (a int, b string) location 's3://lake/{db}/i' tblproperties ('table_type'='ICEBERG')"
)


def columns(catalog: Catalog, database: str) -> list[tuple[str, str]]:
    return [(column.name, column.type) for column in catalog.table(database, "t").columns]


@pytest.mark.parametrize("create", [HIVE, ICEBERG])
def test_columns_are_added_after_the_others(run: Run, catalog: Catalog, database: str, create: str):
    run(create)
    run("alter table t add columns (c bigint comment 'x', d array<string>)")
    assert columns(catalog, database)[2:] == [("c", "bigint"), ("d", "array<string>")]


@pytest.mark.parametrize("create", [HIVE, ICEBERG])
def test_a_column_is_not_added_twice(run: Run, create: str):
    run(create)
    with pytest.raises(AthenaError, match="Duplicate column name: a"):
        run("alter table t add columns (A int)")


def test_a_partition_key_is_a_column_too(run: Run):
    run(HIVE)
    with pytest.raises(AthenaError, match="Duplicate column name: p"):
        run("alter table t add columns (p int)")


def test_columns_of_hive_are_replaced(run: Run, catalog: Catalog, database: str):
    run(HIVE)
    run("alter table t replace columns (z int)")
    assert catalog.table(database, "t").columns == (TableColumn("z", "int"),)
    assert catalog.table(database, "t").partition_keys == (TableColumn("p", "string"),)


def test_columns_of_iceberg_are_not_replaced(run: Run):
    run(ICEBERG)
    with pytest.raises(AthenaError, match=r"^Query type not supported by Athena Iceberg at this time$"):
        run("alter table t replace columns (z int)")


@pytest.mark.parametrize("create", [HIVE, ICEBERG])
def test_a_column_is_renamed_and_widened(run: Run, catalog: Catalog, database: str, create: str):
    run(create)
    run("alter table t change column a z bigint")
    assert columns(catalog, database) == [("z", "bigint"), ("b", "string")]


@pytest.mark.parametrize("create", [HIVE, ICEBERG])
def test_a_missing_column_is_not_changed(run: Run, create: str):
    run(create)
    with pytest.raises(AthenaError, match="Invalid column reference nothing"):
        run("alter table t change column nothing z bigint")


def test_a_column_of_iceberg_is_dropped(run: Run, catalog: Catalog, database: str):
    run(ICEBERG)
    run("alter table t drop column a")
    assert columns(catalog, database) == [("b", "string")]


def test_hive_tables_have_no_drop_column(run: Run):
    run(HIVE)
    with pytest.raises(
        AthenaError, match=r"^FAILED: ParseException .* mismatched input 'COLUMN' expecting PARTITION"
    ):
        run("alter table t drop column a")


def test_columns_of_a_missing_table(run: Run, database: str):
    with pytest.raises(AthenaError, match=f"Table not found {database}.nowhere"):
        run("alter table nowhere add columns (a int)")


@pytest.mark.parametrize(
    "change", ["add columns (b int)", "replace columns (b int)", "change column n m int"]
)
def test_columns_of_a_view_are_not_altered(run: Run, catalog: Catalog, database: str, change: str):
    run("create view t as select 1 as n")
    with pytest.raises(AthenaError, match="To alter a view you need to use the ALTER VIEW command"):
        run(f"alter table t {change}")
    assert columns(catalog, database) == [("n", "int")]
