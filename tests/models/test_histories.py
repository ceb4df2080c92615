"""Two deliveries with every kind of trouble: silver equals a dictionary, gold equals a full recompute."""

import random
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import oracle
import pytest
from bronze_lake import ROOT, Lake, Row
from histories import STATES, first_delivery, last_words, live, second_delivery
from pyiceberg.catalog import Catalog, load_catalog

GOLD = (
    "top_beers_by_rating",
    "top_breweries_by_rating",
    "top_styles_by_popularity",
    "state_by_review_volume",
    "top_drinkers",
)
MERGED = (
    *(f"silver.{name}_state" for name in STATES.values()),
    "silver.review_flat",
    *(f"gold.{n}" for n in GOLD),
)
SEED = 7


def publish(lake: Lake, delivery: dict[str, list[list[Row]]]) -> None:
    for table, batches in delivery.items():
        for batch in batches:
            lake.publish(table, batch)


def assert_same(found: Iterable[Row], expected: Iterable[Row], name: str) -> None:
    """Compare as sets of rows; a column that `expected` leaves out must be null."""
    found = list(found)
    names = sorted(found[0]) if found else []
    tuples = {tuple(row[column] for column in names) for row in found}
    assert len(tuples) == len(found), name
    assert tuples == {tuple(row.get(column) for column in names) for row in expected}, name


def expected_tables(lake: Lake) -> dict[str, list[Row]]:
    states = {table: list(last_words(table, lake.published[table]).values()) for table in STATES}
    tables: dict[str, list[Row]] = {f"silver.{STATES[table]}": live(rows) for table, rows in states.items()}
    for profile in tables["silver.profiles"]:
        profile["email"] = profile.pop("email_token")
    for row in tables["silver.reviews"]:
        row["reviewed_at"] = oracle.datetime.fromtimestamp(row.pop("review_time"), oracle.UTC).replace(
            tzinfo=None
        )
    tables["silver.reviews_enriched"] = list(oracle.enriched(tables))
    tables |= oracle.gold(tables["silver.reviews_enriched"])
    return tables | {f"silver.{STATES[table]}_state": rows for table, rows in states.items()}


def assert_lake_is_right(lake: Lake) -> None:
    for name, expected in expected_tables(lake).items():
        assert_same(lake.rows(f"select * from {name}"), expected, name)


def snapshots(lake: Lake) -> dict[str, int]:
    """Return the number of snapshots of every merged table."""
    tables = (name.split(".") for name in MERGED)
    return {
        table: lake.rows(f'select count(*) as n from {schema}."{table}$snapshots"')[0]["n"]
        for schema, table in tables
    }


def iceberg(lake: Lake) -> Catalog:
    """Return a catalog of the lake's tables, for operations that Athena has no statement for."""
    place = {f"{service}.endpoint": lake.endpoint for service in ("glue", "s3")}
    keys = {"client.region": "us-east-1", "client.access-key-id": "test", "client.secret-access-key": "test"}
    return load_catalog("glue", type="glue", **place, **keys)


def groups(lake: Lake) -> dict[str, set[tuple[Any, ...]]]:
    """Return the groups of the gold tables that have a threshold."""
    keys = {
        "top_beers_by_rating": "beer_id",
        "top_breweries_by_rating": "brewery_id",
        "top_styles_by_popularity": "beer_style",
    }
    return {
        table: {
            tuple(row.values())
            for row in lake.rows(f"select review_year, review_month, {key} from gold.{table}")
        }
        for table, key in keys.items()
    }


@pytest.fixture(scope="module")
def first(lake: Lake) -> Lake:
    """Return the lake after the first delivery and its build."""
    publish(lake, first_delivery(random.Random(SEED)))
    lake.dbt("build")
    return lake


@pytest.fixture(scope="module")
def groups_before(first: Lake) -> dict[str, set[tuple[Any, ...]]]:
    """Return gold's groups after the first delivery."""
    return groups(first)


