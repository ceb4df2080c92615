"""Data that breaks its contract is not published: readers keep the old data, dependent models are skipped."""

import pytest
from bronze_lake import Lake
from histories import brewery, profile, record

MODELS = ("--select", "breweries_state", "breweries")
NAMELESS = {"brewery_id": 1, "brewery_name": None}


def tables(lake: Lake, database: str) -> set[str]:
    return {table["Name"] for table in lake.client("glue").get_tables(DatabaseName=database)["TableList"]}


@pytest.fixture(scope="module")
def refused(lake: Lake) -> str:
    """Return dbt's output of a first build whose only row breaks a rule."""
    lake.publish("brewery", [record("insert", 1, **NAMELESS)])
    return lake.dbt("run", *MODELS, expect=1)


def test_a_first_build_that_breaks_its_contract_leaves_no_table(lake: Lake, refused: str) -> None:
    assert "1 row where brewery_name is null, such as brewery_id 1" in refused
    assert tables(lake, "silver") == set()


def test_a_broken_rule_stops_publication_until_the_row_is_corrected(lake: Lake, refused: str) -> None:
    lake.publish("brewery", [record("update", 2, **brewery(1)), record("insert", 2, **brewery(2))])
    lake.dbt("run", *MODELS)
    good = lake.rows("select * from silver.breweries")
    assert len(good) == 2

    lake.publish("brewery", [record("update", 3, **NAMELESS), record("delete", 3, brewery_id=2)])
    output = lake.dbt("run", *MODELS, expect=1)
    assert "1 row where brewery_name is null, such as brewery_id 1" in output
    assert lake.statuses() == {"breweries_state": "error", "breweries": "skipped"}
    assert lake.rows("select * from silver.breweries") == good
    assert tables(lake, "silver") == {"breweries_state", "breweries"}
    assert lake.rows("select brewery_id from ops.silver_breweries_state_failures") == [{"brewery_id": 1}]

    lake.publish("brewery", [record("update", 4, **brewery(1, "Corrected"))])
    lake.dbt("run", *MODELS)
    assert lake.rows("select * from silver.breweries") == [brewery(1, "Corrected")]
    assert "silver_breweries_state_failures" not in tables(lake, "ops")


def test_messages_and_stored_failures_of_a_broken_row_name_nobody(lake: Lake) -> None:
    lake.publish("profile", [record("insert", 1, **profile(7, "Ohio"))])
    output = lake.dbt("run", "--select", "profiles_state", expect=1)
    assert "1 row where state_length does not hold (length(state) = 2), such as profile_id 7" in output
    kept = lake.rows("select * from ops.silver_profiles_state_failures")
    assert (kept[0]["profile_id"], kept[0]["state"]) == (7, "Ohio")
    assert {"profile_name", "email", "email_token"}.isdisjoint(kept[0])
    assert all(value not in output + str(kept) for value in ("p7", "t7"))
