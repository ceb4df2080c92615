"""Groups of reviews near the threshold of the gold tables, and the edits that push them across it."""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from random import Random

from control.sample.changes import Edit, Transaction
from control.sample.reviews import scores_for
from control.sample.shop import Row, Shop, new_review, review_row

# Beers, breweries and styles are ranked in a month if they have at least this many reviews.
THRESHOLD = 25

# Other edits of the delivery may affect a group, too, so it is pushed further than needed.
REACH = 5
SLACK = 3
GROUPS_EACH_WAY = 6


@dataclass(frozen=True, slots=True)
class Group:
    """The reviews of one month and one beer, brewery or style; `members` are indexes of reviews."""

    month: int
    members: list[int]


def crossings(shop: Shop, rng: Random, new_ids: Iterator[int], touched: set[int]) -> list[Transaction]:
    """Return transactions that lift some groups of each kind over the threshold and drop others below it.

    Takes review ids from `new_ids`, avoids the reviews in `touched` and adds those that it edits.
    """
    transactions: list[Transaction] = []
    for kind in ("beer_id", "brewery_id", "beer_style"):
        below = groups(shop, kind, range(THRESHOLD - REACH, THRESHOLD))
        above = groups(shop, kind, range(THRESHOLD, THRESHOLD + REACH))
        for group in below[:GROUPS_EACH_WAY]:
            transactions += [(edit,) for edit in _lift(shop, rng, group, new_ids)]
        for number, group in enumerate(above[:GROUPS_EACH_WAY]):
            leave = _delete if number % 2 else partial(_move, time=shop.habits.starts[0])
            transactions += [(edit,) for edit in _drop(shop, group, touched, leave)]
    return transactions


def groups(shop: Shop, kind: str, sizes: range) -> list[Group]:
    """Return the groups by month and beer column `kind` whose number of reviews is in `sizes`, by month."""
    names = {row[kind]: None for row in shop.beers}
    number = {name: n for n, name in enumerate(names)}
    name_of = [number[row[kind]] for row in shop.beers]
    reviews = shop.reviews
    pairs = zip(reviews.month, reviews.beer, strict=True)
    keys = [month * len(number) + name_of[beer] for month, beer in pairs]
    counts = array("I", bytes(4 * (len(shop.habits.starts) - 1) * len(number)))
    for key in keys:
        counts[key] += 1
    members: dict[int, list[int]] = {key: [] for key, size in enumerate(counts) if size in sizes}
    for index, key in enumerate(keys):
        if key in members:
            members[key].append(index)
    return [Group(key // len(number), indexes) for key, indexes in members.items()]


def _lift(shop: Shop, rng: Random, group: Group, new_ids: Iterator[int]) -> Iterator[Edit]:
    for _ in range(THRESHOLD - len(group.members) + SLACK):
        beer = shop.reviews.beer[rng.choice(group.members)]
        row = new_review(
            shop,
            next(new_ids),
            beer=beer,
            profile=rng.randrange(len(shop.profiles)),
            time=rng.randrange(*shop.habits.starts[group.month : group.month + 2]),
            scores=scores_for(rng, shop.habits.quality[beer]),
        )
        yield Edit("review", "insert", row)


def _drop(shop: Shop, group: Group, touched: set[int], leave: Callable[[Row], Edit]) -> Iterator[Edit]:
    free = [index for index in group.members if index not in touched]
    for index in free[: len(group.members) - THRESHOLD + 1 + SLACK]:
        touched.add(index)
        yield leave(review_row(shop, index))


def _delete(row: Row) -> Edit:
    return Edit("review", "delete", {"review_id": row["review_id"]})


def _move(row: Row, time: int) -> Edit:
    return Edit("review", "update", {**row, "review_time": time})