@pytest.fixture(scope="module")
def second(first: Lake, groups_before: dict[str, set[tuple[Any, ...]]]) -> Lake:
    """Return the lake after the second delivery, too."""
    assert groups_before
    publish(first, second_delivery(random.Random(SEED)))
    first.dbt("build", "--exclude-resource-type", "unit_test")
    return first


def test_a_first_build_is_right(first: Lake) -> None:
    assert_lake_is_right(first)


def test_an_incremental_build_ends_equal_to_a_dictionary_and_a_full_recompute(second: Lake) -> None:
    assert_lake_is_right(second)


def test_groups_have_crossed_their_threshold_both_ways(
    groups_before: dict[str, set[tuple[Any, ...]]], second: Lake
) -> None:
    for table, after in groups(second).items():
        assert groups_before[table] - after, table
        assert after - groups_before[table], table


def test_consuming_every_batch_again_writes_no_snapshot(second: Lake) -> None:
    before = snapshots(second)
    second.dbt("build", "--vars", "rebuild: true")
    assert snapshots(second) == before


def test_a_duplicate_key_is_found_and_comes_back_once_after_its_rows_are_deleted(
    second: Lake,
) -> None:
    run = ("run", "--select", "breweries_state", "--vars")
    key = second.rows("select min(brewery_id) as one from silver.breweries where brewery_id > 0")[0]["one"]
    where = f"from silver.breweries_state where brewery_id = {key}"
    second.rows(f"insert into silver.breweries_state select * {where}")
    assert "1 row where the key brewery_id is a duplicate" in second.dbt(*run, "reconcile: true", expect=1)
    second.rows(f"delete {where}")
    second.dbt(*run, "rebuild: true")
    assert second.rows(f"select count(*) as n {where}") == [{"n": 1}]
    assert_lake_is_right(second)


def test_a_full_refresh_is_refused_and_names_the_alternative(second: Lake) -> None:
    output = second.dbt("run", "--full-refresh", "--select", "breweries_state", expect=1)
    assert "--vars 'rebuild: true'" in output
    assert second.rows("select count(*) as n from silver.breweries_state")[0]["n"] == 5


def test_the_compiled_sql_is_in_style(second: Lake, tmp_path: Path) -> None:
    compiled = second.folder / "target" / "compiled" / "lakehouse"
    files = []
    for folder in ("models/silver", "models/gold", "tests/dbt"):
        for path in compiled.glob(f"{folder}/*.sql"):
            # Athena syntax that sqlfluff cannot parse: time travel, and quoted fields of a row.
            text = re.sub(r" for version as of \d+", "", path.read_text())
            text = re.sub(r'"(\w+)" (?=\w+[(,)])', r"_\1 ", text)
            files.append(tmp_path / path.name)
            files[-1].write_text(text)
    written = [path for folder in ("models", "tests/dbt") for path in (ROOT / folder).rglob("*.sql")]
    assert sorted(path.name for path in files) == sorted(path.name for path in written)
    linter = str(Path(sys.executable).parent / "sqlfluff")
    done = subprocess.run(
        [linter, "lint", "--config", str(ROOT / ".sqlfluff"), *map(str, files)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout


def test_gold_follows_a_table_that_was_rolled_back(second: Lake) -> None:
    flat = iceberg(second).load_table("silver.review_flat")
    newest, oldest = flat.metadata.current_snapshot_id, flat.snapshots()[0].snapshot_id
    reconciled = ("run", "--select", "path:models/gold", "--vars", "reconcile: true")
    counts = "select sum(review_count) as n from gold.state_by_review_volume"
    before = second.rows(counts)
    for version in (oldest, newest):
        flat.manage_snapshots().set_current_snapshot(version).commit()
        second.dbt("run", "--select", "path:models/gold")
        second.dbt(*reconciled)
        assert (second.rows(counts) == before) == (version == newest)
