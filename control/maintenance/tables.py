"""What the Iceberg tables of dbt are made of, and putting it in order.

Each merge adds files and a version, and on Athena files of deletes that every query has to apply. OPTIMIZE
writes small files and such with deletes anew; VACUUM forgets versions and deletes the files that only they
need (https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-data-optimization.html). Both leave the
rows as they are, and readers see one version or the other.
"""
# ruff: noqa: S608  (the SQL text holds only names from the catalog, numbers and quoted literals)

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from control.errors import NotFoundError, UpstreamError
from control.ports import Listing, Query, TableEntry
from control.sql import literal

DAY_SECONDS = 86_400
# Athena ends with such an error when there is more to do than one statement takes on.
_MORE = "MORE_RUNS_NEEDED"
_RUNS = 10
# What Athena fills a file with, if it can (write_target_data_file_size_bytes).
_FULL_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Measure:
    """What a table consists of: data files, files of deletes, bytes of both, and versions."""

    files: int
    delete_files: int
    size_bytes: int
    versions: int


@dataclass(frozen=True, slots=True)
class Upkeep:
    """One table, and how long its versions are kept at least: longer where a model still has to look back.

    `after` is what it consists of once it is in order; None says that it is not yet.
    """

    table: str
    before: Measure
    keep_seconds: int
    after: Measure | None = None


def kept(listing: Listing, prefix: str) -> list[TableEntry]:
    """The Iceberg tables of silver and gold, and the lease."""
    return [
        entry
        for layer in ("silver", "gold", "ops")
        for entry in listing.tables(f"{prefix}{layer}")
        if entry.parameters.get("table_type", "").upper() == "ICEBERG" and _is_kept(entry)
    ]


def chosen(entries: Sequence[TableEntry], names: Sequence[str]) -> Sequence[TableEntry]:
    """Those of `entries` that are named, as `schema.table`; all without a name. Raises NotFoundError."""
    known = {_name(entry): entry for entry in entries}
    if lacking := [name for name in names if name not in known]:
        raise NotFoundError(
            f"there is no Iceberg table {lacking[0]}",
            hint=f"tables to maintain: {', '.join(known) or 'none yet'}",
        )
    return [known[name] for name in names] or entries


def measured(
    entries: Sequence[TableEntry], models: Sequence[str], query: Query, prefix: str, keep_seconds: int
) -> Iterator[Upkeep]:
    """What each table consists of, and how long its versions stay: as long as one of `models` needs them."""
    for entry in entries:
        behind = _oldest_consumed(entry, models, query, prefix)
        # A day more, so that a build that begins now still finds the version.
        keep = keep_seconds if behind is None else max(keep_seconds, behind + DAY_SECONDS)
        yield Upkeep(_name(entry), _measure(_name(entry), query), keep)


def in_order(
    planned: Sequence[Upkeep], query: Query, renew: Callable[[], None], in_time: Callable[[], bool]
) -> Iterator[Upkeep]:
    """Put tables in order, the neediest first, and give each; one that was not got done has no `after`.

    No statement starts without `renew`, and none once it is not `in_time` any more. What was done is done:
    each statement commits by itself, and what is left is gone on with by the next run. Raises what kept a
    table from being done once the others are; after a lease that is lost, that is none.
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
    """Files that a reader opens in vain: those of deletes, and more than the bytes fill."""
    return measure.delete_files + measure.files - measure.size_bytes // _FULL_BYTES


def _statements(one: Upkeep) -> tuple[str, ...]:
    return (
        f"OPTIMIZE {one.table} REWRITE DATA USING BIN_PACK",
        f"ALTER TABLE {one.table} SET TBLPROPERTIES"
        f" ('vacuum_max_snapshot_age_seconds' = '{one.keep_seconds}')",
        f"VACUUM {one.table}",
    )


def _done(statement: str, query: Query, renew: Callable[[], None], in_time: Callable[[], bool]) -> bool:
    """Run a statement until Athena has nothing more to do, as often as there is time for."""
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
    """Of ops the lease alone: what a build stages lives as long as it."""
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
    """Seconds since the oldest version of a table that a model took in last; None when no model looks back.

    What a model takes in next is compared with that version, and without it all groups are computed anew. A
    table that was made anew has no such version, and a model that is gone needs none.
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
