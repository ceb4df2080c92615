"""The shop whose database the sample captures: real breweries, beers and profiles, generated reviews."""

import csv
import gzip
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TextIO

from control.errors import UsageError
from control.sample.reviews import MONTHS, Habits, Reviews, draw, growing, habits

# In a clone of the repository the data is beside the code.
DATA = Path(__file__).parents[2] / "sample" / "beer"

KEYS = {"brewery": "brewery_id", "beer": "beer_id", "profile": "profile_id", "review": "review_id"}
SCORES = ("review_overall", "review_aroma", "review_appearance", "review_palate", "review_taste")
REVIEW_COLUMNS = ("review_id", "brewery_id", "beer_id", "profile_id", *SCORES, "review_time")

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Shop:
    """The true tables on the day of the first extract. Review number i (from 0) has the id i + 1."""

    breweries: list[Row]
    beers: list[Row]
    profiles: list[Row]
    habits: Habits
    reviews: Reviews


def open_shop(data: Path, *, rows: int, seed: int, months: Sequence[float] = ()) -> Shop:
    """Read breweries, beers and profiles from `data` and draw `rows` reviews of them.

    `months` are the months' weights, the newest first; the default is `growing(MONTHS)`. The same data, rows,
    seed and months give the same shop. Raises UsageError when a data file is missing.
    """
    beers = _read(data / "beer.csv.gz", integers=("beer_id", "brewery_id"), floats=("beer_abv",))
    profiles = _read(data / "profile.csv.gz", integers=("profile_id",))
    rng = stream(seed, "shop")
    tastes = habits(rng, beers=len(beers), profiles=len(profiles), months=months or growing(MONTHS))
    return Shop(
        breweries=_read(data / "brewery.csv.gz", integers=("brewery_id",)),
        beers=beers,
        profiles=profiles,
        habits=tastes,
        reviews=draw(rng, tastes, rows),
    )


def public_months(data: Path) -> list[float]:
    """Return how many reviews each month of the public data set has, the newest first.

    Raises UsageError when `data` has no such file.
    """
    with _lines(data / "months.csv") as lines:
        return [float(row["reviews"]) for row in csv.DictReader(lines)][::-1]


def stream(seed: int, purpose: str) -> Random:
    """Return the generator for one purpose; drawing more from it leaves those of others unchanged."""
    return Random(f"{seed}:{purpose}")  # noqa: S311 - made-up data, nothing secret


def review_row(shop: Shop, index: int) -> Row:
    """Return review number `index` of the first extract as a row."""
    reviews = shop.reviews
    return new_review(
        shop,
        index + 1,
        beer=reviews.beer[index],
        profile=reviews.profile[index],
        time=reviews.time[index],
        scores=reviews.scores[index],
    )


def new_review(shop: Shop, review_id: int, *, beer: int, profile: int, time: int, scores: int) -> Row:
    """Return a review row from an id, epoch seconds, and indexes of the shop's beers, profiles and scores."""
    return {
        "review_id": review_id,
        "brewery_id": shop.beers[beer]["brewery_id"],
        "beer_id": shop.beers[beer]["beer_id"],
        "profile_id": shop.profiles[profile]["profile_id"],
        **dict(zip(SCORES, shop.habits.scores[scores], strict=True)),
        "review_time": time,
    }


def _read(path: Path, *, integers: tuple[str, ...], floats: tuple[str, ...] = ()) -> list[Row]:
    with _lines(path) as lines:
        return [_row(fields, integers, floats) for fields in csv.DictReader(lines)]


@contextmanager
def _lines(path: Path) -> Iterator[TextIO]:
    if not path.is_file():
        raise UsageError(
            f"the sample data file {path} does not exist",
            hint="run the command in a clone of the repository, or name the folder with --data",
        )
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding="utf-8", newline="") as lines:
        yield lines


def _row(fields: dict[str, str], integers: tuple[str, ...], floats: tuple[str, ...]) -> Row:
    row: Row = {column: value or None for column, value in fields.items()}
    row.update((column, int(fields[column])) for column in integers)
    row.update((column, float(fields[column]) if fields[column] else None) for column in floats)
    return row
