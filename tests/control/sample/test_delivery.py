"""The promises of the two deliveries, checked on their files and on the tables that the oracle computes."""

import gzip
import json
import re
import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "oracle"))

import oracle

from control.sample.delivery import Plan
from control.sample.disorder import NEVER
from control.sample.landing import into_folder, land
from control.sample.shop import DATA, open_shop

ENOUGH = 20_000
GROUPED = {
    "gold.top_beers_by_rating": "beer_id",
    "gold.top_breweries_by_rating": "brewery_id",
    "gold.top_styles_by_popularity": "beer_style",
}


@pytest.fixture(scope="module")
def first(landed):
    return landed([1], rows=ENOUGH)


@pytest.fixture(scope="module")
def both(landed):
    return landed([1, 2], rows=ENOUGH)


@pytest.fixture(scope="module")
def before(first):
    return oracle.compute(first)


@pytest.fixture(scope="module")
def after(both):
    return oracle.compute(both)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.glob("raw/**/*.gz")}


def records(folder, pattern="raw/*/epoch=1/20*/**/*.json.gz"):
    """Yield the readable change records, in the order of files and lines."""
    for path in sorted(folder.glob(pattern)):
        for line in gzip.decompress(path.read_bytes()).decode(errors="replace").splitlines():
            yield from (record for record in oracle_records(line) if "data" in record)


def oracle_records(line):
    import raw_records

    return (record for record in raw_records.json_records(line.encode()) if isinstance(record, dict))


def whole(answer):
    return {
        name: sorted(rows, key=lambda row: tuple(map(str, row.values())))
        for name, rows in answer.tables.items()
    }


def groups(answer, table):
    """Return the groups that a ranked table shows, and the sizes of all groups."""
    key = GROUPED[table]
    shown = {(row["review_year"], row["review_month"], row[key]) for row in answer.tables[table]}
    reviews = answer.tables["silver.reviews_enriched"]
    return shown, Counter((row["review_year"], row["review_month"], row[key] or "unknown") for row in reviews)


def crossed(before, after, table):
    shown_before, sizes_before = groups(before, table)
    shown_after, sizes_after = groups(after, table)
    up = [group for group in shown_after - shown_before if 0 < sizes_before[group] < 25]
    down = [group for group in shown_before - shown_after if 0 < sizes_after[group] < 25]
    return len(up), len(down)


def test_a_seed_determines_the_landed_bytes(landed, both):
    assert contents(landed([1, 2], rows=ENOUGH)) == contents(both)
    others = contents(landed([1, 2], rows=ENOUGH, seed=2))
    reviews = [key for key in others if key.startswith("raw/review/")]
    assert all(others[key] != contents(both).get(key) for key in reviews)


def test_the_second_delivery_is_the_same_without_the_first(landed, first, both):
    second = contents(landed([2], rows=ENOUGH))
    assert {**contents(first), **second} == contents(both)
    assert not second.keys() & contents(first).keys()


def test_every_record_is_a_row_quarantined_or_control(before, after):
    for file in before.files + after.files:
        assert file.failure is None
        assert file.records == file.rows + file.quarantined + file.control
    assert sum(file.quarantined for file in before.files) == 0
    assert sum(file.control for file in before.files) == 3


def test_each_kind_of_broken_line_is_refused_and_in_no_table(after):
    reasons = {(file.path.split("/")[1], reason) for file in after.files for _, reason in file.reasons}
    assert {reason for table, reason in reasons if table == "review"} == {
        "absent_key:stream-position",
        "encoding",
        "field_count",
        "json",
        "null:review_id",
        "type:review_id",
        "type:review_overall",
        "unbalanced_quote",
        "unknown_key:colour",
    }
    for table in ("brewery", "beer", "profile"):
        key = f"{table}_id"
        assert {reason for of, reason in reasons if of == table} == {"json", f"null:{key}", f"type:{key}"}
    for table in ("breweries", "beers", "profiles", "reviews"):
        rows = after.tables[f"silver.{table}"]
        assert all(next(iter(row.values())) < NEVER for row in rows)


@pytest.mark.parametrize("table", GROUPED)
def test_the_second_delivery_moves_groups_over_the_threshold_and_back(before, after, table):
    assert min(crossed(before, after, table)) >= 2


