"""One build at a time: a second one is refused, and the next build takes over a dead build's lease."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from bronze_lake import ROOT, Lake, clean_environment, dbt, local_cloud
from histories import brewery, record
from jinja2 import Environment
from pyathena.error import OperationalError

MODELS = ("--select", "breweries_state")
NOW = "cast(to_unixtime(current_timestamp) as bigint)"


@pytest.fixture(scope="module")
def first_built(lake: Lake) -> Lake:
    """Return a lake with one table for readers."""
    lake.publish("brewery", [record("insert", 1, **brewery(1))])
    lake.dbt("run", *MODELS)
    assert holder(lake) == "", "a build gives its lease back"
    return lake


@pytest.fixture
def built(first_built: Lake) -> Lake:
    """Return the same lake with its lease free, whatever earlier tests left."""
    first_built.rows("update ops.lease set holder = ''")
    return first_built


def hold(lake: Lake, *, silent: int) -> None:
    """Let a build of Ann's hold the lease, last renewed `silent` seconds ago."""
    lake.rows(
        "update ops.lease set holder = 'of-ann', who = 'ann', fenced = '',"
        f" taken_at = {NOW} - {silent} - 60, renewed_at = {NOW} - {silent}"
    )


def holder(lake: Lake) -> str:
    (row,) = lake.rows("select holder from ops.lease")
    return str(row["holder"])


def state(lake: Lake) -> set[int]:
    return {row["brewery_id"] for row in lake.rows("select brewery_id from silver.breweries_state")}


def names(lake: Lake, database: str) -> set[str]:
    return {table["Name"] for table in lake.client("glue").get_tables(DatabaseName=database)["TableList"]}


def stage(lake: Lake, name: str) -> None:
    """Create a table like those that builds stage in ops."""
    lake.rows(
        f"create table ops.{name} with (table_type = 'iceberg', is_external = false,"
        f" location = 's3://lake/tmp/{name}/') as select 1 as one"
    )


def test_a_second_build_is_refused_with_holder_start_time_and_what_to_do(built: Lake) -> None:
    hold(built, silent=5)
    stage(built, "breweries_state__dbt_tmp_alive")
    before = state(built)
    built.publish("brewery", [record("insert", 2, **brewery(2))])
    output = built.dbt("run", *MODELS, expect=2)
    assert "Another build is at work" in output
    assert "ann, build of-ann" in output
    assert "since:" in output
    assert "dm maintain free of-ann" in output
    assert holder(built) == "of-ann", "a refused build must leave the lease alone"
    assert state(built) == before, "and must change nothing"
    assert "breweries_state__dbt_tmp_alive" in names(built, "ops"), "nor drop what the other build has staged"


def test_a_build_during_maintenance_is_refused_without_the_advice_to_free_a_lease(built: Lake) -> None:
    hold(built, silent=5)
    built.rows("update ops.lease set holder = 'maintenance-m'")
    output = built.dbt("run", *MODELS, expect=2)
    assert "ann, build maintenance-m" in output
    assert "dm maintain free" not in output


def test_an_interrupted_freeing_is_repeated_by_the_name_of_the_build(built: Lake) -> None:
    hold(built, silent=5)
    built.rows("update ops.lease set holder = 'freed-of-ann', fenced = 'of-ann'")
    assert "or now by: dm maintain free of-ann" in built.dbt("run", *MODELS, expect=2)


def test_the_next_build_takes_over_a_dead_builds_lease_and_drops_its_staged_tables(built: Lake) -> None:
    hold(built, silent=3000)
    built.publish("brewery", [record("insert", 3, **brewery(3))])
    stage(built, "breweries_state__dbt_tmp_dead")
    output = built.dbt("run", *MODELS)
    assert "Build of-ann is presumed dead" in output
    assert not any("__dbt_tmp" in name for name in names(built, "ops"))
    assert holder(built) == ""
    assert 3 in state(built)


def test_tables_staged_after_their_build_ended_are_dropped_by_the_next(built: Lake) -> None:
    assert holder(built) == ""
    stage(built, "breweries_state__dbt_tmp_late")
    output = built.dbt("run", *MODELS)
    assert "presumed dead" not in output
    assert "breweries_state__dbt_tmp_late" not in names(built, "ops")


def test_a_build_whose_merge_fails_drops_what_it_has_staged(tmp_path: Path) -> None:
    faults = tmp_path / "faults.toml"
    faults.write_text('[[fault]]\ndo = "conflict"\ntable = "silver.breweries_state"\n')
    cloud = tmp_path / "cloud"
    up = ("up", "--port", "0", "--bucket", "lake", "--faults", str(faults), "--json")
    lake = Lake(tmp_path, json.loads(local_cloud(*up, folder=cloud))["endpoint"])
    try:
        lake.create_bronze()
        lake.publish("brewery", [record("insert", 1, **brewery(1))])
        lake.dbt("run", *MODELS)
        lake.publish("brewery", [record("insert", 2, **brewery(2))])
        output = lake.dbt("run", *MODELS, expect=1)
        assert "ICEBERG_COMMIT_ERROR" in output
        assert "Dropping" in output
        assert names(lake, "ops") == {"consumed", "lease"}
        assert holder(lake) == ""
        assert state(lake) == {1}
    finally:
        local_cloud("reset", folder=cloud)


