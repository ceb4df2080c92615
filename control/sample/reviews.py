"""Generate reviews as columns of small integers: 1,586,614 of them take 24 MB and about 5 seconds."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import accumulate, pairwise
from random import Random

# By default, the first extract holds the reviews of this many months, up to the last one.
MONTHS = 60
LAST_MONTH = (2024, 12)

# Zipf exponents: 1 gives a few beers most of the reviews. With the smaller ones, at 100,000 reviews, every
# month has 100 drinkers and is above the thresholds of the gold tables.
BEER_SKEW = 1.0
PROFILE_SKEW = 0.8
MONTH_SKEW = 0.5

QUALITIES = 8
SCORES_PER_QUALITY = 256
MISSING_SCORE_SHARE = 0.04

# One in this many reviews falls on the first second of its month, the next one on the last.
MONTH_EDGE_EVERY = 997

Scores = tuple[float | None, ...]


@dataclass(frozen=True, slots=True)
class Popularity:
    """How often each member of `order` is picked, by the `cumulative` weights."""

    order: list[int]
    cumulative: list[float]

    def pick(self, rng: Random, count: int) -> list[int]:
        """Pick `count` members, with repeats."""
        return rng.choices(self.order, cum_weights=self.cumulative, k=count)


@dataclass(frozen=True, slots=True)
class Habits:
    """What reviews are drawn from: popularities (of indexes), each beer's quality and the scores that fit it.

    `starts` holds the epoch seconds at which each month begins in UTC, and at which the last one ends.
    `scores` holds tuples (overall, aroma, appearance, palate, taste); the overall score is never missing.
    """

    beers: Popularity
    profiles: Popularity
    months: Popularity
    starts: list[int]
    quality: list[int]
    scores: list[Scores]


@dataclass(frozen=True, slots=True)
class Reviews:
    """Reviews as columns: indexes of beer, profile, month and scores, and epoch seconds."""

    beer: "array[int]"
    profile: "array[int]"
    month: "array[int]"
    time: "array[int]"
    scores: "array[int]"

    def __len__(self) -> int:
        return len(self.beer)


def month_starts(months: int) -> list[int]:
    """Return the epoch seconds at which each of the last `months` months begins in UTC, and the last end."""
    year, month = LAST_MONTH
    end = year * 12 + month
    return [
        int(datetime(number // 12, number % 12 + 1, 1, tzinfo=UTC).timestamp())
        for number in range(end - months, end + 1)
    ]


def growing(months: int) -> list[float]:
    """Return the weights of `months` months, the newest first, which has the most reviews."""
    return _weights(months, MONTH_SKEW)


def habits(rng: Random, *, beers: int, profiles: int, months: Sequence[float]) -> Habits:
    """Draw who is popular and how good each beer is; `months` are weights, the newest month first."""
    return Habits(
        beers=_popularity(_shuffled(rng, beers), BEER_SKEW),
        profiles=_popularity(_shuffled(rng, profiles), PROFILE_SKEW),
        months=Popularity(list(range(len(months) - 1, -1, -1)), list(accumulate(months))),
        starts=month_starts(len(months)),
        quality=rng.choices(range(QUALITIES), k=beers),
        scores=[_scores(rng, quality) for quality in range(QUALITIES) for _ in range(SCORES_PER_QUALITY)],
    )


def draw(rng: Random, habits: Habits, count: int) -> Reviews:
    """Draw `count` reviews, the oldest first, as a database numbers them.

    The same `rng` state and habits give the same reviews.
    """
    reviews = Reviews(array("I"), array("H"), array("B"), array("I"), array("H"))
    for start in range(0, count, 100_000):  # a bounded number of Python integers at a time
        _extend(reviews, rng, habits, min(100_000, count - start))
    for edge in range(0, count - 1, MONTH_EDGE_EVERY):
        reviews.time[edge] = habits.starts[reviews.month[edge]]
        reviews.time[edge + 1] = habits.starts[reviews.month[edge + 1] + 1] - 1
    in_order = array("I", sorted(reviews.time)), array("B", sorted(reviews.month))
    return replace(reviews, time=in_order[0], month=in_order[1])


def scores_for(rng: Random, quality: int) -> int:
    """Pick an index into `Habits.scores` that fits a beer of `quality`."""
    return quality * SCORES_PER_QUALITY + rng.randrange(SCORES_PER_QUALITY)


def _extend(reviews: Reviews, rng: Random, habits: Habits, count: int) -> None:
    beers = habits.beers.pick(rng, count)
    months = habits.months.pick(rng, count)
    starts, lengths = habits.starts, [b - a for a, b in pairwise(habits.starts)]
    first_score = [quality * SCORES_PER_QUALITY for quality in habits.quality]
    random = rng.random
    reviews.beer.extend(beers)
    reviews.profile.extend(habits.profiles.pick(rng, count))
    reviews.month.extend(months)
    reviews.time.extend([starts[m] + int(random() * lengths[m]) for m in months])
    reviews.scores.extend([first_score[b] + int(random() * SCORES_PER_QUALITY) for b in beers])


def _popularity(order: list[int], skew: float) -> Popularity:
    return Popularity(order, list(accumulate(_weights(len(order), skew))))


def _weights(count: int, skew: float) -> list[float]:
    return [(rank + 1) ** -skew for rank in range(count)]


def _shuffled(rng: Random, count: int) -> list[int]:
    order = list(range(count))
    rng.shuffle(order)
    return order


def _scores(rng: Random, quality: int) -> Scores:
    overall = _half_steps(rng.gauss(2.4 + 2.0 * quality / (QUALITIES - 1), 0.6))
    others = [
        None if rng.random() < MISSING_SCORE_SHARE else _half_steps(overall + rng.gauss(0, 0.5))
        for _ in range(4)
    ]
    return (overall, *others)


def _half_steps(score: float) -> float:
    return min(5.0, max(0.0, round(score * 2) / 2))


def score_texts(scores: Sequence[Scores]) -> list[str]:
    """Return the five scores as CSV fields, empty for a missing one."""
    return [",".join("" if s is None else f"{s:g}" for s in five) for five in scores]
