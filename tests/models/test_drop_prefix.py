"""`dbt run-operation drop_prefix` removes what a developer built under a prefix, and nothing else."""

import pytest
from bronze_lake import Lake, clean_environment, dbt
from histories import brewery, record

STORED = "not_null_breweries_brewery_id"


def run(lake: Lake, *arguments: str, prefix: str = "bob_", expect: int = 0) -> str:
    """Run dbt under a developer's prefix, on the shared bronze; return its output."""
    env = clean_environment() | {"AWS_ENDPOINT_URL": lake.endpoint, "DM_BRONZE_PREFIX": ""}
    done = dbt(lake.folder, *arguments, env=env | ({"DM_SCHEMA_PREFIX": prefix} if prefix else {}))
    assert done.returncode == expect, done.stdout + done.stderr
    return done.stdout


def databases(lake: Lake) -> set[str]:
    return {found["Name"] for found in lake.client("glue").get_databases()["DatabaseList"]}


def keys(lake: Lake) -> list[str]:
    """Return the objects of tables, without bronze and query results."""
    pages = lake.client("s3").get_paginator("list_objects_v2").paginate(Bucket="lake")
    found = (entry["Key"] for page in pages for entry in page.get("Contents", []))
    return sorted(key for key in found if not key.startswith(("bronze/", "athena-results/")))


@pytest.fixture
def built(lake: Lake) -> Lake:
    """Build a table and its view once for everyone and once for Bob."""
    house = lake.emptied()
    house.publish("brewery", [record("insert", 1, **brewery(1))])
    house.dbt("run", "--select", "breweries_state", "breweries")
    return house


def test_everything_under_the_prefix_goes_and_nothing_else(built: Lake) -> None:
    before, objects = databases(built), keys(built)
    run(built, "run", "--select", "breweries_state", "breweries")
    run(built, "test", "--store-failures", "--select", STORED)
    assert {"bob_silver", "bob_ops"} <= databases(built)
    told = run(built, "run-operation", "drop_prefix")
    assert "Dropped bob_silver with 2 tables and views." in told
    assert databases(built) == before
    assert keys(built) == objects
    assert built.rows("select brewery_id from silver.breweries") == [{"brewery_id": 1}]
    assert "Dropped bob_silver with 0 tables and views." in run(built, "run-operation", "drop_prefix")


def test_a_running_build_keeps_its_tables(built: Lake) -> None:
    run(built, "run", "--select", "breweries_state")
    built.rows(
        "update bob_ops.lease set holder = 'of-ann', who = 'ann',"
        " renewed_at = cast(to_unixtime(current_timestamp) as bigint)"
    )
    before = keys(built)
    told = run(built, "run-operation", "drop_prefix", expect=1)
    assert "A build of ann is at work under bob_. Nothing was dropped." in told
    assert keys(built) == before


def test_an_environment_is_not_dropped(built: Lake) -> None:
    built.client("glue").create_database(DatabaseInput={"Name": "bob_bronze"})
    run(built, "run", "--select", "breweries_state")
    before = keys(built)
    assert "bob_ is an environment" in run(built, "run-operation", "drop_prefix", expect=1)
    assert "DM_SCHEMA_PREFIX is not set" in run(built, "run-operation", "drop_prefix", prefix="", expect=1)
    assert keys(built) == before
