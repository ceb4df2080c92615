"""The writer lease of silver, gold and ops: one row, taken by SQL as a dbt build does (`macros/lease/`)."""
# ruff: noqa: S608  (the SQL text holds only names from settings and quoted literals)

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from control.errors import BusyError, ConflictError, UpstreamError, UsageError
from control.ports import Clock, Execution, Query
from control.sql import literal

# A third of the shortest lease (macros/lease/lease_seconds.sql).
_DUE_SECONDS = 100
# The longest: more than a statement of Athena may take, which goes on when whoever sent it has died.
_PATIENCE_SECONDS = 2400
_OURS = "maintenance-"
_FREED = "freed-"
_NO_BUILD = "nothing was built yet, so there is nothing to maintain"
# The statement that took the lease may have waited so long for its turn.
_QUEUED = timedelta(minutes=5)
# A build that has looked whether it has the lease sends its MERGE at once; by then Athena lists it.
_GRACE_SECONDS = 5
_LOOK_SECONDS = 2
# What Athena says when two commits met, and how often a lost one is tried in all.
_LOST = "ICEBERG_COMMIT_ERROR"
_TRIES = 5
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
            _changed(query, f"update {lease} set renewed_at = {_NOW} {ours}")

    _take(query, lease, holder, who)
    try:
        yield renew
    finally:
        _changed(query, f"update {lease} set holder = '', fenced = '' {ours}")


def freed(
    query: Query,
    prefix: str,
    build: str,
    issued: Callable[[str, datetime], Iterable[Execution]],
    clock: Clock,
) -> Iterator[int]:
    """Take the lease from a dead build, and free it when no statement of that build is at work any more.

    Fenced first: from then on the build, should it be alive, publishes nothing. What it had begun by then may
    still end, so that is waited for; each look gives how many statements there are. `issued` gives those of a
    build since a moment. Safe to repeat when interrupted. Raises UsageError when the build has no lease, or
    when it has sent no statement that can be seen here.
    """
    lease = f'"{prefix}ops"."lease"'
    fenced = literal(f"{_FREED}{build}")
    began = _begun(query, lease, build)
    if not list(issued(build, began)):
        raise UsageError(
            f"this workgroup knows no statement of build {build}, so nobody can tell whether one is at work",
            hint="name the workgroup that it ran in by --workgroup",
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
    """When the build that has the lease began, at the latest. Raises UsageError when it has none."""
    rows = _asked(query, f"select holder, who, taken_at from {lease}")
    holder, who, taken = rows[0] if rows else ("", "", "0")
    if build.startswith(_OURS) or holder not in (build, f"{_FREED}{build}"):
        has = f"{holder} of {who} has" if holder else "nobody has"
        raise UsageError(
            f"build {build} does not have the lease: {has} it",
            hint="dead maintenance has left nothing behind, and loses its lease by time"
            if holder.startswith(_OURS)
            else "name the build that dbt told of",
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
            hint="wait for its end; if it is dead, the next dbt build takes over and cleans up",
        )


def _changed(query: Query, sql: str) -> Sequence[Sequence[str]]:
    """The rows of a statement, sent again where another writer of the lease was faster.

    Each changes the lease of one holder only, so that sending it twice does what sending it once does.
    """
    for _ in range(_TRIES - 1):
        try:
            return query(sql)
        except UpstreamError as error:
            if _LOST not in error.message:
                raise
    return query(sql)


def _asked(query: Query, sql: str) -> Sequence[Sequence[str]]:
    """The rows of a statement on the lease. Raises UsageError before the first build."""
    try:
        return _changed(query, sql)
    except UpstreamError as error:
        if "TABLE_NOT_FOUND" in error.message or "SCHEMA_NOT_FOUND" in error.message:
            raise UsageError(_NO_BUILD) from error
        raise
