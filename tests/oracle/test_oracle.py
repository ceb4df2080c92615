"""The oracle's silver and gold on literal rows."""

import gzip
import hmac
import json
import subprocess
import sys
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import oracle

JUNE = 1719791999  # the last second of June 2024 in UTC


def event(key, seq, *values, deleted=False):
    return oracle.Event(key, seq, deleted, (key, *values))


def load(position, extract=1):
    return (1, position, 0, extract)


def change(position, order=1):
    return (1, position, 1, order)


def names(*events):
    return sorted(row["brewery_name"] for row in oracle.latest_rows("brewery", events))


def test_the_highest_sequence_wins_in_any_order():
    old, new = event(1, change(5, 1), "old"), event(1, change(5, 2), "new")
    assert names(old, new) == names(new, old) == names(new, new, old) == ["new"]


def test_a_later_extract_corrects_an_earlier_one_and_a_change_beats_both():
    first, second = event(1, load(0, 1), "first"), event(1, load(0, 2), "second")
    assert names(second, first) == ["second"]
    assert names(event(1, change(1), "change"), second, first) == ["change"]


def test_a_deleted_key_is_gone_until_it_is_inserted_again():
    born, died, reborn = (
        event(1, change(1), "a"),
        event(1, change(2), None, deleted=True),
        event(1, change(3), "b"),
    )
    assert names(died, born) == []
    assert names(reborn, died, born) == ["b"]


def test_equal_sequences_are_resolved_by_the_greater_hash_in_any_order():
    # md5 of "1:a" begins with 6, that of "1:b" with d.
    one, two = event(1, change(1), "a"), event(1, change(1), "b")
    assert names(one, two) == names(two, one) == names(two, one, two) == ["b"]


def test_a_delete_beats_an_update_with_the_same_sequence_and_content():
    update, delete = event(1, change(1), "a"), event(1, change(1), "a", deleted=True)
    assert names(update, delete) == names(delete, update) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, None),
        (4.0, "4.0"),
        (0.0, "0.0"),
        (-2.5, "-2.5"),
        (1e7, "1.0E7"),
        (1.25e-4, "1.25E-4"),
        (7, "7"),
    ],
)
def test_a_value_is_hashed_as_athena_shows_it(value, text):
    assert oracle.as_text(value) == text


def test_a_floor_deletes_everything_below_it_even_what_arrives_later():
    below, at, above = event(1, change(4), "a"), event(2, change(5), "b"), event(3, change(6), "c")
    floor = oracle.Floor(change(5))
    assert names(below, at, above, floor) == names(floor, above, at, below) == ["b", "c"]


def test_a_late_record_below_the_floor_does_not_revive_a_key_deleted_above_it():
    assert (
        names(oracle.Floor(change(5)), event(1, change(6), None, deleted=True), event(1, change(4), "a"))
        == []
    )


