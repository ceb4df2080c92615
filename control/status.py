"""The state of every table: last batch, files by state, record counts, and lag."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from control import tally
from control.model import Batch, Counts, Head, Item, RawFile, Stray, Tally, WorkPlace
from control.outcomes import counts_of, file_state
from control.ports import Parts, every

# Control records that need no warning. Every other kind changes or empties a table.
HARMLESS_EVENTS = frozenset({"create-table", "reload-begin"})
_CHANGED = "the source table was emptied or changed"
_MEANINGS = {"reload-complete": "what the table had before and the reload lacks counts as deleted"}
# How long to warn of a control record; `TableStatus.events` always counts it.
NEWS = timedelta(days=7)
AT_HAND: tuple[WorkPlace, ...] = ("open", "failed")
# The places of the index that are read.
COUNTED: tuple[tuple[type[Item], WorkPlace], ...] = (
    (Batch, "open"),
    (Batch, "failed"),
    (RawFile, "open"),
    (RawFile, "overwritten"),
)
# A table takes five sequential requests.
TABLES_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Promise:
    """What a contract promises: the maximum age of the data, and the minimum share of rows in percent."""

    freshness_hours: float | None = None
    completeness_percent: float | None = None


@dataclass(frozen=True, slots=True)
class TableStatus:
    """The state of one table.

    `last_batch` is None before the first. `files` counts raw files by state, `events` control records by
    kind. `lag_seconds` is the age of the oldest raw file that is not published yet, 0 if there is none;
    failed files do not count, but cause a warning. `age_seconds` is the time since the last publication.
    `completeness_percent` is the share of records that became rows, not counting control records. `broken`
    names the promises of the contract that do not hold now. `waived_records` counts the records that silver
    leaves out today. `stray` are the objects in its folder that are not ingested.

    A silver or gold table is listed only while it is `stopped`, with no other values: rows break its
    contract, so the last build did not publish it, and readers keep the old rows.
    """

    table: str
    last_batch: int | None
    published_at: datetime | None
    files: dict[str, int]
    records: int
    rows: int
    quarantined: int
    control: int
    lag_seconds: int
    events: dict[str, int]
    warnings: tuple[str, ...]
    age_seconds: int | None = None
    completeness_percent: float | None = None
    broken: tuple[str, ...] = ()
    waived_records: int = 0
    stray: tuple[Stray, ...] = ()
    stopped: bool = False


NOTHING = TableStatus("", None, None, {}, 0, 0, 0, 0, 0, {}, ())


@dataclass(frozen=True, slots=True)
class _Standing:
    """What of a table is published, in progress and failed at one moment.

    `number` and `published_at` are those of the last batch. `events_at` is when the last control record of
    each kind was published. `waiting` has the landing time of each unpublished file. `failed_files` does not
    count waived files.
    """

    number: int
    published_at: datetime | None
    files: Counter[str]
    counts: Counts
    events: Counter[str]
    events_at: dict[str, datetime]
    waiting: tuple[datetime, ...]
    failed_files: int
    overwritten_files: int
    is_counted: bool


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the index listed for a table, and the table's head as read after that."""

    batches: frozenset[str]
    registered: frozenset[str]
    overwritten: int
    head: Head


def table_status(
    table: str, parts: Parts, promise: Promise = Promise(), seen: _Seen | None = None
) -> TableStatus:
    """Return the state of one table from the control store, and check `promise`.

    Reads only items that are in progress or failed; the head of the table has the totals of the published.
    """
    now, standing = parts.clock.now(), _standing(table, seen or _look(table, parts), parts)
    counts, published_at = standing.counts, standing.published_at
    lag = _age(standing.waiting, now)
    age = _age([published_at], now) if published_at else None
    read = counts.rows + counts.quarantined
    complete = round(100 * counts.rows / read, 4) if read else None
    return TableStatus(
        table=table,
        last_batch=standing.number or None,
        published_at=published_at,
        files=dict(+standing.files),
        records=counts.records,
        rows=counts.rows,
        quarantined=counts.quarantined,
        control=counts.control,
        lag_seconds=lag,
        events=dict(standing.events),
        warnings=(
            *_event_warnings(standing, now),
            *_failure_warnings(standing.failed_files),
            *_overwriting_warnings(standing.overwritten_files),
            *_counting_warnings(standing.is_counted),
        ),
        age_seconds=age,
        completeness_percent=complete,
        broken=tuple(_broken(promise, max(lag, age or 0), complete)),
    )


def every_status(tables: Iterable[str], parts: Parts, promised: Mapping[str, Promise]) -> list[TableStatus]:
    """Return `table_status` of each of `tables`, in their order; `promised` has their promises by name."""
    names = list(tables)
    seen = _look_at_all(names, parts)

    def status(name: str) -> TableStatus:
        return table_status(name, parts, promised.get(name, Promise()), seen.get(name))

    with ThreadPoolExecutor(TABLES_AT_ONCE) as pool:
        return list(pool.map(status, names))


def _look_at_all(tables: Sequence[str], parts: Parts) -> dict[str, _Seen]:
    """What `_look` returns, for all tables, in two requests; empty if it is cheaper to ask for each table."""
    held = parts.store.at_hand([(kind, name, at) for name in tables for kind, at in COUNTED])
    if held is None:
        return {}
    heads = {head.table: head for head in every(parts.store, Head)}
    return {
        name: _Seen(
            batches=frozenset(one for at in AT_HAND for one in held.get((Batch, name, at), ())),
            registered=frozenset(held.get((RawFile, name, "open"), ())),
            overwritten=len(held.get((RawFile, name, "overwritten"), ())),
            head=heads.get(name) or Head(name),
        )
        for name in tables
    }


