"""One suite for every catalog: the fake and Glue must not differ."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from moto.glue.responses import GlueResponse

from control.adapters.aws import client
from control.adapters.glue import GlueCatalog
from control.adapters.memory import MemoryCatalog, MemoryClock
from control.adapters.retrying import retrying
from control.config import Settings
from control.errors import ConflictError, NotFoundError, ThrottledError
from control.model import Partition
from control.ports import Catalog, CatalogColumn, CatalogTable
from localcloud.aws.patches import glue as patched


@pytest.fixture(params=["memory", "glue"])
def catalog(request: pytest.FixtureRequest) -> Catalog:
    if request.param == "memory":
        return MemoryCatalog()
    return GlueCatalog(request.getfixturevalue("cloud"))


@pytest.fixture
def table(cloud: Settings) -> CatalogTable:
    return CatalogTable(
        database=f"{cloud.schema_prefix}bronze",
        name="review",
        location="s3://lake/bronze/review/",
        columns=(CatalogColumn("review_id", "bigint", "The number."), CatalogColumn("_seq", "string")),
        partition_keys=(CatalogColumn("ingest_date", "string"), CatalogColumn("batch", "bigint")),
    )


def test_a_table_reads_back_as_it_was_created(catalog: Catalog, table: CatalogTable) -> None:
    assert catalog.get_table(table.database, table.name) is None
    catalog.ensure_table(table)
    seen = catalog.get_table(table.database, table.name)
    assert seen is not None
    assert (seen.columns, seen.partition_keys, seen.metadata) == (table.columns, table.partition_keys, "")


@pytest.fixture
def partition(table: CatalogTable) -> Partition:
    return Partition(
        table.database, "review", ("2026-01-02", "1"), "s3://lake/bronze/review/b-e1/", {"rows": "2"}
    )


def test_a_partition_reads_back_as_it_was_added(
    catalog: Catalog, table: CatalogTable, partition: Partition
) -> None:
    catalog.ensure_table(table)
    assert catalog.get_partition(table.database, "review", partition.values) is None
    catalog.add_partition(partition)
    assert catalog.get_partition(table.database, "review", partition.values) == partition


def test_adding_a_partition_twice_is_a_no_op(
    catalog: Catalog, table: CatalogTable, partition: Partition
) -> None:
    catalog.ensure_table(table)
    catalog.add_partition(partition)
    catalog.add_partition(partition)
    assert catalog.get_partition(table.database, "review", partition.values) == partition


def test_adding_a_partition_with_another_location_conflicts_and_changes_nothing(
    catalog: Catalog, table: CatalogTable, partition: Partition
) -> None:
    catalog.ensure_table(table)
    catalog.add_partition(partition)
    with pytest.raises(ConflictError, match="b-e1"):
        catalog.add_partition(replace(partition, location="s3://lake/bronze/review/b-e2/"))
    assert catalog.get_partition(table.database, "review", partition.values) == partition


def test_dropping_a_partition_is_idempotent(
    catalog: Catalog, table: CatalogTable, partition: Partition
) -> None:
    catalog.ensure_table(table)
    catalog.add_partition(partition)
    for _ in range(2):
        catalog.drop_partition(table.database, "review", partition.values)
        assert catalog.get_partition(table.database, "review", partition.values) is None


def test_a_partition_without_its_table_is_not_found(catalog: Catalog, partition: Partition) -> None:
    with pytest.raises(NotFoundError):
        catalog.add_partition(partition)
    assert catalog.get_partition(partition.database, "review", partition.values) is None


def test_ensuring_a_table_again_can_add_columns(
    catalog: Catalog, table: CatalogTable, partition: Partition
) -> None:
    catalog.ensure_table(table)
    catalog.ensure_table(table)
    catalog.ensure_table(replace(table, columns=(*table.columns, CatalogColumn("note", "string"))))
    catalog.add_partition(partition)
    assert catalog.get_partition(partition.database, "review", partition.values) == partition
    # The column exists now; a table without it would lose it.
    with pytest.raises(ConflictError, match="review"):
        catalog.ensure_table(table)


@pytest.mark.parametrize(
    "columns", [(CatalogColumn("review_id", "int"), CatalogColumn("_seq", "string")), ()]
)
def test_a_table_never_loses_or_retypes_a_column(
    catalog: Catalog, table: CatalogTable, columns: tuple[CatalogColumn, ...]
) -> None:
    catalog.ensure_table(table)
    with pytest.raises(ConflictError, match="review"):
        catalog.ensure_table(replace(table, columns=columns))


def retyped(table: CatalogTable, kind: str) -> CatalogTable:
    return replace(table, columns=(replace(table.columns[0], type=kind), *table.columns[1:]))


def test_an_int_becomes_a_bigint_and_never_an_int_again(catalog: Catalog, table: CatalogTable) -> None:
    catalog.ensure_table(retyped(table, "int"))
    for _ in range(2):
        catalog.ensure_table(table)
        assert columns_of(catalog, table) == table.columns
    # A worker that still has the old contract must not narrow the type that 64-bit files are read with.
    with pytest.raises(ConflictError, match=r"review_id bigint, which its contract has as int"):
        catalog.ensure_table(retyped(table, "int"))
    assert columns_of(catalog, table) == table.columns


def columns_of(catalog: Catalog, table: CatalogTable) -> tuple[CatalogColumn, ...]:
    seen = catalog.get_table(table.database, table.name)
    return seen.columns if seen else ()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("bigint", "int"),
        ("float", "double"),
        ("decimal(10,2)", "decimal(12,2)"),
        ("int", "double"),
        ("int", "string"),
        ("array<int>", "array<bigint>"),
        ("struct<a:int>", "struct<a:int,b:int>"),
    ],
)
def test_no_other_type_change_is_accepted(
    catalog: Catalog, table: CatalogTable, before: str, after: str
) -> None:
    catalog.ensure_table(retyped(table, before))
    with pytest.raises(ConflictError, match="as int" if after == "int" else "review_id"):
        catalog.ensure_table(retyped(table, after))
    assert columns_of(catalog, table) == retyped(table, before).columns


def test_glue_has_what_athena_and_spark_need(
    cloud: Settings, table: CatalogTable, partition: Partition
) -> None:
    catalog = GlueCatalog(cloud)
    catalog.ensure_table(table)
    catalog.ensure_table(replace(table, columns=(*table.columns, CatalogColumn("note", "string"))))
    catalog.add_partition(partition)
    glue = client(cloud, "glue")
    found = glue.get_table(DatabaseName=table.database, Name="review")["Table"]
    assert found["TableType"] == "EXTERNAL_TABLE"
    assert found["StorageDescriptor"]["SerdeInfo"]["SerializationLibrary"].endswith("ParquetHiveSerDe")
    assert [c["Name"] for c in found["PartitionKeys"]] == ["ingest_date", "batch"]
    assert found["StorageDescriptor"]["Columns"][0] == {
        "Name": "review_id",
        "Type": "bigint",
        "Comment": "The number.",
    }
    listed = glue.get_partitions(DatabaseName=table.database, TableName="review")["Partitions"]
    assert [p["Parameters"] for p in listed] == [{"rows": "2"}]
    assert listed[0]["StorageDescriptor"]["InputFormat"].endswith("MapredParquetInputFormat")
    assert [c["Name"] for c in listed[0]["StorageDescriptor"]["Columns"]] == ["review_id", "_seq", "note"]


def test_in_glue_a_partition_keeps_its_types_and_later_ones_get_the_wider(
    cloud: Settings, table: CatalogTable, partition: Partition
) -> None:
    catalog = GlueCatalog(cloud)
    catalog.ensure_table(retyped(table, "int"))
    catalog.add_partition(partition)
    catalog.ensure_table(table)
    catalog.add_partition(replace(partition, values=("2026-01-02", "2"), location="s3://lake/elsewhere/"))
    found = client(cloud, "glue").get_partitions(DatabaseName=table.database, TableName="review")
    kinds = {one["Values"][1]: one["StorageDescriptor"]["Columns"][0]["Type"] for one in found["Partitions"]}
    assert kinds == {"1": "int", "2": "bigint"}


@pytest.mark.parametrize("wanted", ["int", "bigint"])
def test_a_slower_worker_does_not_undo_a_faster_ones_change_of_the_table(
    cloud: Settings, table: CatalogTable, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    # moto accepts an outdated version of a table, Glue does not.
    monkeypatch.setattr(GlueResponse, "update_table", patched._with_version(GlueResponse.update_table))
    slow, fast = GlueCatalog(cloud), GlueCatalog(cloud)
    slow.ensure_table(retyped(table, "int"))
    seen = slow._client.get_table

    def overtaken(**names: str) -> object:
        answer = seen(**names)
        fast.ensure_table(table)
        return answer

    monkeypatch.setattr(slow._client, "get_table", overtaken)
    commented = replace(table.columns[0], comment="Ours.")
    mine = retyped(replace(table, columns=(commented, *table.columns[1:])), wanted)
    with pytest.raises(ThrottledError):
        slow.ensure_table(mine)
    assert columns_of(fast, table) == table.columns
    patient = retrying(slow, ("ensure_table",), MemoryClock(datetime(2026, 1, 2, tzinfo=UTC)))
    if wanted == "int":
        with pytest.raises(ConflictError):
            patient.ensure_table(mine)
    else:
        patient.ensure_table(mine)
    assert columns_of(fast, table)[0].type == "bigint"
