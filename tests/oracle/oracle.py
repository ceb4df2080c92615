"""Compute what every table must contain, from the raw files alone.

Imports nothing from this project and shares no code, SQL or settings with it, so that a mistake there is not
repeated here. It follows the documented rules: which lines are refused, which record of a key is the latest,
what each silver and gold table shows.

    python tests/oracle/oracle.py FOLDER                            the record counts of each raw file
    python tests/oracle/oracle.py FOLDER --table gold.top_drinkers  a table, one JSON object per row

FOLDER stands for the bucket: it contains `raw/<table>/…`.
"""

import argparse
import gc
import hashlib
import hmac
import json
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from raw_records import TABLES, Event, File, Floor, Row, columns_of, log_position, read_file, segment

# --- silver ----------------------------------------------------------------------------------------------


def latest_rows(table: str, events: Iterable[Event | Floor], token_key: bytes = b"") -> Iterator[Row]:
    """Yield the record with the highest sequence of each key, unless it is deleted or below the floor."""
    last: dict[int, Event] = {}
    floor: tuple[int, ...] = ()
    names = [column.name for column in columns_of(table)]
    for event in events:
        if isinstance(event, Floor):
            floor = max(floor, event.seq)
            continue
        known = last.setdefault(event.key, event)
        if event.seq > known.seq or (
            event.seq == known.seq
            and event != known
            and fingerprint(names, event, token_key) > fingerprint(names, known, token_key)
        ):
            last[event.key] = event
    for event in last.values():
        if not event.deleted and event.seq >= floor:
            yield dict(zip(names, event.values, strict=True))


def fingerprint(names: list[str], event: Event, token_key: bytes) -> tuple[bool, str]:
    """Order records of equal key and sequence: deletes win, then the greater hash of the other columns."""
    values = dict(zip(names, event.values or (None,) * len(names), strict=True))
    parts = []
    for name in names[1:]:
        parts.append(as_text(values[name]))
        if name == "email":
            parts.append(as_text(token(values[name], token_key)))
    text = "".join("-" if part is None else f"{len(part)}:{part}" for part in parts)
    return event.deleted, hashlib.md5(text.encode()).hexdigest()