def _look(table: str, parts: Parts) -> _Seen:
    return _Seen(
        batches=frozenset(b.batch_id for at in AT_HAND for b in every(parts.store, Batch, table, place=at)),
        registered=frozenset(file.file_id for file in every(parts.store, RawFile, table, place="open")),
        overwritten=sum(1 for _ in every(parts.store, RawFile, table, place="overwritten")),
        head=parts.store.get(Head, table, table) or Head(table),
    )


def _standing(table: str, seen: _Seen, parts: Parts) -> _Standing:
    """Count a table without reading finished items.

    The order matters: `seen` has the index first and then the head, and each item is read after both. So a
    batch that is published in between is either in the head's tally or has a higher number, never both.
    """
    wanted, registered, head = set(seen.batches), seen.registered, seen.head
    known, total = {}, head.counted
    if total is None:
        known = {batch.batch_id: batch for batch in every(parts.store, Batch, table)}
        total = tally.total(head, known)
        wanted |= {batch.batch_id for batch in known.values() if batch.state == "failed"}
    if head.intent is not None:
        wanted.add(head.intent.batch_id)
    batches = parts.store.get_many(Batch, table, sorted(wanted))
    loose = [b for b in batches.values() if b.state != "split" and not tally.is_in(b, head.number)]
    file_ids = registered.union(*(batch.file_ids for batch in loose))
    files = parts.store.get_many(RawFile, table, sorted(file_ids)).values()
    owners = {file.batch_id for file in files if file.batch_id and file.batch_id not in batches}
    batches |= parts.store.get_many(Batch, table, sorted(owners))
    lineage = tally.ancestors(batches.values(), {**known, **batches}, parts)
    return _add_up(head, total, batches, lineage, files, seen.overwritten)


def _add_up(
    head: Head,
    total: Tally,
    batches: Mapping[str, Batch],
    lineage: Mapping[str, Batch],
    files: Iterable[RawFile],
    overwritten: int,
) -> _Standing:
    """Add `batches` and `files` to the tally of `head`; `lineage` has the earlier batches of these files."""
    states, counts = Counter({"published": total.files}), total.counts
    waiting, failed_files = [], 0
    for file in files:
        batch = batches.get(file.batch_id or "")
        if batch is not None and tally.is_in(batch, head.number):
            continue
        state = file_state(batch)
        before = tally.counted_before(file.file_id, batch, lineage, head.number)
        states[state] += 1
        states["published"] -= before is not None
        counts += counts_of(file, lineage) - (before or Counts())
        if state not in ("published", "failed"):
            waiting.append(file.landed_at)
        failed_files += state == "failed" and file.waived != file.batch_id
    events, events_at = Counter(total.events), dict(total.events_at)
    last = (head.number, total.published_at)
    failed = [batch for batch in batches.values() if batch.state == "failed"]
    late = [b for b in batches.values() if b.state == "published" and not tally.is_in(b, head.number)]
    for batch in (*failed, *late):
        events.update(batch.events or {})
        at = batch.published_at or batch.created_at
        events_at |= {kind: max(at, events_at.get(kind, at)) for kind in batch.events or {}}
    for batch in late:
        last = max(last, (batch.number or 0, batch.published_at), key=lambda one: one[0])
    return _Standing(
        number=last[0],
        published_at=last[1],
        files=states,
        counts=counts,
        events=events,
        events_at=events_at,
        waiting=tuple(waiting),
        failed_files=failed_files,
        overwritten_files=overwritten,
        is_counted=head.counted is not None,
    )


def _broken(promise: Promise, age_seconds: int, complete: float | None) -> Iterable[str]:
    hours = promise.freshness_hours
    if hours is not None and age_seconds > hours * 3600:
        yield f"freshness: {age_seconds / 3600:,.1f} h without newer data, {hours:g} h are promised"
    least = promise.completeness_percent
    if least is not None and complete is not None and complete < least:
        yield f"completeness: {complete:g} % of the records are rows, {least:g} % are promised"


def _age(times: Iterable[datetime], now: datetime) -> int:
    return max((int((now - time).total_seconds()) for time in times), default=0)


def _event_warnings(standing: _Standing, now: datetime) -> Iterable[str]:
    for kind, count in sorted(standing.events.items()):
        at = standing.events_at.get(kind)
        if kind not in HARMLESS_EVENTS and at and now - at < NEWS:
            last = f"the last on {at:%Y-%m-%d}"
            yield f"{count} control record(s) {kind}, {last}: {_MEANINGS.get(kind, _CHANGED)}"


def _failure_warnings(failed_files: int) -> Iterable[str]:
    if failed_files:
        yield f"{failed_files} raw file(s) failed: see `dm files list --state failed`"


def _overwriting_warnings(files: int) -> Iterable[str]:
    if files:
        yield f"{files} raw file(s) were overwritten after ingestion: see `dm files list --overwritten`"


def _counting_warnings(is_counted: bool) -> Iterable[str]:
    if not is_counted:
        yield "no totals, since another version of dm published to it: `dm status --recount` restores them"