def test_positions_rise_with_each_commit_as_numbers_but_not_as_text(both):
    changes = [record["metadata"] for record in records(both) if record["metadata"]["stream-position"]]
    by_transaction = {}
    for metadata in changes:
        by_transaction.setdefault(metadata["transaction-id"], set()).add(metadata["stream-position"])
    assert all(len(positions) == 1 for positions in by_transaction.values())
    texts = [positions.pop() for _, positions in sorted(by_transaction.items())]
    numbers = [int(high, 16) << 32 | int(low, 16) for high, low in (text.split("/") for text in texts)]
    assert numbers == sorted(set(numbers))
    assert texts != sorted(texts)
    assert {len(text) for text in texts} >= {9, 10}
    assert {text[0] for text in texts} == {"0", "1"}


def test_the_second_delivery_has_duplicates_disorder_and_late_records(first, both):
    new = [file for file in contents(both).items() if file[0] not in contents(first)]
    assert len({body for _, body in new}) < len(new)  # a whole file is delivered twice
    changes = [
        json.dumps(record, default=str) for record in records(both, "raw/review/epoch=1/2025/01/03/*.json.gz")
    ]
    assert len(set(changes)) < len(changes)
    transactions = [json.loads(change)["metadata"]["transaction-id"] for change in changes]
    assert transactions != sorted(transactions)
    assert min(transactions) < 800_000 <= max(transactions)
    on_time = [record["metadata"]["transaction-id"] for record in records(first)]
    assert on_time == sorted(on_time)
    assert max(on_time) < 800_000


def test_the_second_delivery_has_every_kind_of_change(both):
    changes = list(records(both))
    told = Counter((record["metadata"]["table-name"], record["metadata"]["operation"]) for record in changes)
    for table in ("brewery", "beer", "profile", "review"):
        for operation in ("insert", "update", "delete"):
            assert told[table, operation], (table, operation)
    deletes = [record["data"] for record in changes if record["metadata"]["operation"] == "delete"]
    assert {len(row) for row in deletes if "review_id" in row} == {1, 10}
    moved_keys = [
        record
        for record in changes
        if "review_id" in record.get("before-image", {})
        and record["before-image"]["review_id"] != record["data"]["review_id"]
    ]
    assert moved_keys
    assert any(record["metadata"]["transaction-record-id"] > 1 for record in changes)


def test_reviews_refer_to_unknown_late_moved_and_deleted_parents(before, after):
    def nameless(answer, column):
        return {
            row[column.replace("_name", "_id")]
            for row in answer.tables["silver.reviews_enriched"]
            if not row[column]
        }

    late = nameless(before, "beer_name") - nameless(after, "beer_name")
    gone = nameless(after, "beer_name") - nameless(before, "beer_name")
    assert len(late) >= 2
    assert len(gone) >= 2  # one deleted, one unknown
    assert nameless(before, "brewery_name")
    assert nameless(after, "profile_name") - nameless(before, "profile_name")
    own = {row["review_id"]: row["brewery_id"] for row in after.tables["silver.reviews"]}
    assert any(row["brewery_id"] != own[row["review_id"]] for row in after.tables["silver.reviews_enriched"])


def test_scores_are_half_steps_from_0_to_5_and_only_the_overall_score_is_never_null(after):
    names = [f"review_{name}" for name in ("overall", "aroma", "appearance", "palate", "taste")]
    for name in names:
        values = {row[name] for row in after.tables["silver.reviews"]}
        assert (None in values) == (name != "review_overall")
        assert all(0 <= value <= 5 and value * 2 == int(value * 2) for value in values - {None})


@pytest.mark.parametrize("chaos", [7, 8])
def test_chaos_changes_the_arrival_but_not_the_tables(landed, both, after, chaos):
    folder = landed([1, 2], rows=ENOUGH, chaos=chaos)
    assert len(contents(folder)) > 1.5 * len(contents(both))
    answer = oracle.compute(folder)
    assert sum(file.records for file in answer.files) > sum(file.records for file in after.files)
    assert whole(answer) == whole(after)


def test_at_the_default_size_gold_tables_have_100_rows_and_groups_cross_both_ways(tmp_path):
    shop = open_shop(DATA, rows=100_000, seed=1)
    for _ in land(shop, Plan(1), [1], into_folder(tmp_path)):
        pass
    before = oracle.compute(tmp_path)
    for _ in land(shop, Plan(1), [2], into_folder(tmp_path)):
        pass
    after = oracle.compute(tmp_path)
    for answer in (before, after):
        sizes = {name: len(rows) for name, rows in answer.tables.items() if name.startswith("gold.")}
        assert len(sizes) == 5
        assert min(sizes.values()) >= 100, sizes
    for table in GROUPED:
        assert min(crossed(before, after, table)) >= 3
    extract = [file for file in after.files if re.search(r"extract=1/part-.*csv", file.path)]
    assert len(extract) >= 4
    assert sum(file.rows for file in extract) == 100_000
