"""Data that breaks its contract is not published: readers keep the old data, what follows is skipped."""

import pytest
from bronze_lake import Lake
from histories import beer, brewery, profile, record

REVIEW = {
    "review_id": 1,
    "brewery_id": 1,
    "beer_id": 1,
    "profile_id": 1,
    "review_overall": 4.0,
    "review_time": 1234817823,
}


@pytest.fixture(scope="module")
def built(lake: Lake) -> Lake:
    """One review, built."""
    lake.publish("brewery", [record("update", 1, **brewery(1))])
    lake.publish("beer", [record("load", 0, **beer(1, 1))])
    lake.publish("profile", [record("load", 0, **profile(1))])
    lake.publish("review", [record("load", 0, **REVIEW)])
    lake.dbt("run")
    return lake


def test_a_first_build_that_breaks_its_contract_leaves_no_table(lake: Lake) -> None:
    lake.publish("brewery", [record("load", 0, brewery_id=1, brewery_name=None)])
    output = lake.dbt("run", "--select", "breweries_state", expect=1)
    assert "1 rows where brewery_name is null" in output
    names = [table["Name"] for table in lake.client("glue").get_tables(DatabaseName="silver")["TableList"]]
    assert names == []


def test_a_broken_rule_stops_publication_until_the_row_is_corrected(built: Lake) -> None:
    before = {
        name: built.rows(f"select * from {name}")
        for name in ("silver.reviews", "gold.state_by_review_volume")
    }
    built.publish(
        "review", [record("update", 1, **REVIEW | {"review_overall": 9.0}), record("delete", 1, review_id=2)]
    )
    output = built.dbt("run", expect=1)
    assert (
        "1 rows where not review_overall_range (review_overall between 0 and 5), such as review_id 1"
        in output
    )
    assert built.statuses()["reviews_state"] == "error"
    assert {built.statuses()[name] for name in ("reviews", "review_flat", "top_drinkers")} == {"skipped"}
    assert {name: built.rows(f"select * from {name}") for name in before} == before
    assert built.rows("select review_id from ops.silver_reviews_state_failures") == [{"review_id": 1}]

    built.publish("review", [record("update", 2, **REVIEW | {"review_overall": 3.0})])
    built.dbt("run")
    assert built.rows("select review_overall from silver.reviews") == [{"review_overall": 3.0}]
    assert built.rows("select count(*) as n from silver.reviews_state") == [{"n": 2}]
