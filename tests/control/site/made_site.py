"""A site for this repository's contracts, with a made-up lineage, build and batches."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from control.contracts.lint import lint
from control.cost.runs import Cost
from control.lineage.ask import Graph, Hop, graph
from control.site import collect
from control.site.model import Extras, Live, Outcome, Site
from control.site.results import Results
from control.status import TableStatus

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOSTILE = "</script><script>window.broken = 1</script>"


def made_graph() -> Graph:
    legs = [
        ("source.public.review.review_overall", "raw.review.review_overall", "review_overall"),
        ("raw.review.review_overall", "bronze.review.review_overall", "cast(review_overall as double)"),
        ("bronze.review.review_overall", "silver.reviews_state.review_overall", "changes.review_overall"),
        ("silver.reviews_state.review_overall", "silver.reviews.review_overall", "reviews.review_overall"),
        (
            "silver.reviews_state.review_overall",
            "silver.review_flat.review_overall",
            "reviews.review_overall",
        ),
        ("silver.review_flat.review_overall", "gold.top_beers_by_rating.avg_rating", f"AVG(x, '{HOSTILE}')"),
        ("silver.beers.beer_name", "gold.top_beers_by_rating.beer_name", "beers.beer_name"),
    ]
    direct = [Hop(source, target, "direct", expression) for source, target, expression in legs]
    rows = Hop(
        "silver.review_flat.beer_id", "gold.top_beers_by_rating.review_count", "indirect", "group by x"
    )
    return graph([*direct, rows])


def made_results(finished: datetime = NOW - timedelta(hours=1)) -> Results:
    def outcome(name: str, status: str, failures: int = 0) -> Outcome:
        return Outcome(name, status, failures, 1.25, finished, f"{status} of {name}")

    return Results(
        models={
            "gold.top_beers_by_rating": outcome("top_beers_by_rating", "success"),
            "silver.reviews_state": outcome("reviews_state", "error"),
            "silver.reviews": outcome("reviews", "skipped"),
        },
        tests={
            ("silver.reviews", "review_id"): (outcome("not_null", "pass"), outcome("unique", "fail", 3)),
            ("silver.reviews", "beer_id"): (outcome("relationships", "warn", 12),),
        },
    )


def made_lives(published: datetime = NOW - timedelta(minutes=5)) -> dict[str, Live]:
    status = TableStatus(
        table="review",
        last_batch=4,
        published_at=published,
        files={"published": 3},
        records=1_250,
        rows=1_240,
        quarantined=9,
        control=1,
        lag_seconds=0,
        events={"truncate-table": 1},
        warnings=("1 control record(s) truncate-table, the last on 2026-01-02: the source was emptied",),
        age_seconds=int((NOW - published).total_seconds()),
        completeness_percent=99.2794,
    )
    return {"review": Live(status, {"type:review_id": 7, "json": 2})}


def made_extras() -> Extras:
    day = timedelta(days=1)
    versions = [("1.1.0", NOW - 3 * day, f"Name the state {HOSTILE}"), ("1.0.0", NOW - 90 * day, "Begin")]
    costs = [
        Cost("model", "reviews_state", 4, 1, 1_610_612_736, 12.5, 0.007324),
        Cost("test", "unique_reviews", 1, 0, 5, 0.1, 0.00005),
    ]
    return collect.extras({"silver/reviews.yaml": versions}, costs)


def made_site() -> Site:
    contracts = lint([ROOT / "contracts"]).contracts
    return collect.site(
        contracts,
        made_graph(),
        made_results(),
        made_lives(),
        title="Beer & <reviews>",
        now=NOW,
        extras=made_extras(),
    )
