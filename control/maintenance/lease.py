"""The writer lease of silver, gold and ops: one row, taken by SQL as a dbt build does (`macros/lease/`)."""
# ruff: noqa: S608  (the SQL text holds only names from settings and quoted literals)

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from control.errors import BusyError, ConflictError, UpstreamError, UsageError
from control.ports import Query
from control.sql import literal

# A third of the shortest lease (macros/lease/lease_seconds.sql).
_DUE_SECONDS = 100
# The longest: more than a statement of Athena may take, which goes on when whoever sent it has died.
_PATIENCE_SECONDS = 2400
_OURS = "maintenance-"
_NOW = "cast(to_unixtime(current_timestamp) as bigint)"


@contextmanager
def held(query: Query, prefix: str, *, run: str, who: str) -> Iterator[Callable[[], None]]:
    """Hold the lease for a run, and give it back; yields what renews it, to be called between statements.

    A dead build's lease is not taken over: the next dbt build does that, as it knows what to clean up. Dead
    maintenance has left nothing behind, so its lease is taken over once no statement of it can be at work.
    Raises UsageError before the first build, BusyError when another holds the lease, and ConflictError from
    what renews it when another one has taken it over.
    """
    lease, holder = f'"{prefix}ops"."lease"', f"{_OURS}{run}"
    ours = f"where holder = {literal(holder)}"

    def renew() -> None:
        found = query(f"select {_NOW} - renewed_at from {lease} {ours}")
        if not found:
            raise ConflictError(
                "maintenance was given up for dead, and a build has taken over its lease; it stopped here",
                hint="run it again when that build is done: what it did so far is whole",
            )
        if int(found[0][0]) > _DUE_SECONDS:
            query(f"update {lease} set renewed_at = {_NOW} {ours}")

    _take(query, lease, holder, who)
    try:
        yield renew
    finally:
        query(f"update {lease} set holder = '', fenced = '' {ours}")


def _take(query: Query, lease: str, holder: str, who: str) -> None:
    try:
        query(
            f"update {lease} set holder = {literal(holder)}, who = {literal(who)}, fenced = '',"
            f" taken_at = {_NOW}, renewed_at = {_NOW} where holder = ''"
            f" or (holder like '{_OURS}%' and renewed_at <= {_NOW} - {_PATIENCE_SECONDS})"
        )
        [(found, by, silent)] = query(f"select holder, who, {_NOW} - renewed_at from {lease}")
    except UpstreamError as error:
        if "TABLE_NOT_FOUND" in error.message or "SCHEMA_NOT_FOUND" in error.message:
            raise UsageError("nothing was built yet, so there is nothing to maintain") from error
        raise
    if found != holder:
        raise BusyError(
            f"build {found} of {by} is at work on these tables, last heard {silent} seconds ago; nothing was"
            " changed",
            hint="wait for its end; if it is dead, the next dbt build takes over and cleans up",
        )
