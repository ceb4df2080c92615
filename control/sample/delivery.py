"""The two deliveries: which raw files a producer puts into the bucket, under which keys."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from control.sample.changes import Change, Edit, LogStart, change_line, commit, control_line, load_lines
from control.sample.disorder import (
    CHAOS,
    NEVER,
    TIDY,
    UNTIDY,
    Disorder,
    arrange,
    broken_changes,
    broken_extract_lines,
    repeat,
    scatter,
)
from control.sample.extracts import HEADER, correction_lines, extract_texts
from control.sample.history import first_day, second_day
from control.sample.parents import held_back
from control.sample.shop import KEYS, Row, Shop, stream

LOADS_PER_FILE = 25_000

# Positions have no leading zeros, so each day is made to cross a change of width or half: 0/FFFFFF8 to
# 0/10000000, and 0/FFFFFFF8 to 1/0. Code that compares them as text gets the order wrong.
FIRST_DAY = LogStart(lsn=0x0FFF_F000, transaction=700_000, at=datetime(2025, 1, 2, 6, tzinfo=UTC))
SECOND_DAY = LogStart(lsn=0xFFFF_F000, transaction=800_000, at=datetime(2025, 1, 3, 6, tzinfo=UTC))

# This share of the first day's changes arrives only with the second delivery.
LATE = 0.1
LATE_IN_CHAOS = 0.5

# Each kind of broken line occurs once among the reviews; the other tables have only this many kinds.
BROKEN_PARENTS = 3


@dataclass(frozen=True, slots=True)
class RawFile:
    """One object for the bucket: its key under the bucket, and its bytes."""

    key: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Plan:
    """The seeds that determine every byte of a delivery: of the shop, and of the chaos if there is any."""

    seed: int
    chaos: int | None = None

    @property
    def mess_seed(self) -> int:
        """The seed of what goes wrong in transit, separate from the seed of the true data."""
        return self.seed if self.chaos is None else self.chaos


def first_delivery(shop: Shop, plan: Plan) -> Iterator[RawFile]:
    """Yield loads of breweries, beers and profiles, the extract of all reviews, and a day of changes."""
    yield from _loads(shop)
    for number, text in enumerate(extract_texts(shop), 1):
        yield RawFile(f"raw/review/epoch=1/extract=1/part-{number:04d}.csv.gz", _pack(text))
    on_time, _ = _first_changes(shop, plan)
    disorder = TIDY if plan.chaos is None else CHAOS
    yield from _change_files("review", [change_line(change) for change in on_time], FIRST_DAY, plan, disorder)


def second_delivery(shop: Shop, plan: Plan) -> Iterator[RawFile]:
    """Yield a correcting extract and changes of all tables: repeats, disorder, late records, broken lines."""
    day = second_day(shop, plan.seed)
    yield RawFile("raw/review/epoch=1/extract=2/part-0001.csv.gz", _pack(_corrections(day.corrections, plan)))
    if plan.chaos is not None:  # some of the first extract arrives once more
        yield RawFile("raw/review/epoch=1/extract=1/part-0001-again.csv.gz", _pack(next(extract_texts(shop))))
    _, late = _first_changes(shop, plan)
    changes = late + commit(day.transactions, SECOND_DAY, stream(plan.seed, "second log"))
    disorder = UNTIDY if plan.chaos is None else CHAOS
    for table in KEYS:
        mine = [change for change in changes if change.edit.table == table]
        lines = [change_line(change) for change in mine]
        broken = _broken(table, mine[0])
        yield from _change_files(table, lines, SECOND_DAY, plan, disorder, broken)


def _loads(shop: Shop) -> Iterator[RawFile]:
    missing = held_back(shop)
    for table, rows in {"brewery": shop.breweries, "beer": shop.beers, "profile": shop.profiles}.items():
        kept = [row for row in rows if row not in missing[table]]
        for number, start in enumerate(range(0, len(kept), LOADS_PER_FILE), 1):
            lines = load_lines(table, kept[start : start + LOADS_PER_FILE], FIRST_DAY.at)
            announced = [control_line(table, list(rows[0]), FIRST_DAY.at)] if number == 1 else []
            yield RawFile(
                f"raw/{table}/epoch=1/extract=1/load-{number:04d}.json.gz",
                _pack(_text([*announced, *lines])),
            )


def _first_changes(shop: Shop, plan: Plan) -> tuple[list[Change], list[Change]]:
    """Return the first day's changes: those that arrive on time, and the late ones."""
    transactions = first_day(shop, plan.seed).transactions
    changes = commit(transactions, FIRST_DAY, stream(plan.seed, "first log"))
    rng = stream(plan.mess_seed, "late")
    share = LATE if plan.chaos is None else LATE_IN_CHAOS
    late = set(rng.sample(range(len(changes)), int(len(changes) * share)))
    return (
        [change for number, change in enumerate(changes) if number not in late],
        [change for number, change in enumerate(changes) if number in late],
    )


def _corrections(rows: list[Row], plan: Plan) -> bytes:
    rng = stream(plan.mess_seed, "corrections")
    files = [list(correction_lines(rows))]
    scatter([*broken_extract_lines(files[0][0]), b""], files, rng)  # an empty line is not a record
    return HEADER.encode() + _text(files[0])


def _broken(table: str, example: Change) -> list[bytes]:
    edit = Edit(table, "insert", {**example.edit.row, KEYS[table]: NEVER})
    lines = broken_changes(Change(edit, example.lsn, example.transaction, 99, example.committed_at))
    return lines if table == "review" else lines[:BROKEN_PARENTS]


def _change_files(
    table: str,
    lines: list[bytes],
    start: LogStart,
    plan: Plan,
    disorder: Disorder,
    broken: list[bytes] | None = None,
) -> Iterator[RawFile]:
    rng = stream(plan.mess_seed, f"{table} on {start.at:%F}")
    files = arrange(lines, disorder, rng)
    scatter(broken or [], files, rng)
    bodies = [_pack(_text(file), disorder.members) for file in files]
    if disorder.repeated:
        bodies += repeat(bodies, disorder, rng)
    for number, body in enumerate(bodies, 1):
        arrived = start.at + timedelta(minutes=number)
        yield RawFile(f"raw/{table}/epoch=1/{arrived:%Y/%m/%d}/changes-{number:04d}.json.gz", body)


def _text(lines: list[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def _pack(text: bytes, members: int = 1) -> bytes:
    """Compress `text` into consecutive gzip members, as a stream that is flushed several times does.

    There is no time stamp, so the same text gives the same bytes.
    """
    size = max(1, -(-len(text) // members))
    return b"".join(gzip.compress(text[n : n + size], 6, mtime=0) for n in range(0, len(text), size))
