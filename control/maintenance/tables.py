"""What the Iceberg tables of dbt are made of, and putting it in order.

Each merge adds files and a version, and on Athena files of deletes that every query has to apply. OPTIMIZE
writes small files and such with deletes anew; VACUUM forgets versions and deletes the files that only they
need (https://docs.aws.amazon.com/athena/latest/ug/querying-iceberg-data-optimization.html). Both leave the
rows as they are, and readers see one version or the other.
"""
# ruff: noqa: S608  (the SQL text holds only names from the catalog, numbers and quoted literals)

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from control.errors import NotFoundError, UpstreamError
from control.ports import Listing, Query, TableEntry
from control.sql import literal

DAY_SECONDS = 86_400
# Athena stops after 30 minutes with such an error when there is more to do than it has time for.
_MORE = "MORE_RUNS_NEEDED"
_RUNS = 10


@dataclass(frozen=True, slots=True)
class Measure:
    """What a table consists of: data files, files of deletes, bytes of both, and versions."""

    files: int
    delete_files: int
    size_bytes: int
    versions: int


@dataclass(frozen=True, slots=True)
class Upkeep:
    """One table, and how long its versions are kept at least: longer where a model still has to look back."""

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
        yield Upkeep(_name(entry), _measure(entry, query), keep)


def put_in_order(entry: TableEntry, planned: Upkeep, query: Query, renew: Callable[[], None]) -> Measure:
    """Write small files anew and forget old versions; what the table consists of then."""
    name, age = _name(entry), planned.keep_seconds
    for statement in (
        f"OPTIMIZE {name} REWRITE DATA USING BIN_PACK",
        f"ALTER TABLE {name} SET TBLPROPERTIES ('vacuum_max_snapshot_age_seconds' = '{age}')",
        f"VACUUM {name}",
    ):
        renew()
        _repeated(statement, query, renew)
    return _measure(entry, query)


def _repeated(statement: str, query: Query, renew: Callable[[], None]) -> None:
    for left in reversed(range(_RUNS)):
        try:
            query(statement)
            return
        except UpstreamError as error:
            if _MORE not in error.message or not left:
                raise
        renew()


def _is_kept(entry: TableEntry) -> bool:
    """Of ops the lease alone: what a build stages lives as long as it."""
    return not entry.is_view and (not entry.database.endswith("ops") or entry.name == "lease")


def _name(entry: TableEntry) -> str:
    return f"{entry.database}.{entry.name}"


def _measure(entry: TableEntry, query: Query) -> Measure:
    [(files, deletes, size, versions)] = query(
        "select count_if(content = 0), count_if(content <> 0), coalesce(sum(file_size_in_bytes), 0),"
        f' (select count(*) from "{entry.database}"."{entry.name}$snapshots")'
        f' from "{entry.database}"."{entry.name}$files"'
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
