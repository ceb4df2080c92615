"""Sweep: delete the objects of abandoned attempts, which can never be published."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from control.errors import ConflictError
from control.ingest.files import at_hand
from control.model import Batch
from control.ports import Parts

# The attempt's documents last: while they exist, an interrupted sweep finds the attempt again.
FOLDERS = ("bronze/{}/", "bronze/{}_events/", "quarantine/{}/", "attempts/{}/")
ATTEMPT = re.compile(r"(?P<batch>[0-9a-f]{20})-e(?P<epoch>[0-9]+)")


@dataclass(frozen=True, slots=True)
class Abandoned:
    """An attempt that will never be published: its objects, in the order in which they are deleted."""

    table: str
    attempt: str
    objects: tuple[str, ...]
    size_bytes: int
    newest: datetime


@dataclass(frozen=True, slots=True)
class Leftovers:
    """The abandoned attempts at a batch, old enough to delete.

    `are_all` if the batch ended long ago and no abandoned attempt is too young.
    """

    batch: Batch
    attempts: tuple[Abandoned, ...]
    are_all: bool


@dataclass(slots=True)
class _Found:
    objects: list[str]
    size_bytes: int
    newest: datetime


def leftovers(table: str, older_than: timedelta, parts: Parts) -> Iterator[Leftovers]:
    """Yield the attempts at batches of `table` that no batch refers to and whose objects are all old enough.

    Looks only at batches that may have left something since they were last swept. Objects that a worker
    presumed dead wrote after that are found by `all_leftovers`.
    """
    for batch in at_hand(table, parts, "open", "failed", "untidy"):
        if batch.unreferred > batch.swept:
            yield _of(batch, _attempts(table, f"{batch.batch_id}-e", parts), older_than, parts)


def all_leftovers(table: str, older_than: timedelta, parts: Parts) -> Iterator[Leftovers]:
    """Like `leftovers`, but lists all objects that were ever written."""
    by_batch: dict[str, dict[str, _Found]] = {}
    for name, found in _attempts(table, "", parts).items():
        by_batch.setdefault(_parts_of(name)[0], {})[name] = found
    # Batches that the store does not know are left alone.
    for batch_id, batch in sorted(parts.store.get_many(Batch, table, sorted(by_batch)).items()):
        left = _of(batch, by_batch[batch_id], older_than, parts)
        if left.attempts:
            yield left


def tidy(left: Leftovers, parts: Parts) -> tuple[Abandoned, ...]:
    """Delete the leftovers of a batch and return what was deleted; mark it as swept if nothing is left."""
    gone = tuple(attempt for attempt in left.attempts if sweep(attempt, parts))
    if left.are_all and gone == left.attempts:
        with suppress(ConflictError):  # redriven meanwhile: it will be swept after it has ended again
            parts.store.update(left.batch, replace(left.batch, swept=left.batch.unreferred))
    return gone


def sweep(left: Abandoned, parts: Parts) -> bool:
    """Delete an abandoned attempt; False if another worker has just changed its batch.

    If the batch still has the attempt's epoch, the epoch is raised first: from then on nobody can publish the
    attempt, not even a worker that was only paused.
    """
    batch_id, epoch = _parts_of(left.attempt)
    batch = parts.store.get(Batch, left.table, batch_id)
    if batch is None or epoch > batch.unreferred:
        return False
    if batch.epoch == epoch and batch.needs_work:
        try:
            parts.store.update(batch, replace(batch, epoch=epoch + 1))
        except ConflictError:
            return False
    parts.objects.delete(left.objects)
    return True


def _of(batch: Batch, attempts: Mapping[str, _Found], older_than: timedelta, parts: Parts) -> Leftovers:
    limit = parts.clock.now() - older_than
    left = {name: found for name, found in attempts.items() if _parts_of(name)[1] <= batch.unreferred}
    old = tuple(
        Abandoned(batch.table, name, tuple(found.objects), found.size_bytes, found.newest)
        for name, found in sorted(left.items())
        if found.newest <= limit
    )
    ended = not batch.is_open and (batch.published_at or batch.created_at) <= limit
    return Leftovers(batch, old, are_all=ended and len(old) == len(left))


def _attempts(table: str, start: str, parts: Parts) -> dict[str, _Found]:
    """Return the objects of the attempts whose names begin with `start`."""
    attempts: dict[str, _Found] = {}
    for folder in FOLDERS:
        root = f"s3://{parts.settings.bucket}/{folder.format(table)}"
        for stored in parts.objects.list(f"{root}{start}"):
            name = stored.uri.removeprefix(root).partition("/")[0]
            if stored.is_latest and ATTEMPT.fullmatch(name):
                found = attempts.setdefault(name, _Found([], 0, stored.modified_at))
                found.objects.append(stored.uri)
                found.size_bytes += stored.size_bytes
                found.newest = max(found.newest, stored.modified_at)
    return attempts


def _parts_of(attempt: str) -> tuple[str, int]:
    match = ATTEMPT.fullmatch(attempt)
    if match is None:
        raise ValueError(f"{attempt} is not the name of an attempt")
    return match["batch"], int(match["epoch"])