def as_text(value: Any) -> str | None:
    """Cast a value to text as Athena does: doubles below 0.001 and from 10 million on get an exponent."""
    if not isinstance(value, float) or value == 0 or 1e-3 <= abs(value) < 1e7:
        return None if value is None else str(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    shown = "".join(map(str, digits))
    power = len(digits) - 1 + int(exponent)
    return f"{'-' * sign}{shown[0]}.{shown[1:] or '0'}E{power}"


def token(email: str | None, key: bytes) -> str | None:
    return None if email is None else hmac.new(key, email.encode(), hashlib.sha256).hexdigest()


def silver(events: dict[str, list[Event | Floor]], token_key: bytes) -> dict[str, list[Row]]:
    """Return the live tables, and the reviews joined with the current beer, brewery and profile."""
    breweries, beers, profiles, reviews = (
        list(latest_rows(table, events[table], token_key)) for table in TABLES
    )
    for profile in profiles:
        profile["email"] = token(profile["email"], token_key)
    for review in reviews:
        review["reviewed_at"] = datetime.fromtimestamp(review.pop("review_time"), UTC).replace(tzinfo=None)
    tables = {
        "silver.breweries": breweries,
        "silver.beers": beers,
        "silver.profiles": profiles,
        "silver.reviews": reviews,
    }
    return {**tables, "silver.reviews_enriched": list(enriched(tables))}


def enriched(tables: dict[str, list[Row]]) -> Iterator[Row]:
    beers = {row["beer_id"]: row for row in tables["silver.beers"]}
    breweries = {row["brewery_id"]: row for row in tables["silver.breweries"]}
    profiles = {row["profile_id"]: row for row in tables["silver.profiles"]}
    for review in tables["silver.reviews"]:
        beer = beers.get(review["beer_id"], {})
        brewery_id = beer.get("brewery_id", review["brewery_id"])
        profile = profiles.get(review["profile_id"], {})
        yield {
            **review,
            "review_year": review["reviewed_at"].year,
            "review_month": review["reviewed_at"].month,
            "brewery_id": brewery_id,
            **{column: beer.get(column) for column in ("beer_name", "beer_style", "beer_abv")},
            "brewery_name": breweries.get(brewery_id, {}).get("brewery_name"),
            **{column: profile.get(column) for column in ("profile_name", "state")},
        }


# --- gold ------------------------------------------------------------------------------------------------

# Table -> what it groups by besides the month, attributes of the group, minimum number of reviews, the figure
# to rank by (descending), name of the rank column.
GOLD = {
    "gold.top_beers_by_rating": (
        "beer_id",
        ("beer_name", "beer_style", "brewery_id", "brewery_name"),
        25,
        "avg_rating",
        "rating_rank",
    ),
    "gold.top_breweries_by_rating": ("brewery_id", ("brewery_name",), 25, "avg_rating", "rating_rank"),
    "gold.top_styles_by_popularity": ("beer_style", (), 25, "review_count", "popularity_rank"),
    "gold.state_by_review_volume": ("state", (), 1, "review_count", "volume_rank"),
    "gold.top_drinkers": ("profile_id", ("profile_name", "state"), 1, "review_count", "drinker_rank"),
}


def gold(reviews: list[Row]) -> dict[str, list[Row]]:
    """Compute the five monthly aggregates from the enriched reviews."""
    tables = {
        table: ranked(months(reviews, key, attributes, minimum), key, figure, rank)
        for table, (key, attributes, minimum, figure, rank) in GOLD.items()
    }
    for row in tables["gold.state_by_review_volume"]:
        row["reviewer_count"] = len({member["profile_id"] for member in row["members"]})
    drinkers = tables["gold.top_drinkers"]
    tables["gold.top_drinkers"] = [row for row in drinkers if row["drinker_rank"] <= 100]
    for row in (row for rows in tables.values() for row in rows):
        del row["members"]
    return tables


def months(reviews: list[Row], key: str, attributes: Iterable[str], minimum: int) -> list[Row]:
    """Return one row per month and `key` with at least `minimum` reviews: attributes, count and mean."""
    groups: dict[tuple[int, int, Any], list[Row]] = defaultdict(list)
    for review in reviews:
        groups[review["review_year"], review["review_month"], shown(review, key)].append(review)
    return [
        {
            "review_year": year,
            "review_month": month,
            key: name,
            **{attribute: shown(members[0], attribute, key) for attribute in attributes},
            "review_count": len(members),
            "avg_rating": mean([member["review_overall"] for member in members]),
            "members": members,
        }
        for (year, month, name), members in groups.items()
        if len(members) >= minimum
    ]


def shown(review: Row, column: str, of: str = "") -> Any:
    """Return a column as gold shows it: an unknown beer has no brewery, although its reviews name one."""
    if of == "beer_id" and review["beer_name"] is None and column in ("brewery_id", "brewery_name"):
        return None
    if column in ("state", "beer_style") and review[column] is None:
        return "unknown"
    return review[column]


@cache
def millionths(score: float) -> int:
    """Convert a score to decimal(12,6), as an integer number of millionths."""
    return int((Decimal(str(score)) * 1_000_000).to_integral_value(ROUND_HALF_UP))


def mean(scores: list[float]) -> Decimal:
    """Return the exact mean, rounded once, half up, to four digits (scores are not negative)."""
    total, count = sum(map(millionths, scores)), len(scores)
    return Decimal((2 * total + 100 * count) // (200 * count)).scaleb(-4)


def ranked(rows: list[Row], key: str, figure: str, rank: str) -> list[Row]:
    """Rank the groups of each month by `figure` and review count, both descending, then by key."""
    position: dict[tuple[int, int], int] = defaultdict(int)
    for row in sorted(rows, key=lambda row: (-row[figure], -row["review_count"], row[key])):
        position[row["review_year"], row["review_month"]] += 1
        row[rank] = position[row["review_year"], row["review_month"]]
    return rows


# --- everything ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Answer:
    """The outcome of each raw file, and the rows of each table by its full name, unordered."""

    files: list[File]
    tables: dict[str, list[Row]]


def compute(folder: Path, *, token_key: bytes = b"") -> Answer:
    """Read all raw files under `folder`/raw and compute what silver and gold must contain."""
    gc.disable()  # there are no reference cycles, and the search for them takes a third of the time
    try:
        return _compute(folder, token_key)
    finally:
        gc.enable()


def _compute(folder: Path, token_key: bytes) -> Answer:
    files: list[File] = []
    events: dict[str, list[Event | Floor]] = {table: [] for table in TABLES}
    reloads = {path.parent.relative_to(folder).as_posix(): path for path in folder.glob("raw/**/_BEGIN")}
    for path in sorted(folder.glob("raw/**/*.gz")):
        name = path.relative_to(folder).as_posix()
        begin = next((reloads[parent] for parent in map(str, Path(name).parents) if parent in reloads), None)
        if begin is None and "/reload=" in name:
            continue  # it waits for _BEGIN, which has the position of its snapshot
        file, said = read_file(path, name, snapshot_of(begin) if begin else 0)
        files.append(file)
        events[name.split("/")[1]] += said
    for name, begin in reloads.items():
        files.append(File(f"{name}/_BEGIN", lines=1, records=1, control=1))
        if is_complete(begin.with_name("_COMPLETE"), name, {file.path: file for file in files}):
            files.append(File(f"{name}/_COMPLETE", lines=1, records=1, control=1))
            place = segment(f"{name}/", "epoch"), snapshot_of(begin), 0, segment(f"{name}/", "extract")
            events[name.split("/")[1]].append(Floor(place))
    tables = silver(events, token_key)
    return Answer(files, {**tables, **gold(tables["silver.reviews_enriched"])})


def snapshot_of(begin: Path) -> int:
    """Return the position of a reload's snapshot in the log of the source."""
    return log_position(json.loads(begin.read_bytes())["position"])


def is_complete(complete: Path, folder: str, files: dict[str, File]) -> bool:
    """Return whether the files of a reload are those that `_COMPLETE` lists, with nothing in quarantine."""
    if not complete.is_file():
        return False
    listed = {one["key"]: one["records"] for one in json.loads(complete.read_bytes())["files"]}
    there = {name: file for name, file in files.items() if name.startswith(f"{folder}/")}
    return {
        name: file.records for name, file in there.items() if not name.endswith("/_BEGIN")
    } == listed and all(file.quarantined == 0 and file.failure is None for file in there.values())


def differences(answer: Answer, rows_of: Callable[[str], list[Row]]) -> dict[str, dict[str, list[Row]]]:
    """Return the missing and the unexpected rows of each table that differs.

    `rows_of` reads a table by its full name. Columns that the oracle does not know are ignored.
    """
    found = {}
    for table, rows in answer.tables.items():
        wanted = Counter(frozenset(row.items()) for row in rows)
        known = rows[0].keys() if rows else set()
        there = Counter(frozenset((name, row[name]) for name in known) for row in rows_of(table))
        if wanted != there:
            found[table] = {
                "missing": [dict(row) for row in wanted - there],
                "unexpected": [dict(row) for row in there - wanted],
            }
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="What every table must hold, from the raw files alone.")
    parser.add_argument("folder", type=Path, help="folder that stands for the bucket")
    parser.add_argument("--table", help="print the rows of this table, such as gold.top_drinkers")
    parser.add_argument("--token-key", default="", help="key of the tokens in silver.profiles.email")
    arguments = parser.parse_args()
    answer = compute(arguments.folder, token_key=arguments.token_key.encode())
    if arguments.table and arguments.table not in answer.tables:
        parser.error(f"no table {arguments.table!r}; there are {', '.join(answer.tables)}")
    rows = answer.tables[arguments.table] if arguments.table else [vars(file) for file in answer.files]
    for row in rows:
        sys.stdout.write(json.dumps(row, default=str, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
