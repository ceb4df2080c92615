"""Change records of a small shop with every kind of trouble, and the silver tables they must lead to."""

import hashlib
import json
import random
from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]
KEYS = {"brewery": "brewery_id", "beer": "beer_id", "profile": "profile_id", "review": "review_id"}
STATES = {"brewery": "breweries", "beer": "beers", "profile": "profiles", "review": "reviews"}
FEBRUARY, MARCH = 1233446400, 1235865600  # 2009-02-01 and 2009-03-01 in UTC
DAY = 86400


def sequence(position: int, *, load: bool = False, order: int = 1) -> str:
    """Return `_seq` of a record at a log position."""
    return f"0000000001.{position:020d}.{0 if load else 1}.{order:020d}"


def record(op: str, position: int, *, order: int = 1, rev: int = 1, **values: Any) -> Row:
    """Return one bronze row."""
    seq = sequence(position, load=op == "load", order=order)
    return {"_op": op, "_seq": seq, "_rev": rev, **values}


def brewery(number: int, name: str = "") -> Row:
    return {"brewery_id": number, "brewery_name": name or f"Brewery {number}"}


def beer(number: int, brewery_id: int, style: str = "Porter") -> Row:
    abv = None if number % 3 == 0 else number % 40 / 2
    return {
        "beer_id": number,
        "brewery_id": brewery_id,
        "beer_name": f"Beer {number}",
        "beer_style": style,
        "beer_abv": abv,
    }


def profile(number: int, state: str | None = "OH") -> Row:
    email = f"p{number}@example.org"
    return {
        "profile_id": number,
        "profile_name": f"p{number}",
        "email": email,
        "email_token": f"t{number}",
        "state": state,
    }


def review(number: int, chance: random.Random) -> Row:
    """Return a review of one of six beers (one unknown) by many people (some unknown), in two months."""
    return {
        "review_id": number,
        "brewery_id": chance.randint(1, 4),
        "beer_id": chance.choice([1, 2, 3, 4, 5, 9]),
        "profile_id": chance.randint(1, 400),
        "review_overall": chance.randint(0, 10) / 2,
        "review_aroma": chance.choice([None, 3.5]),
        "review_appearance": 4.0,
        "review_palate": chance.choice([None, 0.5]),
        "review_taste": 2.5,
        "review_time": chance.choice([FEBRUARY, MARCH]) + chance.randint(0, 28 * DAY - 1),
    }


def first_delivery(chance: random.Random) -> dict[str, list[list[Row]]]:
    """Return the first loads, as bronze batches of each table."""
    return {
        "brewery": [[record("load", 0, **brewery(n)) for n in range(1, 5)]],
        "beer": [[record("load", 0, **beer(n, n % 4 + 1, f"Style {n}")) for n in range(1, 6)]],
        "profile": [
            [record("load", 0, **profile(n, None if n % 9 == 0 else f"S{n % 4}")) for n in range(1, 391)]
        ],
        "review": [[record("load", 0, **review(n, chance)) for n in range(1, 301)]],
    }


def second_delivery(chance: random.Random) -> dict[str, list[list[Row]]]:
    """Return changes of every kind: two batches per table, with duplicates and in disorder."""
    dimensions = {
        "brewery": [
            record("update", 10, **brewery(1, "Renamed")),
            record("update", 11, **brewery(2, "One of two")),
            record("update", 11, **brewery(2, "Two of two")),
            record("delete", 12, brewery_id=3),
            record("insert", 13, **brewery(5)),
        ],
        "beer": [
            record("update", 10, **beer(1, 4, "Style 5")),
            record("delete", 11, beer_id=2),
            record("insert", 12, **beer(9, 5, "Late")),
            record("update", 13, _key_before='{"beer_id": 4}', **beer(14, 2)),
            record("load", 0, order=2, **beer(5, 5, "Corrected by an extract")),
        ],
        "profile": [
            *(record("update", 10 + n, **profile(n, "MV")) for n in range(1, 30)),
            *(record("delete", 50 + n, profile_id=n) for n in range(30, 40)),
            record("insert", 99, **profile(30, None)),
            record("load", 0, rev=2, **profile(119, "RA")),
        ],
    }
    reviews = []
    for position in range(10, 200):
        number = chance.randint(1, 300)
        if chance.random() < 0.3:
            reviews.append(record("delete", position, review_id=number))
        elif chance.random() < 0.1:
            old = json.dumps({"review_id": number})
            reviews.append(record("update", position, _key_before=old, **review(1000 + position, chance)))
        else:
            reviews.append(record("update", position, **review(number, chance)))
    changes = {**dimensions, "review": reviews}
    return {table: in_disorder(records, chance) for table, records in changes.items()}


def in_disorder(records: list[Row], chance: random.Random) -> list[list[Row]]:
    """Return every record at least once, a third of them twice, shuffled and split into two batches."""
    sent = [*records, *chance.sample(records, len(records) // 3)]
    chance.shuffle(sent)
    return [sent[: len(sent) // 2], sent[len(sent) // 2 :]]


def last_words(table: str, batches: Iterable[Iterable[Row]]) -> dict[int, Row]:
    """Return key -> row of the state table: the record with the highest (seq, rev, deleted, hash)."""
    key, last = KEYS[table], {}
    for number, batch in enumerate(batches, start=1):
        for sent in batch:
            for row in [content(key, sent, number), *moved_away(key, sent, number)]:
                known = last.setdefault(row[key], row)
                if place(row) > place(known):
                    last[row[key]] = row
    return last


def content(key: str, sent: Row, batch: int) -> Row:
    """Return the state row that a record leads to; of a delete only the key is kept."""
    kept = (key,) if sent["_op"] == "delete" else tuple(sent)
    return {
        **{name: value for name, value in sent.items() if name in kept and not name.startswith("_")},
        "_seq": sent["_seq"],
        "_rev": sent["_rev"],
        "_deleted": sent["_op"] == "delete",
        "_batch": batch,
    }


def moved_away(key: str, sent: Row, batch: int) -> list[Row]:
    """Return the tombstone of the row's previous key, if the record changed the key."""
    if not sent.get("_key_before"):
        return []
    old = json.loads(sent["_key_before"])[key]
    return [{key: old, "_seq": sent["_seq"], "_rev": sent["_rev"], "_deleted": True, "_batch": batch}]


def place(row: Row) -> tuple[str, int, bool, str]:
    """Return what orders the records of a key; only breweries have two different records at one place."""
    if "brewery_name" not in row:
        return row["_seq"], row["_rev"], row["_deleted"], ""
    text = f"{len(row['brewery_name'])}:{row['brewery_name']}"
    return row["_seq"], row["_rev"], row["_deleted"], hashlib.md5(text.encode()).hexdigest()


def live(rows: Iterable[Row]) -> list[Row]:
    """Return the rows that are not deleted, without technical columns."""
    kept = (row for row in rows if not row["_deleted"])
    return [{name: value for name, value in row.items() if not name.startswith("_")} for row in kept]
