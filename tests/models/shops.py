"""Random histories of many small shops side by side, and the dictionary that computes the expected tables.

The shops of a lake share its tables, its builds and its table-wide events. Each has its own keys, months,
records and order of arrival, so each is a history by itself.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

import oracle
from histories import KEYS, STATES, Row, beer, brewery, profile, record, sequence
from project_sources import ROOT as ROOT

STRIDE = 10_000
FIRST_YEAR = 1991
SHOPS_AT_MOST = 100
POSITIONS = 400
MANY = {"brewery": 3, "beer": 4, "profile": 6, "review": 60}
# Shops where so many people write in January that its groups hover around their thresholds: 25 reviews of a
# beer, a brewery or a style, and the first hundred people.
CROWDED, CROWD = range(7, SHOPS_AT_MOST, 10), 300
KINDS_OF_CHANGE = (
    *("update", "delete", "keys", "back", "moved", "extract", "replay", "doubt"),
    *("moved twice", "moved onto another", "changed back"),
)
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Event:
    """A table-wide event that deletes everything below its place in the sequence."""

    kind: str
    seq: str

    @property
    def row(self) -> Row:
        return {"event": self.kind, "_seq": self.seq, "_rev": 1}


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch of a table: rows and events that become visible together."""

    rows: list[Row] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class History:
    """The batches of each table, in the order of their numbers."""

    seed: int
    batches: dict[str, list[Batch]]


def history(seed: int, shops: int) -> History:
    """Draw the histories of `shops` shops."""
    chance = Random(seed)
    assert shops <= SHOPS_AT_MOST
    # Reviews have the most batches, so that troubles that publish from the longest queue find one waiting.
    batches = {
        table: [Batch() for _ in range(chance.randint(6, 8) if table == "review" else chance.randint(3, 6))]
        for table in KEYS
    }
    for table in KEYS:
        reloaded = list(_events(table, batches[table], chance))
        taken: set[tuple[int, str, int]] = set()
        for shop in range(shops):
            # A shop that is quiet in a build while others change must keep its rows.
            busy = chance.sample(batches[table], chance.randint(1, len(batches[table])))
            for sent in _records(table, shop, reloaded, chance):
                if table == "brewery" or _is_alone(KEYS[table], sent, taken):
                    _send(sent, busy, chance)
            if table == "review" and shop in CROWDED:
                _clean_up(shop, batches[table], chance)
        for batch in batches[table]:
            chance.shuffle(batch.rows)
        if chance.random() < 0.5:
            # A file that was sent again, as its own batch: all of its rows lose.
            last = batches[table][-1].rows
            batches[table].append(Batch(chance.sample(last, min(shops, len(last)))))
    return History(seed, batches)


def _events(table: str, batches: list[Batch], chance: Random) -> Iterator[Event]:
    """Put truncates and completed reloads into random batches; yield the reloads."""
    for number in range(2, 4):
        if chance.random() < 0.25:
            event = Event("truncate-table", sequence(chance.randint(5, POSITIONS)))
            chance.choice(batches).events.append(event)
        if chance.random() < 0.3:
            place = sequence(chance.randint(5, POSITIONS), load=True, order=number)
            event = Event("reload-complete", place)
            chance.choice(batches).events.append(event)
            yield event
    # These two delete nothing. The first is in nine of ten histories.
    for other, often in ("reload-begin", 0.45), ("add-column", 0.15):
        if chance.random() < often:
            chance.choice(batches).events.append(Event(other, sequence(POSITIONS * 2)))


