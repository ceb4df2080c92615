"""Builds compact ops.consumed and keep every offset, even if a build died while compacting."""

import pytest
from bronze_lake import Lake
from histories import brewery, record

MODELS = ("--select", "breweries_state")
OFFSETS = (
    "select model, input, table_uuid, max_by(coalesce(batch, snapshot_id), build) as latest,"
    " max(batch) as furthest from ops.consumed group by 1, 2, 3"
)


@pytest.fixture(scope="module")
def built(lake: Lake) -> Lake:
    """Return a lake with one table for readers, and offsets of other models in a file each."""
    lake.publish("brewery", [record("insert", 1, **brewery(1))])
    lake.dbt("run", *MODELS)
    for build, batch in (("1", 7), ("2", 9), ("3", 8)):
        lake.rows(f"insert into ops.consumed values ('m', 'bronze.x', '', null, {batch}, '{build}')")
        lake.rows(f"insert into ops.consumed values ('g', 'silver.f', 'u', {batch}0, null, '{build}')")
    return lake


def offsets(lake: Lake) -> set[tuple[object, ...]]:
    return {tuple(row.values()) for row in lake.rows(OFFSETS)}


def count(lake: Lake) -> int:
    (row,) = lake.rows("select count(*) as n from ops.consumed")
    return int(row["n"])


def files(lake: Lake) -> set[str]:
    """Return the objects that the table is read from."""
    return {str(row["path"]) for row in lake.rows('select distinct "$path" as path from ops.consumed')}


def kept(lake: Lake) -> set[str]:
    """Return all objects that belong to the table or once did."""
    found = lake.client("s3").list_objects_v2(Bucket="lake", Prefix="warehouse/ops/consumed")
    return {f"s3://lake/{item['Key']}" for item in found.get("Contents", [])}


def compacting(lake: Lake, files: int) -> None:
    """Run a build that compacts once there are more than `files` files."""
    lake.dbt("run", *MODELS, "--vars", f"consumed_files: {files}")


def test_a_build_compacts_many_files_into_one_and_every_offset_stays(built: Lake) -> None:
    before, rows = offsets(built), count(built)
    assert len(files(built)) == 7
    built.dbt("run", *MODELS)
    assert len(files(built)) == 7, "a few files are not compacted"
    # A build died while compacting: its copy exists, and the table is still in its old place.
    built.rows(
        "create table ops.consumed__compacted with (format = 'parquet', external_location ="
        " 's3://lake/warehouse/ops/consumed-dead/') as select * from ops.consumed"
    )
    compacting(built, 6)
    assert offsets(built) == before
    assert len(files(built)) == 1
    assert count(built) < rows, "superseded offsets are gone"
    assert not {path for path in kept(built) if "/consumed/" in path}, "and so are their files"
    # A build died after it had moved the table: the copy's entry points at the table's own folder.
    (place,) = {path.rpartition("/")[0] for path in files(built)}
    built.rows(
        f"create external table ops.consumed__compacted (model string) stored as parquet location '{place}/'"
    )
    built.publish("brewery", [record("insert", 2, **brewery(2))])
    compacting(built, 0)
    assert len(built.rows("select brewery_id from silver.breweries_state")) == 2
    assert len(offsets(built) & before) == len(before) - 1, "one model has consumed another batch"
    compacting(built, 1)
    assert len(files(built)) == 1
    assert "consumed__compacted" not in {row["tab_name"] for row in built.rows("show tables in ops")}
