"""Who uses a column of this repository's contracts, by lineage, compared with a list written by hand."""

from pathlib import Path

import pytest

from control.contracts.gate import registry, tree
from control.lineage import ask, golden
from control.lineage.users import Users

ROOT = Path(__file__).parents[4]
FLAT = {"silver.review_flat", "silver.reviews_enriched"}
BEER, REVIEW, PROFILE, BREWERY = (
    {f"silver.{name}", f"silver.{name}_state"} for name in ("beers", "reviews", "profiles", "breweries")
)
BEERS, BREWERIES = "gold.top_beers_by_rating", "gold.top_breweries_by_rating"
STATES, STYLES, DRINKERS = "gold.state_by_review_volume", "gold.top_styles_by_popularity", "gold.top_drinkers"

# From reading the models: those that use the column, or one that holds its value.
TRUTH = {
    "bronze.beer.beer_abv": BEER | FLAT,
    "bronze.beer.beer_style": BEER | FLAT | {BEERS, STYLES},
    "bronze.beer.beer_name": BEER | FLAT | {BEERS},
    "bronze.review.review_palate": REVIEW | FLAT,
    "bronze.review.review_overall": REVIEW | FLAT | {BEERS, BREWERIES, STATES, STYLES, DRINKERS},
    "bronze.profile.state": PROFILE | FLAT | {STATES, DRINKERS},
    "bronze.profile.profile_name": PROFILE | FLAT | {DRINKERS},
    "bronze.profile.email": {"silver.profiles_state"},
    "bronze.profile.email_token": PROFILE,
    "bronze.brewery.brewery_name": BREWERY | FLAT | {BEERS, BREWERIES},
    "silver.review_flat.state": {"silver.reviews_enriched", STATES, DRINKERS},
    "gold.top_drinkers.profile_name": set(),
}


@pytest.fixture(scope="module")
def downstream() -> registry.Downstream:
    users = Users(ask.graph(golden.hops(ROOT / "lineage")))
    exposures = registry.exposures(ROOT / "models")
    return registry.Downstream(users, [tree.read(ROOT / "contracts")], exposures)


@pytest.mark.parametrize("column", TRUTH)
def test_the_tables_that_use_a_column_are_those_in_the_list(
    downstream: registry.Downstream, column: str
) -> None:
    relation, _, name = column.rpartition(".")
    found = {through.name for through in downstream.of([relation], [name])}
    assert {name for name in found if "." in name} == TRUTH[column]


def test_only_consumers_that_read_the_value_in_gold_are_named(
    downstream: registry.Downstream,
) -> None:
    named = {through.name: through.by for through in downstream.of(["bronze.beer"], ["beer_style"])}
    assert named["beer-insights"].startswith("gold.")
    assert named["brewery-partners"] == "gold.top_beers_by_rating.beer_style"
    people = {name for name in named if "." not in name}
    assert people == {"beer-insights", "brewery-partners"}
    nobody = downstream.of(["bronze.beer"], ["beer_abv"])
    assert [through.name for through in nobody if "." not in through.name] == []