def _clean_up(shop: int, batches: list[Batch], chance: Random) -> None:
    """Delete most reviews of a shop in one batch, and bring them back in a later one."""
    early, late = sorted(chance.sample(range(2, len(batches)), 2))
    position = POSITIONS + 10
    for number in chance.sample(range(1, CROWD + 1), CROWD * 2 // 3):
        review = shop * STRIDE + number
        batches[early].rows.append(record("delete", position, review_id=review))
        batches[late].rows.append(record("insert", position + 1, **_row("review", review, shop, chance)))


def _is_alone(key: str, sent: Row, taken: set[tuple[int, str, int]]) -> bool:
    """Return whether the record's places are free; only breweries may have two records at one place."""
    places = {(row[key], row["_seq"], row["_rev"]) for row in said(key, sent)}
    if places & taken:
        return False
    taken |= places
    return True


def _send(sent: Row, batches: list[Batch], chance: Random) -> None:
    """Add the record to any batch, a fifth of them twice."""
    for _ in range(2 if chance.random() < 0.2 else 1):
        chance.choice(batches).rows.append(sent)


def _records(table: str, shop: int, reloads: list[Event], chance: Random) -> Iterator[Row]:
    key, base = KEYS[table], shop * STRIDE
    many = MANY[table]
    if shop in CROWDED:
        many = {**MANY, "profile": 130, "review": CROWD}[table]
    # In a third of the shops a month often has a single review, and none once that one has left it.
    few = table == "review" and chance.random() < 0.35 and shop not in CROWDED
    ids = [base + n for n in range(1, 1 + (4 if few else many))]
    for number in ids:
        if chance.random() < 0.85:
            yield record("load", 0, **_row(table, number, shop, chance))
        for _ in range(chance.choice([0, 0, 0, 1] if len(ids) >= 60 else [0, 1, 2])):
            yield from _change(table, key, number, ids, shop, chance)
    for event in reloads:
        position, order = int(event.seq.split(".")[1]), int(event.seq.split(".")[3])
        for number in ids:
            if chance.random() < 0.7:
                yield record("load", position, order=order, **_row(table, number, shop, chance))


def _change(table: str, key: str, number: int, ids: list[int], shop: int, chance: Random) -> Iterator[Row]:
    """Draw one kind of change of a key; `ids` are all keys of its table and shop."""
    position = chance.randint(1, POSITIONS)
    new = _row(table, number, shop, chance)
    match chance.choice(KINDS_OF_CHANGE):
        case "update":
            yield record("update", position, order=chance.randint(1, 3), **new)
        case "delete":
            yield record("delete", position, **new)
        case "keys":
            yield record("delete", position, **{key: number})
        case "back":
            yield record("delete", position, **{key: number})
            yield record("insert", position + 1, **new)
        case "moved":
            yield _moved(key, number, number + 500 + chance.randint(0, 3), position, new)
        case "moved twice":
            yield _moved(key, number, number + 1000, position, new)
            yield _moved(key, number + 1000, number + 1001, position + 1, new)
        case "moved onto another" if len(ids) > 1:
            # The source has deleted the other key before, but its delete may come later, or never.
            other = chance.choice([one for one in ids if one != number])
            if chance.random() < 0.5:
                yield record("delete", position, **{key: other})
            yield _moved(key, number, other, position + 1, new)
        case "changed back":
            for later, row in enumerate([_row(table, number, shop, chance), new] * 2):
                yield record("update", position + later, **row)
        case "extract":
            yield record("load", 0, order=2, **new)
        case "replay":
            yield record("update", position, rev=1, **_row(table, number, shop, chance))
            yield record("update", position, rev=2, **new)
        case "doubt" if table == "brewery":
            yield record("update", position, **new)
            yield record(chance.choice(["update", "delete"]), position, **_row(table, number, shop, chance))


def _moved(key: str, number: int, away: int, position: int, new: Row) -> Row:
    """Return the record of a row whose key became `away`."""
    return record("update", position, _key_before=json.dumps({key: number}), **{**new, key: away})


def _row(table: str, number: int, shop: int, chance: Random) -> Row:
    base = shop * STRIDE
    if table == "brewery":
        return brewery(number, f"Brewery {chance.randint(1, 3)}")
    if table == "beer":
        row = beer(number, base + chance.randint(1, 4), f"Style {chance.randint(1, 2)}")
        abv = chance.choice([None, 0.0, 4.5])
        return {**row, "beer_name": f"Beer {chance.randint(1, 3)}", "beer_abv": abv}
    if table == "profile":
        row = profile(number, chance.choice([None, "OH", "ME"]))
        return row if chance.random() < 0.8 else {**row, "email": None, "email_token": None}
    year, month = FIRST_YEAR + shop, chance.choice([1, 1, 1, 2] if shop in CROWDED else [1, 1, 2, 12])
    start = int(oracle.datetime(year, month, 1, tzinfo=oracle.UTC).timestamp())
    end = int(oracle.datetime(year + month // 12, month % 12 + 1, 1, tzinfo=oracle.UTC).timestamp())
    return {
        "review_id": number,
        "brewery_id": base + chance.randint(1, 4),
        "beer_id": base + chance.choice([1, 2, 3, 4, 5] if shop in CROWDED else [1, 1, 1, 2, 5]),
        "profile_id": base + chance.randint(1, 130 if shop in CROWDED else 8),
        "review_overall": chance.randint(0, 10) / 2,
        "review_aroma": chance.choice([None, 3.5]),
        "review_appearance": chance.choice([None, 4.0]),
        "review_palate": chance.choice([None, 0.0]),
        "review_taste": chance.choice([None, 2.5]),
        # The last second of a month is that of a leap day or of the year, too.
        "review_time": chance.choice([start, start + DAY, end - 1]),
    }


# --- the dictionary --------------------------------------------------------------------------------------


def states(published: dict[str, list[Batch]]) -> dict[str, dict[int, Row]]:
    """Return table -> key -> state row: the record with the highest place, deleted when below the floor."""
    return {table: _last_words(table, batches) for table, batches in published.items()}


def _last_words(table: str, batches: Iterable[Batch]) -> dict[int, Row]:
    key, last, floor = KEYS[table], {}, ""
    for batch in batches:
        for event in batch.events:
            if event.kind in ("truncate-table", "reload-complete"):
                floor = max(floor, event.seq)
        for sent in batch.rows:
            for row in said(key, sent):
                known = last.get(row[key])
                if known is None or _place(row) > _place(known):
                    last[row[key]] = row
    return {number: _tombstone(key, row) if row["_seq"] < floor else row for number, row in last.items()}


def said(key: str, sent: Row) -> Iterator[Row]:
    """Yield the row that a record brings, or its tombstone, and the tombstone of its previous key."""
    values = {name: value for name, value in sent.items() if not name.startswith("_")}
    places = {"_seq": sent["_seq"], "_rev": sent["_rev"]}
    row = {**values, **places, "_deleted": False}
    yield _tombstone(key, row) if sent["_op"] == "delete" else row
    if sent.get("_key_before"):
        yield {key: json.loads(sent["_key_before"])[key], **places, "_deleted": True}


def _tombstone(key: str, row: Row) -> Row:
    """Return the key and the place of a deleted row, and nothing else of it."""
    return {key: row[key], "_seq": row["_seq"], "_rev": row["_rev"], "_deleted": True}


def _place(row: Row) -> tuple[str, int, bool, str]:
    """Return what orders the records of a key; only breweries have two different records at one place."""
    if "beer_id" in row or "profile_id" in row or "review_id" in row:
        return row["_seq"], row["_rev"], row["_deleted"], ""
    name = row.get("brewery_name")
    text = "-" if name is None else f"{len(name)}:{name}"
    return row["_seq"], row["_rev"], row["_deleted"], hashlib.md5(text.encode()).hexdigest()


def tables(published: dict[str, list[Batch]]) -> dict[str, list[Row]]:
    """Return every table that a build writes, computed from what was published."""
    found = states(published)
    made = {f"silver.{STATES[table]}_state": list(rows.values()) for table, rows in found.items()}
    live = live_tables(found)
    return made | live | oracle.gold(live["silver.reviews_enriched"])


def live_tables(found: dict[str, dict[int, Row]]) -> dict[str, list[Row]]:
    """Return silver's live tables and the enriched reviews, computed from the states."""
    made: dict[str, list[Row]] = {}
    for table, rows in found.items():
        live = (row for row in rows.values() if not row["_deleted"])
        made[f"silver.{STATES[table]}"] = [
            {name: value for name, value in row.items() if not name.startswith("_")} for row in live
        ]
    for person in made["silver.profiles"]:
        person["email"] = person.pop("email_token")
    for review in made["silver.reviews"]:
        when = oracle.datetime.fromtimestamp(review.pop("review_time"), oracle.UTC)
        review["reviewed_at"] = when.replace(tzinfo=None)
    made["silver.reviews_enriched"] = list(oracle.enriched(made))
    return made


def difference(found: Iterable[Row], expected: Iterable[Row]) -> Any:
    """Return None if both are the same rows. Columns that `expected` lacks are null; `_batch` is ignored."""
    found = list(found)
    names = sorted(name for name in (found[0] if found else {}) if name != "_batch")
    ours = [tuple(row[name] for name in names) for row in found]
    theirs = (
        {tuple(row.get(name) for name in names) for row in expected} if names else set(map(str, expected))
    )
    if len(set(ours)) == len(ours) and set(ours) == theirs:
        return None
    return names, sorted(map(str, theirs - set(ours)))[:3], sorted(map(str, set(ours) - theirs))[:3]
