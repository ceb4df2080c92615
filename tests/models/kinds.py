"""Count the kinds of trouble that a play had, from what was published and when, not from the generator."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from conformance import GROUPS, TROUBLES, Play
from shops import KEYS, Batch, Event, Row, said


@dataclass(frozen=True, slots=True)
class Sent:
    """A record in a batch that became visible after `builds` builds."""

    row: Row
    batch: int
    builds: int

    @property
    def place(self) -> tuple[str, int]:
        return self.row["_seq"], self.row["_rev"]

    @property
    def op(self) -> str:
        return str(self.row["_op"])


@dataclass(frozen=True, slots=True)
class Story:
    """All that was sent about one key, in order of arrival, and its table's events with their batches."""

    table: str
    key: int
    sent: list[Sent]
    events: list[tuple[Event, int]]
    # The number of builds before a review first named this key as its beer, brewery or writer.
    referred: int | None


def stories(play: Play) -> Iterator[Story]:
    """Yield the story of each key."""
    builds = {(arrival.table, arrival.number): arrival.builds for arrival in play.arrivals}
    by_key: dict[tuple[str, int], list[Sent]] = defaultdict(list)
    referred: dict[tuple[str, int], int] = {}
    for table, batches in play.published.items():
        for number, batch in enumerate(batches, start=1):
            when = builds[table, number]
            for row in batch.rows:
                for about in said(KEYS[table], row):
                    by_key[table, about[KEYS[table]]].append(Sent(row, number, when))
                if table == "review":
                    for parent in ("beer", "brewery", "profile"):
                        named = (parent, row.get(KEYS[parent]))
                        referred[named] = min(when, referred.get(named, when))
    for (table, key), sent in by_key.items():
        events = _events(play.published[table])
        yield Story(table, key, sent, events, referred.get((table, key)))


def _events(batches: Iterable[Batch]) -> list[tuple[Event, int]]:
    return [(event, number) for number, batch in enumerate(batches, start=1) for event in batch.events]


def pairs(story: Story) -> Iterator[tuple[Sent, Sent]]:
    """Yield each record with each record that arrived in a later batch."""
    yield from ((one, two) for one in story.sent for two in story.sent if one.batch < two.batch)


def is_duplicated(story: Story) -> bool:
    return any(one.row == two.row for one, two in _twos(story.sent))


def _twos(sent: list[Sent]) -> Iterator[tuple[Sent, Sent]]:
    yield from ((one, two) for at, one in enumerate(sent) for two in sent[at + 1 :])


def is_disordered(story: Story) -> bool:
    return any(two.place < one.place for one, two in pairs(story))


def came_late(story: Story) -> bool:
    """A record arrived after a build had already taken in a later one of its key."""
    return any(two.place < one.place and one.builds < two.builds for one, two in pairs(story))


def was_corrected_late_by_an_extract(story: Story) -> bool:
    return any(
        one.op == two.op == "load" and one.row["_seq"] < two.row["_seq"] and one.builds < two.builds
        for one, two in pairs(story)
        if two.row["_seq"].split(".")[1] == one.row["_seq"].split(".")[1]
    )


def was_reinserted(story: Story) -> bool:
    deleted = min((one.place for one in story.sent if one.op == "delete"), default=None)
    return deleted is not None and any(one.op == "insert" and one.place > deleted for one in story.sent)


def was_deleted_by_key_only(story: Story) -> bool:
    return any(
        one.op == "delete" and {name for name in one.row if not name.startswith("_")} == {KEYS[story.table]}
        for one in story.sent
    )


def changed_its_key(story: Story) -> bool:
    return any(one.row.get("_key_before") and one.row[KEYS[story.table]] != story.key for one in story.sent)


def moved_onto_another(story: Story) -> bool:
    """A record of another key moved to this one, of which the source had sent rows before."""
    came = [one.place for one in story.sent if _key_before(one, story) not in (None, story.key)]
    return any(
        one.op in ("load", "insert") and one.place < min(came)
        for one in story.sent
        if came and one.row.get("_key_before") is None
    )


def _key_before(one: Sent, story: Story) -> int | None:
    before = one.row.get("_key_before")
    return json.loads(before)[KEYS[story.table]] if before else None


def moved_on(story: Story) -> bool:
    """The key came by a change of another key, and changed again."""
    came = {_key_before(one, story) == story.key for one in story.sent if one.row.get("_key_before")}
    return came == {True, False}


def changed_back(story: Story) -> bool:
    """A row had the same values before and after others, and a build saw both."""
    rows = [
        ({name: value for name, value in one.row.items() if not name.startswith("_")}, one)
        for one in sorted(story.sent, key=lambda one: one.place)
        if one.op == "update" and not one.row.get("_key_before")
    ]
    return any(
        first == third != second and one.builds < two.builds
        for (first, one), (second, two), (third, _) in zip(rows, rows[1:], rows[2:], strict=False)
    )


