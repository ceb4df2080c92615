"""Batch extracts of reviews: csv.gz files with a header line."""

from collections.abc import Iterable, Iterator

from control.sample.reviews import score_texts
from control.sample.shop import REVIEW_COLUMNS, Row, Shop

HEADER = ",".join(REVIEW_COLUMNS) + "\n"

# A file of this size is 12 MB of text: enough to measure an engine's speed, little enough for memory.
ROWS_PER_FILE = 250_000
MIN_FILES = 4


def extract_texts(shop: Shop) -> Iterator[bytes]:
    """Yield the texts of the files that together extract all reviews; one text at a time is in memory."""
    reviews = len(shop.reviews)
    per_file = max(1, min(ROWS_PER_FILE, -(-reviews // MIN_FILES)))
    parents = [f"{row['brewery_id']},{row['beer_id']}" for row in shop.beers]
    profiles = [str(row["profile_id"]) for row in shop.profiles]
    scores = score_texts(shop.habits.scores)
    for start in range(0, reviews, per_file):
        columns = _slices(shop, slice(start, start + per_file))
        lines = [
            f"{number},{parents[beer]},{profiles[profile]},{scores[score]},{time}\n"
            for number, (beer, profile, score, time) in enumerate(columns, start + 1)
        ]
        yield (HEADER + "".join(lines)).encode()


def correction_lines(rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield the lines of an extract of some rows, without header or newlines."""
    for row in rows:
        yield ",".join("" if value is None else f"{value}" for value in row.values()).encode()


def _slices(shop: Shop, part: slice) -> Iterator[tuple[int, int, int, int]]:
    columns = (shop.reviews.beer, shop.reviews.profile, shop.reviews.scores, shop.reviews.time)
    return zip(*(column[part] for column in columns), strict=True)
