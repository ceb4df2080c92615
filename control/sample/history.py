"""What happens to the shop's reviews after the first extract, day by day."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from random import Random

from control.sample.changes import Edit, Transaction
from control.sample.parents import parent_events
from control.sample.reviews import draw
from control.sample.shop import REVIEW_COLUMNS, SCORES, Row, Shop, new_review, review_row, stream
from control.sample.thresholds import crossings

# An ordinary day inserts and updates this share of the reviews each, but at most TRADE_MAX.
TRADE_SHARE = 0.01
TRADE_MAX = 10_000

# How many reviews go through each of the difficult stories.
STORIES = 5

# No beer ever has this id.
UNKNOWN_BEER = 99_999_999


@dataclass(frozen=True, slots=True)
class Day:
    """Transactions in the order of the log, and the rows of a later extract that corrects an earlier one."""

    transactions: list[Transaction]
    corrections: list[Row]


def first_day(shop: Shop, seed: int) -> Day:
    """Return new reviews, and updates of old ones, some of them twice."""
    rng = stream(seed, "first day")
    updated = rng.sample(range(len(shop.reviews)), _trade(shop))
    twice = rng.sample(updated, len(updated) // 10)
    edits = [Edit("review", "insert", row) for row in _new(shop, rng, _ids(shop, 1), _trade(shop))]
    edits += [Edit("review", "update", _rescored(shop, rng, index)) for index in updated]
    rng.shuffle(edits)
    edits += [Edit("review", "update", _rescored(shop, rng, index)) for index in twice]
    return Day(_together(rng, edits), [])


def second_day(shop: Shop, seed: int) -> Day:
    """Return new, updated, moved and deleted reviews, crossed thresholds, stories, and changed parents."""
    rng = stream(seed, "second day")
    ids = _ids(shop, 2)
    touched: set[int] = set()
    transactions = crossings(shop, rng, ids, touched)
    trade = _trade(shop)
    edits = [Edit("review", "insert", row) for row in _new(shop, rng, ids, trade)]
    edits += [Edit("review", "update", _rescored(shop, rng, i)) for i in _take(shop, rng, touched, trade)]
    edits += [Edit("review", "update", _moved(shop, rng, i)) for i in _take(shop, rng, touched, trade // 10)]
    edits += [_deletion(index + 1) for index in _take(shop, rng, touched, trade // 2)]
    rng.shuffle(edits)
    transactions += _together(rng, edits)
    rng.shuffle(transactions)
    corrected = _take(shop, rng, touched, trade // 2)
    # Half of the corrected reviews also change: the change wins, whichever arrives last.
    changed = [(Edit("review", "update", _rescored(shop, rng, index)),) for index in corrected[::2]]
    return Day(
        [*transactions, *changed, *_stories(shop, rng, ids, touched), *parent_events(shop, rng)],
        [_rescored(shop, rng, index) for index in corrected],
    )


def _stories(shop: Shop, rng: Random, ids: Iterator[int], touched: set[int]) -> Iterator[Transaction]:
    for index in _take(shop, rng, touched, STORIES):  # deleted and inserted again
        yield (_deletion(index + 1),)
        yield (Edit("review", "insert", _rescored(shop, rng, index)),)
    for index in _take(shop, rng, touched, STORIES):  # two versions in one transaction: the second holds
        yield tuple(Edit("review", "update", _rescored(shop, rng, index)) for _ in range(2))
    for row in _new(shop, rng, ids, STORIES):  # inserted and deleted in one transaction
        yield Edit("review", "insert", row), _deletion(row["review_id"])
    for index in _take(shop, rng, touched, STORIES):  # given another key
        old = review_row(shop, index)
        yield (Edit("review", "update", {**old, "review_id": next(ids)}, before=old),)
    for index in _take(shop, rng, touched, STORIES):  # updated with a before-image of the same key
        yield (Edit("review", "update", _rescored(shop, rng, index), before=review_row(shop, index)),)
    for row in _new(shop, rng, ids, STORIES):  # about a beer that nobody knows
        yield (Edit("review", "insert", {**row, "beer_id": UNKNOWN_BEER}),)


def _trade(shop: Shop) -> int:
    return max(10, min(TRADE_MAX, int(len(shop.reviews) * TRADE_SHARE)))


def _ids(shop: Shop, day: int) -> Iterator[int]:
    """Return ids for the reviews that are new on `day`: after those of the extract and of the day before."""
    return count(len(shop.reviews) + (day - 1) * _trade(shop) + 1)


def _take(shop: Shop, rng: Random, touched: set[int], wanted: int) -> list[int]:
    """Pick up to `wanted` reviews of the extract that nothing else on this day touches."""
    drawn = rng.sample(range(len(shop.reviews)), min(len(shop.reviews), 2 * wanted + len(touched)))
    taken = [index for index in drawn if index not in touched][:wanted]
    touched.update(taken)
    return taken


def _new(shop: Shop, rng: Random, ids: Iterator[int], wanted: int) -> Iterator[Row]:
    drawn = draw(rng, shop.habits, wanted)
    columns = zip(drawn.beer, drawn.profile, drawn.time, drawn.scores, strict=True)
    for beer, profile, time, scores in columns:
        yield new_review(shop, next(ids), beer=beer, profile=profile, time=time, scores=scores)


def _rescored(shop: Shop, rng: Random, index: int) -> Row:
    return {**review_row(shop, index), **dict(zip(SCORES, rng.choice(shop.habits.scores), strict=True))}


def _moved(shop: Shop, rng: Random, index: int) -> Row:
    time = rng.randrange(shop.habits.starts[0], shop.habits.starts[-1])
    return {**review_row(shop, index), "review_time": time}


def _deletion(review_id: object) -> Edit:
    """Return a delete record: sources send the key only, or the other columns as nulls."""
    blank: Row = {} if int(str(review_id)) % 2 else dict.fromkeys(REVIEW_COLUMNS)
    return Edit("review", "delete", {**blank, "review_id": review_id})


def _together(rng: Random, edits: list[Edit]) -> list[Transaction]:
    """Commit one to three edits at a time."""
    transactions, start = [], 0
    while start < len(edits):
        size = rng.randint(1, 3)
        transactions.append(tuple(edits[start : start + size]))
        start += size
    return transactions