def was_deleted_and_came_back_in_one_batch(story: Story) -> bool:
    return any(
        one.op == "delete" and two.op == "insert" and one.batch == two.batch and one.place < two.place
        for one in story.sent
        for two in story.sent
    )


def was_read_again(story: Story) -> bool:
    return any(
        one.row["_seq"] == two.row["_seq"] and one.row["_rev"] < two.row["_rev"] for one, two in pairs(story)
    )


def was_in_doubt(story: Story) -> bool:
    return any(one.place == two.place and one.row != two.row for one, two in _twos(story.sent))


def was_reloaded_over_changes(story: Story) -> bool:
    """A change older than the reload arrived after its completion, or a newer one arrived before it."""
    for event, completed in story.events:
        if event.kind == "reload-complete":
            changes = [one for one in story.sent if one.op != "load"]
            if any(one.row["_seq"] < event.seq and one.batch > completed for one in changes) or any(
                one.row["_seq"] > event.seq and one.batch <= completed for one in changes
            ):
                return True
    return False


def is_missing_in_a_reload(story: Story) -> bool:
    """A completed reload lacks the key, which existed before."""
    return any(
        event.kind == "reload-complete"
        and any(one.row["_seq"] < event.seq for one in story.sent)
        and not any(one.row["_seq"] == event.seq for one in story.sent)
        for event, _ in story.events
    )


def was_truncated(story: Story) -> bool:
    return any(
        event.kind == "truncate-table" and any(one.row["_seq"] < event.seq for one in story.sent)
        for event, _ in story.events
    )


def was_truncated_before_it_came(story: Story) -> bool:
    return any(
        event.kind == "truncate-table"
        and any(one.row["_seq"] < event.seq and one.batch > published for one in story.sent)
        for event, published in story.events
    )


def came_after_its_reviews(story: Story) -> bool:
    """A build had read a review of a beer, brewery or writer that was not known yet."""
    first = min(one.builds for one in story.sent)
    return story.referred is not None and story.referred < first


OF_A_KEY: dict[str, Callable[[Story], bool]] = {
    "duplicates": is_duplicated,
    "disorder": is_disordered,
    "late files": came_late,
    "late corrections by an extract": was_corrected_late_by_an_extract,
    "delete and re-insert": was_reinserted,
    "deletes with keys only": was_deleted_by_key_only,
    "delete and re-insert in one batch": was_deleted_and_came_back_in_one_batch,
    "key updates": changed_its_key,
    "key updates onto a key that existed": moved_onto_another,
    "keys that changed twice": moved_on,
    "rows that changed back": changed_back,
    "records that were read again": was_read_again,
    "two contents in one place": was_in_doubt,
    "reloads that overlap changes": was_reloaded_over_changes,
    "keys that a reload lacks": is_missing_in_a_reload,
    "truncates": was_truncated,
    "records from before a truncate after it": was_truncated_before_it_came,
    "late dimensions": came_after_its_reviews,
}
LOST = "batches whose rows all lose"
BACK = {name: f"groups of {name} that left it and came back" for name in GROUPS}
KINDS = (*OF_A_KEY, LOST, *BACK.values(), *TROUBLES, "batches", "builds")


def counted(play: Play) -> Counter[str]:
    """Count the keys, batches or builds that had each kind of trouble."""
    found: Counter[str] = Counter()
    for story in stories(play):
        found.update(kind for kind, holds in OF_A_KEY.items() if holds(story))
    found.update(play.troubles)
    found[LOST] += sum(_all_lose(table, batches) for table, batches in play.published.items())
    for name, groups in play.groups.items():
        found[BACK[name]] += len(_back(groups))
    found["batches"] += sum(map(len, play.published.values()))
    found["builds"] += play.dbt.builds
    return found


def _back(groups: list[set[tuple[int, ...]]]) -> set[tuple[int, ...]]:
    """Return the groups that were there after a build, not after a later one, and again after another."""
    seen, left, back = set(), set(), set()
    for there in groups:
        back |= left & there
        left |= seen - there
        seen |= there
    return back


def _all_lose(table: str, batches: list[Batch]) -> int:
    """Count the batches of which no row wins over those of earlier batches."""
    lost, best = 0, {}
    for batch in batches:
        wins = False
        for row in batch.rows:
            place = row["_seq"], row["_rev"]
            for about in said(KEYS[table], row):
                key = about[KEYS[table]]
                if key not in best or place > best[key]:
                    wins, best[key] = True, place
        lost += bool(batch.rows) and not wins
    return lost
