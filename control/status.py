"""The state of every table: last batch, files by state, what became of the records, how far behind."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from control.model import Batch, Counts, RawFile, counts_of, file_state
from control.ports import Parts, every

# A table that is announced is no news; every other control record changes or empties one.
HARMLESS_EVENTS = frozenset({"create-table"})


@dataclass(frozen=True, slots=True)
class Promise:
    """What a contract promises: the greatest age of the data, and the least share of rows in percent."""

    freshness_hours: float | None = None
    completeness_percent: float | None = None


@dataclass(frozen=True, slots=True)
class TableStatus:
    """`last_batch` is None before the first. `files` counts by state, `events` control records by kind.

    `lag_seconds` is the age of the oldest raw file that is not published yet, 0 when there is none; files
    that failed are not waited for, but warned of. `age_seconds` is the time since the last publication,
    `completeness_percent` the share of the records, control records apart, that became rows. `broken` names
    the promises of the contract that do not hold now.
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


def table_status(table: str, parts: Parts, promise: Promise = Promise()) -> TableStatus:
    """The state of one table, as the control store has it, and whether `promise` holds."""
    batches = {batch.batch_id: batch for batch in every(parts.store, Batch, table)}
    states: Counter[str] = Counter()
    waiting: list[datetime] = []
    totals = Counts()
    for file in every(parts.store, RawFile, table):
        state = file_state(batches.get(file.batch_id or ""))
        states[state] += 1
        # By file, not by batch: the records of a file that was replayed are in two batches.
        totals += counts_of(file, batches)
        if state not in ("published", "failed"):
            waiting.append(file.landed_at)
    ended = [batch for batch in batches.values() if batch.state in ("published", "failed")]
    last = max((b for b in ended if b.number is not None), key=lambda b: b.number or 0, default=None)
    events: Counter[str] = Counter()
    for batch in ended:
        events.update(batch.events or {})
    lag = _age(waiting, parts.clock.now())
    age = _age([last.published_at], parts.clock.now()) if last and last.published_at else None
    read = totals.rows + totals.quarantined
    complete = round(100 * totals.rows / read, 4) if read else None
    return TableStatus(
        table=table,
        last_batch=last.number if last else None,
        published_at=last.published_at if last else None,
        files=dict(states),
        records=totals.records,
        rows=totals.rows,
        quarantined=totals.quarantined,
        control=totals.control,
        lag_seconds=lag,
        events=dict(events),
        warnings=(*_event_warnings(events), *_failure_warnings(batches.values())),
        age_seconds=age,
        completeness_percent=complete,
        broken=tuple(_broken(promise, max(lag, age or 0), complete)),
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


def _event_warnings(events: Counter[str]) -> Iterable[str]:
    for kind, count in sorted(events.items()):
        if kind not in HARMLESS_EVENTS:
            yield f"{count} control record(s) {kind}: the source table was emptied or changed"


def _failure_warnings(batches: Iterable[Batch]) -> Iterable[str]:
    failed = sum(len(batch.file_ids) for batch in batches if batch.state == "failed")
    if failed:
        yield f"{failed} raw file(s) failed: see `dm files list --state failed`"
