"""What the second delivery does to breweries, beers and profiles: arrivals, renames, moves and deletions.

Parents are chosen by the popularity rank of a beer or profile, so that each event affects many reviews.
"""

from random import Random

from control.sample.changes import Edit, Transaction
from control.sample.shop import Row, Shop

# Missing from the first delivery, although reviews name them already.
HELD_BACK_BEERS = (6, 30, 200)
HELD_BACK_PROFILES = (10, 50)
HELD_BACK_BREWERY_OF = 12

RENAMED_BEER, MOVED_BEER, DELETED_BEER = 2, 3, 4
RENAMED_PROFILE, STATELESS_PROFILE, DELETED_PROFILE = 0, 1, 3
RENAMED_BREWERY_OF, DELETED_BREWERY_OF = 1, 9

# Ranks that the events above do not use, so that each may get an ordinary update.
ORDINARY_RANKS = range(300, 3000)
ORDINARY_UPDATES = 60


def held_back(shop: Shop) -> dict[str, list[Row]]:
    """Return the parents that arrive after their reviews, by table."""
    return {
        "brewery": [_brewery_of(shop, HELD_BACK_BREWERY_OF)],
        "beer": [_beer(shop, rank) for rank in HELD_BACK_BEERS],
        "profile": [_profile(shop, rank) for rank in HELD_BACK_PROFILES],
    }


def parent_events(shop: Shop, rng: Random) -> list[Transaction]:
    """Return the transactions on parents, in the order of the log."""
    return [
        *(tuple(Edit(table, "insert", row) for row in rows) for table, rows in held_back(shop).items()),
        *_beer_events(shop),
        *_profile_events(shop),
        *_brewery_events(shop),
        *_ordinary(shop, rng),
    ]


def _beer_events(shop: Shop) -> list[Transaction]:
    renamed, moved, deleted = (_beer(shop, rank) for rank in (RENAMED_BEER, MOVED_BEER, DELETED_BEER))
    first_name = {**renamed, "beer_name": f"{renamed['beer_name']} (first attempt at a new name)"}
    second_name = {**renamed, "beer_name": f"{renamed['beer_name']} Reserve", "beer_style": "Hazy IPA"}
    new_owner = _brewery_of(shop, RENAMED_BREWERY_OF)["brewery_id"]
    return [
        (Edit("beer", "update", first_name, before=renamed),),
        (Edit("beer", "update", second_name),),
        (Edit("beer", "update", {**moved, "brewery_id": new_owner}),),
        (Edit("beer", "delete", {"beer_id": deleted["beer_id"]}),),
    ]


def _profile_events(shop: Shop) -> list[Transaction]:
    renamed, stateless, deleted = (
        _profile(shop, rank) for rank in (RENAMED_PROFILE, STATELESS_PROFILE, DELETED_PROFILE)
    )
    new_name = {**renamed, "profile_name": f"{renamed['profile_name']}_2", "state": "VT"}
    return [
        (Edit("profile", "update", new_name),),
        (Edit("profile", "update", {**stateless, "state": None, "email": None}),),
        (Edit("profile", "delete", {**dict.fromkeys(deleted), "profile_id": deleted["profile_id"]}),),
    ]


def _brewery_events(shop: Shop) -> list[Transaction]:
    renamed, deleted = _brewery_of(shop, RENAMED_BREWERY_OF), _brewery_of(shop, DELETED_BREWERY_OF)
    return [
        (Edit("brewery", "update", {**renamed, "brewery_name": f"{renamed['brewery_name']}, Inc."}),),
        (Edit("brewery", "delete", {"brewery_id": deleted["brewery_id"]}),),
    ]


def _ordinary(shop: Shop, rng: Random) -> list[Transaction]:
    """Return small updates of many parents: another strength of a beer, another or no state of a profile."""
    edits: list[Transaction] = []
    for rank in rng.sample(ORDINARY_RANKS, ORDINARY_UPDATES):
        beer, profile = _beer(shop, rank), _profile(shop, rank)
        edits.append((Edit("beer", "update", {**beer, "beer_abv": rng.randrange(30, 120) / 10}),))
        state = rng.choice(["CA", "OR", "VT", None])
        edits.append((Edit("profile", "update", {**profile, "state": state}),))
    return edits


def _beer(shop: Shop, rank: int) -> Row:
    return shop.beers[shop.habits.beers.order[rank]]


def _profile(shop: Shop, rank: int) -> Row:
    return shop.profiles[shop.habits.profiles.order[rank]]


def _brewery_of(shop: Shop, beer_rank: int) -> Row:
    brewery_id = _beer(shop, beer_rank)["brewery_id"]
    return next(row for row in shop.breweries if row["brewery_id"] == brewery_id)
