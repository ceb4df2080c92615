"""The desired state of a catalog for this repository's contracts, with a made-up lineage and build."""

from functools import cache
from typing import Any

from made_site import NOW, ROOT, made_graph, made_lives, made_results

from control.catalog.desired import desired
from control.catalog.model import Desired, Names
from control.catalog.project import Artefacts, Exposure, Relation
from control.contracts import load
from control.contracts.model import Contract
from control.contracts.technical import STATE, raw_columns
from control.lineage.ask import Graph, Hop, graph
from control.site import collect

NAMES = Names()


@cache
def contracts() -> tuple[Contract, ...]:
    return load.folder(ROOT / "contracts")


def made_artefacts() -> Artefacts:
    """Return the artefacts of a build: every relation that has a contract, and an exposure."""
    relations = {}
    for contract in contracts():
        columns = raw_columns(contract) if contract.layer == "bronze" else contract.columns
        own = [(column.name, column.type) for column in columns]
        technical = [("_seq", "string"), ("_op", "string"), ("_committed_at", "timestamp")]
        for name in contract.models or (contract.table,):
            more = [] if contract.layer == "gold" or name == contract.table else list(STATE.items())
            more = technical if contract.layer == "bronze" else more
            is_view = name == contract.properties.get("liveView") or "stateTable" in contract.properties
            relation = Relation(tuple(own + more), is_view and not more)
            relations[f"{contract.layer}.{name}"] = relation
    chart = Exposure(
        name="best_beers",
        title="Best beers",
        description="The chart of the month.",
        url="https://charts.example.org/best",
        owner="analytics-engineering",
        reads=("gold.top_beers_by_rating",),
    )
    return Artefacts(relations, (chart,))


def whole_graph() -> Graph:
    """Return the site's lineage, with the metadata of a raw record."""
    more = [
        Hop("raw.review.metadata.operation", "bronze.review._op", "direct", "metadata.operation"),
        Hop("raw.profile.email", "bronze.profile.email_token", "direct", "hmac_sha256(email)"),
        Hop("silver.beers.beer_style", "gold.top_beers_by_rating.review_count", "indirect", "join on x"),
    ]
    return graph([*(hop for hops in made_graph().up.values() for hop in hops), *more])


def made_desired(**other: Any) -> Desired:
    """Return the state; `other` replaces its contracts, graph, artefacts, results or lives."""
    found = other.get("graph", whole_graph())
    site = collect.site(
        other.get("contracts", contracts()),
        found,
        other.get("results", made_results()),
        other.get("lives", made_lives()),
        title="x",
        now=NOW,
    )
    return desired(site, found, other.get("artefacts", made_artefacts()), NAMES)
