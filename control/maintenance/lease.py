"""The writer lease of silver, gold and ops: one row, taken with the SQL of dbt builds (`macros/lease/`)."""
# ruff: noqa: S608  (the SQL text holds only names from settings and quoted literals)

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from control.errors import BusyError, ConflictError, UpstreamError, UsageError
from control.ports import Clock, Execution, Query
from control.sql import literal

# A third of the shortest lease (macros/lease/lease_seconds.sql).
_DUE_SECONDS = 100
# The longest lease: more than an Athena statement can take, since statements outlive the client.
_PATIENCE_SECONDS = 2400
_OURS = "maintenance-"
_FREED = "freed-"
_NO_BUILD = "nothing was built yet, so there is nothing to maintain"
# The statement that took the lease may have been queued for this long.
_QUEUED = timedelta(minutes=5)
# A build that has just checked its lease sends its MERGE at once; after this time, Athena lists it.
_GRACE_SECONDS = 5
_LOOK_SECONDS = 2
# Athena's error for conflicting commits, and the number of attempts.
_LOST = "ICEBERG_COMMIT_ERROR"
_TRIES = 5
_NOW = "cast(to_unixtime(current_timestamp) as bigint)"


@contextmanager
def hold(query: Query, prefix: str, *, run: str, who: str) -> Iterator[Callable[[], None]]:
    """Hold the lease during a run; yields a function that renews it, to be called between statements.

    A dead build's lease is not taken over: the next dbt build does that, because it knows what to clean up.
    Dead maintenance leaves nothing behind, so its lease is taken over once none of its statements can still
    be running. Raises UsageError before the first build and BusyError if someone else holds the lease. The
    function raises ConflictError if the lease was taken over.
    """
    lease, holder = f'"{prefix}ops"."lease"', f"{_OURS}{run}"
    ours = f"where holder = {literal(holder)}"

    def renew() -> None:
        found = query(f"select {_NOW} - renewed_at from {lease} {ours}")
        if not found:
            raise ConflictError(
                "maintenance was presumed dead, and a build has taken over its lease; it stopped here",
                hint="run it again when that build is done: what it did so far is complete",
            )
        if int(found[0][0]) > _DUE_SECONDS:
            _changed(query, f"update {lease} set renewed_at = {_NOW} {ours}")

    _take(query, lease, holder, who)
    try:
        yield renew
    finally:
        _changed(query, f"update {lease} set holder = '', fenced = '' {ours}")


def free(
    query: Query,
    prefix: str,
    build: str,
    issued: Callable[[str, datetime], Iterable[Execution]],
    clock: Clock,
) -> Iterator[int]:
    """Take the lease from a dead build, and free it when none of its statements is running any more.

    The build is fenced off first: even if it is alive, it publishes nothing from then on. Statements that it
    had already started may still finish, so wait for them, yielding their number at each poll. `issued`
    returns the statements of a build since a given time. Safe to repeat after an interruption. Raises
    UsageError if the build does not have the lease, or has no statement in this workgroup.
    """
    lease = f'"{prefix}ops"."lease"'
    fenced = literal(f"{_FREED}{build}")
    began = _begun(query, lease, build)
    if not list(issued(build, began)):
        raise UsageError(
            f"this workgroup has no statement of build {build}, so nobody can tell whether one is running",
            hint="name the workgroup that it ran in with --workgroup",
        )
    _changed(
        query,
        f"update {lease} set holder = {fenced}, fenced = holder, renewed_at = {_NOW}"
        f" where holder = {literal(build)}",
    )
    clock.sleep(_GRACE_SECONDS)
    while count := sum(not one.is_over for one in issued(build, began)):
        yield count
        clock.sleep(_LOOK_SECONDS)
    _changed(query, f"update {lease} set holder = '', fenced = '' where holder = {fenced}")


def _begun(query: Query, lease: str, build: str) -> datetime:
    """Return a time before the build took the lease. Raises UsageError if it does not have it."""
    rows = _asked(query, f"select holder, who, taken_at from {lease}")
    holder, who, taken = rows[0] if rows else ("", "", "0")
    if build.startswith(_OURS) or holder not in (build, f"{_FREED}{build}"):
        has = f"{holder} of {who} has" if holder else "nobody has"
        raise UsageError(
            f"build {build} does not have the lease: {has} it",
            hint="dead maintenance has left nothing behind, and its lease expires"
            if holder.startswith(_OURS)
            else "name the build that dbt reported",
        )
    return datetime.fromtimestamp(int(taken), UTC) - _QUEUED


def _take(query: Query, lease: str, holder: str, who: str) -> None:
    _asked(
        query,
        f"update {lease} set holder = {literal(holder)}, who = {literal(who)}, fenced = '',"
        f" taken_at = {_NOW}, renewed_at = {_NOW} where holder = ''"
        f" or (holder like '{_OURS}%' and renewed_at <= {_NOW} - {_PATIENCE_SECONDS})",
    )
    rows = query(f"select holder, who, {_NOW} - renewed_at from {lease}")
    if not rows:
        raise UsageError(_NO_BUILD)
    [(found, by, silent)] = rows
    if found != holder:
        raise BusyError(
            f"build {found} of {by} is at work on these tables, last heard {silent} seconds ago; nothing was"
            " changed",
            hint="wait until it ends; if it is dead, the next dbt build takes over and cleans up",
        )


def _changed(query: Query, sql: str) -> Sequence[Sequence[str]]:
    """Run a statement and return its rows; run it again if another writer of the lease was faster.

    Each statement changes the lease of one holder only, so it is idempotent.
    """
    for _ in range(_TRIES - 1):
        try:
            return query(sql)
        except UpstreamError as error:
            if _LOST not in error.message:
                raise
    return query(sql)


def _asked(query: Query, sql: str) -> Sequence[Sequence[str]]:
    """Run a statement on the lease and return its rows. Raises UsageError before the first build."""
    try:
        return _changed(query, sql)
    except UpstreamError as error:
        if "TABLE_NOT_FOUND" in error.message or "SCHEMA_NOT_FOUND" in error.message:
            raise UsageError(_NO_BUILD) from error
        raise
