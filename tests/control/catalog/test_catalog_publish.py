"""What the catalog contains after publishing, what publishing again changes, and what people's edits keep."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from catalog_server import CatalogServer
from made_catalog import NAMES, contracts, made_artefacts, made_desired, whole_graph
from made_site import NOW, made_lives, made_results

from control.adapters.openmetadata import OpenMetadata
from control.catalog.model import MARK, Desired
from control.catalog.project import Relation
from control.catalog.publish import Published, publish
from control.errors import UnavailableError, UpstreamError
from control.lineage.ask import graph

GOLD = NAMES.table("gold.top_beers_by_rating")
FLAT = NAMES.table("silver.review_flat")


@pytest.fixture
def server() -> Iterator[CatalogServer]:
    with CatalogServer() as server:
        yield server


def send(desired: Desired, server: CatalogServer) -> Published:
    return publish(desired, OpenMetadata(server.url, server.token), lambda done, total: None)


def column(table: dict[str, Any], name: str) -> dict[str, Any]:
    return next(c for c in table["columns"] if c["name"] == name)


def tags(of: dict[str, Any]) -> set[str]:
    return {label["tagFQN"] for label in of.get("tags", [])}


def names(references: list[dict[str, Any]]) -> list[str]:
    return [one["fullyQualifiedName"] for one in references]


def test_a_table_has_what_its_contract_says(server: CatalogServer) -> None:
    send(made_desired(), server)
    table = server.entity("table", GOLD)
    assert table["description"].startswith("Rank the beers of each month")
    assert names(table["owners"]) == ["analytics-engineering"]
    assert names(table["domains"]) == names(table["dataProducts"]) == ["beer-reviews"]
    assert tags(table) == {"Tier.Tier1", "Lakehouse.gold"}
    assert table["tableConstraints"] == [
        {"constraintType": "PRIMARY_KEY", "columns": ["review_year", "review_month", "beer_id"]}
    ]
    assert table["retentionPeriod"] == "P10Y"
    rating = column(table, "avg_rating")
    assert (rating["dataType"], rating["precision"], rating["scale"]) == ("DECIMAL", 6, 4)
    assert rating["description"].startswith("Mean of review_overall")
    assert tags(rating) == {"beer-reviews.avg_rating"}
    term = server.entity("glossaryTerm", "beer-reviews.avg_rating")
    assert term["description"].startswith("Mean of review_overall")
    brewery = server.entity("glossaryTerm", "beer-reviews.brewery_id")["description"]
    assert brewery == "- top_beers_by_rating: The beer's brewery.\n- top_breweries_by_rating: The brewery."


def test_personal_columns_are_tagged_in_every_layer(server: CatalogServer) -> None:
    send(made_desired(), server)
    bronze = server.entity("table", NAMES.table("bronze.profile"))
    assert tags(column(bronze, "email")) == {"PII.Sensitive"}
    assert tags(column(bronze, "email_token")) == {"PII.NonSensitive"}
    assert "PII.NonSensitive" in tags(column(bronze, "profile_name"))
    raw = server.entity("container", NAMES.container("profile"))["dataModel"]
    assert tags(column(raw, "email")) == {"PII.Sensitive"}
    assert tags(column(bronze, "state")) == {"beer-reviews.state"}, "a term but no classification"


def test_a_data_contract_has_promises_rules_and_consumers(server: CatalogServer) -> None:
    send(made_desired(), server)
    contract = server.entity("dataContract", f"{GOLD}.dataContract_gold_top_beers_by_rating")
    stated = next(c for c in contracts() if c.table == "top_beers_by_rating")
    assert contract["sla"] == {
        "maxLatency": {"value": 26, "unit": "hour"}, "retention": {"period": 10, "unit": "year"},
    }  # fmt: skip
    assert [c["name"] for c in contract["schema"]][:2] == ["review_year", "review_month"]
    for words in (
        f"Version {stated.version} of contracts/gold/top_beers_by_rating.yaml",
        "**Limits.** Beers with fewer than 25",
        "insights@",
    ):
        assert words in contract["description"]


def test_the_status_and_the_announced_ends_of_a_contract_are_published(server: CatalogServer) -> None:
    [top] = [c for c in contracts() if c.table == "top_beers_by_rating"]
    rating = replace(top.columns[-2], ends=date(2027, 3, 1))
    columns = (*top.columns[:-2], rating, top.columns[-1])
    ending = replace(top, status="deprecated", ends=date(2027, 6, 1), columns=columns)
    others = [c for c in contracts() if c.table != "top_beers_by_rating"]
    send(made_desired(contracts=(replace(others[0], status="draft"), *others[1:], ending)), server)
    contract = server.entity("dataContract", f"{GOLD}.dataContract_gold_top_beers_by_rating")
    assert contract["entityStatus"] == "Deprecated"
    for entity in (contract, server.entity("table", GOLD)):
        assert "Ends on 2027-06-01" in entity["description"]
        assert f"- {rating.name}: 2027-03-01" in entity["description"]
    first = f"{others[0].layer}.{others[0].table}"
    fqn = f"{NAMES.table(first)}.dataContract_{first.replace('.', '_')}"
    assert server.entity("dataContract", fqn)["entityStatus"] == "Draft"
    other = server.entity("table", NAMES.table("silver.beers"))
    assert "Ends on" not in other["description"]


def test_checks_and_freshness_have_results(server: CatalogServer) -> None:
    send(made_desired(), server)

    def result(test: str) -> list[tuple[str, str]]:
        kept = server.results[NAMES.table(test)].values()
        return [(one["testCaseStatus"], one["result"]) for one in kept]

    assert result("silver.reviews.review_id.unique") == [("Failed", "fail, 3 rows")]
    assert result("silver.reviews.beer_id.relationships") == [("Failed", "warn, 12 rows")]
    assert result("gold.top_beers_by_rating.published_top_beers_by_rating") == [("Success", "success")]
    assert result("silver.reviews.published_reviews") == [("Aborted", "skipped")]
    fresh = result("bronze.review.freshness")
    assert fresh == [("Success", "fresh: last update 2026-03-01 11:55 UTC")]
    assert "9 quarantined" in result("bronze.review.completeness")[0][1]
    assert "type:review_id: 7" in result("bronze.review.completeness")[0][1]


def test_a_late_table_fails_from_the_time_when_its_promise_was_broken(server: CatalogServer) -> None:
    published = NOW - timedelta(days=3)
    send(made_desired(lives=made_lives(published)), server)
    kept = server.results[NAMES.table("bronze.review.freshness")]
    late = int((published + timedelta(hours=24)).timestamp() * 1000)
    assert {moment: one["testCaseStatus"] for moment, one in kept.items()} == {late: "Failed"}


def test_lineage_reaches_from_raw_to_the_dashboard(server: CatalogServer) -> None:
    send(made_desired(), server)
    lineage = server.lineage()
    raw = lineage[NAMES.container("review"), NAMES.table("bronze.review")]["columnsLineage"]
    assert {(tuple(c["fromColumns"]), c["toColumn"], c["function"]) for c in raw} == {
        (
            (NAMES.container("review.metadata.operation"),),
            NAMES.table("bronze.review._op"),
            "metadata.operation",
        ),
        (
            (NAMES.container("review.review_overall"),),
            NAMES.table("bronze.review.review_overall"),
            "cast(review_overall as double)",
        ),
    }
    # One edge per source table, even one that only decides on rows.
    sources = {source for source, target in lineage if target == GOLD}
    assert sources == {FLAT, NAMES.table("silver.beers")}
    assert (GOLD, "lakehouse-dashboards.best_beers") in lineage
    assert names(server.entity("dashboard", "lakehouse-dashboards.best_beers")["owners"]) == [
        "analytics-engineering"
    ]


def test_publishing_twice_changes_nothing(server: CatalogServer) -> None:
    first = send(made_desired(), server)
    assert first.differing == []
    assert first.created == len(made_desired().entities)
    calls = len(server.log)
    again = send(made_desired(), server)
    assert [call for call in server.log[calls:] if call.method != "GET"] == []
    assert (again.created, again.changed, again.edges_written, again.results_added) == (0, 0, 0, 0)


def test_a_dropped_column_takes_its_lineage_with_it(server: CatalogServer) -> None:
    send(made_desired(), server)
    artefacts = made_artefacts()
    gold = artefacts.relations["gold.top_beers_by_rating"]
    kept = tuple(pair for pair in gold.columns if pair[0] != "avg_rating")
    artefacts.relations["gold.top_beers_by_rating"] = Relation(kept, gold.is_view)
    fewer = graph(
        hop
        for t, hops in whole_graph().up.items()
        for hop in hops
        if not t.endswith("beers_by_rating.avg_rating")
    )
    done = send(made_desired(artefacts=artefacts, graph=fewer), server)
    assert done.differing == []
    assert "avg_rating" not in {c["name"] for c in server.entity("table", GOLD)["columns"]}
    assert not [
        c
        for d in server.lineage().values()
        for c in d["columnsLineage"]
        if c["toColumn"].endswith("avg_rating")
    ]
    # Its rows still decide review_count, so the tables stay connected.
    assert {source for source, target in server.lineage() if target == GOLD} == {
        FLAT, NAMES.table("silver.beers"),
    }  # fmt: skip
    assert server.lineage()[FLAT, GOLD]["columnsLineage"] == []


def test_an_edge_that_no_longer_holds_is_removed(server: CatalogServer) -> None:
    send(made_desired(), server)
    rest = graph(
        hop
        for hops in whole_graph().up.values()
        for hop in hops
        if not hop.source.startswith("silver.beers.")
    )
    done = send(made_desired(graph=rest), server)
    assert done.edges_removed == 1
    assert {source for source, target in server.lineage() if target == GOLD} == {FLAT}


def test_edges_of_other_bots_are_replaced_and_those_of_people_stay(server: CatalogServer) -> None:
    send(made_desired(), server)

    def ident(table: str) -> str:
        return str(server.entity("table", NAMES.table(table))["id"])

    guessed = (ident("bronze.beer"), ident("gold.top_drinkers"))
    drawn = (ident("bronze.beer"), ident("gold.state_by_review_volume"))
    replaced = (ident("silver.review_flat"), ident("gold.top_beers_by_rating"))
    server.edges[guessed] = {"source": "DbtLineage", "columnsLineage": []}
    server.edges[drawn] = {"source": "Manual", "description": "I know it", "columnsLineage": []}
    server.edges[replaced] = {"source": "DbtLineage", "columnsLineage": []}
    done = send(made_desired(), server)
    assert (done.edges_removed, done.edges_written) == (1, 1)
    assert guessed not in server.edges
    assert server.edges[drawn]["description"] == "I know it"
    assert server.edges[replaced]["description"] == MARK
    assert len(server.edges[replaced]["columnsLineage"]) == 1


def test_the_contract_wins_over_earlier_values_of_ingestion(server: CatalogServer) -> None:
    """A PUT by a bot never replaces a description, an owner or a tag; only a PATCH does."""
    send(made_desired(), server)
    table = server.entity("table", GOLD)
    table["description"] = "From the warehouse."
    table["owners"] = []
    table["tags"] = [
        {"tagFQN": name, "source": "Classification", "labelType": "Manual", "state": "Confirmed"}
        for name in ("Tier.Tier3", "Team.Mine")
    ]
    column(table, "beer_id").update(description="?", tags=[])
    done = send(made_desired(), server)
    assert (done.changed, done.differing) == (1, [])
    table = server.entity("table", GOLD)
    assert table["description"].startswith("Rank the beers")
    assert names(table["owners"]) == ["analytics-engineering"]
    assert tags(table) == {"Tier.Tier1", "Lakehouse.gold", "Team.Mine"}, "people's own tags stay"
    assert column(table, "beer_id")["description"] == "The beer."
    assert tags(column(table, "beer_id")) == {"beer-reviews.beer_id"}


def test_additions_by_people_stay(server: CatalogServer) -> None:
    send(made_desired(), server)
    server.entity("team", "data-platform")["description"] = "The best team."
    server.entity("table", GOLD)["displayName"] = "Best beers"
    calls = len(server.log)
    send(made_desired(), server)
    assert [call for call in server.log[calls:] if call.method != "GET"] == []


@pytest.mark.parametrize("forgotten", ["tags", "sla", "owners"])
def test_values_that_the_server_drops_silently_are_found(server: CatalogServer, forgotten: str) -> None:
    server.forgets = frozenset({forgotten})
    done = send(made_desired(), server)
    assert done.differing
    assert all(f"/{forgotten}" in words for words in done.differing)


def test_a_column_that_the_server_does_not_know_is_named(server: CatalogServer) -> None:
    desired = made_desired()
    unknown = replace(
        desired.links[0].columns[0], target=f"{desired.links[0].columns[0].target.rpartition('.')[0]}.Nope"
    )
    link = replace(desired.links[0], columns=(*desired.links[0].columns, unknown))
    done = send(replace(desired, links=(link, *desired.links[1:])), server)
    assert len(done.differing) == 1
    assert done.differing[0].endswith("Nope")


def test_an_interrupted_publication_is_finished_by_the_next(server: CatalogServer) -> None:
    server.fails_after = 150
    with pytest.raises(UnavailableError):
        send(made_desired(), server)
    server.failing, server.fails_after = 0, None
    done = send(made_desired(), server)
    assert done.differing == []
    assert done.created < len(made_desired().entities)
    with CatalogServer() as other:
        send(made_desired(), other)
        assert other.entities == server.entities
        assert other.lineage() == server.lineage()
        assert other.results == server.results


def test_the_result_of_a_deleted_test_is_skipped(server: CatalogServer) -> None:
    desired = made_desired()
    lost = replace(desired.results[0], test=NAMES.table("gold.gone.not_null"))
    assert send(replace(desired, results=(lost,)), server).results_added == 0


def test_a_model_without_columns_is_left_out(server: CatalogServer) -> None:
    artefacts = made_artefacts()
    del artefacts.relations["gold.top_drinkers"]
    send(made_desired(artefacts=artefacts), server)
    assert f"table:{NAMES.table('gold.top_drinkers')}" not in server.entities


def test_the_same_facts_give_the_same_state() -> None:
    assert made_desired() == made_desired()
    assert made_desired(results=made_results(NOW)) != made_desired()


def test_a_refusal_is_reported_with_the_servers_reason(server: CatalogServer) -> None:
    desired = made_desired()
    bad = replace(desired.entities[0], payload={**desired.entities[0].payload, "colour": "red"})
    with pytest.raises(UpstreamError, match='400 to PUT teams: Unrecognized field "colour"'):
        send(replace(desired, entities=(bad,)), server)