def test_the_lease_of_a_known_dead_build_can_be_freed_at_once(built: Lake) -> None:
    hold(built, silent=5)
    refused = built.dm("maintain", "free", "of-ann", expect=2)
    assert "this workgroup has no statement of build of-ann" in refused
    said = {"app": "dbt", "invocation_id": "of-ann", "started": "2026-01-01T00:00:00+00:00"}
    built.rows(f"/* {json.dumps(said)} */ select 1")
    built.dm("maintain", "free", "of-ann")
    assert holder(built) == ""


def test_a_developer_with_a_prefix_shares_bronze_and_blocks_nobody(built: Lake) -> None:
    hold(built, silent=5)
    before = built.rows("select * from silver.breweries_state order by brewery_id")
    own = clean_environment() | {"AWS_ENDPOINT_URL": built.endpoint, "DM_SCHEMA_PREFIX": "bob_"}
    alone = dbt(built.folder / "bob", "run", *MODELS, env=own)
    assert "or export DM_BRONZE_PREFIX= for the bronze that all share" in alone.stdout
    done = dbt(built.folder / "bob", "run", *MODELS, env=own | {"DM_BRONZE_PREFIX": ""})
    assert done.returncode == 0, done.stdout
    assert names(built, "bob_silver") == {"breweries_state"}
    assert {"consumed", "lease"} <= names(built, "bob_ops")
    assert built.rows("select * from bob_silver.breweries_state order by brewery_id") == before
    assert built.rows("select * from silver.breweries_state order by brewery_id") == before
    assert holder(built) == "of-ann"


def test_a_prefix_that_is_invalid_in_database_names_is_refused(built: Lake) -> None:
    own = clean_environment() | {"AWS_ENDPOINT_URL": built.endpoint, "DM_SCHEMA_PREFIX": "Ann-"}
    refused = dbt(built.folder / "ann", "run", *MODELS, env=own)
    assert refused.returncode == 2
    assert "DM_SCHEMA_PREFIX is a prefix of database names, not 'Ann-'" in refused.stdout


def test_of_many_who_take_a_free_lease_at_once_one_gets_it(built: Lake) -> None:
    def take(name: str) -> bool:
        try:
            built.rows(f"update ops.lease set holder = '{name}' where holder = ''")
        except OperationalError as error:
            assert "ICEBERG_COMMIT_ERROR" in str(error)  # noqa: PT017 - a lost race is as good as no row
            return False
        return holder(built) == name

    with ThreadPoolExecutor(4) as pool:
        won = list(pool.map(take, ["a", "b", "c", "d"]))
    assert won.count(True) == 1


class _StoppedError(Exception):
    """Stands for the compiler error that a macro raises."""


@pytest.fixture
def keep() -> Callable[[int | None], list[str]]:
    """Return a function that runs `keep_lease` alone: seconds since the last renewal -> what it does."""
    done: list[str] = []

    def stop(message: str) -> None:
        raise _StoppedError(message)

    context: dict[str, Any] = {
        "this": "silver.t",
        "invocation_id": "mine",
        "lease_seconds": lambda: 300,
        "ops_relation": lambda name: f"ops.{name}",
        "drop_relation": lambda relation: done.append(f"drop {relation}"),
        "run_query": lambda sql: done.append(sql),
        "exceptions": SimpleNamespace(raise_compiler_error=stop),
    }
    text = Path(ROOT / "macros/lease/keep_lease.sql").read_text()
    module = Environment(extensions=["jinja2.ext.do"]).from_string(text).make_module(context)

    def call(silent: int | None) -> list[str]:
        try:
            module.keep_lease("staged", silent)
        except _StoppedError as error:
            done.append(f"stopped: {error}")
        return done

    return call


def test_a_build_that_lost_its_lease_publishes_nothing(keep: Callable[[int | None], list[str]]) -> None:
    dropped, stopped = keep(None)
    assert dropped == "drop staged"
    assert "another build has taken over its lease" in stopped


@pytest.mark.parametrize(("silent", "renewals"), [(0, 0), (100, 0), (101, 1)])
def test_a_lease_is_renewed_when_a_third_of_its_time_is_over(
    keep: Callable[[int | None], list[str]], silent: int, renewals: int
) -> None:
    assert len([sql for sql in keep(silent) if "renewed_at" in sql and "holder = 'mine'" in sql]) == renewals
