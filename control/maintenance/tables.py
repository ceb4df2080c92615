"""Measure and maintain the Iceberg tables that dbt writes.

Each merge adds data files, a snapshot and, on Athena, delete files that every query has to apply. OPTIMIZE
rewrites small files and files with deletes; VACUUM expires snapshots and deletes the files that only they
need (https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-data-optimization.html). Neither changes
rows, and readers see a consistent snapshot throughout.
"""
# ruff: noqa: S608  (the SQL text holds only names from the catalog, numbers and quoted literals)

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from control.errors import NotFoundError, UpstreamError
from control.ports import Listing, Query, TableEntry
from control.sql import literal

DAY_SECONDS = 86_400
# Athena's error if there is more to do than one statement handles.
_MORE = "MORE_RUNS_NEEDED"
_RUNS = 10
# Athena's target size of a data file (write_target_data_file_size_bytes).
_FULL_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Measure:
    """What a table consists of: data files, delete files, bytes of both, and snapshots."""

    files: int
    delete_files: int
    size_bytes: int
    versions: int


@dataclass(frozen=True, slots=True)
class Upkeep:
    """One table, and the minimum age of expired snapshots: higher if a model still needs an older one.

    `after` is its measure after maintenance, None if that is not finished.
    """

    table: str
    before: Measure
    keep_seconds: int
    after: Measure | None = None


def iceberg_tables(listing: Listing, prefix: str) -> list[TableEntry]:
    """Return the Iceberg tables of silver and gold, and the lease."""
    return [
        entry
        for layer in ("silver", "gold", "ops")
        for entry in listing.tables(f"{prefix}{layer}")
        if entry.parameters.get("table_type", "").upper() == "ICEBERG" and _is_kept(entry)
    ]


def select(entries: Sequence[TableEntry], names: Sequence[str]) -> Sequence[TableEntry]:
    """Return the named `entries` (`schema.table`), or all if there are no names. Raises NotFoundError."""
    known = {_name(entry): entry for entry in entries}
    if lacking := [name for name in names if name not in known]:
        raise NotFoundError(
            f"there is no Iceberg table {lacking[0]}",
            hint=f"tables to maintain: {', '.join(known) or 'none yet'}",
        )
    return [known[name] for name in names] or entries


def measure(
    entries: Sequence[TableEntry], models: Sequence[str], query: Query, prefix: str, keep_seconds: int
) -> Iterator[Upkeep]:
    """Measure each table, and determine how long its snapshots are kept: as long as `models` need them."""
    for entry in entries:
        behind = _oldest_consumed(entry, models, query, prefix)
        # One day more, so that a build that starts now still finds the snapshot.
        keep = keep_seconds if behind is None else max(keep_seconds, behind + DAY_SECONDS)
        yield Upkeep(_name(entry), _measure(_name(entry), query), keep)


def maintain(
    planned: Sequence[Upkeep], query: Query, renew: Callable[[], None], in_time: Callable[[], bool]
) -> Iterator[Upkeep]:
    """Maintain tables, those with the most surplus files first, and yield each; unfinished ones lack `after`.

    Before each statement, `renew` is called; no statement starts when `in_time` returns false. Each statement
    commits by itself, so the next run continues from there. If a table fails, its error is raised after the
    others are done; after a lost lease, no other table is done.
    """
    failed = None
    for one in sorted(planned, key=lambda upkeep: _need(upkeep.before), reverse=True):
        try:
            whole = all(_done(statement, query, renew, in_time) for statement in _statements(one))
        except UpstreamError as error:
            whole, failed = False, failed or error
        yield replace(one, after=_measure(one.table, query)) if whole else one
    if failed:
        raise failed


def _need(measure: Measure) -> int:
    """Return the number of surplus files: delete files, and data files beyond what the bytes would fill."""
    return measure.delete_files + measure.files - measure.size_bytes // _FULL_BYTES


def _statements(one: Upkeep) -> tuple[str, ...]:
    return (
        f"OPTIMIZE {one.table} REWRITE DATA USING BIN_PACK",
        f"ALTER TABLE {one.table} SET TBLPROPERTIES"
        f" ('vacuum_max_snapshot_age_seconds' = '{one.keep_seconds}')",
        f"VACUUM {one.table}",
    )


def _done(statement: str, query: Query, renew: Callable[[], None], in_time: Callable[[], bool]) -> bool:
    """Repeat a statement until Athena has nothing more to do; False if time or the number of runs ran out."""
    for _ in range(_RUNS):
        if not in_time():
            return False
        renew()
        try:
            query(statement)
        except UpstreamError as error:
            if _MORE not in error.message:
                raise
        else:
            return True
    return False


def _is_kept(entry: TableEntry) -> bool:
    """Whether to maintain it: in ops, only the lease, since staged tables are dropped by their build."""
    return not entry.is_view and (not entry.database.endswith("ops") or entry.name == "lease")


def _name(entry: TableEntry) -> str:
    return f"{entry.database}.{entry.name}"


def _measure(table: str, query: Query) -> Measure:
    schema, _, name = table.partition(".")
    [(files, deletes, size, versions)] = query(
        "select count_if(content = 0), count_if(content <> 0), coalesce(sum(file_size_in_bytes), 0),"
        f' (select count(*) from "{schema}"."{name}$snapshots")'
        f' from "{schema}"."{name}$files"'
    )
    return Measure(int(files), int(deletes), int(size), int(versions))


def _oldest_consumed(entry: TableEntry, models: Sequence[str], query: Query, prefix: str) -> int | None:
    """Return the age in seconds of the oldest snapshot that a model consumed last; None if none needs one.

    A model compares its next input with that snapshot; without it, all groups are recomputed. A recreated
    table has no such snapshot, and a removed model needs none.
    """
    there = ", ".join(map(literal, models))
    [(seconds,)] = query(
        "with latest as (select max_by(snapshot_id, build) as snapshot_id"
        f' from "{prefix}ops"."consumed" where input = {literal(_name(entry))}'
        f" and model in ({there}) group by model, table_uuid)"
        " select cast(max(to_unixtime(current_timestamp) - to_unixtime(committed_at)) as bigint)"
        f' from latest inner join "{entry.database}"."{entry.name}$snapshots" as versions'
        " on versions.snapshot_id = latest.snapshot_id"
    )
    return int(seconds) if seconds else None
