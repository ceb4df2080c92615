"""Records that bronze accepts but a silver contract refuses, and waivers to leave them out (`ops.waivers`).

A record that breaks an error rule of silver stops its table until a better record for the key arrives. If
none is coming, someone can waive the record until a date: `new_batches()` skips records with a waiver in
force.
"""
# ruff: noqa: S608  (the SQL text holds only names from contracts, numbers and quoted literals)

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date, datetime

import msgspec

from control import audit, tally
from control.errors import UsageError
from control.model import Batch, RawFile, StateTable
from control.ports import CatalogColumn, CatalogTable, Listing, Parts, Warehouse
from control.sql import literal, moment

COLUMNS = (
    CatalogColumn("table", "string", "The bronze table of the record."),
    CatalogColumn("file", "string", "The raw file that it came in."),
    CatalogColumn("line", "bigint", "Its line there, from 1."),
    CatalogColumn("record", "bigint", "Its place among the records of the line, from 0."),
    CatalogColumn("reason", "string", "Why it is left out."),
    CatalogColumn("owner", "string", "Who answers for it."),
    CatalogColumn(
        "expiry", "string", "The last day (UTC) on which it is left out. The newest waiver counts."
    ),
    CatalogColumn("at", "timestamp", "When it was waived (UTC)."),
)
# The rows of one page of Athena results, without the header.
MOST = 999
Decode = Callable[[bytes], Sequence[Mapping[str, object]]]


@dataclass(frozen=True, slots=True)
class Place:
    """The position of a record in a raw file: its line, from 1, and its position in the line, from 0."""

    file_id: str
    line: int
    record: int = 0

    def __str__(self) -> str:
        return f"{self.file_id}:{self.line}" + (f":{self.record}" if self.record else "")


@dataclass(frozen=True, slots=True)
class Held:
    """A record that keeps `state_table` from being built; `key` is the key of its row."""

    table: str
    state_table: str
    key: str
    batch: int
    place: Place


@dataclass(frozen=True, slots=True)
class Waiver:
    """A record that is left out of silver: why, by whom, and until when."""

    table: str
    file: str
    line: int
    record: int
    reason: str
    owner: str
    expiry: date
    at: datetime


def place(text: str) -> Place:
    """Parse FILE:LINE or FILE:LINE:RECORD. Raises UsageError."""
    file_id, *numbers = text.split(":")
    if not 1 <= len(numbers) <= 2 or not all(n.isascii() and n.isdecimal() for n in numbers):
        raise UsageError(
            f"{text} names no record", hint="FILE:LINE, or FILE:LINE:RECORD for a later one in the line"
        )
    return Place(file_id, *map(int, numbers))


def held(states: Sequence[StateTable], warehouse: Warehouse) -> Iterator[Held]:
    """Yield the records behind the rows in the failure tables of the last builds, by file and line.

    At most 999 records per table. A record that arrived twice is yielded twice.
    """
    prefix, bronze, query = warehouse.settings.schema_prefix, warehouse.bronze, warehouse.query
    kept = {name for (name,) in query(_tables_of_failures(prefix))}
    for state in states:
        failures = f"{prefix}silver_{state.name}_failures"
        if failures in kept:
            [[passed]] = query(_passed(state, failures, prefix, bronze))
            asked = _records_behind(state, failures, prefix, bronze, int(passed or 0))
            for *key, file_id, line, record, batch in query(asked):
                where = Place(file_id, int(line), int(record))
                yield Held(state.table, state.name, "/".join(key), int(batch), where)


def without_waived(found: Sequence[Held], waivers: Sequence[Waiver]) -> list[Held]:
    """Return those of `found` without a waiver in force; the next build leaves out the others."""
    left_out = {Place(one.file, one.line, one.record) for one in waivers}
    return [one for one in found if one.place not in left_out]


def stopped(listing: Listing, prefix: str) -> list[str]:
    """Return the silver and gold tables that the last build did not publish because rows broke a contract."""
    found = (
        re.fullmatch(rf"({re.escape(prefix)}(?:silver|gold))_(.+)_failures", entry.name)
        for entry in listing.tables(f"{prefix}ops")
    )
    return sorted(f"{match[1]}.{match[2]}" for match in found if match)


