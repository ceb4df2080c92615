"""dbt's options to build from some rows or none: no row that was not read counts as consumed."""

from shutil import copytree

import pytest
from bronze_lake import Lake, clean_environment, dbt
from histories import brewery, record

MODELS = ("--select", "breweries_state", "breweries")


@pytest.fixture(scope="module")
def built(lake: Lake) -> Lake:
    """Return a lake with one brewery; an `--empty` build has created every table."""
    lake.publish("brewery", [record("insert", 1, **brewery(1))])
    lake.dbt("run", "--empty", *MODELS)
    assert lake.rows("select * from silver.breweries_state") == []
    lake.dbt("run", *MODELS)
    return lake


def test_the_next_build_consumes_what_an_empty_build_left_out(built: Lake) -> None:
    assert built.rows("select * from silver.breweries") == [brewery(1)]


@pytest.mark.parametrize("partly", [["--empty"], ["--sample", "3 days"]], ids=["empty", "sample"])
def test_a_build_of_some_rows_is_refused_before_it_changes_anything(built: Lake, partly: list[str]) -> None:
    built.publish("brewery", [record("insert", 2, **brewery(2))])
    output = built.dbt("run", *partly, *MODELS, expect=2)
    assert f"{partly[0]} is refused" in output
    assert built.rows("select * from silver.breweries") == [brewery(1)]
    assert built.rows("select count(*) as n from ops.consumed where batch > 0") == [{"n": 1}]


def test_models_can_be_tried_without_data_as_the_refusal_says(built: Lake) -> None:
    advice = "DM_SCHEMA_PREFIX=try_ DM_BRONZE_PREFIX= dbt build --empty"
    assert advice in built.dbt("run", "--empty", *MODELS, expect=2)
    given = dict(word.split("=") for word in advice.split() if "=" in word)
    own = clean_environment() | {"AWS_ENDPOINT_URL": built.endpoint} | given
    done = dbt(built.folder / "try", "run", "--empty", *MODELS, env=own)
    assert done.returncode == 0, done.stdout + done.stderr
    assert built.rows("select * from try_silver.breweries") == []


def test_a_clone_does_not_replace_a_table_with_a_view(built: Lake) -> None:
    state = copytree(built.folder / "target", built.folder / "state")
    output = built.dbt("clone", "--full-refresh", "--state", str(state), *MODELS, expect=1)
    assert output.count("dbt clone is refused") == 2
    assert "--defer --state" in output
    assert built.rows("select * from silver.breweries") == [brewery(1)]
    kinds = built.client("glue").get_tables(DatabaseName="silver")["TableList"]
    assert {one["Name"]: one["TableType"] for one in kinds}["breweries_state"] == "EXTERNAL_TABLE"


def test_an_empty_build_without_its_sources_names_them_all_before_it_does_anything(lake: Lake) -> None:
    own = clean_environment() | {"AWS_ENDPOINT_URL": lake.endpoint, "DM_SCHEMA_PREFIX": "bare_"}
    done = dbt(
        lake.folder / "bare", "build", "--empty", "--select", "beers_state", "breweries_state", env=own
    )
    assert done.returncode == 2, done.stdout + done.stderr
    named = "bare_bronze.beer, bare_bronze.beer_events, bare_bronze.brewery, bare_bronze.brewery_events"
    assert f"these do not exist: {named}. Set the prefix" in done.stdout


def test_a_comparison_with_tables_that_were_never_built_names_them(lake: Lake) -> None:
    own = clean_environment() | {"AWS_ENDPOINT_URL": lake.endpoint, "DM_SCHEMA_PREFIX": "bare_"}
    reconcile = ("run", "--vars", "reconcile: true", "--select", "top_drinkers", "review_flat", "reviews")
    done = dbt(lake.folder / "bare", *reconcile, env=own)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "these are not built: bare_gold.top_drinkers, bare_silver.review_flat\n" in done.stdout
