"""A wrong record and a broken rule end to end: refused, named, and in no table."""

import gzip
import json
from pathlib import Path

from lakehouse import Lakehouse

HEADER = (
    "review_id,brewery_id,beer_id,profile_id,review_overall,review_aroma,review_appearance,"
    "review_palate,review_taste,review_time"
)


def review(review_id: object, overall: object = 4.5) -> str:
    return f"{review_id},1,1,1,{overall},4,4,4,4,1234817823"


def land(lakehouse: Lakehouse, name: str, *lines: str) -> None:
    body = "\n".join((HEADER, *lines, "")).encode()
    lakehouse.put(f"raw/review/epoch=1/extract=1/{name}.csv.gz", gzip.compress(body))
    lakehouse.dm("ingest", "run", "--until-idle")


def test_a_wrong_record_is_quarantined_with_line_and_reason_and_in_no_table(lakehouse: Lakehouse) -> None:
    lakehouse.dm("sample", "land", "--rows", "200", "--delivery", "1")
    land(lakehouse, "wrong", review(900_000_001), review("nine"), review(900_000_003))
    lakehouse.build()
    refused = [line for line in lakehouse.dm("quarantine", "list") if line["key"].endswith("wrong.csv.gz")]
    assert [(line["line"], line["reason"]) for line in refused] == [(3, "type:review_id")]
    for table in ("bronze.review", "silver.reviews_state", "silver.reviews", "silver.review_flat"):
        found = lakehouse.query(f"select review_id from {table} where review_id >= 900000000 order by 1")
        assert [row["review_id"] for row in found] == [900_000_001, 900_000_003], table


def assert_budgets_hold_and_a_costlier_build_is_an_error(lakehouse: Lakehouse) -> None:
    """Check against the costs of a first build of 200 reviews, and of a build that read a third as much."""
    last = Path(__file__).with_name("costs.json")
    check = ("dm", "cost", "check", "--target", str(lakehouse.folder / "target"), "--last")
    lakehouse.run(*check, str(last))
    cheaper = json.loads(last.read_text())
    cheaper["bytes"]["review_flat"] //= 3
    (lakehouse.folder / "cheaper.json").write_text(json.dumps(cheaper))
    said = lakehouse.run(*check, str(lakehouse.folder / "cheaper.json"), expect=1)
    assert "error: review_flat: it read" in said
    assert "1 errors, 0 warnings" in said


def test_a_broken_rule_keeps_the_old_data_and_skips_dependent_models(lakehouse: Lakehouse) -> None:
    lakehouse.dm("sample", "land", "--rows", "200", "--delivery", "1")
    lakehouse.dm("ingest", "run", "--until-idle")
    lakehouse.build()
    assert_budgets_hold_and_a_costlier_build_is_an_error(lakehouse)
    before = {
        table: lakehouse.query(f"select count(*) as n from {table}")
        for table in ("silver.reviews", "silver.review_flat", "gold.top_drinkers")
    }
    land(lakehouse, "out-of-range", review(900_000_001), review(900_000_002, overall=9))
    message = lakehouse.build(expect=1)
    assert "review_overall" in message
    assert "1 row where" in message
    results = lakehouse.results()
    assert results["model.lakehouse.reviews_state"] == "error"
    assert results["model.lakehouse.review_flat"] == "skipped"
    assert results["model.lakehouse.top_drinkers"] == "skipped"
    for table, rows in before.items():
        assert lakehouse.query(f"select count(*) as n from {table}") == rows
    held = lakehouse.query("select count(*) as n from silver.reviews_state where review_id >= 900000000")
    assert held == [{"n": 0}]