def waive(
    file: RawFile,
    where: Place,
    reason: str,
    until: date,
    *,
    parts: Parts,
    warehouse: Warehouse,
) -> Waiver:
    """Leave a record of `file` out of silver up to and including a day; the newest waiver of a record counts.

    Raises UsageError if bronze has no such record or the reason is empty.
    """
    # Literal numbers, so that partitions are pruned and no other batch is read.
    numbers = _published(file, parts)
    asked = (
        f'select count(*) from "{warehouse.bronze}"."{file.table}"'
        f" where batch in ({', '.join(map(str, numbers))})"
        f" and _file_id = {literal(file.file_id)} and _line = {where.line} and _record = {where.record}"
    )
    if not numbers or warehouse.query(asked)[0][0] == "0":
        raise UsageError(
            f"bronze has no record at line {where.line} of raw file {file.file_id}",
            hint="`dm quarantine held` lists those that silver refuses",
        )
    entry = audit.record("waive", file.table, (file.file_id,), reason, parts)
    waiver = Waiver(
        file.table, file.file_id, where.line, where.record, entry.reason, entry.by, until, entry.at
    )
    catalogued = _table(parts)
    parts.catalog.ensure_table(catalogued)
    row = [value.isoformat() if type(value) is date else value for value in astuple(waiver)]
    name = f"{entry.at:%Y%m%dT%H%M%S.%f}-{where.line}-{where.record}-{file.file_id[:12]}.parquet"
    parts.objects.create(f"{catalogued.location}{name}", warehouse.encode(COLUMNS, [row]))
    return waiver


def in_force(parts: Parts, decode: Decode) -> list[Waiver]:
    """Return the waivers in force today, the newest of each record, by table, file and position."""
    newest: dict[tuple[str, str, int, int], Waiver] = {}
    for found in parts.objects.list(_table(parts).location):
        for row in decode(parts.objects.get(found.uri)):
            waiver = msgspec.convert(row, Waiver)
            key = (waiver.table, waiver.file, waiver.line, waiver.record)
            if key not in newest or newest[key].at < waiver.at:
                newest[key] = waiver
    today = parts.clock.now().date()
    return [newest[key] for key in sorted(newest) if newest[key].expiry >= today]


def _table(parts: Parts) -> CatalogTable:
    """Return the waivers table. It is in dbt's ops database, so that everyone who may build may waive."""
    ops = f"{parts.settings.schema_prefix}ops"
    return CatalogTable(ops, "waivers", f"s3://{parts.settings.bucket}/warehouse/{ops}/waivers/", COLUMNS, ())


def _tables_of_failures(prefix: str) -> str:
    return (
        "select table_name from information_schema.tables"
        f" where table_schema = {literal(f'{prefix}ops')} and table_name like '%_failures'"
    )


def _published(file: RawFile, parts: Parts) -> list[int]:
    """The batch numbers under which `file` was published, now and before."""
    last = parts.store.get(Batch, file.table, file.batch_id) if file.batch_id else None
    batches = [last, *tally.ancestors([last], {}, parts).values()] if last else []
    return sorted(batch.number for batch in batches if batch and batch.number is not None)


def _passed(state: StateTable, failures: str, prefix: str, bronze: str) -> str:
    """A query for the last batch before the rows in `failures`; older copies of their records do not matter.

    It is the last batch that the state table has consumed; in a rebuild, the one before the first failed row.
    """
    return (
        f"select least(min(_batch) - 1, (select coalesce(max_by(batch, build), 0) from {prefix}ops.consumed"
        f" where model = {literal(state.name)} and input = {literal(f'{bronze}.{state.table}')}"
        f' and batch is not null)) from "{prefix}ops"."{failures}"'
    )


def _records_behind(state: StateTable, failures: str, prefix: str, bronze: str, passed: int) -> str:
    sent = {column: f'sent."{column}"' for column in (*state.key, "_seq", "_rev")}
    for column in state.moments:
        exact = moment(f'sent."{column}_us"')
        sent[column] = f"coalesce({exact}, {sent[column]})"
    same = " and ".join(f'{value} = failed."{column}"' for column, value in sent.items())
    shown = "".join(f'cast(failed."{column}" as varchar), ' for column in state.key)
    return (
        f"select distinct {shown}sent._file_id, sent._line, sent._record, sent.batch"
        f' from "{prefix}ops"."{failures}" as failed join "{bronze}"."{state.table}" as sent on {same}'
        f" where sent.batch > {passed} order by sent._file_id, sent._line, sent._record limit {MOST}"
    )