def raw(folder, name, *lines):
    path = folder / "raw" / "brewery" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(f"{line}\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())


def breweries(folder):
    return sorted(row["brewery_name"] for row in oracle.compute(folder).tables["silver.breweries"])


def test_a_truncate_empties_the_table_up_to_its_position(tmp_path):
    control = {
        "metadata": {"record-type": "control", "operation": "truncate-table", "stream-position": "0/5"}
    }
    raw(tmp_path, "a.csv.gz", "brewery_id,brewery_name", "1,Loaded")
    raw(tmp_path, "b.json.gz", json.dumps(control), insert(2, "0/4"), insert(3, "0/6"))
    assert breweries(tmp_path) == ["B3"]


def insert(key, position):
    metadata = {"record-type": "data", "operation": "insert", "stream-position": position}
    return json.dumps({"data": {"brewery_id": key, "brewery_name": f"B{key}"}, "metadata": metadata})


def test_a_complete_reload_leaves_its_own_rows_and_what_changed_after_its_snapshot(tmp_path):
    raw(tmp_path, "a.csv.gz", "brewery_id,brewery_name", "1,Loaded", "2,Gone")
    raw(tmp_path, "b.json.gz", insert(3, "0/4"), insert(4, "0/6"))
    raw(tmp_path, "reload=1/part.csv.gz", "brewery_id,brewery_name", "1,Loaded again")
    assert breweries(tmp_path) == ["B3", "B4", "Gone", "Loaded"], "its files wait for _BEGIN"
    raw(tmp_path, "reload=1/_BEGIN", '{"position": "0/5"}')
    assert breweries(tmp_path) == ["B3", "B4", "Gone", "Loaded again"]
    listed = {"key": "raw/brewery/reload=1/part.csv.gz", "records": 1}
    raw(tmp_path, "reload=1/_COMPLETE", json.dumps({"files": [{**listed, "records": 2}]}))
    assert breweries(tmp_path) == ["B3", "B4", "Gone", "Loaded again"], "a record is missing"
    raw(tmp_path, "reload=1/_COMPLETE", json.dumps({"files": [listed]}))
    assert breweries(tmp_path) == ["B4", "Loaded again"]


def review(review_id, *, beer=1, brewery=1, profile=1, overall=4.0, at=JUNE):
    return (review_id, brewery, beer, profile, overall, None, None, None, None, at)


def tables(reviews, *, breweries=(), beers=(), profiles=()):
    rows = {"brewery": breweries, "beer": beers, "profile": profiles, "review": reviews}
    events = {table: [event(row[0], load(0), *row[1:]) for row in given] for table, given in rows.items()}
    found = oracle.silver(events, b"key")
    return {**found, **oracle.gold(found["silver.reviews_enriched"])}


def test_a_review_shows_the_current_names_and_brewery_of_its_beer():
    found = tables(
        [review(1, beer=3, brewery=8, profile=5)],
        breweries=[(7, "New Owner"), (8, "Old Owner")],
        beers=[(3, 7, "Amber", "Vienna Lager", 4.5)],
        profiles=[(5, "stcules", None, "AR")],
    )
    (row,) = found["silver.reviews_enriched"]
    assert (row["brewery_id"], row["brewery_name"], row["beer_name"], row["state"]) == (
        7,
        "New Owner",
        "Amber",
        "AR",
    )
    assert (row["review_year"], row["review_month"]) == (row["reviewed_at"].year, row["reviewed_at"].month)


def test_an_unknown_beer_leaves_nulls_and_the_reviews_own_brewery():
    (row,) = tables([review(1, brewery=8)], breweries=[(8, "Old Owner")])["silver.reviews_enriched"]
    assert (row["brewery_id"], row["brewery_name"], row["beer_name"], row["state"]) == (
        8,
        "Old Owner",
        None,
        None,
    )


def test_months_are_in_utc():
    (row,) = tables([review(1, at=JUNE)])["silver.reviews_enriched"]
    assert row["reviewed_at"] == datetime(2024, 6, 30, 23, 59, 59)
    assert (row["review_year"], row["review_month"]) == (2024, 6)


def test_an_email_is_shown_as_its_token():
    (row,) = tables([], profiles=[(5, "stcules", "charles04@example.org", "AR")])["silver.profiles"]
    assert row["email"] == hmac.new(b"key", b"charles04@example.org", "sha256").hexdigest()


def test_a_group_needs_twenty_five_reviews_to_be_ranked():
    reviews = [review(n, beer=1) for n in range(25)] + [review(n, beer=2) for n in range(25, 49)]
    found = tables(reviews, beers=[(1, 1, "Amber", "Lager", None), (2, 1, "Turbodog", "Ale", None)])
    assert [row["beer_id"] for row in found["gold.top_beers_by_rating"]] == [1]
    assert [row["beer_style"] for row in found["gold.top_styles_by_popularity"]] == ["Lager"]
    assert [row["review_count"] for row in found["gold.top_breweries_by_rating"]] == [49]


def test_an_unknown_beer_has_no_name_and_no_brewery_in_gold():
    (row,) = tables([review(n) for n in range(25)], breweries=[(1, "Abita")])["gold.top_beers_by_rating"]
    assert [row[name] for name in ("beer_name", "beer_style", "brewery_id", "brewery_name")] == [
        None,
        "unknown",
        None,
        None,
    ]


def test_ranks_follow_the_rounded_figure_then_reviews_then_the_smaller_key():
    sizes = {4: 26, 3: 25, 2: 25, 1: 30}
    overall = {4: 4.0, 3: 4.0, 2: 4.0, 1: 3.5}
    reviews = [
        review(100 * beer + n, beer=beer, overall=overall[beer])
        for beer, size in sizes.items()
        for n in range(size)
    ]
    ranks = {row["beer_id"]: row["rating_rank"] for row in tables(reviews)["gold.top_beers_by_rating"]}
    assert ranks == {4: 1, 2: 2, 3: 3, 1: 4}


def test_a_state_counts_its_reviewers_once():
    reviews = [review(1, profile=5), review(2, profile=5), review(3, profile=6)]
    found = tables(reviews, profiles=[(5, "a", None, "AR"), (6, "b", None, "AR")])
    (row,) = found["gold.state_by_review_volume"]
    assert (row["state"], row["review_count"], row["reviewer_count"], row["volume_rank"]) == ("AR", 3, 2, 1)


def test_only_the_top_hundred_drinkers_of_a_month_are_shown():
    found = tables([review(n, profile=n) for n in range(1, 151)])["gold.top_drinkers"]
    assert sorted(row["profile_id"] for row in found) == list(range(1, 101))
    assert {row["state"] for row in found} == {"unknown"}


@pytest.mark.parametrize(
    ("scores", "expected"),
    [
        ([4.0, 4.5, 4.5], "4.3333"),
        ([4.5, *[4.0] * 9999], "4.0001"),  # 4.00005: half goes up
        ([4.5, *[4.0] * 10000], "4.0000"),  # 4.000049995: not rounded to 4.00005 first
        ([0.0], "0.0000"),
    ],
)
def test_a_mean_is_exact_and_rounded_once(scores, expected):
    assert oracle.mean(scores) == Decimal(expected)


def test_differences_list_missing_and_unexpected_rows():
    row, other = {"brewery_id": 1, "brewery_name": "a"}, {"brewery_id": 1, "brewery_name": "b"}
    answer = oracle.Answer([], {"silver.breweries": [row]})
    assert oracle.differences(answer, lambda table: [{**row, "_batch": 7}]) == {}
    assert oracle.differences(answer, lambda table: [other]) == {
        "silver.breweries": {"missing": [row], "unexpected": [other]}
    }
    assert oracle.differences(answer, lambda table: [row, row])["silver.breweries"]["unexpected"] == [row]


def test_the_command_prints_a_table_and_refuses_an_unknown_one(tmp_path):
    path = tmp_path / "raw" / "brewery" / "load.json.gz"
    path.parent.mkdir(parents=True)
    record = {
        "data": {"brewery_id": 3, "brewery_name": "Abita"},
        "metadata": {"operation": "load", "record-type": "data"},
    }
    path.write_bytes(gzip.compress(json.dumps(record).encode()))
    command = [sys.executable, oracle.__file__, str(tmp_path)]
    shown = subprocess.run(
        [*command, "--table", "silver.breweries"], capture_output=True, text=True, check=True
    )
    assert json.loads(shown.stdout) == {"brewery_id": 3, "brewery_name": "Abita"}
    counts = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(counts.stdout)["rows"] == 1
    assert (
        subprocess.run([*command, "--table", "gold.nothing"], capture_output=True, check=False).returncode
        == 2
    )
